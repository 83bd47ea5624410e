from __future__ import annotations

from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from segmentator_dagster.api.schemas.datasets import FieldOut
from segmentator_dagster.domain.aggregates import AGGREGATES
from segmentator_dagster.domain.catalogue import Field, field_type, is_nullable
from segmentator_dagster.domain.operators import OPERATORS, Shape
from segmentator_dagster.domain.parsing import parse_rule
from segmentator_dagster.domain.periods import PERIODS
from segmentator_dagster.domain.rule import Unit
from segmentator_dagster.domain.rule_schema import rule_schema
from tests.api.conftest import RULE, Stack


@pytest.fixture(scope="module")
def answer(offline: Stack) -> dict[str, Any]:
    found: dict[str, Any] = offline.client.get("/api/v1/operators").raise_for_status().json()
    return found


def test_every_operator_is_there_in_the_order_of_the_table(answer: dict[str, Any]) -> None:
    assert [operator["key"] for operator in answer["operators"]] == list(OPERATORS)
    by_key = {operator["key"]: operator for operator in answer["operators"]}
    assert by_key["<="] == {
        "key": "<=",
        "label": {"ru": "не больше", "en": "at most"},
        "sentence": {"ru": "{field} не больше {value}", "en": "{field} is at most {value}"},
        "time_sentence": {"ru": "{field} не позже {value}", "en": "{field} is not after {value}"},
        "types": ["number", "date", "datetime"],
        "value": "scalar",
        "negation_of": None,
        "ignores_case": False,
    }
    assert (by_key["notIn"]["negation_of"], by_key["notIn"]["ignores_case"]) == ("in", True)


def test_aggregates_periods_and_units_are_there(answer: dict[str, Any]) -> None:
    assert [one["function"] for one in answer["aggregates"]] == list(AGGREGATES)
    assert answer["aggregates"][3] == {
        "function": "sum",
        "label": {"ru": "сумма", "en": "sum"},
        "types": ["number"],
        "needs_time": False,
        "of_nothing": 0,
    }
    assert [period["key"] for period in answer["periods"]] == list(PERIODS)
    assert {unit["key"]: unit["most_anniversary_count"] for unit in answer["units"]} == {
        Unit.HOUR: None,
        Unit.DAY: 366,
        Unit.WEEK: 52,
        Unit.MONTH: 12,
        Unit.YEAR: None,
    }
    assert answer["limits"]["nodes"] == 200
    assert answer["language_version"] == 2


def test_the_example_of_every_shape_is_a_value_that_its_operators_take(answer: dict[str, Any]) -> None:
    examples = {shape["key"]: shape["example"] for shape in answer["value_shapes"]}
    assert set(examples) == set(Shape)
    for operator in answer["operators"]:
        condition = {"field": "x", "operator": operator["key"], "value": examples[operator["value"]]}
        parse_rule({"combinator": "and", "rules": [condition]}, default_dataset="d")


def test_every_text_is_there_in_both_languages(answer: dict[str, Any]) -> None:
    def texts(value: Any) -> list[dict[str, str]]:
        if isinstance(value, dict):
            return [value] if set(value) == {"ru", "en"} else [t for inner in value.values() for t in texts(inner)]
        return [t for inner in value for t in texts(inner)] if isinstance(value, list) else []

    found = texts(answer)
    assert len(found) > 3 * len(OPERATORS)
    assert all(text["ru"] and text["en"] for text in found)


def test_the_schema_is_served_under_its_media_type(offline: Stack) -> None:
    response: httpx.Response = offline.client.get("/api/v1/rules/schema")
    assert response.headers["content-type"] == "application/schema+json"
    assert response.json() == rule_schema()
    assert Draft202012Validator(response.json()).is_valid(RULE)


@pytest.mark.parametrize(
    ("clickhouse_type", "there", "not_there", "entries"),
    [
        ("String", {"contains", "inList"}, {"<", "has"}, []),
        ("Nullable(UInt64)", {"<", "inList"}, {"contains"}, []),
        ("Float64", {"<", "null"}, {"inList", "notInList"}, []),
        ("DateTime", {"inLast", "anniversaryWithin"}, {"inList"}, []),
        ("Array(String)", {"has", "empty"}, {"="}, []),
        ("Map(String, String)", set(), set(OPERATORS), ["text", "number", "date", "datetime", "boolean"]),
        ("Map(String, UInt8)", set(), set(OPERATORS), ["number"]),
        ("Tuple(String)", set(), set(OPERATORS), []),
    ],
)
def test_a_field_lists_the_operators_that_checking_takes(
    clickhouse_type: str, there: set[str], not_there: set[str], entries: list[str]
) -> None:
    field = FieldOut.of(Field("x", field_type(clickhouse_type), clickhouse_type, is_nullable(clickhouse_type)))
    keys = {operator.key for operator in field.operators}
    assert there <= keys
    assert not not_there & keys
    assert field.entry_types == entries
