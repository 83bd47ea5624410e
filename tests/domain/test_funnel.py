from __future__ import annotations

from dataclasses import replace

from hypothesis import given

from segmentator_dagster.domain.funnel import funnel
from segmentator_dagster.domain.rule import (
    Activity,
    Combinator,
    Condition,
    Everyone,
    Group,
    ListMembers,
    RowGroup,
    Rule,
)
from tests.domain import worlds

AND, OR = Combinator.AND, Combinator.OR
X, Y, Z = (Condition(name, "notNull") for name in "xyz")
DID = Activity("d", RowGroup(AND, (X, Y, Z)))
LISTED = ListMembers(1)


def narrowed(*rows: Condition) -> Activity:
    return replace(DID, where=RowGroup(AND, rows))


def test_conditions_on_rows_come_one_after_the_other() -> None:
    steps = funnel(DID)
    assert [(step.pointer, step.depth, step.row) for step in steps] == [
        ("/where/rules/0", 0, X),
        ("/where/rules/1", 0, Y),
        ("/where/rules/2", 0, Z),
    ]
    assert [step.so_far for step in steps] == [narrowed(X), narrowed(X, Y), DID]
    assert [step.alone for step in steps] == [narrowed(X), narrowed(Y), narrowed(Z)]


def test_groups_come_before_what_is_in_them() -> None:
    either = Group(OR, (LISTED, Everyone(negated=True)))
    rule = Group(AND, (DID, either))
    steps = funnel(rule)
    assert [(step.pointer, step.depth) for step in steps] == [
        ("/rules/0", 0),
        ("/rules/0/where/rules/0", 1),
        ("/rules/0/where/rules/1", 1),
        ("/rules/0/where/rules/2", 1),
        ("/rules/1", 0),
        ("/rules/1/rules/0", 1),
        ("/rules/1/rules/1", 1),
    ]
    assert steps[0].so_far == Group(AND, (DID,))
    assert steps[1].so_far == Group(AND, (narrowed(X),))
    assert steps[4].so_far == rule
    assert (steps[4].alone, steps[5].alone) == (either, LISTED)
    assert steps[5].so_far == Group(AND, (DID, Group(OR, (LISTED,))))
    assert steps[6].so_far == rule


def test_what_is_negated_or_single_is_one_step() -> None:
    for rule in (Everyone(), replace(DID, negated=True), narrowed(X), Group(AND, (DID, LISTED), negated=True)):
        (step,) = funnel(rule)
        assert (step.pointer, step.so_far, step.alone, step.row) == ("", rule, rule, None)


@given(worlds.rules(references=True))
def test_the_last_outer_step_is_the_whole_rule(rule: Rule) -> None:
    steps = funnel(rule)
    assert [step for step in steps if step.depth == 0][-1].so_far == rule
    assert len({step.pointer for step in steps}) == len(steps)
