"""What is wrong with a rule is said at once: problems of its form, and of the meaning of what could be read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from segmentator_dagster.domain.checking import check_rule
from segmentator_dagster.domain.parsing import Reading, read_rule
from segmentator_dagster.domain.references import KnownList, Library
from segmentator_dagster.domain.rule import Rule
from segmentator_dagster.domain.rule_json import rule_json
from tests.domain import worlds

LIBRARY = Library(lists={id_: KnownList(id_, "", ()) for id_ in worlds.LISTS})
GARBAGE = (None, True, -5, 1e300, 10**80, "", "§", "\0", [], ["§", []], {}, {"§": 1})
Place = tuple[Any, Any]  # a container and the key or index of something in it


def wrong(field: str, operator: str = "=", value: object = "a") -> dict[str, object]:
    return {"field": field, "operator": operator, "value": value}


def rows(*rules: object, combinator: object = "and") -> dict[str, object]:
    return {"combinator": combinator, "rules": list(rules)}


def activity(**more: object) -> dict[str, object]:
    return {"kind": "activity", "dataset": "base", **more}


def read(value: object) -> Reading:
    return read_rule(value, default_dataset=worlds.BASE)


def meant(reading: Reading) -> list[tuple[str, str]]:
    problems = check_rule(reading.rule, worlds.catalogue(), worlds.BASE, worlds.ZONE.key, library=LIBRARY)
    return [(problem.code, problem.pointer) for problem in problems]


NOPE = rows(wrong("nope"))
SUM = {"function": "sum", "field": "nope"}
UNKNOWN_NOPE = ("unknown_field", "/where/rules/0/field")


@pytest.mark.parametrize(
    ("value", "form", "meaning"),
    [
        (rows(wrong("nope", "=="), wrong("i8", "=", "ios"), combinator="xor"),
         [("unknown_combinator", "/combinator"), ("unknown_operator", "/rules/0/operator")],
         [("unknown_field", "/rules/0/field"), ("wrong_value_type", "/rules/1/value")]),
        (rows(wrong("nope", "=", None), wrong("tags", "between", 5), {**wrong("nope"), "not": True}),
         [("null_value", "/rules/0/value"), ("pair_wanted", "/rules/1/value"), ("unknown_key", "/rules/2/not")],
         [("unknown_field", "/rules/0/field"), ("unknown_field", "/rules/2/field")]),
        (rows({**wrong("nope", "null", None), "ignore_case": True}, {**wrong("i8"), "ignore_case": 1}),
         [("case_not_here", "/rules/0/ignore_case"), ("wrong_json_type", "/rules/1/ignore_case")],
         [("unknown_field", "/rules/0/field"), ("wrong_value_type", "/rules/1/value")]),
        (rows({**wrong("nope"), "key": ""}, 5, rows(rows(5))),
         [("empty_name", "/rules/0/key"), ("wrong_json_type", "/rules/1"),
          ("wrong_json_type", "/rules/2/rules/0/rules/0")], []),
        (activity(where=NOPE, window=wrong("x", "inLast", 5), aggregate={"function": "summ"}, value=[]),
         [("unknown_key", "/window/field"), ("wrong_json_type", "/window/value"),
          ("unknown_aggregate", "/aggregate/function"), ("missing_key", "")],
         [UNKNOWN_NOPE]),
        (activity(aggregate=SUM, operator="~"), [("unknown_operator", "/operator")],
         [("unknown_field", "/aggregate/field")]),
        (activity(where=NOPE, aggregate=5, operator="=", value="ios"), [("wrong_json_type", "/aggregate")],
         [UNKNOWN_NOPE]),
        (activity(where=5, window=5, **{"not": 5}),
         [("wrong_json_type", "/not"), ("wrong_json_type", "/where"), ("wrong_json_type", "/window")], []),
        (activity(dataset=5, where=NOPE), [("wrong_json_type", "/dataset")], []),
        ({"kind": "sequence", "dataset": "base", "steps": [5, {"where": NOPE}], "within": 5},
         [("wrong_json_type", "/steps/0"), ("wrong_json_type", "/within")],
         [("unknown_field", "/steps/1/where/rules/0/field")]),
        ({"kind": "sequence", "dataset": "nope", "steps": [{}]}, [("too_few_steps", "/steps")],
         [("unknown_dataset", "/dataset")]),
        ({"kind": "sequence", "steps": [{}, {"where": NOPE}]}, [("missing_key", "")], []),
        ({"kind": "top", "count": 0, "order": "up", "dataset": "base", "aggregate": SUM, "rule": activity(where=NOPE)},
         [("number_out_of_range", "/count"), ("unknown_order", "/order")],
         [("unknown_field", "/rule/where/rules/0/field"), ("unknown_field", "/aggregate/field")]),
        ({"kind": "top", "count": 1, "order": "asc", "dataset": "", "where": NOPE, "rule": activity(where=NOPE)},
         [("empty_name", "/dataset"), ("missing_key", "")], [("unknown_field", "/rule/where/rules/0/field")]),
        ({"kind": "group", "combinator": "and", "rules": [
            {"kind": "list", "list_id": "3"}, {"kind": "segment"}, {"kind": "sample", "from": 5, "to": 5, "seed": "a"},
            {"kind": "sample", "from": 5, "to": 500, "seed": "a" * 201}, {"kind": "everyone", "not": "no"},
            {"kind": "grup"}, {"kind": 5}, 5, {"kind": "list", "list_id": 99}]},
         [("wrong_json_type", "/rules/0/list_id"), ("missing_key", "/rules/1"), ("bad_share", "/rules/2/to"),
          ("bad_share", "/rules/3/to"), ("seed_too_long", "/rules/3/seed"), ("wrong_json_type", "/rules/4/not"),
          ("unknown_kind", "/rules/5/kind"), ("wrong_json_type", "/rules/6/kind"), ("wrong_json_type", "/rules/7")],
         [("unknown_list", "/rules/8/list_id")]),
    ],
)  # fmt: skip
def test_what_could_be_read_is_checked_beside_what_could_not(
    value: object, form: list[tuple[str, str]], meaning: list[tuple[str, str]]
) -> None:
    reading = read(value)
    assert [(problem.code, problem.pointer) for problem in reading.problems] == form
    assert meant(reading) == meaning


def places(value: object) -> list[Place]:
    found: list[Place] = []
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            found += [(value, key), *places(value[key])]
    return found


@given(worlds.rules(), st.data())
def test_one_fault_of_form_makes_no_other_problem(rule: Rule, data: st.DataObject) -> None:
    value = json.loads(json.dumps(rule_json(rule)))
    container, key = data.draw(st.sampled_from(places(value)))
    if data.draw(st.booleans()):
        container[key] = data.draw(st.sampled_from(GARBAGE))
    else:
        del container[key]
    reading = read(value)
    assume(reading.problems)
    assert meant(reading) == []


JSON = st.recursive(
    st.sampled_from(GARBAGE),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["kind", "combinator", "rules", "not", "field", "operator", "value", "dataset", "where"]),
            inner | st.sampled_from(["group", "activity", "and", "=", "inList", "word", "base"]),
            max_size=6,
        )
    ),
    max_leaves=30,
)


@given(JSON)
def test_whatever_is_read_of_any_json_can_be_checked(value: object) -> None:
    reading = read(value)
    assert reading.problems or meant(reading) is not None
