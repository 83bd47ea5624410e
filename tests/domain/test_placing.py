from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segmentator_dagster.domain.catalogue import Catalogue, Dataset, Field, field_type, is_nullable
from segmentator_dagster.domain.errors import InternalError
from segmentator_dagster.domain.operators import OPERATORS, RELATIVE
from segmentator_dagster.domain.parsing import parse_rule
from segmentator_dagster.domain.periods import PERIODS, anniversary_days, moved
from segmentator_dagster.domain.placing import absolute, placed
from segmentator_dagster.domain.references import conditions_of, nodes, wheres
from segmentator_dagster.domain.rule import Activity, Condition, Group, Rule, Span, Unit, Window
from tests.domain import worlds

TYPES = {"user": "String", "day": "Date", "day32": "Date32", "at": "DateTime", "born": "Map(String, String)"}
FIELDS = tuple(Field(name, field_type(type_), type_, is_nullable(type_)) for name, type_ in TYPES.items())
DAILY, TIMED = (Dataset(name, "d", name, "user", time, FIELDS) for name, time in (("daily", "day"), ("timed", "at")))
CATALOGUE = Catalogue({"daily": DAILY, "timed": TIMED})
NOON = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)  # 12:30 in Moscow, 23:30 in Kiritimati
NOW = "2026-03-01T09:30:00.000000+00:00"


def compared(operator: str, value: object, field: str, moment: datetime = NOON) -> list[tuple[str, object]]:
    rule = parse_rule(
        {"combinator": "and", "rules": [{"field": field, "operator": operator, "value": value}]},
        default_dataset="daily",
    )
    found = placed(rule, CATALOGUE, "Europe/Moscow", moment)
    assert isinstance(found, Activity)
    assert found.where is not None
    return [(condition.operator, condition.value) for condition in conditions_of(found.where)]


def span(count: int, unit: str) -> dict[str, Any]:
    return {"count": count, "unit": unit}


@pytest.mark.parametrize(
    ("operator", "value", "field", "expected"),
    [
        ("inLast", span(1, "day"), "day", [(">", "2026-02-28"), ("<=", "2026-03-01")]),
        ("inLast", span(2, "week"), "day", [(">", "2026-02-15"), ("<=", "2026-03-01")]),
        ("inLast", span(1, "month"), "day", [(">", "2026-02-01"), ("<=", "2026-03-01")]),
        ("inLast", span(1, "day"), "at", [(">", "2026-02-28"), ("<=", NOW)]),
        ("inLast", span(36, "hour"), "at", [(">", "2026-02-27T21:30:00.000000+00:00"), ("<=", NOW)]),
        ("inLast", span(100, "year"), "day", [(">=", "1970-01-01"), ("<=", "2026-03-01")]),
        ("inLast", span(100, "year"), "day32", [(">", "1926-03-01"), ("<=", "2026-03-01")]),
        ("olderThan", span(1, "year"), "day", [("<=", "2025-03-01")]),
        ("olderThan", span(1, "hour"), "at", [("<=", "2026-03-01T08:30:00.000000+00:00")]),
        ("olderThan", span(100, "year"), "day", [("<", "1970-01-01")]),
        ("inNext", span(7, "day"), "day", [(">", "2026-03-01"), ("<=", "2026-03-08")]),
        ("inNext", span(7, "day"), "at", [(">", NOW), ("<=", "2026-03-08")]),
        ("inNext", span(2, "hour"), "at", [(">", NOW), ("<=", "2026-03-01T11:30:00.000000+00:00")]),
        ("inPeriod", "previous_month", "day", [("between", ("2026-02-01", "2026-02-28"))]),
        ("inPeriod", "this_week", "at", [("between", ("2026-02-23", "2026-03-01"))]),
        ("anniversaryWithin", span(7, "day"), "day", [("anniversaryBetween", ("03-01", "03-08"))]),
        ("notInLast", span(1, "day"), "day", [(">", "2026-02-28"), ("<=", "2026-03-01")]),
        ("=", "2026-03-01", "day", [("=", "2026-03-01")]),
    ],
)
def test_a_relative_date_becomes_absolute_ones(
    operator: str, value: object, field: str, expected: list[tuple[str, object]]
) -> None:
    assert compared(operator, value, field) == expected


