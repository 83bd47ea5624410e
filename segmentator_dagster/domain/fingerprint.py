"""Rule -> canonical rule -> SHA-256: two spellings of one audience definition get one fingerprint."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TypeVar, assert_never

from segmentator_dagster.domain.operators import COMPLEMENTS
from segmentator_dagster.domain.rule import Activity, Combinator, Condition, Everyone, Group, RowGroup, RowRule, Rule
from segmentator_dagster.domain.rule_json import row_json, rule_json

_SINGLE = {"in": "=", "notIn": "!="}
_T = TypeVar("_T")


def fingerprint(rule: Rule, base_dataset: str, time_zone: str | None = None) -> str:
    """SHA-256 in hex of everything that defines the audience.

    `time_zone` is given where the audience depends on it (`checking.depends_on_time_zone`), else None.
    """
    definition = {"base_dataset": base_dataset, "rule": rule_json(canonical(rule)), "time_zone": time_zone}
    return hashlib.sha256(_text(definition).encode("ascii")).hexdigest()


def canonical(rule: Rule) -> Rule:
    """The one spelling all spellings of this audience definition share.

    Children are sorted and deduplicated, groups within groups of the same combinator dissolved, groups of one child
    unwrapped, double negation removed, value lists sorted. Idempotent.
    """
    match rule:
        case Everyone():
            return rule
        case Activity():
            where = None if rule.where is None else _row_root(rule.where)
            # "no row" is the complement of "at least one row" over the same users
            return Activity(rule.dataset, where, rule.aggregate, negated=not rule.did)
        case Group():
            children = _distinct(
                (part for child in rule.rules for part in _dissolved(canonical(child), rule.combinator)), rule_json
            )
            if len(children) == 1:
                return replace(children[0], negated=children[0].negated != rule.negated)
            return Group(rule.combinator, children, rule.negated)
        case _:
            assert_never(rule)


def _dissolved(rule: Rule, into: Combinator) -> tuple[Rule, ...]:
    if isinstance(rule, Group) and rule.combinator is into and not rule.negated:
        return rule.rules
    return (rule,)


def _row_root(group: RowGroup) -> RowGroup:
    """`where` is always a group, so a condition alone is wrapped in one."""
    row = _row(group)
    return row if isinstance(row, RowGroup) else RowGroup(Combinator.AND, (row,))


def _row(rule: RowRule) -> RowRule:
    match rule:
        case Condition():
            return _condition(rule)
        case RowGroup():
            parts = (part for child in rule.rules for part in _row_dissolved(_row(child), rule.combinator))
            children = _distinct(parts, row_json)
            if len(children) == 1:
                return _row_negated(children[0]) if rule.negated else children[0]
            return RowGroup(rule.combinator, children, rule.negated)
        case _:
            assert_never(rule)


def _row_dissolved(rule: RowRule, into: Combinator) -> tuple[RowRule, ...]:
    if isinstance(rule, RowGroup) and rule.combinator is into and not rule.negated:
        return rule.rules
    return (rule,)


def _row_negated(rule: RowRule) -> RowRule:
    match rule:
        case RowGroup(_, (Condition() as only,), True):
            return only
        case RowGroup():
            return replace(rule, negated=not rule.negated)
        case Condition() if rule.operator in COMPLEMENTS:
            return replace(rule, operator=COMPLEMENTS[rule.operator])
        case Condition():  # `not (x < 1)` also holds without x, so no other operator says it
            return RowGroup(Combinator.AND, (rule,), negated=True)
        case _:
            assert_never(rule)


def _condition(rule: Condition) -> Condition:
    if rule.operator not in _SINGLE or not isinstance(rule.value, tuple):
        return rule
    items = tuple(item for _, item in sorted({_text(item): item for item in rule.value}.items()))
    return replace(rule, value=items) if len(items) > 1 else Condition(rule.field, _SINGLE[rule.operator], items[0])


def _distinct(parts: Iterable[_T], as_json: Callable[[_T], object]) -> tuple[_T, ...]:
    # by their JSON: to Python 1 == True
    return tuple(part for _, part in sorted({_text(as_json(part)): part for part in parts}.items()))


def _text(value: object) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
