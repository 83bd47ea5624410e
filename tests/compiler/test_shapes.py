"""Which datasets are scanned how often, how they meet, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from segmentator_dagster.compiler.audience import audience_of_placed, compile_audience
from segmentator_dagster.compiler.counts import compile_counts
from segmentator_dagster.compiler.query import MAX_SQL_BYTES, compile_statement
from segmentator_dagster.domain.aggregates import Function
from segmentator_dagster.domain.catalogue import Catalogue
from segmentator_dagster.domain.errors import InternalError, UserError
from segmentator_dagster.domain.references import KnownList, Library
from segmentator_dagster.domain.rule import (
    Activity,
    Aggregate,
    Condition,
    Everyone,
    Group,
    ListMembers,
    Order,
    RowGroup,
    Rule,
    Sample,
    SegmentMembers,
    Sequence,
    Span,
    Top,
    Unit,
)
from tests.compiler.small_rules import AND, CATALOGUE, MOMENT, OR, dataset, has, sql, x


def scans(rule: Rule, of: str) -> int:
    return sql(rule).count(f"FROM `d`.`{of}`")


@pytest.mark.parametrize("conditions", [1, 5, 70, 150])
def test_the_base_is_scanned_once_whatever_the_number_of_conditions(conditions: int) -> None:
    rule = Group(AND, tuple(has(x(n), negated=bool(n % 2)) for n in range(conditions)))
    assert scans(rule, "base") == 1
    assert sql(rule).count("groupBitOr") == (0 if conditions == 1 else -(-conditions // 64))


def test_another_dataset_is_scanned_once_for_conditions_side_by_side_and_apart() -> None:
    there = [has(x(n), of="other") for n in range(4)]
    side_by_side = Group(AND, (has(x(0)), *there))
    apart = Group(OR, tuple(Group(AND, (has(x(n)), one)) for n, one in enumerate(there)))
    assert scans(side_by_side, "other") == scans(apart, "other") == 1
    assert "JOIN" not in sql(side_by_side)
    assert sql(apart).count("JOIN") == 1
    many = Group(OR, tuple(Group(AND, (has(x(n)), has(x(n), of="other"))) for n in range(70)))
    assert scans(many, "other") == 1
    assert "flags_1" in sql(many)


def test_the_same_condition_twice_is_asked_once() -> None:
    twice = Group(OR, (Group(AND, (has(x(1)), has(x(2)))), Group(AND, (has(x(1)), has(x(3))))))
    assert sql(twice).count("`t`.`x` =") == 3
    total = Activity("base", None, Aggregate(Function.SUM, "x"), ">", 5)
    assert sql(Group(AND, (total, replace(total, operator="<", value=9)))).count("sum(") == 1
    steps = Sequence("base", (RowGroup(AND, (x(1),)), RowGroup(AND, (x(1),))))
    assert sql(steps).count("groupUniqArrayIf") == 1


def test_keys_of_one_type_meet_as_stored_and_others_as_text() -> None:
    assert "toString" not in sql(Group(AND, (has(x(1)), has(x(1), of="other"))))
    assert "toString" in sql(Group(AND, (has(x(1)), has(x(1), of="numbered"))))
    apart = Group(OR, tuple(Group(AND, (has(x(n)), has(x(n), of="numbered"))) for n in range(2)))
    assert "SELECT toString(`facts`.`user_key`) AS `user_key`" in sql(apart)


@pytest.mark.parametrize(
    ("rule", "base", "message"),
    [
        (SegmentMembers(1), "base", "a rule that was not expanded, or not split into islands, reached the compiler"),
        (Group(AND, (SegmentMembers(1), Everyone())), "base",
         "a rule that was not expanded, or not split into islands, reached the compiler"),
        (Everyone(), "nope", "an unchecked rule reached the compiler: no dataset 'nope'"),
        (Top(1, Order.ASC, "nope", Aggregate(), Everyone()), "base",
         "an unchecked rule reached the compiler: no dataset 'nope'"),
        (has(Condition("day", "inPeriod", "today")), "base",
         "a rule that was not placed reached the compiler: inPeriod"),
        (Activity("base", None, Aggregate(Function.MAX, "nope"), ">", 1), "base",
         "an unchecked rule went on: The dataset `base` has no field `nope`."),
        (Activity("timeless", None, Aggregate(Function.DAYS), ">", 1), "timeless",
         "an unchecked rule went on: 'timeless' has no time field"),
        (Sequence("timeless", (None, None)), "timeless", "an unchecked rule went on: 'timeless' has no time field"),
    ],
)  # fmt: skip
def test_what_was_not_placed_or_checked_is_our_fault(rule: Rule, base: str, message: str) -> None:
    with pytest.raises(InternalError) as caught:
        audience_of_placed(rule, CATALOGUE, base)
    assert str(caught.value) == message


def test_problems_of_a_rule_are_raised_all_together() -> None:
    rule = Group(AND, (has(Condition("y", "=", 1)), has(x(1), of="nowhere")))
    with pytest.raises(UserError) as caught:
        sql(rule)
    assert [problem.code for problem in caught.value.problems] == ["unknown_field", "unknown_dataset"]


def test_a_time_zone_that_is_none_is_a_problem_of_the_rule() -> None:
    with pytest.raises(UserError) as caught:
        compile_audience(Everyone(), CATALOGUE, "base", "Europe/Moskva", MOMENT)
    assert caught.value.code == "unknown_time_zone"


ON_LIST = Condition("user", "inList", 1)


@pytest.mark.parametrize(
    "rule",
    [
        ListMembers(1),
        has(ON_LIST),
        has(ON_LIST, of="other"),
        Top(1, Order.ASC, "base", Aggregate(), Everyone(), RowGroup(AND, (ON_LIST,))),
        Top(1, Order.ASC, "base", Aggregate(), ListMembers(1)),
    ],
)
def test_lists_are_looked_up_in_the_database_that_is_named(rule: Rule) -> None:
    library = Library(lists={1: KnownList(1, "VIP", ("61f0c404-5cb3-11e7-907b-a6006ad3dba0",))})

    def compiled(**keys: str) -> str:
        statement = compile_audience(rule, CATALOGUE, "base", "UTC", MOMENT, library=library, **keys)
        return compile_statement(statement).sql

    assert "FROM `segmentator`.`list_items`" in compiled()
    assert "FROM `elsewhere`.`list_items`" in compiled(lists_database="elsewhere")


def test_a_query_too_long_for_the_server_is_refused() -> None:
    long_name = "a" * 60
    wide = dataset("wide", **{f"{long_name}{n}": "String" for n in range(190)})
    conditions = [Condition(f"{long_name}{n}", "matches", "a") for n in range(190)]
    rule = Group(AND, tuple(has(*conditions[: n + 1], of="wide") for n in range(190)))
    with pytest.raises(UserError) as caught:
        compile_statement(audience_of_placed(rule, Catalogue({"wide": wide}), "wide"))
    assert caught.value.code == "sql_too_long"
    assert MAX_SQL_BYTES < 128 << 10


def test_a_count_of_one_condition_is_one_bit() -> None:
    assert "countIf(bitAnd(w0, 1) = 1)" in compile_counts([has(x(1))], CATALOGUE, "base", "lists").sql


@pytest.mark.parametrize(
    ("type_", "ticks", "units"),
    [
        ("Date", "toInt64(toInt32(`t`.`day`))", {Unit.DAY: 1, Unit.WEEK: 7}),
        ("DateTime", "toInt64(toUnixTimestamp(`t`.`day`))", {Unit.HOUR: 3_600, Unit.DAY: 86_400, Unit.WEEK: 604_800}),
        ("DateTime64(3)", "toUnixTimestamp64Micro(`t`.`day`)", {Unit.HOUR: 3_600 * 10**6}),
        ("DateTime64(6)", "toUnixTimestamp64Micro(`t`.`day`)", {Unit.DAY: 86_400 * 10**6}),
        ("DateTime64(7)", "toUnixTimestamp64Nano(`t`.`day`)", {Unit.WEEK: 604_800 * 10**9}),
        ("DateTime64(9)", "toUnixTimestamp64Nano(`t`.`day`)", {Unit.DAY: 86_400 * 10**9}),
    ],
)
def test_moments_of_steps_are_whole_numbers_of_what_the_column_keeps(
    type_: str, ticks: str, units: dict[Unit, int]
) -> None:
    catalogue = Catalogue({"events": dataset("events", day=type_)})
    for unit, length in units.items():
        rule = Sequence("events", (None, None), Span(3, unit))
        query = compile_statement(audience_of_placed(rule, catalogue, "events"))
        assert f"groupUniqArrayIf({ticks}, true)" in query.sql
        assert f", start) <= {3 * length}, 0)" in query.sql


def test_counts_of_many_rules_scan_each_dataset_once() -> None:
    rules = [Group(AND, (has(x(n)), has(x(n), of="other"), Sample(0, n + 1, "s"))) for n in range(30)]
    negated = [Group(OR, (rule, Everyone()), negated=True) for rule in rules]
    query = compile_counts([*rules, *negated], CATALOGUE, "base", "lists")
    assert query.sql.count("FROM `d`.`base`") == query.sql.count("FROM `d`.`other`") == 1
    assert "w1" in query.sql
