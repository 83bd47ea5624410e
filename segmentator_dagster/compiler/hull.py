"""Conditions on rows -> the span of time outside of which none of them can match.

Only rows inside it are read, which is what a sorting key or a partition by time is for. Where every question has such
bounds this is a comparison of one column; all conditions together as a WHERE would cost a quarter more than no filter
where they keep most rows (20 million rows: 0.30 s against 0.24 s).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import reduce

from segmentator_dagster.compiler.expressions import Expression, Infix, Predicate
from segmentator_dagster.compiler.parameters import Parameter, parameter
from segmentator_dagster.domain.catalogue import Field, FieldType, unwrapped
from segmentator_dagster.domain.rule import Combinator, Condition, RowGroup, RowRule

_ZONES = timedelta(hours=16)  # more than any zone is away from UTC


@dataclass(frozen=True, slots=True)
class Hull:
    """Bounds in UTC, both included; None: open."""

    low: datetime | None = None
    high: datetime | None = None

    def and_(self, other: Hull) -> Hull:
        return Hull(_chosen(max, self.low, other.low), _chosen(min, self.high, other.high))

    def or_(self, other: Hull) -> Hull:
        low = None if self.low is None or other.low is None else min(self.low, other.low)
        high = None if self.high is None or other.high is None else max(self.high, other.high)
        return Hull(low, high)


def within_hull(wheres: Iterable[RowGroup | None], field: Field, column: Expression) -> list[Predicate]:
    """Filters that every row matching one of the `wheres` (at least one) passes; none where there are no bounds."""
    hull = reduce(Hull.or_, (Hull() if where is None else _hull(where, field) for where in wheres))
    low = [] if hull.low is None else [Infix(column, ">=", _bound(field, hull.low))]
    high = [] if hull.high is None else [Infix(column, "<=", _bound(field, hull.high))]
    return [*low, *high]


def _hull(rule: RowRule, field: Field) -> Hull:
    if isinstance(rule, Condition):
        return _of_condition(rule, field) if rule.field == field.name and rule.key is None else Hull()
    if rule.negated:
        return Hull()
    hulls = (_hull(child, field) for child in rule.rules)
    return reduce(Hull.and_ if rule.combinator is Combinator.AND else Hull.or_, hulls)


def _of_condition(rule: Condition, field: Field) -> Hull:
    values = rule.value if isinstance(rule.value, tuple) else (rule.value,)
    texts = [value for value in values if isinstance(value, str)]
    if rule.operator not in ("=", "in", "between", "<", "<=", ">", ">=") or not texts:
        return Hull()
    edges = [_edges(text, field) for text in texts]
    low = None if rule.operator in ("<", "<=") else min(earliest for earliest, _ in edges)
    high = None if rule.operator in (">", ">=") else max(latest for _, latest in edges)
    return Hull(low, high)


def _edges(text: str, field: Field) -> tuple[datetime, datetime]:
    """The earliest and latest moment that a value may stand for, whatever the zone."""
    if len(text) == len("2026-01-31"):
        start = datetime.combine(date.fromisoformat(text), time(), UTC)
        if field.type is FieldType.DATE:
            return start, start
        return start - _ZONES, start + timedelta(days=1) + _ZONES
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is not None:
        return moment.astimezone(UTC), moment.astimezone(UTC)
    naive = moment.replace(tzinfo=UTC)
    return naive - _ZONES, naive + _ZONES


def _bound(field: Field, moment: datetime) -> Parameter:
    if field.type is FieldType.DATE:
        return parameter(unwrapped(field.clickhouse_type), moment.date().isoformat())
    return parameter("DateTime64(6, 'UTC')", moment.strftime("%Y-%m-%d %H:%M:%S.%f"))


def _chosen(choose: object, one: datetime | None, other: datetime | None) -> datetime | None:
    given = [bound for bound in (one, other) if bound is not None]
    return choose(given) if given else None  # type: ignore[operator]
