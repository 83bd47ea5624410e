from __future__ import annotations

import re

import pytest
from hypothesis import given

from segmentator_dagster.domain.catalogue import Catalogue, Dataset, Field, field_type, is_nullable
from segmentator_dagster.domain.checking import check_rule
from segmentator_dagster.domain.errors import Problem
from segmentator_dagster.domain.parsing import parse_rule
from segmentator_dagster.domain.references import KnownList, Library
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
    "days": "Array(Date)",
    "props": "Map(String, String)",
    "counts": "Map(LowCardinality(String), UInt8)",
    "doc": "JSON",
    "odd": "Tuple(String, String)",
}
FIELDS = tuple(Field(name, field_type(type_), type_, is_nullable(type_)) for name, type_ in TYPES.items())
EVENTS = Dataset("events", "d", "events", "text", "at", FIELDS)

BY_DAY = Dataset("by_day", "d", "by_day", "text", "day", FIELDS)
TIMELESS = Dataset("timeless", "d", "timeless", "text", None, FIELDS)
ODD_TIME = Dataset("odd_time", "d", "odd_time", "text", "i8", FIELDS)
CATALOGUE = Catalogue({dataset.name: dataset for dataset in (EVENTS, BY_DAY, TIMELESS, ODD_TIME)})
LIBRARY = Library(lists={3: KnownList(3, "VIP", ())})


def checked(value: object, zone: str = "UTC") -> tuple[Problem, ...]:
    return check_rule(parse_rule(value, default_dataset="events"), CATALOGUE, "events", zone, library=LIBRARY)


def condition(field: str, operator: str, value: object) -> dict[str, object]:
    return {"combinator": "and", "rules": [{"field": field, "operator": operator, "value": value}]}


@given(worlds.rules())
def test_generated_rules_that_the_engine_runs_have_no_problems(rule: Rule) -> None:
    library = Library(lists={id_: KnownList(id_, "", ()) for id_ in worlds.LISTS})
    assert check_rule(rule, worlds.catalogue(), worlds.BASE, worlds.ZONE.key, library=library) == ()


