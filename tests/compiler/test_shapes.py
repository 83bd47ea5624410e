"""Which datasets are scanned how often, which rows are read, and what the parts of a rule are worth without rows."""

from __future__ import annotations

from collections.abc import Sequence as List
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from segmentator_dagster.compiler.audience import audience_of_placed, compile_audience
from segmentator_dagster.compiler.counts import compile_counts
from segmentator_dagster.compiler.islands import Island, Mixed, holds_without_rows, islands_of, with_islands
from segmentator_dagster.compiler.lowering import Lowering
from segmentator_dagster.compiler.query import MAX_SQL_BYTES, compile_statement
from segmentator_dagster.domain.aggregates import Function
from segmentator_dagster.domain.catalogue import Catalogue, Dataset, Field, field_type, is_nullable
from segmentator_dagster.domain.errors import InternalError, UserError
from segmentator_dagster.domain.rule import (
    Activity,
    Aggregate,
    Combinator,
    Condition,
    Everyone,
    Group,
    ListMembers,
    Order,
    RowGroup,
    RowRule,
    Rule,
    Sample,
    SegmentMembers,
    Sequence,
    Span,
    Top,
    Unit,
)

AND, OR = Combinator.AND, Combinator.OR
MOMENT = datetime(2026, 3, 1, tzinfo=UTC)
TYPES = {"user": "String", "day": "Date", "x": "Int32"}


def dataset(name: str, key: str = "String", time: str | None = "day", **types: str) -> Dataset:
    columns = TYPES | {"user": key} | types
    fields = tuple(Field(column, field_type(type_), type_, is_nullable(type_)) for column, type_ in columns.items())
    return Dataset(name, "d", name, "user", time, fields)


CATALOGUE = Catalogue(
    {
        one.name: one
        for one in (
            dataset("base"),
            dataset("other"),
            dataset("numbered", "Nullable(UInt64)"),
            dataset("timed", day="Nullable(DateTime)"),
            dataset("timeless", time=None),
        )
    }
)


def has(*conditions: RowRule, of: str = "base", **keys: object) -> Activity:
    return Activity(of, RowGroup(AND, conditions), **keys)  # type: ignore[arg-type]


def x(value: int) -> Condition:
    return Condition("x", "=", value)


def day(operator: str, value: object) -> Condition:
    return Condition("day", operator, value)  # type: ignore[arg-type]


def sql(rule: Rule, base: str = "base") -> str:
    return compile_statement(compile_audience(rule, CATALOGUE, base, "Europe/Moscow", MOMENT)).sql


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
    ("rule", "filters"),
    [
        # one activity and parts that look elsewhere: only its rows are read
        (has(x(1)), ["`t`.`x` = {p_1:Int64}"]),
        (Group(AND, (has(x(1)), ListMembers(1), Sample(0, 5, "s"))), ["`t`.`x` = {p_1:Int64}"]),
        (Group(AND, (has(x(1)), has(x(2)))), []),
        (Group(OR, (has(x(1)), ListMembers(1))), []),
        (Group(AND, (has(x(1)), ListMembers(1)), negated=True), []),
        (Activity("base"), ["true"]),
        # time bounds that every part has
        (Group(AND, (has(day(">=", "2026-01-01"), x(1)), has(day("between", ("2026-01-05", "2026-02-01"))))),
         ["`t`.`day` >= 2026-01-01"]),
        (Group(OR, (has(day("<", "2026-01-01")), has(day("in", ("2026-02-03", "2026-02-01"))))),
         ["`t`.`day` <= 2026-02-03"]),
        (Group(OR, (has(day("=", "2026-01-02")), has(day("<=", "2026-01-01"), day(">", "2025-12-01")))),
         ["`t`.`day` >= 2025-12-01", "`t`.`day` <= 2026-01-02"]),
        (Group(AND, (has(day(">=", "2026-01-01")), has(x(1)))), []),
        (Group(AND, (has(day(">=", "2026-01-01")), Activity("base", None, Aggregate(), ">=", 2))), []),
        (Group(AND, (has(day(">=", "2026-01-01")), has(day("<", "2026-02-01"), negated=True))), []),
        (Group(AND, (has(day(">=", "2026-01-01")), has(day(">", "2025-02-01"), negated=True))),
         ["`t`.`day` >= 2025-02-01"]),
        # a user without such rows may belong
        (Group(AND, (has(day(">=", "2026-01-01"), negated=True), has(day("<", "2026-01-01"), negated=True))), []),
        (has(day(">=", "2026-01-01"), operator="<", value=3), []),
        (has(day(">=", "2026-01-01"), operator=">=", value=3), ["`t`.`day` >= 2026-01-01"]),
        (Group(OR, (has(day(">=", "2026-01-01"), value=2), ListMembers(1))), []),
        # what says nothing of time
        (has(RowGroup(OR, (day(">=", "2026-01-01"), x(1))), value=2), []),
        (has(RowGroup(OR, (day(">=", "2026-01-01"), day("<", "2020-01-01"))), value=2), []),
        (has(RowGroup(AND, (day("<", "2026-01-01"),), negated=True), value=2), []),
        (has(day("notNull", None), value=2), []),
        (has(day("!=", "2026-01-01"), value=2), []),
        (has(day("anniversaryBetween", ("01-01", "02-01")), value=2), []),
        (Sequence("base", (RowGroup(AND, (day(">=", "2026-01-01"),)), RowGroup(AND, (day(">=", "2026-02-01"),)))),
         ["`t`.`day` >= 2026-01-01"]),
        (Sequence("base", (None, RowGroup(AND, (day(">=", "2026-02-01"),)))), []),
    ],
)  # fmt: skip
def test_only_rows_that_can_matter_are_read(rule: Rule, filters: List[str]) -> None:
    statement = Lowering(CATALOGUE, "base", "lists").audience(rule)
    query = compile_statement(statement)
    inner = query.sql.split("FROM `d`.`base` AS `t`", 1)[1].split("GROUP BY")[0].strip()
    for name, value in query.parameters.items():
        inner = inner.replace("{" + name + ":Date}", str(value))
    expected = f"WHERE {' AND '.join(filters)}" if filters else ""
    assert inner == expected


