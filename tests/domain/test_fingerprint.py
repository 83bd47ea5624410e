from __future__ import annotations

import random
from dataclasses import replace
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segmentator_dagster.domain.fingerprint import canonical, fingerprint
from segmentator_dagster.domain.parsing import parse_rule
from segmentator_dagster.domain.rule import Activity, Combinator, Condition, Everyone, Group, RowGroup, RowRule, Rule
from tests.domain import worlds

_T = TypeVar("_T")


def shuffled_and_doubled(rule: Rule, chance: random.Random) -> Rule:
    if isinstance(rule, Group):
        children = [shuffled_and_doubled(child, chance) for child in rule.rules]
        return replace(rule, rules=_mixed(children, chance))
    if isinstance(rule, Activity) and rule.where is not None:
        where = _row(rule.where, chance)
        return replace(rule, where=where) if isinstance(where, RowGroup) else rule
    return rule


def _row(rule: RowRule, chance: random.Random) -> RowRule:
    if isinstance(rule, RowGroup):
        return replace(rule, rules=_mixed([_row(child, chance) for child in rule.rules], chance))
    if rule.operator in ("in", "notIn") and isinstance(rule.value, tuple):
        return replace(rule, value=_mixed(list(rule.value), chance))
    return rule


def _mixed(children: list[_T], chance: random.Random) -> tuple[_T, ...]:
    children = [*children, chance.choice(children)]
    chance.shuffle(children)
    return tuple(children)


@given(worlds.rules())
def test_canonical_of_canonical_is_itself(rule: Rule) -> None:
    assert canonical(canonical(rule)) == canonical(rule)


@given(worlds.rules(), st.randoms(use_true_random=False))
def test_order_and_repetition_do_not_change_the_fingerprint(rule: Rule, chance: random.Random) -> None:
    assert fingerprint(shuffled_and_doubled(rule, chance), "base") == fingerprint(rule, "base")


@given(worlds.rules())
def test_double_negation_and_wrapping_do_not_change_the_fingerprint(rule: Rule) -> None:
    inner = Group(Combinator.OR, (rule,), negated=True)
    assert fingerprint(Group(Combinator.AND, (inner,), negated=True), "base") == fingerprint(rule, "base")


@given(worlds.rules())
def test_the_complement_has_another_fingerprint(rule: Rule) -> None:
    assert fingerprint(replace(rule, negated=not rule.negated), "base") != fingerprint(rule, "base")


def one(operator: str, value: object, **group: bool) -> Rule:
    rules = {"combinator": "and", "rules": [{"field": "x", "operator": operator, "value": value}], **group}
    return parse_rule(rules, default_dataset="d")


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (one("in", ["a"]), one("=", "a")),
        (one("notIn", ["a", "a"]), one("!=", "a")),
        (one("=", 5), one("=", 5.0)),
        (one("=", 1, **{"not": True}), one("!=", 1)),
        (Activity("d", operator="=", value=0), Activity("d", negated=True)),
        (Activity("d", bare=True), Activity("d")),
    ],
)
def test_two_spellings_of_one_definition_share_a_fingerprint(left: Rule, right: Rule) -> None:
    assert fingerprint(left, "d") == fingerprint(right, "d")


def test_what_defines_another_audience_has_another_fingerprint() -> None:
    rules = [
        *(one("=", 1), one("=", "1"), one("=", True), one("<", 1), one("<", 1, **{"not": True}), one(">=", 1)),
        *(one("between", [1, 2]), one("in", [1, 2]), one("in", [1, 2, 3]), Everyone(), Everyone(negated=True)),
        *(Activity("d"), Activity("e"), Activity("d", negated=True)),
        Group(Combinator.AND, (Activity("d"), Activity("e"))),
        Group(Combinator.OR, (Activity("d"), Activity("e"))),
    ]
    prints = {fingerprint(rule, "d") for rule in rules}
    assert len(prints) == len(rules)
    assert fingerprint(rules[0], "other") not in prints
    assert fingerprint(rules[0], "d", "Europe/Moscow") not in prints


def test_conditions_on_one_row_and_on_two_rows_are_different_audiences() -> None:
    a, b = Condition("x", "=", 1), Condition("y", "=", 2)
    together = Activity("d", RowGroup(Combinator.AND, (a, b)))
    apart = Group(Combinator.AND, tuple(Activity("d", RowGroup(Combinator.AND, (each,))) for each in (a, b)))
    assert fingerprint(together, "d") != fingerprint(apart, "d")
