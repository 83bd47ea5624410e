"""Rule x rows in plain Python -> users: our stated semantics, written without the operator table or the compiler."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import xxhash

from segmentator_dagster.domain.rule import (
    Activity,
    Aggregate,
    Condition,
    Everyone,
    Group,
    ListMembers,
    RowGroup,
    RowRule,
    Rule,
    Sample,
    SegmentMembers,
    Top,
    Window,
)
from segmentator_dagster.domain.rule import Sequence as StepSequence
from tests.domain.oracle_time import clock_span, matches_relative
from tests.domain.oracle_values import cell_of, compare

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Table:
    """Rows of one dataset; `types` are the ClickHouse types of their columns."""

    key: str
    types: Mapping[str, str]
    rows: Sequence[Row]
    time: str | None = None

    def users(self) -> set[str]:
        return {str(row[self.key]) for row in self.rows if row[self.key] is not None}

    def rows_of(self, user: str) -> list[Row]:
        return [row for row in self.rows if row[self.key] is not None and str(row[self.key]) == user]


@dataclass(frozen=True)
class Segment:
    rule: Rule
    base: str
    zone: ZoneInfo


@dataclass(frozen=True)
class Oracle:
    tables: Mapping[str, Table]
    base: str
    zone: ZoneInfo
    moment: datetime
    segments: Mapping[int, Segment] = field(default_factory=dict)
    lists: Mapping[int, frozenset[str]] = field(default_factory=dict)

    def audience(self, rule: Rule) -> set[str]:
        everyone = self.tables[self.base].users()
        users = self._positive(rule, everyone)
        return everyone - users if rule.negated else users

    def _positive(self, rule: Rule, everyone: set[str]) -> set[str]:
        match rule:
            case Everyone():
                return everyone
            case Group():
                parts = [self.audience(child) for child in rule.rules]
                return set.intersection(*parts) if rule.combinator == "and" else set.union(*parts)
            case Activity():
                return {user for user in everyone if self._does(rule, user)}
            case StepSequence():
                return {user for user in everyone if self._follows(rule, user)}
            case SegmentMembers():
                segment = self.segments[rule.segment_id]
                other = replace(self, base=segment.base, zone=segment.zone)
                return everyone & other.audience(segment.rule)
            case ListMembers():
                return everyone & self.lists[rule.list_id]
            case Sample():
                return {user for user in everyone if rule.start <= _slice(rule.seed, user) < rule.end}
            case Top():
                return everyone & self._ranked(rule)

    def _does(self, rule: Activity, user: str) -> bool:
        table = self.tables[rule.dataset]
        rows = self._rows(table, user, rule.where, rule.window)
        value, type_ = self._aggregate(rule.aggregate, rows, table)
        return self._holds(value, type_, Condition("", rule.operator, rule.value))

    def _follows(self, rule: StepSequence, user: str) -> bool:
        table = self.tables[rule.dataset]
        assert table.time is not None
        steps = [
            sorted({_time(row, table) for row in self._rows(table, user, step, rule.window)} - {None})
            for step in rule.steps
        ]

        def reaches(first: Any, last: Any, index: int) -> bool:
            if rule.within is not None and last - first > clock_span(rule.within):
                return False
            if index == len(steps):
                return True
            return any(reaches(first, moment, index + 1) for moment in steps[index] if moment > last)

        return any(reaches(first, first, 1) for first in steps[0])

    def _ranked(self, rule: Top) -> set[str]:
        table = self.tables[rule.dataset]
        ranked = []
        for user in self.audience(rule.rule):
            rows = self._rows(table, user, rule.where, rule.window)
            value, _ = self._aggregate(rule.aggregate, rows, table)
            if rows and value is not None and value == value:  # NaN is not itself
                ranked.append((user.encode(), value.encode() if isinstance(value, str) else value))
        ranked.sort(key=lambda pair: pair[0])
        ranked.sort(key=lambda pair: pair[1], reverse=rule.order == "desc")
        return {user.decode() for user, _ in ranked[: rule.count]}

    def _rows(self, table: Table, user: str, where: RowGroup | None, window: Window | None) -> list[Row]:
        rows = table.rows_of(user)
        if window is not None and table.time is not None:
            in_window = Condition(table.time, window.operator, window.value)
            rows = [row for row in rows if self._matches(in_window, row, table)]
        return [row for row in rows if where is None or self._matches(where, row, table)]

    def _aggregate(self, aggregate: Aggregate, rows: list[Row], table: Table) -> tuple[Any, str]:
        """The value (None: none) and the ClickHouse type it compares as."""
        name = aggregate.function.value
        if name == "rows":
            return len(rows), "UInt64"
        if name == "days":
            moments = [moment for row in rows if (moment := _time(row, table)) is not None]
            return len({self._day(moment) for moment in moments}), "UInt64"
        named = aggregate if aggregate.field else Aggregate(aggregate.function, table.time)
        found = [(row, *cell_of(named, row, table.types)) for row in rows]
        type_ = found[0][2] if found else cell_of(named, _any_row(named, table), table.types)[1]
        valued = [(row, cell) for row, cell, _ in found if cell is not None and cell == cell]
        return _AGGREGATES[name](
            [cell for _, cell in valued], type_, [(_time(row, table), cell) for row, cell in valued]
        )

    def _day(self, moment: Any) -> Any:
        return moment.astimezone(self.zone).date() if isinstance(moment, datetime) else moment

    def _matches(self, rule: RowRule, row: Row, table: Table) -> bool:
        if isinstance(rule, RowGroup):
            parts = (self._matches(child, row, table) for child in rule.rules)
            return (all(parts) if rule.combinator == "and" else any(parts)) != rule.negated
        cell, type_ = cell_of(rule, row, table.types)
        return self._holds(cell, type_, rule)

    def _holds(self, cell: Any, type_: str, rule: Condition) -> bool:
        positive = _NEGATIVE.get(rule.operator)
        if positive is not None:
            return not self._holds(cell, type_, replace(rule, operator=positive))
        if rule.operator == "null":
            return cell is None
        if cell is None or cell != cell:
            return False
        if rule.operator == "inList":
            return _list_text(cell) in self.lists[rule.value]  # type: ignore[index]
        relative = matches_relative(rule.operator, rule.value, cell, self.moment.astimezone(self.zone))
        if relative is not None:
            return relative
        return compare(rule, cell, type_, self.zone)


_NEGATIVE = {
    "!=": "=",
    "notBetween": "between",
    "notIn": "in",
    "notInList": "inList",
    "doesNotContain": "contains",
    "doesNotBeginWith": "beginsWith",
    "doesNotEndWith": "endsWith",
    "doesNotMatch": "matches",
    "notInLast": "inLast",
    "notEmpty": "empty",
    "notNull": "null",
}


def _slice(seed: str, user: str) -> int:
    return xxhash.xxh64_intdigest(f"{seed}:{user}".encode()) % 1_000_000


def _list_text(cell: Any) -> str:
    return str(cell)


def _time(row: Row, table: Table) -> Any:
    return None if table.time is None else row[table.time]


def _any_row(named: Any, table: Table) -> Row:
    """A row without values, to learn the type an aggregate of nothing has."""
    return {name: {} if type_.startswith(("Map", "JSON")) else None for name, type_ in table.types.items()}


Computed = tuple[Any, str]


def _sum(cells: Sequence[Any], type_: str, _: Any) -> Computed:
    if "Float" in type_:
        return math.fsum(cells) if all(map(math.isfinite, cells)) else sum(cells, 0.0), "Float64"
    return sum(cells), type_ if "Decimal" in type_ else "Int256"


def _avg(cells: Sequence[Any], type_: str, _: Any) -> Computed:
    if not cells:
        return None, "Float64"
    total, _ = _sum(cells, type_, None)
    return float(total) / len(cells), "Float64"


def _pick(choose: Callable[[Iterable[Any]], Any]) -> Callable[[Sequence[Any], str, Any], Computed]:
    return lambda cells, type_, _: (choose(cells) if cells else None, type_)


def _end(choose: Callable[[Iterable[Any]], Any]) -> Callable[[Sequence[Any], str, Any], Computed]:
    def picked(_: Sequence[Any], type_: str, timed: Sequence[tuple[Any, Any]]) -> Computed:
        ranked = [
            (moment, cell.encode() if isinstance(cell, str) else cell) for moment, cell in timed if moment is not None
        ]
        if not ranked:
            return None, type_
        found = choose(ranked)[1]
        return (found.decode() if isinstance(found, bytes) else found), type_

    return picked


_AGGREGATES: Mapping[str, Callable[[Sequence[Any], str, Any], Computed]] = {
    "distinct": lambda cells, _, __: (len(set(cells)), "UInt64"),
    "sum": _sum,
    "avg": _avg,
    "min": _pick(min),
    "max": _pick(max),
    "first": _end(min),
    "last": _end(max),
}
