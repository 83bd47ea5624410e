from __future__ import annotations

import json
import math
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from segmentator_dagster.domain.errors import UserError
from segmentator_dagster.domain.parsing import parse_rule
from segmentator_dagster.domain.periods import MOST_ANNIVERSARY, MOST_COUNT
from segmentator_dagster.domain.rule import Rule
from segmentator_dagster.domain.rule_json import rule_json
from segmentator_dagster.domain.rule_schema import rule_schema
from tests.domain import worlds
from tests.domain.spoken import EVERYONE, IOS, SAMPLE, SEGMENT, VIP_LIST, Json, did, group, of, sequence, top, where

SCHEMA = Draft202012Validator(rule_schema())
UNKNOWABLE = {
    *("bad_pattern", "bad_share"),  # RE2's syntax; four decimals, and that `from` is below `to`
    *("too_many_nodes", "too_deep", "too_many_items"),  # what is counted over the whole rule
    "bad_number",  # an integer of 78 digits is the same JSON number as 1e78, which has fewer
}


def form_problems(rule: object) -> set[str]:
    try:
        parse_rule(rule, default_dataset="d")
    except UserError as error:
        return {problem.code for problem in error.problems}
    return set()


def row(**condition: Any) -> Json:
    return {"combinator": "and", "rules": [condition]}


def test_the_schema_is_one_of_draft_2020_12() -> None:
    Draft202012Validator.check_schema(rule_schema())
    assert rule_schema()["$id"] == "https://segmentator.dev/schema/rule/v2.json"


@given(worlds.rules(references=True))
def test_every_rule_validates(rule: Rule) -> None:
    SCHEMA.validate(rule_json(rule))


@pytest.mark.parametrize(
    "rule",
    [
        group("and", IOS),
        group("or", group("and", IOS, **{"not": True}), where("a", "null"), {"field": "a", "operator": "notNull"}),
        did(),
        did(IOS, aggregate=of("first"), operator="inPeriod", value="this_week"),
        did(aggregate=of("last"), operator="null"),
        did(aggregate=of("sum", "x", key="k", **{"as": "number"}), operator=">", value=0),
        did(aggregate=of("distinct", "x")),
        did(window={"operator": "anniversaryBetween", "value": ["12-25", "02-29"]}),
        sequence({}, {"where": group("and", IOS)}, within={"count": 1.0, "unit": "week"}),
        {**SAMPLE, "from": 12.3456, "to": 100, "not": False},
        top(1, rule=EVERYONE),
        row(field="x", operator="matches", value="^a|b$", ignore_case=True),
        row(field="x", operator="in", value=[1, "a", True], ignore_case=False),
        row(field="x", operator="=", value="\U0001f600\n" * 5000),
    ],
)
def test_hand_written_rules_validate(rule: Json) -> None:
    assert form_problems(rule) == set()
    SCHEMA.validate(rule)


