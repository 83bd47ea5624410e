from __future__ import annotations

import math
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segmentator_dagster.domain.errors import UserError
from segmentator_dagster.domain.operators import OPERATORS, Shape
from segmentator_dagster.domain.parsing import parse_rule
from segmentator_dagster.domain.rule import Activity, Combinator, Condition, Everyone, Group, RowGroup, Rule
from segmentator_dagster.domain.rule_json import rule_json
from tests.domain import worlds

IOS = {"field": "platform", "operator": "=", "value": "ios"}


DID = {"kind": "activity", "dataset": "d"}
XOR = {"kind": "group", "combinator": "xor", "rules": []}


def parsed(value: object) -> Rule:
    return parse_rule(value, default_dataset="user_activity")


def row(**condition: object) -> dict[str, object]:
    return {"combinator": "and", "rules": [condition]}


def problems(value: object) -> list[tuple[str, str]]:
    with pytest.raises(UserError) as caught:
        parsed(value)
    for problem in caught.value.problems:
        for language in ("ru", "en"):
            assert problem.message(language).encode()
            problem.hint(language).encode()
    return [(problem.code, problem.pointer) for problem in caught.value.problems]


def test_bare_row_group_becomes_one_activity_on_the_default_dataset() -> None:
    rule = parsed({"combinator": "or", "not": True, "rules": [IOS]})
    where = RowGroup(Combinator.OR, (Condition("platform", "=", "ios"),), negated=True)
    assert rule == Activity("user_activity", where)


def test_every_part_is_read() -> None:
    activity = {**DID, "where": row(**IOS), "aggregate": {"function": "rows"}, "not": True}
    group = {
        "kind": "group",
        "combinator": "or",
        "rules": [activity | {"operator": "=", "value": 0}, {"kind": "everyone"}],
    }
    where = RowGroup(Combinator.AND, (Condition("platform", "=", "ios"),))
    expected = Activity("d", where, operator="=", value=0, negated=True)
    assert parsed(group) == Group(Combinator.OR, (expected, Everyone()))


@given(worlds.rules())
def test_explicit_json_reads_back_as_the_same_rule(rule: Rule) -> None:
    assert parsed(rule_json(rule)) == rule


