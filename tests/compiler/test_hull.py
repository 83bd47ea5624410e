"""Which rows are read: those that match, or those within the bounds of time that all conditions have."""

from __future__ import annotations

import time
from collections.abc import Iterator
from collections.abc import Sequence as List

import pytest

from segmentator_dagster.compiler.lowering import Lowering
from segmentator_dagster.compiler.query import compile_statement
from segmentator_dagster.domain.rule import (
    Activity,
    Aggregate,
    Condition,
    Group,
    ListMembers,
    RowGroup,
    Rule,
    Sample,
    Sequence,
)
from tests.compiler.small_rules import AND, CATALOGUE, OR, day, has, sql, x


@pytest.fixture(params=["UTC", "Asia/Tokyo"])
def _zone_of_the_machine(request: pytest.FixtureRequest) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("TZ", request.param)
        time.tzset()
        yield
    time.tzset()


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
        (day(">=", "2026-01-02T10:00:00"), "2026-01-01 18:00:00.000000", None),
        (day("between", ("2026-01-02T10:00:00", "2026-01-03T10:00:00.5-03:00")),
         "2026-01-01 18:00:00.000000", "2026-01-03 13:00:00.500000"),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("_zone_of_the_machine")
def test_bounds_of_moments_hold_in_every_time_zone(condition: Condition, low: str | None, high: str | None) -> None:
    query = compile_statement(Lowering(CATALOGUE, "timed", "lists").audience(has(condition, of="timed", value=2)))
    where = query.sql.split("FROM `d`.`timed` AS `t`", 1)[1].split("GROUP BY")[0]
    bounds = [str(value) for name, value in query.parameters.items() if name in where]
    assert bounds == [bound for bound in (low, high) if bound]


def test_days_of_a_zone_are_looked_for_between_bounds_that_a_key_can_use() -> None:
    assert "`t`.`day` >= {p_" in sql(has(day(">=", "2026-01-02"), of="timed"), "timed")


def test_parts_without_a_time_field_are_read_whole() -> None:
    assert "WHERE" not in sql(has(x(1), of="timeless", value=2), "timeless").split("GROUP BY")[0].split("`timeless`")[1]
