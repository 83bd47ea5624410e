"""Rule -> JSON in its explicit form: shorthand expanded, defaults written out, children in the order given."""

from __future__ import annotations

from typing import Any, assert_never

from segmentator_dagster.domain.operators import OPERATORS, Shape
from segmentator_dagster.domain.rule import Activity, Condition, Everyone, Group, RowGroup, RowRule, Rule


def rule_json(rule: Rule) -> dict[str, Any]:
    """The JSON object that `parse_rule` reads back as an equal rule."""
    match rule:
        case Everyone():
            return {"kind": "everyone", "not": rule.negated}
        case Group():
            rules = [rule_json(child) for child in rule.rules]
            return {"kind": "group", "combinator": rule.combinator.value, "not": rule.negated, "rules": rules}
        case Activity():
            return {
                "kind": "activity",
                "dataset": rule.dataset,
                **({} if rule.where is None else {"where": row_json(rule.where)}),
                "aggregate": {"function": rule.aggregate.value},
                "operator": rule.operator,
                "value": rule.value,
                "not": rule.negated,
            }
        case _:
            assert_never(rule)


def row_json(rule: RowRule) -> dict[str, Any]:
    """The same for the row level."""
    match rule:
        case RowGroup():
            rules = [row_json(child) for child in rule.rules]
            return {"combinator": rule.combinator.value, "not": rule.negated, "rules": rules}
        case Condition():
            condition: dict[str, Any] = {"field": rule.field, "operator": rule.operator}
            if OPERATORS[rule.operator].shape is not Shape.NOTHING:
                condition["value"] = list(rule.value) if isinstance(rule.value, tuple) else rule.value
            return condition
        case _:
            assert_never(rule)