@pytest.mark.parametrize("operator", OPERATORS)
def test_each_operator_takes_its_shape_and_refuses_the_others(operator: str) -> None:
    shapes: dict[Shape, Any] = {
        Shape.SCALAR: "a",
        Shape.PAIR: [1, 2],
        Shape.LIST: ["a", "b", "c"],
        Shape.LIST_ID: 7,
        Shape.SPAN: {"count": 2, "unit": "day"},
        Shape.PERIOD: "this_week",
        Shape.PATTERN: "^a",
        Shape.DAYS_OF_YEAR: ["02-29", "01-31"],
        Shape.NOTHING: None,
    }
    assert shapes.keys() == set(Shape)
    also_fit = {
        Shape.SCALAR: (Shape.LIST_ID, Shape.PERIOD, Shape.PATTERN),
        Shape.PAIR: (Shape.DAYS_OF_YEAR,),
        Shape.LIST: (Shape.PAIR, Shape.DAYS_OF_YEAR),
        Shape.PATTERN: (Shape.SCALAR, Shape.PERIOD),
    }
    shape = OPERATORS[operator].shape
    parsed(row(field="x", operator=operator, value=shapes[shape]))
    for other, value in shapes.items():
        if other is not shape and other not in also_fit.get(shape, ()):
            assert problems(row(field="x", operator=operator, value=value))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, [("wrong_json_type", "")]),
        ([], [("wrong_json_type", "")]),
        ({}, [("missing_key", ""), ("missing_key", "")]),
        ({"kind": "grup"}, [("unknown_kind", "/kind")]),
        ({"kind": 1}, [("wrong_json_type", "/kind")]),
        ({"kind": "everyone", "nott": True}, [("unknown_key", "/nott")]),
        ({"kind": "everyone", "not": 1}, [("wrong_json_type", "/not")]),
        (XOR, [("unknown_combinator", "/combinator"), ("empty_group", "/rules")]),
        ({"kind": "group", "combinator": "and", "rules": {}}, [("wrong_json_type", "/rules")]),
        ({"kind": "group", "combinator": "and", "rules": [row(**IOS)]}, [("missing_key", "/rules/0")]),
        ({"combinator": "and", "rules": [{"kind": "everyone"}]}, [("missing_key", "")]),
        ({"combinator": "and", "rules": [IOS, 5]}, [("wrong_json_type", "/rules/1")]),
        ({"combinator": "and", "rules": [{**IOS, "ignore_case": 1}]}, [("wrong_json_type", "/rules/0/ignore_case")]),
        (row(field="a", operator="<", value=1, ignore_case=True), [("case_not_here", "/rules/0/ignore_case")]),
        (row(field="a", key="", operator="null"), [("empty_name", "/rules/0/key")]),
        (row(field="a", key="k", **{"as": "integer"}, operator="null"), [("unknown_type", "/rules/0/as")]),
        (row(field="a", key="k", **{"as": "array"}, operator="null"), [("unknown_type", "/rules/0/as")]),
        (row(field="a", operator="equals", value=1), [("unknown_operator", "/rules/0/operator")]),
        (row(field="a", operator="inLast", value={}),
         [("missing_key", "/rules/0/value"), ("missing_key", "/rules/0/value")]),
        (row(field="a", operator="inLast", value={"count": 0, "unit": "days"}),
         [("unknown_unit", "/rules/0/value/unit"), ("number_out_of_range", "/rules/0/value/count")]),
        (row(field="a", operator="inLast", value={"count": 1.5, "unit": "day", "of": 1}),
         [("unknown_key", "/rules/0/value/of"), ("wrong_json_type", "/rules/0/value/count")]),
        (row(field="a", operator="inNext", value={"count": 101, "unit": "year"}),
         [("number_out_of_range", "/rules/0/value/count")]),
        (row(field="a", operator="anniversaryWithin", value={"count": 1, "unit": "hour"}),
         [("unit_not_here", "/rules/0/value/unit")]),
        (row(field="a", operator="anniversaryWithin", value={"count": 13, "unit": "month"}),
         [("number_out_of_range", "/rules/0/value/count")]),
        (row(field="a", operator="anniversaryWithin", value={"count": 53, "unit": "week"}),
         [("number_out_of_range", "/rules/0/value/count")]),
        (row(field="a", operator="anniversaryBetween", value=["02-30", 5]),
         [("bad_day_of_year", "/rules/0/value/0"), ("bad_day_of_year", "/rules/0/value/1")]),
        (row(field="a", operator="anniversaryBetween", value=["02-01"]), [("pair_wanted", "/rules/0/value")]),
        (row(field="a", operator="inPeriod", value="next_week"), [("unknown_period", "/rules/0/value")]),
        (row(field="a", operator="matches", value="("), [("bad_pattern", "/rules/0/value")]),
        (row(field="a", operator="matches", value=""), [("bad_pattern", "/rules/0/value")]),
        (row(field="a", operator="matches", value="a" * 1001), [("bad_pattern", "/rules/0/value")]),
        (row(field="a", operator="inList", value=0), [("number_out_of_range", "/rules/0/value")]),
        (row(field="a", operator="inList", value=True), [("wrong_json_type", "/rules/0/value")]),
        (row(field="", operator="=", value=1), [("empty_name", "/rules/0/field")]),
        (row(field="a", operator="="), [("missing_key", "/rules/0")]),
        (row(field="a", operator="=", value=None), [("null_value", "/rules/0/value")]),
        (row(field="a", operator="=", value={}), [("wrong_json_type", "/rules/0/value")]),
        (row(field="a", operator="=", value=math.nan), [("bad_number", "/rules/0/value")]),
        (row(field="a", operator="=", value=-math.inf), [("bad_number", "/rules/0/value")]),
        (row(field="a", operator="=", value=10**5000), [("bad_number", "/rules/0/value")]),
        (row(field="a", operator="=", value="\ud800"), [("bad_text", "/rules/0/value")]),
        (row(field="\udfff", operator="=", value="a\0"),
         [("bad_text", "/rules/0/field"), ("bad_text", "/rules/0/value")]),
        (row(field="a", operator="=", value="x" * 10_001), [("text_too_long", "/rules/0/value")]),
        (row(field="a", operator="in", value=[]), [("empty_list", "/rules/0/value")]),
        (row(field="a", operator="in", value=["a", None, "b", []]),
         [("null_value", "/rules/0/value/1"), ("wrong_json_type", "/rules/0/value/3")]),
        (row(field="a", operator="between", value=[1, 2, 3]), [("pair_wanted", "/rules/0/value")]),
        (row(field="a", operator="null", value=1), [("value_not_wanted", "/rules/0/value")]),
        ({"kind": "segment", "segment_id": "1"}, [("wrong_json_type", "/segment_id")]),
        ({"kind": "segment", "segment_id": 2**31}, [("number_out_of_range", "/segment_id")]),
        ({"kind": "list", "not": None}, [("missing_key", ""), ("wrong_json_type", "/not")]),
        ({"kind": "sample", "from": 50, "to": 50, "seed": "s"}, [("bad_share", "/to")]),
        ({"kind": "sample", "from": -1, "to": 100.5, "seed": ""},
         [("bad_share", "/from"), ("bad_share", "/to"), ("empty_name", "/seed")]),
        ({"kind": "sample", "from": 0.00001, "to": "9", "seed": "x" * 201},
         [("bad_share", "/from"), ("wrong_json_type", "/to"), ("seed_too_long", "/seed")]),
        ({"kind": "sample", "from": math.nan, "seed": "s"}, [("bad_share", "/from"), ("missing_key", "")]),
        ({"kind": "sequence", "dataset": "d"}, [("missing_key", "")]),
        ({"kind": "sequence", "dataset": "d", "steps": [{}]}, [("too_few_steps", "/steps")]),
        ({"kind": "sequence", "dataset": "d", "steps": [{}] * 11}, [("too_few_steps", "/steps")]),
        ({"kind": "sequence", "dataset": "d", "steps": [5, {"when": 1}], "within": 7},
         [("wrong_json_type", "/steps/0"), ("unknown_key", "/steps/1/when"), ("wrong_json_type", "/within")]),
        ({"kind": "sequence", "dataset": "d", "steps": [{}, {}], "window": {"operator": "="}},
         [("missing_key", "/window")]),
        ({"kind": "top", "count": 0, "order": "down"},
         [("number_out_of_range", "/count"), ("unknown_order", "/order"), ("missing_key", ""), ("missing_key", "")]),
        ({"kind": "top", "count": 1, "order": "asc", "dataset": "d", "aggregate": {"function": "rows"}, "rule": IOS},
         [("missing_key", "/rule")]),
        ({"kind": "top", "count": 1, "order": "asc", "dataset": "d", "aggregate": {"function": "rows"}, "where": 1},
         [("wrong_json_type", "/where")]),
        ({"kind": "activity"}, [("missing_key", "")]),
        ({**DID, "window": {}}, [("missing_key", "/window")]),
        ({**DID, "window": []}, [("wrong_json_type", "/window")]),
        ({**DID, "where": None}, [("wrong_json_type", "/where")]),
        ({**DID, "aggregate": {"function": "sum", "field": "x"}}, [("missing_key", "")]),
        ({**DID, "aggregate": {"function": "sum"}}, [("field_wanted", "/aggregate")]),
        ({**DID, "aggregate": {"function": "distinct", "field": ""}}, [("empty_name", "/aggregate/field")]),
        ({**DID, "aggregate": {"function": "last", "key": "k"}, "operator": "null"}, [("field_wanted", "/aggregate")]),
        ({**DID, "aggregate": {"function": "last", "field": "m", "key": 1}, "operator": "null"},
         [("wrong_json_type", "/aggregate/key")]),
        ({**DID, "aggregate": {"function": "median"}}, [("unknown_aggregate", "/aggregate/function")]),
        ({**DID, "aggregate": {"function": "rows", "field": "x"}}, [("field_not_wanted", "/aggregate/field")]),
        ({**DID, "aggregate": "rows"}, [("wrong_json_type", "/aggregate")]),
        ({**DID, "operator": "gte", "value": 1}, [("unknown_operator", "/operator")]),
        ({**DID, "operator": ">="}, [("missing_key", "")]),
    ],
)  # fmt: skip
def test_bad_form_is_refused_at_its_place(value: object, expected: list[tuple[str, str]]) -> None:
    assert problems(value) == expected