@pytest.mark.parametrize(
    ("field", "operator", "value", "code"),
    [
        ("txet", "=", "a", "unknown_field"),
        ("odd", "=", "a", "not_filterable"),
        ("tags", "=", "a", "operator_not_for_type"),
        ("tags", "has", 5, "wrong_value_type"),
        ("days", "hasAny", ["2026-01-01", "2026-02-30"], "impossible_date"),
        ("props", "=", "a", "key_wanted"),
        ("text", "has", "a", "operator_not_for_type"),
        ("f32", "inList", 1, "operator_not_for_type"),
        ("text", "inList", 9, "unknown_list"),
        ("day", "inLast", {"count": 1, "unit": "hour"}, "unit_not_here"),
        ("text", "inPeriod", "today", "operator_not_for_type"),
        ("text", "<", "a", "operator_not_for_type"),
        ("flag", "in", [True, "a"], "wrong_value_type"),
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
        assert not re.search(r"{\w*}", problem.message(language) + problem.hint(language))


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
        ("i8", "inList", 3),
        ("at", "inLast", {"count": 1, "unit": "hour"}),
        ("at", "inPeriod", "previous_week"),
        ("tags", "hasAll", ["a", "b"]),
        ("flag", "in", [True]),
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


def entry(**condition: object) -> dict[str, object]:
    return {"combinator": "and", "rules": [condition]}


@pytest.mark.parametrize(
    ("value", "code", "pointer"),
    [
        (entry(field="text", key="k", operator="null"), "key_not_here", "/rules/0/key"),
        (entry(field="text", **{"as": "number"}, operator="null"), "as_not_here", "/rules/0/as"),
        (entry(field="counts", key="k", **{"as": "text"}, operator="null"), "as_not_here", "/rules/0/as"),
        (entry(field="doc", key="a.:Int64", operator="null"), "bad_path", "/rules/0/key"),
        (entry(field="doc", key="a..b", operator="null"), "bad_path", "/rules/0/key"),
        (entry(field="doc", key="a", **{"as": "date"}, operator="=", value="2026-02-30"), "impossible_date",
         "/rules/0/value"),
        (entry(field="props", key="k", **{"as": "number"}, operator="=", value="1"), "wrong_value_type",
         "/rules/0/value"),
        (entry(field="counts", key="k", operator="=", value="1"), "wrong_value_type", "/rules/0/value"),
        (entry(field="i8", operator="in", value=[1], ignore_case=True), "case_not_here", "/rules/0/ignore_case"),
    ],
)  # fmt: skip
def test_entries_of_maps_and_json_are_checked_by_what_they_are_read_as(
    value: dict[str, object], code: str, pointer: str
) -> None:
    assert [(problem.code, problem.pointer) for problem in checked(value)] == [(code, pointer)]


@pytest.mark.parametrize(
    "value",
    [
        entry(field="doc", key="a b.c-d", **{"as": "number"}, operator=">", value=1),
        entry(field="props", key="любой: ключ", operator="=", value="a", ignore_case=True),
        entry(field="counts", key="k", operator="inList", value=3),
        entry(field="props", key="k", **{"as": "datetime"}, operator="inLast", value={"count": 1, "unit": "hour"}),
    ],
)
def test_entries_that_make_sense_are_accepted(value: dict[str, object]) -> None:
    assert checked(value) == ()


def activity(dataset: str = "events", **keys: object) -> dict[str, object]:
    return {"kind": "activity", "dataset": dataset, **keys}


def aggregate(function: str, field: str | None = None, **keys: object) -> dict[str, object]:
    return {"function": function, **({} if field is None else {"field": field}), **keys}


STEPS = [{}, {"where": condition("txet", "=", "a")}]
WITHIN_HOURS = {"count": 2, "unit": "hour"}
WINDOW = {"operator": "inLast", "value": {"count": 1, "unit": "day"}}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (activity("timeless", aggregate=aggregate("days")), [("no_time_field", "/aggregate/function")]),
        (activity("odd_time", aggregate=aggregate("last"), operator="null"),
         [("no_time_field", "/aggregate/function")]),
        (activity("timeless", window=WINDOW), [("no_time_field", "/window")]),
        (activity(window={"operator": "=", "value": "x"}), [("wrong_value_type", "/window/value")]),
        (activity(window={"operator": "contains", "value": "x"}), [("operator_not_for_type", "/window/operator")]),
        (activity(aggregate=aggregate("sum", "text"), operator=">", value=1),
         [("aggregate_not_for_type", "/aggregate/field")]),
        (activity(aggregate=aggregate("max", "tex"), operator=">", value=1), [("unknown_field", "/aggregate/field")]),
        (activity(aggregate=aggregate("distinct", "props")), [("key_wanted", "/aggregate/field")]),
        (activity(aggregate=aggregate("last", "text"), operator=">", value="a"),
         [("operator_not_for_type", "/operator")]),
        (activity(aggregate=aggregate("first"), operator="=", value="a"), [("wrong_value_type", "/value")]),
        (activity(operator="=", value=1.5), [("value_too_precise", "/value")]),
        (activity(operator="inList", value=3), [("list_not_for_numbers_of", "/operator")]),
        (activity(aggregate=aggregate("last", "text"), operator="notInList", value=3), []),
        (activity(aggregate=aggregate("last", "text"), operator="inList", value=4), [("unknown_list", "/value")]),
        (activity(operator="between", value=[2, 1]), [("empty_range", "/value")]),
        ({"kind": "sequence", "dataset": "events", "steps": STEPS},
         [("unknown_field", "/steps/1/where/rules/0/field")]),
        ({"kind": "sequence", "dataset": "timeless", "steps": [{}, {}], "window": WINDOW},
         [("no_time_field", "/window"), ("no_time_field", "")]),
        ({"kind": "sequence", "dataset": "nope", "steps": [{}, {}]}, [("unknown_dataset", "/dataset")]),
        ({"kind": "sequence", "dataset": "by_day", "steps": [{}, {}], "within": WITHIN_HOURS},
         [("unit_not_here", "/within/unit")]),
        ({"kind": "sequence", "dataset": "events", "steps": [{}, {}], "within": {"count": 1, "unit": "month"}},
         [("unit_not_here", "/within/unit")]),
        ({"kind": "sequence", "dataset": "events", "steps": [{}, {}], "within": WITHIN_HOURS}, []),
        ({"kind": "top", "count": 1, "order": "asc", "dataset": "nope", "aggregate": aggregate("rows"),
          "rule": activity("nowhere")},
         [("unknown_dataset", "/rule/dataset"), ("unknown_dataset", "/dataset")]),
        ({"kind": "top", "count": 1, "order": "asc", "dataset": "events", "aggregate": aggregate("sum", "text"),
          "where": condition("x", "null", None), "window": {"operator": "=", "value": "x"}},
         [("unknown_field", "/where/rules/0/field"), ("wrong_value_type", "/window/value"),
          ("aggregate_not_for_type", "/aggregate/field")]),
        ({"kind": "list", "list_id": 4, "not": True}, [("unknown_list", "/list_id")]),
        ({"kind": "list", "list_id": 3}, []),
        ({"kind": "sample", "from": 0, "to": 1, "seed": "s"}, []),
    ],
)  # fmt: skip
def test_audience_nodes_are_checked_at_their_places(value: dict[str, object], expected: list[tuple[str, str]]) -> None:
    found = checked(value)
    assert [(problem.code, problem.pointer) for problem in found] == expected
    for problem in found:
        for language in ("ru", "en"):
            assert not re.search(r"{\w*}", problem.message(language) + problem.hint(language))
