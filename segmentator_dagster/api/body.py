"""Bytes of a request body -> refused, unless they are one strict JSON document of sane shape."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, NoReturn

from segmentator_dagster.api.http_problems import (
    DUPLICATE_KEY,
    JSON_TOO_DEEP,
    JSON_TOO_WIDE,
    MALFORMED_JSON,
    NUMBER_NOT_JSON,
)
from segmentator_dagster.domain.errors import pointer_to
from segmentator_dagster.domain.problems import BAD_TEXT, shown

MAX_DEPTH = 64  # a rule of the greatest depth needs about 25
MAX_KEYS = 1000
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_UNSTORABLE_ESCAPE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")


def check_json(body: bytes) -> None:
    """UserError where a lenient parser would guess: NaN, a key given twice, half a surrogate pair, NUL, deep nests."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        raise MALFORMED_JSON.error(line=line, column=error.start - body.rfind(b"\n", 0, error.start)) from error
    try:
        document = json.loads(text, object_pairs_hook=_object, parse_constant=_refuse_number, parse_float=_float)
    except json.JSONDecodeError as error:
        raise MALFORMED_JSON.error(line=error.lineno, column=error.colno) from error
    except RecursionError as error:
        raise JSON_TOO_DEEP.error(limit=MAX_DEPTH) from error
    except ValueError as error:  # Python reads no integer of more than 4300 digits
        raise NUMBER_NOT_JSON.error(number="999…") from error
    _check_depth(document)
    if _UNSTORABLE_ESCAPE.search(text):  # neither can stand in a body but escaped
        _check_texts(document)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > MAX_KEYS:
        raise JSON_TOO_WIDE.error(limit=MAX_KEYS)
    made = dict(pairs)
    if len(made) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise DUPLICATE_KEY.error(key=shown(twice))
    return made


def _refuse_number(text: str) -> NoReturn:
    raise NUMBER_NOT_JSON.error(number=shown(text))


def _float(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        _refuse_number(text)
    return value


def _check_depth(document: object) -> None:
    """Level by level and only containers: ten megabytes may hold millions of numbers."""
    level = [document]
    for _ in range(MAX_DEPTH):
        level = [
            child
            for value in level
            if value.__class__ is dict or value.__class__ is list
            for child in (value.values() if isinstance(value, dict) else value)
            if child.__class__ is dict or child.__class__ is list
        ]
        if not level:
            return
    raise JSON_TOO_DEEP.error(limit=MAX_DEPTH)


def _check_texts(document: object) -> None:
    if isinstance(document, str) and not _storable(document):
        raise BAD_TEXT.error()
    stack: list[tuple[object, str]] = [(document, "")]
    while stack:
        value, pointer = stack.pop()
        if isinstance(value, dict) and not all(map(_storable, value)):
            raise BAD_TEXT.error(pointer)
        for step, item in _children(value):
            if isinstance(item, str):
                if not _storable(item):
                    raise BAD_TEXT.error(pointer_to(pointer, step))
            elif isinstance(item, dict | list):
                stack.append((item, pointer_to(pointer, step)))


def _children(value: object) -> Iterable[tuple[str | int, object]]:
    if isinstance(value, dict):
        return value.items()
    return enumerate(value) if isinstance(value, list) else ()


def _storable(text: str) -> bool:
    """PostgreSQL stores neither NUL nor half of a surrogate pair."""
    return not _UNSTORABLE.search(text)
