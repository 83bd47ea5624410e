"""JSON objects of a rule -> their keys, each checked for form; what is wrong is reported and the reading goes on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from collections.abc import Sequence as List
from enum import StrEnum
from itertools import islice
from typing import TypeVar

from segmentator_dagster.domain import problems
from segmentator_dagster.domain.errors import Problem, ProblemKind, pointer_to
from segmentator_dagster.domain.problems import shown, suggestion

Node = Mapping[str, object]

MAX_PROBLEMS = 100
LARGEST_INTEGER = 10**77  # Int256 holds 77 digits, Decimal 76
_JSON_TYPES: List[tuple[type | tuple[type, ...], str, str]] = (
    (bool, "true or false", "true или false"),
    (str, "a text", "текст"),
    ((int, float), "a number", "число"),
    ((list, tuple), "a list", "список"),
    (Mapping, "an object", "объект"),
)
_Name = TypeVar("_Name", bound=StrEnum)


class NodeReader:
    """One pass over one document. A method gives None exactly where it has reported a problem; for a truth, False."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self._nodes = 0

    def node(self, value: object, pointer: str, depth: int) -> Node | None:
        """Count a node in before anything in it is looked at, so that limits hold whatever comes."""
        self._nodes += 1
        if self._nodes > problems.MAX_NODES:
            if self._nodes == problems.MAX_NODES + 1:
                self.report(problems.TOO_MANY_NODES, "")
        elif depth > problems.MAX_DEPTH:
            self.report(problems.TOO_DEEP, pointer)
        else:
            return self.mapping(value, pointer)
        return None

    def mapping(self, value: object, pointer: str) -> Node | None:
        if isinstance(value, Mapping):
            return value
        self.wrong_type(pointer, value, "an object", "объект")
        return None

    def children(self, node: Node, key: str, pointer: str) -> List[tuple[object, str]]:
        """The items of a list of nodes with their pointers; one over the limit is enough to say so."""
        at = pointer_to(pointer, key)
        items = node.get(key)
        if key not in node:
            self.report(problems.MISSING_KEY, pointer, key=key)
        elif not isinstance(items, list | tuple):
            self.wrong_type(at, items, "a list", "список")
        elif not items:
            self.report(problems.EMPTY_GROUP, at)
        else:
            return [(child, pointer_to(at, index)) for index, child in enumerate(items[: problems.MAX_NODES + 1])]
        return ()

    def one_of(self, names: type[_Name], node: Node, key: str, unknown: ProblemKind, pointer: str) -> _Name | None:
        text = self.text(node, key, pointer)
        if text is None or text in list(names):
            return None if text is None else names(text)
        self.unknown(unknown, pointer_to(pointer, key), text, names)
        return None

    def negated(self, node: Node, pointer: str) -> bool:
        return self.boolean(node, "not", pointer)

    def boolean(self, node: Node, key: str, pointer: str) -> bool:
        """False where the key is not there."""
        value = node.get(key, False)
        if isinstance(value, bool):
            return value
        self.wrong_type(pointer_to(pointer, key), value, "true or false", "true или false")
        return False

    def whole_number(self, node: Node, key: str, pointer: str, low: int, high: int) -> int | None:
        if key not in node:
            self.report(problems.MISSING_KEY, pointer, key=key)
            return None
        return self.as_whole_number(node[key], pointer_to(pointer, key), low, high)

    def as_whole_number(self, value: object, pointer: str, low: int, high: int) -> int | None:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            self.wrong_type(pointer, value, "a whole number", "целое число")
        elif not low <= value <= high:
            self.report(problems.NUMBER_OUT_OF_RANGE, pointer, value=shown(value), low=low, high=high)
        else:
            return value
        return None

    def text(self, node: Node, key: str, pointer: str) -> str | None:
        if key not in node:
            self.report(problems.MISSING_KEY, pointer, key=key)
            return None
        return self.as_text(node[key], pointer_to(pointer, key))

    def as_text(self, value: object, pointer: str) -> str | None:
        if not isinstance(value, str):
            self.wrong_type(pointer, value, "a text", "текст")
        elif fault := text_fault(value):
            self.report(fault, pointer)
        else:
            return value
        return None

    def name(self, node: Node, key: str, pointer: str) -> str | None:
        """A text that is not empty."""
        text = self.text(node, key, pointer)
        if text == "":
            self.report(problems.EMPTY_NAME, pointer_to(pointer, key))
        return text or None

    def keys(self, node: Node, pointer: str, known: List[str]) -> None:
        """Report every key that has no business here."""
        unknown = (key for key in node if key not in known)
        for key in islice(unknown, MAX_PROBLEMS - len(self.problems)):
            self.unknown(problems.UNKNOWN_KEY, pointer_to(pointer, shown(key)), str(key), known)

    def unknown(self, kind: ProblemKind, pointer: str, name: str, known: Iterable[str]) -> None:
        if len(self.problems) < MAX_PROBLEMS:  # looking for close names is what takes time here
            self.report(kind, pointer, name=shown(name), **suggestion(name, known))

    def wrong_type(self, pointer: str, found: object, expected_en: str, expected_ru: str) -> None:
        names = ((en, ru) for types, en, ru in _JSON_TYPES if isinstance(found, types))
        found_en, found_ru = next(names, ("null", "null"))
        texts = {"expected_en": expected_en, "expected_ru": expected_ru, "found_en": found_en, "found_ru": found_ru}
        self.report(problems.WRONG_JSON_TYPE, pointer, **texts)

    def report(self, kind: ProblemKind, pointer: str, **values: object) -> None:
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(kind.at(pointer, **values))


def text_fault(text: str) -> ProblemKind | None:
    """Why this text cannot be stored and sent: JSON in PostgreSQL holds no NUL, UTF-8 no half of a surrogate pair."""
    if len(text) > problems.MAX_TEXT:
        return problems.TEXT_TOO_LONG
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return problems.BAD_TEXT
    return problems.BAD_TEXT if "\0" in text else None


def number_fault(number: float) -> bool:
    """Whether this number cannot be compared with: not finite, or of more digits than any column."""
    return not math.isfinite(number) if isinstance(number, float) else abs(number) >= LARGEST_INTEGER
