from __future__ import annotations

import pytest
from hypothesis import given

from segmentator_dagster.domain.catalogue import Catalogue, Dataset, Field, field_type, is_nullable
from segmentator_dagster.domain.checking import check_rule, depends_on_time_zone
from segmentator_dagster.domain.errors import Problem
from segmentator_dagster.domain.parsing import parse_rule
from segmentator_dagster.domain.rule import Rule
from tests.domain import worlds

TYPES = {
    "text": "String",
    "i8": "UInt8",
    "f32": "Float32",
    "dec": "Decimal(5, 2)",
    "dec64": "Decimal64(4)",
    "day": "Date",
    "day32": "Date32",
    "at": "DateTime",
    "at9": "Nullable(DateTime64(9))",
    "flag": "Bool",
    "tags": "Array(String)",
}
FIELDS = tuple(Field(name, field_type(type_), type_, is_nullable(type_)) for name, type_ in TYPES.items())
CATALOGUE = Catalogue({"events": Dataset("events", "d", "events", "text", "at", FIELDS)})


def checked(value: object, zone: str = "UTC") -> tuple[Problem, ...]:
    return check_rule(parse_rule(value, default_dataset="events"), CATALOGUE, "events", zone)


def condition(field: str, operator: str, value: object) -> dict[str, object]:
    return {"combinator": "and", "rules": [{"field": field, "operator": operator, "value": value}]}


@given(worlds.rules())
def test_generated_rules_that_the_engine_runs_have_no_problems(rule: Rule) -> None:
    assert check_rule(rule, worlds.catalogue(), worlds.BASE, worlds.ZONE.key) == ()


@pytest.mark.parametrize(
    ("field", "operator", "value", "code"),
    [
        ("txet", "=", "a", "unknown_field"),
        ("tags", "=", "a", "not_filterable"),
        ("text", "<", "a", "operator_not_for_type"),
        ("flag", "in", [True], "operator_not_for_type"),
        ("i8", "contains", "1", "operator_not_for_type"),
        ("text", "=", 5, "wrong_value_type"),
        ("text", "contains", "", "empty_text"),
        ("i8", "=", "5", "wrong_value_type"),
        ("i8", "=", True, "wrong_value_type"),
        ("i8", "=", 1.5, "value_too_precise"),
        ("i8", "<", 2**255, "value_out_of_range"),
        ("f32", "=", 1e39, "value_out_of_range"),
        ("dec", "<", 0.001, "value_too_precise"),
        ("dec", "=", 1000, "value_out_of_range"),
        ("dec", "<", 10**75, "value_out_of_range"),
        ("dec64", "=", 0.00001, "value_too_precise"),
        ("day", "=", 20260101, "wrong_value_type"),
        ("day", "=", "01.02.2026", "wrong_value_type"),
        ("day", "=", "2026-01-01T00:00", "wrong_value_type"),
        ("day", "=", "2026-02-30", "impossible_date"),
        ("day", "=", "9999-01-01", "value_out_of_range"),
        ("day", "=", "1969-12-31", "value_out_of_range"),
        ("day32", "=", "1899-12-31", "value_out_of_range"),
        ("at", "=", "2026-01-01T25:00", "impossible_date"),
        ("at", "=", "2026-01-01 10", "wrong_value_type"),
        ("at", "=", "2106-02-08T00:00", "value_out_of_range"),
        ("at9", "=", "2262-04-12T00:00", "value_out_of_range"),
        ("at", "=", "0001-01-01T00:00+14:00", "value_out_of_range"),
        ("at9", "=", "9999-12-31T23:59:59-14:00", "value_out_of_range"),
        ("at", "between", ["2026-01-01", "2026-01-02T10:00"], "mixed_moments"),
        ("at", "between", ["2026-01-02T10:00", "2026-01-02T10:00+03:00"], "empty_range"),
        ("i8", "between", [2, 1], "empty_range"),
        ("dec", "between", [0.2, 0.1], "empty_range"),
        ("day", "between", ["2026-01-02", "2026-01-01"], "empty_range"),
        ("flag", "=", "true", "wrong_value_type"),
    ],
)
def test_what_makes_no_sense_is_refused(field: str, operator: str, value: object, code: str) -> None:
    (problem,) = checked(condition(field, operator, value))
    assert problem.code == code
    for language in ("ru", "en"):
        assert "{" not in problem.message(language) + problem.hint(language)


@pytest.mark.parametrize(
    ("field", "operator", "value"),
    [
        ("i8", "=", 300),
        ("i8", "<", 1.5),
        ("i8", ">", -(2**255)),
        ("dec", "=", 999.99),
        ("dec", "<", 10**40),
        ("dec", "in", [0, 100, 0.5]),
        ("day", "=", "2149-06-06"),
        ("day32", "=", "2299-12-31"),
        ("at", "=", "2026-01-01T10:00:00.5+03:00"),
        ("at", "between", ["2026-01-01", "2026-01-01"]),
        ("text", "=", ""),
    ],
)
def test_what_makes_sense_is_accepted(field: str, operator: str, value: object) -> None:
    assert checked(condition(field, operator, value)) == ()


def test_all_problems_come_at_once_with_pointers_into_what_was_written() -> None:
    bad = [{"field": "tex", "operator": "=", "value": 1}, {"field": "i8", "operator": "in", "value": [1, 2, "3"]}]
    rows = {"combinator": "and", "rules": bad}
    assert [p.pointer for p in checked(rows)] == ["/rules/0/field", "/rules/1/value/2"]
    explicit = {"kind": "activity", "dataset": "events", "where": rows}
    other = {"kind": "activity", "dataset": "event"}
    problems = checked({"kind": "group", "combinator": "or", "rules": [explicit, other]})
    assert [(p.code, p.pointer) for p in problems] == [
        ("unknown_field", "/rules/0/where/rules/0/field"),
        ("wrong_value_type", "/rules/0/where/rules/1/value/2"),
        ("unknown_dataset", "/rules/1/dataset"),
    ]
    assert problems[0].hint("en") == "Did you mean `text`?"
    assert "`events`" in problems[2].hint("ru")


def test_unknown_base_dataset_and_time_zone_are_refused() -> None:
    everyone = parse_rule({"kind": "everyone"}, default_dataset="events")
    assert [p.code for p in check_rule(everyone, CATALOGUE, "evnts")] == ["unknown_dataset"]
    for zone in ("Europe/Moskow", "", "../etc/passwd", "\0"):
        assert [p.code for p in check_rule(everyone, CATALOGUE, "events", zone)] == ["unknown_time_zone"]


def test_only_comparisons_of_moments_depend_on_the_time_zone() -> None:
    def depends(value: dict[str, object]) -> bool:
        return depends_on_time_zone(parse_rule(value, default_dataset="events"), CATALOGUE)

    assert depends(condition("at", "=", "2026-01-01"))
    assert depends({"kind": "group", "combinator": "or", "rules": [
        {"kind": "everyone"}, {"kind": "activity", "dataset": "events", "where": condition("at9", "<", "2026-01-01")},
    ]})  # fmt: skip
    assert not depends(condition("day", "=", "2026-01-01"))
    assert not depends(condition("at", "null", None))
    assert not depends({"kind": "everyone"})
