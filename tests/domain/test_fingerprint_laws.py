"""Spellings of one audience definition share a fingerprint: each law of docs/decisions/0007 on generated rules."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segmentator_dagster.domain.aggregates import Function
from segmentator_dagster.domain.catalogue import FieldType
from segmentator_dagster.domain.fingerprint import NO_ONE, canonical, fingerprint
from segmentator_dagster.domain.operators import COMPLEMENTS
from segmentator_dagster.domain.placing import placed
from segmentator_dagster.domain.rule import (
    SLICES,
    Activity,
    Aggregate,
    Combinator,
    Condition,
    Everyone,
    Group,
    RowGroup,
    RowRule,
    Rule,
    Sample,
    Sequence,
    Top,
    Window,
    did,
)
from tests.domain import worlds

_T = TypeVar("_T")
AND, OR = Combinator.AND, Combinator.OR
RULES = worlds.rules(references=True)
WHERES = worlds.row_groups(worlds.BASE)


def print_of(rule: Rule) -> str:
    return fingerprint(rule, worlds.catalogue(), worlds.BASE, worlds.ZONE.key)


def has(where: RowRule) -> Rule:
    """Users with a row like this."""
    return Activity(worlds.BASE, where if isinstance(where, RowGroup) else RowGroup(AND, (where,)))


def never(rule: Rule) -> Rule:
    return replace(rule, negated=not rule.negated)


def shuffled_and_doubled(rule: Rule, chance: random.Random) -> Rule:
    match rule:
        case Group():
            return replace(rule, rules=_mixed([shuffled_and_doubled(child, chance) for child in rule.rules], chance))
        case Activity() if rule.where is not None:
            return replace(rule, where=_row(rule.where, chance))
        case Top():
            where = None if rule.where is None else _row(rule.where, chance)
            return replace(rule, rule=shuffled_and_doubled(rule.rule, chance), where=where)
        case Sequence():
            return replace(rule, steps=tuple(None if step is None else _row(step, chance) for step in rule.steps))
        case _:
            return rule


def _row(rule: RowGroup, chance: random.Random) -> RowGroup:
    children = [_row(child, chance) if isinstance(child, RowGroup) else _listed(child, chance) for child in rule.rules]
    return replace(rule, rules=_mixed(children, chance))


def _listed(rule: Condition, chance: random.Random) -> Condition:
    if rule.operator in ("in", "notIn", "hasAny", "hasAll") and isinstance(rule.value, tuple):
        return replace(rule, value=_mixed(list(rule.value), chance))
    return rule


def _mixed(children: list[_T], chance: random.Random) -> tuple[_T, ...]:
    children = [*children, chance.choice(children)]
    chance.shuffle(children)
    return tuple(children)


@given(RULES, st.randoms(use_true_random=False))
def test_order_and_repetition(rule: Rule, chance: random.Random) -> None:
    assert print_of(shuffled_and_doubled(rule, chance)) == print_of(rule)


@given(RULES)
def test_double_negation_and_wrapping(rule: Rule) -> None:
    inner = Group(OR, (rule,), negated=True)
    assert print_of(Group(AND, (inner,), negated=True)) == print_of(rule)


@given(RULES, RULES, st.sampled_from(Combinator))
def test_de_morgan(a: Rule, b: Rule, combinator: Combinator) -> None:
    assert print_of(Group(combinator, (a, b), negated=True)) == print_of(Group(combinator.dual, (never(a), never(b))))


@given(WHERES, WHERES, st.sampled_from(Combinator))
def test_de_morgan_on_rows(a: RowGroup, b: RowGroup, combinator: Combinator) -> None:
    left = RowGroup(combinator, (a, b), negated=True)
    right = RowGroup(combinator.dual, (replace(a, negated=not a.negated), replace(b, negated=not b.negated)))
    assert print_of(has(left)) == print_of(has(right))


@given(RULES, RULES, RULES, st.sampled_from(Combinator))
def test_association(a: Rule, b: Rule, c: Rule, combinator: Combinator) -> None:
    left, right = Group(combinator, (Group(combinator, (a, b)), c)), Group(combinator, (a, Group(combinator, (b, c))))
    assert print_of(left) == print_of(right)


@given(RULES)
def test_everyone_and_no_one(rule: Rule) -> None:
    assert print_of(Group(AND, (rule, Everyone()))) == print_of(rule)
    assert print_of(Group(OR, (rule, NO_ONE))) == print_of(rule)
    assert print_of(Group(OR, (rule, Everyone()))) == print_of(Everyone())
    assert print_of(Group(AND, (rule, NO_ONE))) == print_of(NO_ONE)


@given(RULES)
def test_a_rule_and_its_complement(rule: Rule) -> None:
    assert print_of(Group(AND, (rule, never(rule)))) == print_of(NO_ONE)
    assert print_of(Group(OR, (never(rule), rule))) == print_of(Everyone())


@given(worlds.conditions(worlds.BASE))
def test_a_negative_operator_is_not_its_twin(condition: Condition) -> None:
    if condition.operator in COMPLEMENTS:
        twin = replace(condition, operator=COMPLEMENTS[condition.operator])
        assert print_of(has(RowGroup(AND, (condition,), negated=True))) == print_of(has(twin))


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=5), st.integers(0, 5))
def test_splitting_a_list(values: list[int], at: int) -> None:
    whole = Condition("i8", "in", tuple(values))
    parts = tuple(Condition("i8", "in", tuple(part)) for part in (values[:at], values[at:]) if part)
    each = tuple(Condition("i8", "=", value) for value in values)
    assert len({print_of(has(rule)) for rule in (whole, RowGroup(OR, parts), RowGroup(OR, each))}) == 1
    not_whole = Condition("i8", "notIn", tuple(values))
    not_each = tuple(Condition("i8", "!=", value) for value in values)
    assert print_of(has(not_whole)) == print_of(has(RowGroup(AND, not_each)))
    assert print_of(has(whole)) == print_of(Group(OR, tuple(has(one) for one in each)))


@given(st.integers(-5, 5), st.integers(0, 5))
def test_a_range_is_its_two_bounds(low: int, width: int) -> None:
    value = (low, low + width)
    bounds = (Condition("i8", ">=", value[0]), Condition("i8", "<=", value[1]))
    whole = Condition("i8", "between", value)
    if width:
        assert print_of(has(whole)) == print_of(has(RowGroup(AND, bounds)))
        outside = Condition("i8", "notBetween", value)
        assert print_of(has(outside)) == print_of(has(RowGroup(AND, bounds, negated=True)))
    else:
        assert print_of(has(whole)) == print_of(has(Condition("i8", "=", low)))


@given(WHERES, WHERES)
def test_a_row_like_this_or_like_that_is_one_row(a: RowGroup, b: RowGroup) -> None:
    assert print_of(Group(OR, (has(a), has(b)))) == print_of(has(RowGroup(OR, (a, b))))
    assert print_of(Group(AND, (never(has(a)), never(has(b))))) == print_of(never(has(RowGroup(OR, (a, b)))))
    assert print_of(Group(OR, (has(a), Activity(worlds.BASE)))) == print_of(Activity(worlds.BASE))


@given(st.none() | WHERES)
def test_a_window_is_a_condition_on_the_time_field(where: RowGroup | None) -> None:
    window = Window("inPeriod", "this_week")
    condition = Condition(worlds.TIME_FIELDS[worlds.BASE], "inPeriod", "this_week")
    joined = RowGroup(AND, (condition,) if where is None else (where, condition))
    assert print_of(Activity(worlds.BASE, where, window=window)) == print_of(Activity(worlds.BASE, joined))
    steps = Sequence(worlds.BASE, (where, None), window=window)
    assert print_of(steps) == print_of(Sequence(worlds.BASE, (joined, RowGroup(AND, (condition,)))))


@pytest.mark.parametrize("function", [Function.ROWS, Function.DAYS])
@pytest.mark.parametrize(
    "spellings",
    [
        [(">=", 2), (">", 1), (">", 1.5), (">=", 1.5), ("not <", 2), ("not <=", 1)],
        [(">=", 1), (">", 0), ("!=", 0), ("not =", 0), ("not <", 1)],
        [(">=", 0), (">", -1), ("not <", 0), ("not <=", -1)],
        [("<", 0), ("not >=", 0), ("<=", -3)],
        [("=", 3), ("between", (3, 3)), ("in", (3,)), ("in", (3, 3)), ("not !=", 3), ("not notIn", (3,))],
        [("between", (2, 4)), ("not notBetween", (2, 4))],
        [("in", (1, 2)), ("in", (2, 1)), ("not notIn", (1, 2))],
    ],
    ids=["two", "one", "everyone", "nobody", "exactly", "from-to", "one-of"],
)
def test_whole_numbers_have_one_spelling(function: Function, spellings: list[tuple[str, object]]) -> None:
    prints = {
        print_of(
            Activity(worlds.BASE, None, Aggregate(function), key.removeprefix("not "), value, negated="not " in key)
        )  # type: ignore[arg-type]
        for key, value in spellings
    }
    assert len(prints) == 1


def test_other_aggregates_keep_what_they_compare_with() -> None:
    last = Aggregate(Function.LAST, "word")
    same = [("=", "a"), ("in", ("a",)), ("in", ("a", "a"))]
    prints = {print_of(Activity(worlds.BASE, None, last, key, value)) for key, value in same}
    negated = print_of(Activity(worlds.BASE, None, last, "!=", "a", negated=True))
    assert prints == {negated}
    listed = (print_of(Activity(worlds.BASE, None, last, "in", value)) for value in (("a", "b"), ("b", "a", "b")))
    assert len(set(listed)) == 1
    total = Aggregate(Function.SUM, "i8")
    bounds = Group(AND, tuple(Activity(worlds.BASE, None, total, *bound) for bound in ((">=", 1), ("<=", 5))))
    assert print_of(Activity(worlds.BASE, None, total, "between", (1, 5))) == print_of(bounds)


def test_a_sample_of_all_slices_is_everyone() -> None:
    assert canonical(Sample(0, SLICES, "a", negated=True)) == NO_ONE


@given(RULES)
def test_in_canonical_form_only_leaves_are_negated_and_did_has_one_spelling(rule: Rule) -> None:
    once = canonical(placed(rule, worlds.catalogue(), worlds.ZONE.key, None))
    for node in [once, *(once.rules if isinstance(once, Group) else ())]:
        assert not (isinstance(node, Group) and node.negated)
        assert not (isinstance(node, Activity) and did(node) is not None and node.operator != ">=")


def test_text_is_what_an_entry_is_read_as_unless_said_otherwise() -> None:
    for one, other in ((None, FieldType.TEXT), (FieldType.TEXT, None)):
        left, right = (has(Condition("props", "=", "a", "t", read_as)) for read_as in (one, other))
        assert print_of(left) == print_of(right)
        aggregates = (Aggregate(Function.LAST, "props", "t", read_as) for read_as in (one, other))
        assert len({print_of(Activity(worlds.BASE, None, last, "=", "a")) for last in aggregates}) == 1
    number = has(Condition("props", "notNull", None, "t", FieldType.NUMBER))
    assert print_of(number) != print_of(has(Condition("props", "notNull", None, "t")))