MALFORMED: list[Any] = [
    *(None, [], "everyone", 5, {}, {"kind": None}, {"kind": "grup"}, {"kind": "everyone", "extra": 1}),
    {"kind": "everyone", "not": 0},
    {"kind": "group", "combinator": "and", "rules": []},
    {"kind": "group", "combinator": "xor", "rules": [EVERYONE]},
    {"kind": "group", "rules": [EVERYONE]},
    {"kind": "group", "combinator": "or", "rules": EVERYONE},
    {"kind": "group", "combinator": "or", "rules": [IOS]},
    {"kind": "group", "combinator": "or", "rules": [group("and", IOS)]},
    {"combinator": "and", "rules": [EVERYONE]},
    {"combinator": "and", "rules": [IOS] * 200},
    {"combinator": "and", "rules": [5]},
    {**IOS},
    *(row(field="a", operator=operator, value=1) for operator in ("equals", "", None, 1)),
    row(operator="=", value=1),
    row(field="", operator="=", value=1),
    row(field="a\0", operator="=", value=1),
    row(field="\ud800", operator="=", value=1),
    row(field="a", operator="="),
    *(row(field="a", operator="=", value=value) for value in (None, [], {}, "x" * 10_001)),
    *(row(field="a", operator="in", value=value) for value in ([], "a", [None], [[]], ["\0"])),
    row(field="a", operator="in", value=list(range(100_001))),
    *(row(field="a", operator="between", value=value) for value in ([1], [1, 2, 3], 1, {"low": 1, "high": 2})),
    row(field="a", operator="null", value=1),
    *(row(field="a", operator="inList", value=value) for value in (0, "3", 1.5, True, 2**31)),
    *(row(field="a", operator="inLast", value=value) for value in (
        30, {}, {"count": 1}, {"count": 0, "unit": "day"}, {"count": 1, "unit": "fortnight"},
        {"count": "1", "unit": "day"}, {"count": 1.5, "unit": "day"}, {"count": 1, "unit": "day", "ago": True})),
    row(field="a", operator="anniversaryWithin", value={"count": 1, "unit": "year"}),
    row(field="a", operator="anniversaryWithin", value={"count": 1, "unit": "hour"}),
    *(row(field="a", operator="inPeriod", value=value) for value in ("this_century", "", None, 1)),
    *(row(field="a", operator="matches", value=value) for value in ("", 5, "x" * 1_001)),
    *(row(field="a", operator="anniversaryBetween", value=value) for value in (
        ["01-01"], "01-01", ["02-30", "03-01"], ["1-1", "2-2"], ["01-01", "03-08\n"], ["13-01", "01-01"], [101, 102])),
    row(field="a", operator="<", value=1, ignore_case=True),
    row(field="a", operator="=", value="a", ignore_case="yes"),
    row(field="a", operator="=", value="a", key=""),
    row(field="a", operator="=", value="a", key="k", **{"as": "array"}),
    {"kind": "activity"},
    *({**did(), **wrong} for wrong in (
        {"where": None}, {"where": IOS}, {"window": {}}, {"window": {"operator": "inLast"}},
        {"window": {"field": "date", "operator": "=", "value": "2026-01-01"}}, {"dataset": ""}, {"operator": ">="},
        {"value": 1}, {"value": None}, {"aggregate": {}}, {"aggregate": "rows"}, {"aggregate": of("median")},
        {"aggregate": of("rows", "x")}, {"aggregate": of("days", key="k")}, {"aggregate": of("sum")},
        {"aggregate": of("distinct", key="k")}, {"aggregate": of("first", key="k")}, {"aggregate": of("avg", "x")},
        {"aggregate": of("sum", "x")},
        {"aggregate": of("last")}, {"time_zone": "UTC"})),
    *(sequence(*steps) for steps in ([], [{}], [{}] * 11, [{}, IOS], [{}, {"where": None}], [{}, 5])),
    {**sequence({}, {}), "within": {"count": 0, "unit": "day"}},
    *({**SEGMENT, "segment_id": id_} for id_ in (0, -1, "17", None, 1.5, 2**31)),
    *({"kind": "list"}, {**VIP_LIST, "list": 3}, {**VIP_LIST, "parts": []}),
    *({**SAMPLE, **wrong} for wrong in (
        {"from": -1}, {"to": 101}, {"from": "0"}, {"from": True}, {"seed": ""}, {"seed": "x" * 201}, {"seed": 5})),
    *(top(count) for count in (0, 1.5, "10", 100_000_001)),
    *(top(1, **wrong) for wrong in ({"order": "down"}, {"rule": group("and", IOS)}, {"rule": None}, {"operator": ">"})),
    {key: value for key, value in top(1).items() if key != "aggregate"},
]  # fmt: skip


@pytest.mark.parametrize("rule", MALFORMED, ids=lambda rule: json.dumps(rule)[:60])
def test_a_malformed_rule_is_refused_by_schema_and_parser(rule: object) -> None:
    assert form_problems(rule)
    assert not SCHEMA.is_valid(rule)


@pytest.mark.parametrize(
    "rule",
    [
        row(field="a", operator="matches", value="("),
        {**SAMPLE, "from": 0.00001},
        {**SAMPLE, "from": 10, "to": 10},
        row(field="a", operator="=", value=10**77),
        row(field="a", operator="=", value=math.inf),
        {"combinator": "and", "rules": [group("or", *[IOS] * 150)] * 2},
    ],
)
def test_what_a_schema_cannot_know_the_parser_refuses(rule: Json) -> None:
    assert SCHEMA.is_valid(rule)
    assert form_problems(rule) <= UNKNOWABLE
    assert form_problems(rule)


def spans() -> list[Any]:
    both = [("inLast", unit, most) for unit, most in MOST_COUNT.items()]
    both += [("anniversaryWithin", unit, most) for unit, most in MOST_ANNIVERSARY.items()]
    return [(operator, unit.value, most) for operator, unit, most in both]


@pytest.mark.parametrize(("operator", "unit", "most"), spans())
def test_schema_and_parser_hold_spans_to_one_limit(operator: str, unit: str, most: int) -> None:
    for count, fits in ((most, True), (most + 1, False), (-1, False)):
        rule = row(field="a", operator=operator, value={"count": count, "unit": unit})
        assert SCHEMA.is_valid(rule) is fits
        assert (form_problems(rule) == set()) is fits


_PARTS = st.sampled_from([None, True, 0, 1.5, -1, "", "x", "day", "rows", "in", "null", [], [1], [1, 2], {}, {"a": 1}])


@st.composite
def spoilt(draw: st.DrawFn) -> Any:
    """A rule with one part taken out or replaced by another."""
    rule = rule_json(draw(worlds.rules(references=True)))
    places: list[tuple[Any, Any]] = []

    def collect(node: Any) -> None:
        for key, value in node.items() if isinstance(node, dict) else enumerate(node):
            places.append((node, key))
            if isinstance(value, dict | list):
                collect(value)

    collect(rule)
    parent, key = draw(st.sampled_from(places))
    if draw(st.booleans()):
        del parent[key]
    else:
        parent[key] = deepcopy(draw(_PARTS | st.sampled_from([node[at] for node, at in places])))
    return rule


@given(spoilt())
def test_schema_and_parser_agree_on_a_spoilt_rule(rule: Any) -> None:
    problems = form_problems(rule)
    if not SCHEMA.is_valid(rule):
        assert problems
    else:
        assert problems <= UNKNOWABLE
