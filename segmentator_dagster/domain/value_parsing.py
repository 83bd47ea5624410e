"""The `value` of a condition: JSON -> the shape its operator takes, still untyped."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, assert_never

from segmentator_dagster.domain import problems
from segmentator_dagster.domain.errors import ProblemKind, pointer_to
from segmentator_dagster.domain.operators import Operator, Shape
from segmentator_dagster.domain.rule import Scalar, Value

_MAX_FAULTS = 100  # of one list: more would be no news
_LARGEST_INTEGER = 10**77  # Int256 holds 77 digits, Decimal 76

_JSON_TYPES: Sequence[tuple[type | tuple[type, ...], str, str]] = (
    (bool, "true or false", "true или false"),
    (str, "a text", "текст"),
    ((int, float), "a number", "число"),
    ((list, tuple), "a list", "список"),
    (Mapping, "an object", "объект"),
)


class Report(Protocol):
    def __call__(self, kind: ProblemKind, pointer: str, **values: object) -> None: ...


@dataclass(frozen=True, slots=True)
class Found:
    """A value was read; it may be None, where the operator takes none."""

    value: Value


class ValueReader:
    """Reads the values of one document and counts the list items in it. None means: reported."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._items = 0

    def value_of(self, operator: Operator, node: Mapping[str, object], pointer: str) -> Found | None:
        given = node.get("value")
        at = pointer_to(pointer, "value")
        if operator.shape is Shape.NOTHING:
            if given is None:
                return Found(None)
            self._report(problems.VALUE_NOT_WANTED, at, operator=operator.key)
            return None
        if "value" not in node:
            self._report(problems.MISSING_KEY, pointer, key="value")
            return None
        match operator.shape:
            case Shape.SCALAR:
                scalar = self.scalar(given, at)
                return None if scalar is None else Found(scalar)
            case Shape.PAIR:
                return self._pair(operator, given, at)
            case Shape.LIST:
                return self._list(given, at)
            case _:
                assert_never(operator.shape)

    def _pair(self, operator: Operator, given: object, at: str) -> Found | None:
        if isinstance(given, list | tuple) and len(given) == 2:
            return self._scalars(given, at)
        self._report(problems.PAIR_WANTED, at, operator=operator.key)
        return None

    def _list(self, given: object, at: str) -> Found | None:
        if not isinstance(given, list | tuple):
            self.wrong_type(at, given, "a list", "список")
            return None
        if not given:
            self._report(problems.EMPTY_LIST, at)
            return None
        self._items += len(given)
        if self._items > problems.MAX_LIST_ITEMS:
            self._report(problems.TOO_MANY_ITEMS, at)
            return None
        return self._scalars(given, at)

    def _scalars(self, given: Sequence[object], at: str) -> Found | None:
        whole: list[Scalar] = []
        faults = 0
        for index, item in enumerate(given):
            scalar = self.scalar(item, at, index)
            if scalar is not None:
                whole.append(scalar)
            elif (faults := faults + 1) == _MAX_FAULTS:
                break
        return None if faults else Found(tuple(whole))

    def scalar(self, given: object, at: str, index: int | None = None) -> Scalar | None:
        match given:
            case bool():
                return given
            case str() if fault := text_fault(given):
                self._report(fault, at if index is None else pointer_to(at, index))
            case str():
                return given
            case int() if abs(given) < _LARGEST_INTEGER:
                return given
            case float() if math.isfinite(given):
                return int(given) if given.is_integer() and abs(given) < _LARGEST_INTEGER else given
            case int() | float():
                self._report(problems.BAD_NUMBER, at if index is None else pointer_to(at, index))
            case None:
                self._report(problems.NULL_VALUE, at if index is None else pointer_to(at, index))
            case _:
                expected = "a text, a number, true or false", "текст, число, true или false"
                self.wrong_type(at if index is None else pointer_to(at, index), given, *expected)
        return None

    def text(self, given: object, at: str) -> str | None:
        if not isinstance(given, str):
            self.wrong_type(at, given, "a text", "текст")
        elif fault := text_fault(given):
            self._report(fault, at)
        else:
            return given
        return None

    def wrong_type(self, pointer: str, found: object, expected_en: str, expected_ru: str) -> None:
        names = ((en, ru) for types, en, ru in _JSON_TYPES if isinstance(found, types))
        found_en, found_ru = next(names, ("null", "null"))
        texts = {"expected_en": expected_en, "expected_ru": expected_ru, "found_en": found_en, "found_ru": found_ru}
        self._report(problems.WRONG_JSON_TYPE, pointer, **texts)


def text_fault(text: str) -> ProblemKind | None:
    """Why this text cannot be stored and sent: JSON in PostgreSQL holds no NUL, UTF-8 no half of a surrogate pair."""
    if len(text) > problems.MAX_TEXT:
        return problems.TEXT_TOO_LONG
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return problems.BAD_TEXT
    return problems.BAD_TEXT if "\0" in text else None
