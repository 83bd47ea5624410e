"""The JSON Schema of a condition's value, for each shape that operators take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from segmentator_dagster.domain.operators import OPERATORS, Operator, Shape, Test
from segmentator_dagster.domain.periods import MOST_ANNIVERSARY, MOST_COUNT, PERIODS
from segmentator_dagster.domain.problems import MAX_LIST_ITEMS, MAX_PATTERN, MAX_TEXT
from segmentator_dagster.domain.rule import Unit
from segmentator_dagster.domain.shapes import SHAPES
from segmentator_dagster.domain.value_parsing import MAX_ID

Schema = dict[str, Any]

_STORABLE = r"^[^\u0000\ud800-\udfff]*$"
_DAY_OF_YEAR = (
    "^((01|03|05|07|08|10|12)-(0[1-9]|[12][0-9]|3[01])|(04|06|09|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|[12][0-9]))$"
)

ID: Schema = {"type": "integer", "minimum": 1, "maximum": MAX_ID}
TEXT: Schema = {"type": "string", "maxLength": MAX_TEXT, "pattern": _STORABLE}
NAME: Schema = {**TEXT, "minLength": 1}


def if_property(name: str, values: Iterable[Any], then: Schema) -> Schema:
    """`then` holds of an object whose `name` is one of the values."""
    return {"if": {"properties": {name: {"enum": list(values)}}, "required": [name]}, "then": then}


def span_schema(low: int, most: Mapping[Unit, int]) -> Schema:
    """`{"count", "unit"}` of these units, each with its largest count."""
    limits = [
        if_property("unit", [unit.value], {"properties": {"count": {"minimum": low, "maximum": high}}})
        for unit, high in most.items()
    ]
    return {
        "type": "object",
        "properties": {"count": {"type": "integer"}, "unit": {"enum": [unit.value for unit in most]}},
        "required": ["count", "unit"],
        "additionalProperties": False,
        "allOf": limits,
    }


VALUES: Mapping[str, Schema] = {
    "scalar_value": {
        "type": ["string", "number", "boolean"],
        "maxLength": MAX_TEXT,
        "pattern": _STORABLE,
    },
    "pair_value": {"type": "array", "items": {"$ref": "#/$defs/scalar_value"}, "minItems": 2, "maxItems": 2},
    "list_value": {
        "type": "array",
        "items": {"$ref": "#/$defs/scalar_value"},
        "minItems": 1,
        "maxItems": MAX_LIST_ITEMS,
    },
    "list_id_value": ID,
    "span_value": span_schema(1, MOST_COUNT),
    "anniversary_span_value": span_schema(0, MOST_ANNIVERSARY),
    "period_value": {"enum": list(PERIODS)},
    "pattern_value": {**NAME, "maxLength": MAX_PATTERN},
    "days_of_year_value": {
        "type": "array",
        "items": {"type": "string", "pattern": _DAY_OF_YEAR, "maxLength": len("MM-DD")},
        "minItems": 2,
        "maxItems": 2,
    },
    "nothing_value": {"type": "null"},
}
"""By the name of the shape; spans to anniversaries have limits of their own."""


def value_name(operator: Operator) -> str:
    """Which of VALUES an operator takes."""
    return "anniversary_span_value" if operator.test is Test.ANNIVERSARY_WITHIN else f"{operator.shape.value}_value"


def described_values() -> Schema:
    """VALUES with a description of each."""
    shapes = {value_name(operator): operator.shape for operator in OPERATORS.values()}
    return {name: {"description": SHAPES[shapes[name]].en, **schema} for name, schema in VALUES.items()}


def comparison_schema() -> Schema:
    """What `operator` asks of `value` in the same object."""
    rules = []
    for name in VALUES:
        operators = [operator for operator in OPERATORS.values() if value_name(operator) == name]
        needed = {"required": ["value"]} if operators[0].shape is not Shape.NOTHING else {}
        then = {"properties": {"value": {"$ref": f"#/$defs/{name}"}}, **needed}
        rules.append(if_property("operator", [operator.key for operator in operators], then))
    return {"description": "An operator and its value.", "allOf": rules}
