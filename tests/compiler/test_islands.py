"""What stands apart in a rule, and what its parts are worth to a user without rows."""

from __future__ import annotations

import pytest

from segmentator_dagster.compiler.islands import Island, Mixed, holds_without_rows, islands_of, with_islands
from segmentator_dagster.domain.aggregates import Function
from segmentator_dagster.domain.rule import (
    Activity,
    Aggregate,
    Everyone,
    Group,
    ListMembers,
    Rule,
    Sequence,
)
from tests.compiler.small_rules import AND, OR, has, x

NEVER = Everyone(negated=True)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (has(x(1)), False),
        (has(x(1), negated=True), True),
        (Sequence("base", (None, None)), False),
        (Sequence("base", (None, None), negated=True), True),
        (Everyone(), True),
        (ListMembers(1), None),
        (Group(AND, (ListMembers(1), has(x(1)))), False),
        (Group(OR, (ListMembers(1), has(x(1)))), None),
        (Group(OR, (ListMembers(1), Everyone())), True),
        (Group(AND, (ListMembers(1), Everyone()), negated=True), None),
        (Group(AND, (Everyone(), Everyone()), negated=True), False),
        (Group(OR, (NEVER, has(x(1))), negated=True), True),
        (Group(AND, (has(x(1), of="other", negated=True), NEVER)), False),
        (Activity("base", None, Aggregate(Function.AVG, "x"), "null", None), True),
        (Activity("base", None, Aggregate(Function.AVG, "x"), "!=", 5), True),
        (Activity("base", None, Aggregate(Function.AVG, "x"), "<", 5), False),
        (Activity("base", None, Aggregate(Function.SUM, "x"), "in", (0, 5)), True),
        (Activity("base", None, Aggregate(), "between", (0, 5)), True),
        (Activity("base", None, Aggregate(), "notBetween", (0, 5)), False),
        (Activity("base", None, Aggregate(), "<=", 0), True),
        (Activity("base", None, Aggregate(), ">", -1), True),
        (Activity("base", None, Aggregate(), "null", None), False),
    ],
)
def test_what_a_user_without_rows_is_known_to_be(rule: Rule, expected: bool | None) -> None:
    assert holds_without_rows(with_islands(rule, "base")) is expected


def test_islands_hold_all_that_looks_at_one_other_dataset() -> None:
    a, b = has(x(1), of="other"), has(x(2), of="other")
    assert with_islands(Group(AND, (a, b), negated=True), "base") == Island(
        "other", Group(AND, (Group(AND, (a, b)),), True)
    )
    mixed = with_islands(Group(OR, (a, has(x(3)), b)), "base")
    assert mixed == Mixed(OR, (has(x(3)), Island("other", Group(OR, (a, b)))))
    assert list(islands_of(mixed)) == [Island("other", Group(OR, (a, b)))]
    assert list(islands_of(has(x(1)))) == []


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (has(x(1), of="other"), False),
        (has(x(1), of="other", negated=True), True),
        (Group(OR, (has(x(1), of="other"), has(x(2), of="other", negated=True))), True),
        (Group(AND, (has(x(1), of="other"), has(x(2), of="other", negated=True))), False),
        (Group(AND, (has(x(1), of="other"), has(x(2), of="other")), negated=True), True),
    ],
)
def test_what_an_island_is_to_a_user_who_is_not_on_it(rule: Rule, expected: bool) -> None:
    island = with_islands(rule, "base")
    assert isinstance(island, Island)
    assert island.of_nothing is expected
