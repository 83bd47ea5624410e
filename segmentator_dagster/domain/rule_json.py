"""Rule -> JSON in its explicit form: shorthand expanded, defaults written out, children in the order given."""

from __future__ import annotations

from typing import Any, assert_never

from segmentator_dagster.domain.operators import OPERATORS, Shape
from segmentator_dagster.domain.rule import (
    SLICES,
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
    Sequence,
    Span,
    Top,
    Value,
    Window,
)

Json = dict[str, Any]


def rule_json(rule: Rule) -> Json:
    """The JSON object that `parse_rule` reads back as an equal rule.

    What a rule put together out of several says besides (zones, bases, parts of lists) is written too; the parser
    takes none of it.
    """
    match rule:
        case Everyone():
            return {"kind": "everyone", "not": rule.negated}
        case Group():
            rules = [rule_json(child) for child in rule.rules]
            return {"kind": "group", "combinator": rule.combinator.value, "not": rule.negated, "rules": rules}
        case Activity():
            return {
                "kind": "activity",
                **_rows_of(rule),
                "aggregate": _aggregate_json(rule.aggregate),
                **_compared(rule.operator, rule.value),
                "not": rule.negated,
            }
        case Sequence():
            steps = [{} if step is None else {"where": row_json(step)} for step in rule.steps]
            within = {} if rule.within is None else {"within": _value_json(rule.within)}
            return {
                "kind": "sequence",
                "dataset": rule.dataset,
                "steps": steps,
                **within,
                **_window_and_zone(rule.window, rule.time_zone),
                "not": rule.negated,
            }
        case SegmentMembers():
            return {"kind": "segment", "segment_id": rule.segment_id, "not": rule.negated}
        case ListMembers():
            parts = {"parts": list(rule.parts)} if rule.parts else {}
            return {"kind": "list", "list_id": rule.list_id, **parts, "not": rule.negated}
        case Sample():
            bounds = {"from": _percent(rule.start), "to": _percent(rule.end)}
            return {"kind": "sample", **bounds, "seed": rule.seed, "not": rule.negated}
        case Top():
            return {
                "kind": "top",
                "rule": rule_json(rule.rule),
                "count": rule.count,
                "order": rule.order.value,
                **_rows_of(rule),
                "aggregate": _aggregate_json(rule.aggregate),
                **({} if rule.base is None else {"base": rule.base}),
                "not": rule.negated,
            }
        case _:
            assert_never(rule)


def row_json(rule: RowRule) -> Json:
    """The same for the row level."""
    match rule:
        case RowGroup():
            rules = [row_json(child) for child in rule.rules]
            return {"combinator": rule.combinator.value, "not": rule.negated, "rules": rules}
        case Condition():
            return {
                "field": rule.field,
                **_entry_json(rule.key, rule.read_as),
                **_compared(rule.operator, rule.value),
                **({"ignore_case": True} if rule.ignore_case else {}),
            }
        case _:
            assert_never(rule)


def _rows_of(node: Activity | Top) -> Json:
    return {
        "dataset": node.dataset,
        **({} if node.where is None else {"where": row_json(node.where)}),
        **_window_and_zone(node.window, node.time_zone),
    }


def _window_and_zone(window: Window | None, time_zone: str | None) -> Json:
    return {
        **({} if window is None else {"window": _compared(window.operator, window.value)}),
        **({} if time_zone is None else {"time_zone": time_zone}),
    }


def _aggregate_json(aggregate: Aggregate) -> Json:
    field = {} if aggregate.field is None else {"field": aggregate.field}
    return {"function": aggregate.function.value, **field, **_entry_json(aggregate.key, aggregate.read_as)}


def _entry_json(key: str | None, read_as: str | None) -> Json:
    return {**({} if key is None else {"key": key}), **({} if read_as is None else {"as": str(read_as)})}


def _compared(operator: str, value: Value) -> Json:
    shown = {} if OPERATORS[operator].shape is Shape.NOTHING else {"value": _value_json(value)}
    return {"operator": operator, **shown}


def _value_json(value: Value) -> Any:
    match value:
        case Span():
            return {"count": value.count, "unit": value.unit.value}
        case tuple():
            return list(value)
        case _:
            return value


def _percent(slices: int) -> int | float:
    percent = slices * 100 / SLICES
    return int(percent) if percent.is_integer() else percent