def test_a_period_before_the_first_day_of_a_column_is_empty() -> None:
    assert compared("inPeriod", "previous_year", "day", datetime(1970, 6, 1, tzinfo=UTC)) == [("<", "1970-01-01")]
    assert compared("inPeriod", "this_week", "day", datetime(1970, 1, 1, 12, tzinfo=UTC)) == [
        ("between", ("1970-01-01", "1970-01-04"))
    ]


def test_today_is_the_day_of_the_rules_time_zone() -> None:
    rule = parse_rule(
        {"combinator": "and", "rules": [{"field": "day", "operator": "inPeriod", "value": "today"}]},
        default_dataset="daily",
    )
    late = datetime(2026, 3, 1, 21, 30, tzinfo=UTC)
    days = {}
    for zone in ("UTC", "Europe/Moscow", "America/New_York"):
        found = placed(rule, CATALOGUE, zone, late)
        assert isinstance(found, Activity)
        assert found.where is not None
        (condition,) = conditions_of(found.where)
        days[zone] = condition.value
    assert days == {
        "UTC": ("2026-03-01", "2026-03-01"),
        "Europe/Moscow": ("2026-03-02", "2026-03-02"),
        "America/New_York": ("2026-03-01", "2026-03-01"),
    }


@given(worlds.rules(), st.sampled_from(worlds.MOMENTS))
def test_a_placed_rule_has_no_window_and_no_relative_date_and_stays_as_it_is(rule: Rule, moment: datetime) -> None:
    found = placed(rule, worlds.catalogue(), "Europe/Moscow", moment)
    for node in nodes(found):
        assert getattr(node, "window", None) is None
        assert not (isinstance(node, Activity) and OPERATORS[node.operator].test in RELATIVE)
        for where in wheres(node):
            assert not [c for c in conditions_of(where) if OPERATORS[c.operator].test in RELATIVE]
    assert placed(found, worlds.catalogue(), "Europe/Moscow", moment) == found


def test_an_aggregate_compared_with_a_relative_date_has_a_comparison_for_each_bound() -> None:
    value = {"kind": "activity", "dataset": "daily", "aggregate": {"function": "first"}, "operator": "notInLast",
             "value": span(30, "day"), "not": True}  # fmt: skip
    found = placed(parse_rule(value, default_dataset="daily"), CATALOGUE, "Europe/Moscow", NOON)
    assert isinstance(found, Group)
    assert not found.negated
    bounds = [(part.operator, part.value) for part in found.rules if isinstance(part, Activity)]
    assert bounds == [(">", "2026-01-30"), ("<=", "2026-03-01")]


@pytest.mark.parametrize(
    ("day", "length", "expected"),
    [
        ((2026, 2, 27), Span(1, Unit.DAY), ("02-27", "02-29")),
        ((2028, 2, 27), Span(1, Unit.DAY), ("02-27", "02-28")),
        ((2026, 2, 28), Span(0, Unit.DAY), ("02-28", "02-29")),
        ((2026, 3, 1), Span(0, Unit.DAY), ("03-01", "03-01")),
        ((2026, 12, 25), Span(2, Unit.WEEK), ("12-25", "01-08")),
        ((2026, 1, 31), Span(1, Unit.MONTH), ("01-31", "02-29")),
        ((2026, 5, 5), Span(364, Unit.DAY), ("05-05", "05-04")),
        ((2026, 5, 5), Span(365, Unit.DAY), ("01-01", "12-31")),
        ((2026, 5, 5), Span(12, Unit.MONTH), ("01-01", "12-31")),
    ],
)
def test_anniversaries_keep_29_february_on_the_28th_of_common_years(
    day: tuple[int, int, int], length: Span, expected: tuple[str, str]
) -> None:
    assert anniversary_days(date(*day), length) == expected