@pytest.mark.parametrize(
    ("condition", "low", "high"),
    [
        (day("=", "2026-01-02"), "2026-01-01 08:00:00.000000", "2026-01-03 16:00:00.000000"),
        (day(">", "2026-01-02T10:00:00+03:00"), "2026-01-02 07:00:00.000000", None),
        (day("<=", "2026-01-02T10:00:00"), None, "2026-01-03 02:00:00.000000"),
    ],
)
def test_bounds_of_moments_hold_in_every_time_zone(condition: Condition, low: str | None, high: str | None) -> None:
    query = compile_statement(Lowering(CATALOGUE, "timed", "lists").audience(has(condition, of="timed", value=2)))
    where = query.sql.split("FROM `d`.`timed` AS `t`", 1)[1].split("GROUP BY")[0]
    bounds = [str(value) for name, value in query.parameters.items() if name in where]
    assert bounds == [bound for bound in (low, high) if bound]


def test_days_of_a_zone_are_looked_for_between_bounds_that_a_key_can_use() -> None:
    assert "`t`.`day` >= {p_" in sql(has(day(">=", "2026-01-02"), of="timed"), "timed")


def test_parts_without_a_time_field_are_read_whole() -> None:
    assert "WHERE" not in sql(has(x(1), of="timeless", value=2), "timeless").split("GROUP BY")[0].split("`timeless`")[1]


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


def test_what_was_not_placed_or_checked_is_our_fault() -> None:
    for rule in (SegmentMembers(1), Group(AND, (SegmentMembers(1), Everyone()))):
        with pytest.raises(InternalError):
            audience_of_placed(rule, CATALOGUE, "base")
    with pytest.raises(InternalError):
        audience_of_placed(Everyone(), CATALOGUE, "nope")
    relative = has(Condition("day", "inPeriod", "today"))
    with pytest.raises(InternalError):
        audience_of_placed(relative, CATALOGUE, "base")
    with pytest.raises(InternalError):
        audience_of_placed(Activity("base", None, Aggregate(Function.MAX, "nope"), ">", 1), CATALOGUE, "base")
    for function in (Function.DAYS, Function.LAST):
        with pytest.raises(InternalError):
            audience_of_placed(Activity("timeless", None, Aggregate(function, None), ">", 1), CATALOGUE, "timeless")
    with pytest.raises(InternalError):
        audience_of_placed(Sequence("timeless", (None, None)), CATALOGUE, "timeless")
    with pytest.raises(InternalError):
        audience_of_placed(Top(1, Order.ASC, "nope", Aggregate(), Everyone()), CATALOGUE, "base")


def test_problems_of_a_rule_are_raised_all_together() -> None:
    rule = Group(AND, (has(Condition("y", "=", 1)), has(x(1), of="nowhere")))
    with pytest.raises(UserError) as caught:
        sql(rule)
    assert [problem.code for problem in caught.value.problems] == ["unknown_field", "unknown_dataset"]


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
    ("type_", "ticks", "a_day"),
    [
        ("Date", "toInt64(toInt32(`t`.`day`))", 1),
        ("DateTime", "toInt64(toUnixTimestamp(`t`.`day`))", 86_400),
        ("DateTime64(3)", "toUnixTimestamp64Micro(`t`.`day`)", 86_400 * 10**6),
        ("DateTime64(9)", "toUnixTimestamp64Nano(`t`.`day`)", 86_400 * 10**9),
    ],
)
def test_moments_of_steps_are_whole_numbers_of_what_the_column_keeps(type_: str, ticks: str, a_day: int) -> None:
    rule = Sequence("events", (None, None), Span(1, Unit.DAY))
    catalogue = Catalogue({"events": dataset("events", day=type_)})
    query = compile_statement(audience_of_placed(rule, catalogue, "events"))
    assert f"groupUniqArrayIf({ticks}, true)" in query.sql
    assert f", start) <= {a_day}, 0)" in query.sql


def test_counts_of_many_rules_scan_each_dataset_once() -> None:
    rules = [Group(AND, (has(x(n)), has(x(n), of="other"), Sample(0, n + 1, "s"))) for n in range(30)]
    negated = [Group(OR, (rule, Everyone()), negated=True) for rule in rules]
    query = compile_counts([*rules, *negated], CATALOGUE, "base", "lists")
    assert query.sql.count("FROM `d`.`base`") == query.sql.count("FROM `d`.`other`") == 1
    assert "w1" in query.sql
