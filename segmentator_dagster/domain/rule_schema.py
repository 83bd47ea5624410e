"""The rule language -> JSON Schema (draft 2020-12), made from the tables that parsing reads."""

from __future__ import annotations

from segmentator_dagster.domain.aggregates import AGGREGATES, COUNTED
from segmentator_dagster.domain.catalogue import SCALARS
from segmentator_dagster.domain.operators import OPERATORS
from segmentator_dagster.domain.parsing import MAX_SEED, MAX_TOP
from segmentator_dagster.domain.periods import MOST_COUNT
from segmentator_dagster.domain.problems import MAX_DEPTH, MAX_LIST_ITEMS, MAX_NODES, MAX_STEPS
from segmentator_dagster.domain.rule import LANGUAGE_VERSION, Combinator, Order
from segmentator_dagster.domain.value_schema import (
    ID,
    NAME,
    Schema,
    comparison_schema,
    described_values,
    if_property,
    span_schema,
)

SCHEMA_ID = f"https://segmentator.dev/schema/rule/v{LANGUAGE_VERSION}.json"
_NOT: Schema = {"description": "The complement.", "type": "boolean", "default": False}
_COMBINATOR: Schema = {"enum": [one.value for one in Combinator]}
_OPERATOR: Schema = {"enum": list(OPERATORS)}
_COMPARED: Schema = {"$ref": "#/$defs/comparison"}
_ENTRY: Schema = {
    "key": {"description": "An entry of a map, or a dotted path of JSON.", **NAME},
    "as": {"description": "The type a text entry is read as.", "enum": [one.value for one in SCALARS]},
}


def rule_schema() -> Schema:
    """What `parse_rule` accepts, as far as a schema can say it.

    It knows nothing of the data (names, types), of RE2's syntax, of limits over the whole rule, nor that one number is
    below another.
    """
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": f"Segmentator rule, version {LANGUAGE_VERSION}",
        "description": "A rule defines a set of users. Without `kind` it is a group of conditions on one row: the "
        f"users with such a row in the default dataset. At most {MAX_NODES} nodes, {MAX_DEPTH} levels and "
        f"{MAX_LIST_ITEMS} list values in a whole rule.",
        "if": {"type": "object", "required": ["kind"]},
        "then": {"$ref": "#/$defs/audience"},
        "else": {"$ref": "#/$defs/row_group"},
        "$defs": {**_row_level(), **_audience_level(), "comparison": comparison_schema(), **described_values()},
    }


def _row_level() -> Schema:
    can_ignore_case = [operator.key for operator in OPERATORS.values() if operator.ignores_case]
    condition = _object(
        "One comparison of one field of a row.",
        {
            "field": NAME,
            **_ENTRY,
            "operator": _OPERATOR,
            "value": True,
            "ignore_case": {"description": "Compare texts without regard to case.", "type": "boolean"},
        },
        ["field", "operator"],
    )
    only_for_texts = if_property("ignore_case", [True], {"properties": {"operator": {"enum": can_ignore_case}}})
    return {
        "row_group": _object(
            "Conditions that hold together on the same row.",
            {"combinator": _COMBINATOR, "not": _NOT, "rules": _children("row_rule")},
            ["combinator", "rules"],
        ),
        "row_rule": {
            "if": {"anyOf": [{"required": ["rules"]}, {"required": ["combinator"]}], "type": "object"},
            "then": {"$ref": "#/$defs/row_group"},
            "else": {"$ref": "#/$defs/condition"},
        },
        "condition": {**condition, "allOf": [_COMPARED, only_for_texts]},
    }