@pytest.mark.parametrize(
    ("day", "length", "sign", "expected"),
    [
        ((2026, 3, 31), Span(1, Unit.MONTH), -1, (2026, 2, 28)),
        ((2024, 2, 29), Span(1, Unit.YEAR), 1, (2025, 2, 28)),
        ((2026, 1, 15), Span(13, Unit.MONTH), -1, (2024, 12, 15)),
        ((2026, 1, 1), Span(2, Unit.WEEK), -1, (2025, 12, 18)),
        ((2026, 1, 1), Span(1, Unit.DAY), -1, (2025, 12, 31)),
    ],
)
def test_months_and_years_go_by_the_calendar(
    day: tuple[int, int, int], length: Span, sign: int, expected: tuple[int, int, int]
) -> None:
    assert moved(date(*day), length, sign) == date(*expected)


def test_periods_meet_without_gap_or_overlap() -> None:
    for ordinal in range(date(2023, 12, 1).toordinal(), date(2025, 2, 1).toordinal()):
        day = date.fromordinal(ordinal)
        for unit in ("week", "month", "quarter", "year"):
            first, last = PERIODS[f"this_{unit}"].days(day)
            before = PERIODS[f"previous_{unit}"].days(day)
            assert first <= day <= last
            assert (before[1].toordinal() + 1, before) == (first.toordinal(), PERIODS[f"this_{unit}"].days(before[1]))


def test_a_window_of_a_sequence_holds_for_every_step() -> None:
    steps = [{"where": {"combinator": "or", "rules": [{"field": "user", "operator": "notNull"}]}}, {}]
    window = {"operator": "inPeriod", "value": "today"}
    value = {"kind": "sequence", "dataset": "daily", "steps": steps, "window": window}
    found = placed(parse_rule(value, default_dataset="daily"), CATALOGUE, "Europe/Moscow", NOON)
    conditions = [[condition.field for condition in conditions_of(where)] for where in wheres(found)]
    assert conditions == [["day", "user"], ["day"]]
    assert found == placed(found, CATALOGUE, "Europe/Moscow", NOON)


def test_what_was_not_checked_is_our_fault() -> None:
    with pytest.raises(InternalError):
        placed(Activity("nope"), CATALOGUE, "UTC", NOON)
    with pytest.raises(InternalError):
        placed(Activity("daily", window=Window("=", "x")), _without_time(), "UTC", NOON)
    field = FIELDS[1]
    with pytest.raises(InternalError):
        list(absolute(OPERATORS["inLast"], 5, field, NOON))
    with pytest.raises(InternalError):
        list(absolute(OPERATORS["="], Span(1, Unit.DAY), field, NOON))
    unknown = Activity("daily", parse_rule_where("gone"))
    with pytest.raises(InternalError):
        placed(unknown, CATALOGUE, "UTC", NOON)


def parse_rule_where(field: str) -> Any:
    rule = parse_rule({"combinator": "and", "rules": [{"field": field, "operator": "null"}]}, default_dataset="daily")
    assert isinstance(rule, Activity)
    return rule.where


def _without_time() -> Catalogue:
    return Catalogue({"daily": Dataset("daily", "d", "daily", "user", None, FIELDS)})


def test_entries_of_maps_are_placed_by_what_they_are_read_as() -> None:
    where = Condition("born", "inPeriod", "today", key="on", read_as=None)
    rule = parse_rule(
        {
            "combinator": "and",
            "rules": [{"field": "born", "key": "on", "as": "date", "operator": "inPeriod", "value": "today"}],
        },
        default_dataset="daily",
    )
    found = placed(rule, CATALOGUE, "Europe/Moscow", NOON)
    assert isinstance(found, Activity)
    assert found.where is not None
    (condition,) = conditions_of(found.where)
    assert (condition.field, condition.key, condition.value) == (where.field, "on", ("2026-03-01", "2026-03-01"))
