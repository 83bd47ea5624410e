"""Rule × time zone × moment -> the same rule in absolute dates, each part marked with its zone where that matters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import partial
from zoneinfo import ZoneInfo

from segmentator_dagster.domain.aggregates import Function
from segmentator_dagster.domain.catalogue import Catalogue, Dataset, Field, FieldType, unwrapped
from segmentator_dagster.domain.errors import InternalError
from segmentator_dagster.domain.fields import aggregate_result, known_field, known_time
from segmentator_dagster.domain.operators import OPERATORS, RELATIVE, Operator, Test
from segmentator_dagster.domain.periods import PERIODS, anniversary_days, clock_bound, moved
from segmentator_dagster.domain.references import RowsNode, conditions_of, mapped, wheres, with_conditions
from segmentator_dagster.domain.rule import (
    Activity,
    Combinator,
    Condition,
    Group,
    RowGroup,
    RowRule,
    Rule,
    Sequence,
    Span,
    Top,
    Unit,
    Value,
    Window,
)
from segmentator_dagster.domain.values import day_range, names_a_moment

_Comparison = tuple[str, Value]


def placed(rule: Rule, catalogue: Catalogue, time_zone: str, moment: datetime | None) -> Rule:
    """A checked rule with its windows moved into `where` and its relative dates resolved at `moment`.

    Without a moment relative dates stay: that is the definition itself. A node keeps a `time_zone` only where its
    meaning depends on one; so two placed rules are equal where they ask the same of the data.
    """
    return mapped(rule, partial(_placed, catalogue=catalogue, zone_name=time_zone, moment=moment))


def _placed(node: Rule, *, catalogue: Catalogue, zone_name: str, moment: datetime | None) -> Rule:
    match node:
        case Activity():
            zone = node.time_zone or zone_name
            dated = _dated(node, catalogue, zone, moment)
            parts = dated if moment is None else _compared_at(dated, catalogue, moment.astimezone(ZoneInfo(zone)))
            return mapped(parts, lambda part: _marked(part, catalogue, zone) if isinstance(part, Activity) else part)
        case Sequence() | Top():
            zone = node.time_zone or zone_name
            return _marked(_dated(node, catalogue, zone, moment), catalogue, zone)
        case _:
            return node


def _dated(node: RowsNode, catalogue: Catalogue, zone: str, moment: datetime | None) -> RowsNode:
    """The node with its window among its conditions, and these in absolute dates where there is a moment."""
    dataset = _dataset(catalogue, node.dataset)
    node = _without_window(node, dataset)
    if moment is None:
        return node
    local = moment.astimezone(ZoneInfo(zone))
    return with_conditions(node, lambda condition: _at_moment(condition, dataset, local))


def _marked(node: RowsNode, catalogue: Catalogue, zone: str) -> RowsNode:
    needed = zone if _depends_on_zone(node, _dataset(catalogue, node.dataset)) else None
    return node if node.time_zone == needed else replace(node, time_zone=needed)


def _without_window(node: RowsNode, dataset: Dataset) -> RowsNode:
    if node.window is None:
        return node
    window = _window_condition(node.window, dataset)
    if isinstance(node, Sequence):
        return replace(node, window=None, steps=tuple(_joined(step, window) for step in node.steps))
    return replace(node, window=None, where=_joined(node.where, window))


def _window_condition(window: Window, dataset: Dataset) -> Condition:
    return Condition(known_time(dataset).name, window.operator, window.value)


def _joined(where: RowGroup | None, condition: Condition) -> RowGroup:
    return RowGroup(Combinator.AND, (condition,) if where is None else (condition, where))


def _at_moment(condition: Condition, dataset: Dataset, moment: datetime) -> RowRule:
    operator = OPERATORS[condition.operator]
    if operator.test not in RELATIVE:
        return condition
    field = known_field(dataset, condition)
    parts = tuple(
        replace(condition, operator=key, value=value)
        for key, value in absolute(operator, condition.value, field, moment)
    )
    negated = operator.negation_of is not None
    return parts[0] if len(parts) == 1 and not negated else RowGroup(Combinator.AND, parts, negated)


def _compared_at(activity: Activity, catalogue: Catalogue, moment: datetime) -> Rule:
    """An aggregate compared with relative dates: one comparison for each bound."""
    operator = OPERATORS[activity.operator]
    if operator.test not in RELATIVE:
        return activity
    result = aggregate_result(_dataset(catalogue, activity.dataset), activity.aggregate)
    parts = tuple(
        replace(activity, operator=key, value=value, negated=False)
        for key, value in absolute(operator, activity.value, result, moment)
    )
    return Group(Combinator.AND, parts, activity.negated != (operator.negation_of is not None))


def absolute(operator: Operator, value: Value, field: Field, moment: datetime) -> Iterator[_Comparison]:
    """The comparisons which together are a relative operator (its positive form) at a moment in its zone."""
    today = moment.date()
    if operator.test is Test.IN_PERIOD:
        first, last = PERIODS[str(value)].days(today)
        yield from _within_column(field, ("between", (first, last)))
        return
    if not isinstance(value, Span):
        raise InternalError(f"an unchecked rule went on: {operator.key} without a span")
    if operator.test is Test.ANNIVERSARY_WITHIN:
        yield "anniversaryBetween", anniversary_days(today, value)
        return
    by_clock = value.unit is Unit.HOUR
    now = _text(moment)
    timed = field.type is FieldType.DATETIME
    match operator.test:
        case Test.IN_LAST if by_clock:
            yield ">", _text(clock_bound(moment, value, -1))
            yield "<=", now
        case Test.IN_LAST:
            yield from _within_column(field, (">", moved(today, value, -1)))
            yield ("<=", now) if timed else ("<=", today.isoformat())
        case Test.OLDER_THAN if by_clock:
            yield "<=", _text(clock_bound(moment, value, -1))
        case Test.OLDER_THAN:
            yield from _within_column(field, ("<=", moved(today, value, -1)))
        case Test.IN_NEXT if by_clock:
            yield ">", now
            yield "<=", _text(clock_bound(moment, value, 1))
        case Test.IN_NEXT:
            yield (">", now) if timed else (">", today.isoformat())
            yield "<=", moved(today, value, 1).isoformat()
        case _:
            raise InternalError(f"{operator.key} is not relative")


def _within_column(field: Field, comparison: tuple[str, date | tuple[date, date]]) -> Iterator[_Comparison]:
    """The same comparison with bounds that the column can hold: days before its first one are none of its days."""
    low = day_range(unwrapped(field.clickhouse_type))[0]
    match comparison:
        case (_, (first, last)) if last >= low:
            yield "between", (max(first, low).isoformat(), last.isoformat())
        case (">", date() as day):
            yield (">", day.isoformat()) if day >= low else (">=", low.isoformat())
        case (key, date() as day) if day >= low:
            yield key, day.isoformat()
        case _:
            yield "<", low.isoformat()


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _depends_on_zone(node: Activity | Sequence | Top, dataset: Dataset) -> bool:
    if any(
        _reads_the_zone(known_field(dataset, condition), condition.operator, condition.value)
        for where in wheres(node)
        for condition in conditions_of(where)
    ):
        return True
    if isinstance(node, Sequence):
        return False
    if node.aggregate.function is Function.DAYS:
        return known_time(dataset).type is FieldType.DATETIME
    if isinstance(node, Top):
        return False
    return _reads_the_zone(aggregate_result(dataset, node.aggregate), node.operator, node.value)


def _reads_the_zone(field: Field, operator: str, value: Value) -> bool:
    """Days and moments without an offset are those of a zone, and so is today."""
    test = OPERATORS[operator].test
    if isinstance(value, Span) and value.unit is Unit.HOUR:
        return False
    if test in RELATIVE:
        return True
    compared = field.element if field.type is FieldType.ARRAY else field
    if compared.type is not FieldType.DATETIME or value is None:
        return False
    values = value if isinstance(value, tuple) else (value,)
    return not all(names_a_moment(one) for one in values)


def _dataset(catalogue: Catalogue, name: str) -> Dataset:
    dataset = catalogue.dataset(name)
    if dataset is None:
        raise InternalError(f"an unchecked rule went on: no dataset {name!r}")
    return dataset