def _audience_level() -> Schema:
    rows: Schema = {
        "dataset": NAME,
        "where": {"$ref": "#/$defs/row_group"},
        "window": {"$ref": "#/$defs/window"},
    }
    nodes = {
        "group": _node(
            "group",
            "Intersection (and) or union (or) of sets of users.",
            {"combinator": _COMBINATOR, "rules": _children("audience")},
            ["combinator", "rules"],
        ),
        "activity": _activity(rows),
        "sequence": _node(
            "sequence",
            "Users with a row of each step at strictly later moments.",
            {
                "dataset": NAME,
                "steps": {
                    "type": "array",
                    "items": _object("Any row, or those of `where`.", {"where": {"$ref": "#/$defs/row_group"}}, []),
                    "minItems": 2,
                    "maxItems": MAX_STEPS,
                },
                "within": {
                    "description": "The longest time from the first step to the last.",
                    **span_schema(1, MOST_COUNT),
                },
                "window": rows["window"],
            },
            ["dataset", "steps"],
        ),
        "segment": _node("segment", "The audience of another segment.", {"segment_id": ID}, ["segment_id"]),
        "list": _node("list", "Users whose id is in an uploaded list.", {"list_id": ID}, ["list_id"]),
        "sample": _node(
            "sample",
            "A stable random share; shares of one seed that do not overlap are disjoint.",
            {"from": _percent(), "to": _percent(), "seed": {**NAME, "maxLength": MAX_SEED}},
            ["from", "to", "seed"],
        ),
        "top": _node(
            "top",
            "Of the users of `rule` (default: everyone) those with the greatest or least aggregate.",
            {
                "rule": {"$ref": "#/$defs/audience"},
                "count": {"type": "integer", "minimum": 1, "maximum": MAX_TOP},
                "order": {"enum": [one.value for one in Order]},
                "aggregate": {"$ref": "#/$defs/aggregate"},
                **rows,
            },
            ["count", "order", "dataset", "aggregate"],
        ),
        "everyone": _node("everyone", "All users.", {}, []),
    }
    audience = {
        "description": "A set of users.",
        "type": "object",
        "properties": {"kind": {"enum": list(nodes)}},
        "required": ["kind"],
        "allOf": [if_property("kind", [kind], {"$ref": f"#/$defs/{kind}"}) for kind in nodes],
    }
    window = _object("A condition on the dataset's time field.", {"operator": _OPERATOR, "value": True}, ["operator"])
    return {
        "audience": audience,
        **nodes,
        "aggregate": _aggregate(),
        "window": {**window, "allOf": [_COMPARED]},
    }


def _activity(rows: Schema) -> Schema:
    no_counts = [function.value for function in AGGREGATES if function not in COUNTED]
    compared = if_property("function", no_counts, {})["if"]
    node = _node(
        "activity",
        "Users whose matching rows give an aggregate that compares so; said nothing: with at least one row.",
        {**rows, "aggregate": {"$ref": "#/$defs/aggregate"}, "operator": _OPERATOR, "value": True},
        ["dataset"],
    )
    must_compare = {
        "if": {"properties": {"aggregate": compared}, "required": ["aggregate"]},
        "then": {"required": ["operator"]},
    }
    return {**node, "dependentRequired": {"value": ["operator"]}, "allOf": [_COMPARED, must_compare]}


def _aggregate() -> Schema:
    kinds = AGGREGATES.values()
    of_rows = [kind.function.value for kind in kinds if not kind.of]
    of_field = [kind.function.value for kind in kinds if kind.of and not kind.needs_time]
    aggregate = _object(
        "What is computed over a user's matching rows.",
        {"function": {"enum": [kind.function.value for kind in kinds]}, "field": NAME, **_ENTRY},
        ["function"],
    )
    return {
        **aggregate,
        "dependentRequired": {"key": ["field"], "as": ["field"]},
        "allOf": [
            if_property("function", of_rows, {"properties": {"field": False}}),
            if_property("function", of_field, {"required": ["field"]}),
        ],
    }


def _node(kind: str, description: str, properties: Schema, required: list[str]) -> Schema:
    return _object(description, {"kind": {"const": kind}, "not": _NOT, **properties}, ["kind", *required])


def _object(description: str, properties: Schema, required: list[str]) -> Schema:
    return {
        "description": description,
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _children(of: str) -> Schema:
    return {"type": "array", "items": {"$ref": f"#/$defs/{of}"}, "minItems": 1, "maxItems": MAX_NODES - 1}


def _percent() -> Schema:
    return {"description": "A percent with at most four decimals.", "type": "number", "minimum": 0, "maximum": 100}