def test_a_misspelt_word_is_answered_with_the_closest_one() -> None:
    with pytest.raises(UserError) as caught:
        parsed(row(field="a", operator="begins_with", value="x"))
    assert "`beginsWith`" in caught.value.problems[0].hint("ru")


def _nested(levels: int, leaf: dict[str, Any], **group: Any) -> dict[str, Any]:
    for _ in range(levels):
        leaf = {"combinator": "and", "rules": [leaf], **group}
    return leaf


def test_limits_hold_exactly() -> None:
    parsed(_nested(9, IOS))
    assert problems(_nested(10, IOS))[0][0] == "too_deep"
    parsed({"combinator": "and", "rules": [IOS] * 199})
    assert problems({"combinator": "and", "rules": [IOS] * 200}) == [("too_many_nodes", "")]
    numbers = list(range(100_000))
    parsed(row(field="a", operator="in", value=numbers))
    assert problems(row(field="a", operator="in", value=[*numbers, 1])) == [("too_many_items", "/rules/0/value")]
    two = [{"field": "a", "operator": "in", "value": numbers}, {"field": "a", "operator": "in", "value": [1]}]
    assert problems({"combinator": "and", "rules": two}) == [("too_many_items", "/rules/1/value")]


@pytest.mark.parametrize(
    "hostile",
    [
        _nested(50_000, IOS),
        _nested(50_000, {"kind": "everyone"}, kind="group"),
        {"combinator": "and", "rules": [{}] * 100_000},
        row(field="a", operator="in", value=[None] * 100_000),
        row(field="a", operator="in", value=["\0"] * 100_000),
        row(field="a", operator="in", value=list(range(1_000_000))),
        row(field="f" * 1_000_000, operator="o" * 1_000_000, value="v" * 1_000_000),
        {"k" * 1_000_000: 1, **{f"\ud800{index}": 1 for index in range(50_000)}},
        {"combinator": "and", "rules": [{f"k{index}": 1 for index in range(500)}] * 199},
        {"combinator": "and", "rules": [{"field": "a", "operator": "equals", "value": 1}] * 199},
    ],
    ids=[
        "rows-deep",
        "groups-deep",
        "wide",
        "nulls",
        "nuls",
        "million",
        "long-texts",
        "keys",
        "many-keys",
        "operators",
    ],
)
def test_hostile_input_is_refused_within_50_ms(hostile: object) -> None:
    def seconds() -> float:
        start = time.process_time()
        assert len(problems(hostile)) <= 100
        return time.process_time() - start

    assert min(seconds() for _ in range(5)) < 0.05


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["group", "activity", "sequence", "top", "sample", "and", "=", "in", "d"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["kind", "rules", "combinator", "not", "field", "operator", "value", "dataset", "where", "steps", "key"]
            )
            | st.text(),
            inner,
        )
    ),
    max_leaves=25,
)


@given(JSON)
def test_any_json_gives_a_rule_or_a_user_error(value: object) -> None:
    try:
        rule = parsed(value)
    except UserError:
        return
    assert parsed(rule_json(rule)) == rule
