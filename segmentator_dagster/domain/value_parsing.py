"""The `value` of a condition: JSON -> the shape its operator takes, still untyped."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import assert_never

import re2

from segmentator_dagster.domain import problems
from segmentator_dagster.domain.errors import pointer_to
from segmentator_dagster.domain.node_reading import LARGEST_INTEGER, Node, NodeReader, number_fault, text_fault
from segmentator_dagster.domain.operators import Operator, Shape, Test
from segmentator_dagster.domain.periods import MOST_ANNIVERSARY, MOST_COUNT, PERIODS
from segmentator_dagster.domain.problems import shown
from segmentator_dagster.domain.rule import Scalar, Span, Unit, Value

_MAX_FAULTS = 100  # of one list: more would be no news
_DAY_OF_YEAR = re.compile(r"^\d\d-\d\d$", re.ASCII)
MAX_ID = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Found:
    """A value was read; it may be None, where the operator takes none."""

    value: Value


class ValueReader:
    """Reads the values of one document and counts the list items in it. None means: reported."""

    def __init__(self, reader: NodeReader) -> None:
        self._reader = reader
        self._items = 0

    def value_of(self, operator: Operator, node: Node, pointer: str) -> Found | None:
        given = node.get("value")
        at = pointer_to(pointer, "value")
        if operator.shape is Shape.NOTHING:
            if given is None:
                return Found(None)
            self._reader.report(problems.VALUE_NOT_WANTED, at, operator=operator.key)
            return None
        if "value" not in node:
            self._reader.report(problems.MISSING_KEY, pointer, key="value")
            return None
        match operator.shape:
            case Shape.SCALAR:
                return self._found(self.scalar(given, at))
            case Shape.PAIR:
                return self._pair(operator, given, at)
            case Shape.LIST:
                return self._list(given, at)
            case Shape.LIST_ID:
                return self._found(self._reader.as_whole_number(given, at, 1, MAX_ID))
            case Shape.SPAN:
                return self._found(self.span(given, at, operator))
            case Shape.PERIOD:
                return self._found(self._period(given, at))
            case Shape.PATTERN:
                return self._found(self._pattern(given, at))
            case Shape.DAYS_OF_YEAR:
                return self._days_of_year(operator, given, at)
            case _:
                assert_never(operator.shape)

    def span(self, given: object, at: str, operator: Operator | None = None) -> Span | None:
        """`{"count", "unit"}`. An anniversary can only be asked for within a year, and not in hours."""
        node = self._reader.mapping(given, at)
        if node is None:
            return None
        self._reader.keys(node, at, ("count", "unit"))
        unit = self._reader.one_of(Unit, node, "unit", problems.UNKNOWN_UNIT, at)
        anniversary = operator is not None and operator.test is Test.ANNIVERSARY_WITHIN
        limits = MOST_ANNIVERSARY if anniversary else MOST_COUNT
        if unit is not None and unit not in limits:
            units = ", ".join(f"`{one}`" for one in limits)
            self._reader.report(problems.UNIT_NOT_HERE, pointer_to(at, "unit"), unit=unit.value, units=units)
            return None
        most = limits[unit or Unit.DAY]
        low = 0 if anniversary else 1
        count = self._reader.whole_number(node, "count", at, low, most)
        return None if count is None or unit is None else Span(count, unit)

    def _period(self, given: object, at: str) -> str | None:
        text = self._reader.as_text(given, at)
        if text is None or text in PERIODS:
            return text
        self._reader.unknown(problems.UNKNOWN_PERIOD, at, text, PERIODS)
        return None

    def _pattern(self, given: object, at: str) -> str | None:
        text = self._reader.as_text(given, at)
        if text is None or (reason := pattern_fault(text)) is None:
            return text
        self._reader.report(problems.BAD_PATTERN, at, reason=reason)
        return None

    def _days_of_year(self, operator: Operator, given: object, at: str) -> Found | None:
        if not isinstance(given, list | tuple) or len(given) != 2:
            self._reader.report(problems.PAIR_WANTED, at, operator=operator.key)
            return None
        bad = [index for index, day in enumerate(given) if not _is_day_of_year(day)]
        for index in bad:
            self._reader.report(problems.BAD_DAY_OF_YEAR, pointer_to(at, index), value=shown(given[index]))
        return None if bad else Found((str(given[0]), str(given[1])))

    def _pair(self, operator: Operator, given: object, at: str) -> Found | None:
        if isinstance(given, list | tuple) and len(given) == 2:
            return self._scalars(given, at)
        self._reader.report(problems.PAIR_WANTED, at, operator=operator.key)
        return None

    def _list(self, given: object, at: str) -> Found | None:
        if not isinstance(given, list | tuple):
            self._reader.wrong_type(at, given, "a list", "список")
            return None
        if not given:
            self._reader.report(problems.EMPTY_LIST, at)
            return None
        self._items += len(given)
        if self._items > problems.MAX_LIST_ITEMS:
            self._reader.report(problems.TOO_MANY_ITEMS, at)
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
        """`index` is its place in a list; the pointer is made only where there is something to report."""
        match given:
            case bool():
                return given
            case str() if fault := text_fault(given):
                self._reader.report(fault, _place(at, index))
            case str():
                return given
            case int() | float() if number_fault(given):
                self._reader.report(problems.BAD_NUMBER, _place(at, index))
            case float():
                return int(given) if given.is_integer() and abs(given) < LARGEST_INTEGER else given
            case int():
                return given
            case None:
                self._reader.report(problems.NULL_VALUE, _place(at, index))
            case _:
                expected = "a text, a number, true or false", "текст, число, true или false"
                self._reader.wrong_type(_place(at, index), given, *expected)
        return None

    @staticmethod
    def _found(value: Value) -> Found | None:
        return None if value is None else Found(value)


def _place(at: str, index: int | None) -> str:
    return at if index is None else pointer_to(at, index)


def _is_day_of_year(value: object) -> bool:
    if not isinstance(value, str) or not _DAY_OF_YEAR.match(value):
        return False
    try:
        date.fromisoformat(f"2000-{value}")  # a leap year
    except ValueError:
        return False
    return True


def pattern_fault(pattern: str) -> str | None:
    """What RE2, the engine's own library, has against a regular expression; None where it takes it."""
    if len(pattern) > problems.MAX_PATTERN:
        return f"over {problems.MAX_PATTERN} characters"
    if not pattern:
        return "it is empty and matches everything"
    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0] if error.args else "not a pattern"
        return reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
    return None
