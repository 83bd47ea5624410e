"""What pydantic and FastAPI refuse -> problems in our own words, with a JSON pointer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from segmentator_dagster.api.errors import MOST_PROBLEMS
from segmentator_dagster.api.http_problems import UNKNOWN_PATH
from segmentator_dagster.api.problems import OUT_OF_RANGE, TOO_LONG, TOO_MANY, UNKNOWN_CHOICE, WRONG_VALUE
from segmentator_dagster.domain.errors import Problem, pointer_to
from segmentator_dagster.domain.problems import EMPTY_LIST, MISSING_KEY, UNKNOWN_KEY, WRONG_JSON_TYPE, shown

_EXPECTED = {
    "string_type": ("text", "текст"),
    "int_type": ("a whole number", "целое число"),
    "int_parsing": ("a whole number", "целое число"),
    "int_parsing_size": ("a whole number", "целое число"),
    "int_from_float": ("a whole number", "целое число"),
    "bool_type": ("true or false", "true или false"),
    "bool_parsing": ("true or false", "true или false"),
    "list_type": ("a list", "список"),
    "dict_type": ("an object", "объект"),
    "model_type": ("an object", "объект"),
    "model_attributes_type": ("an object", "объект"),
    "dataclass_type": ("an object", "объект"),
}
_FOUND: tuple[tuple[type, str, str], ...] = (
    (bool, "true or false", "true или false"),
    (int, "a number", "число"),
    (float, "a number", "число"),
    (str, "text", "текст"),
    (list, "a list", "список"),
    (dict, "an object", "объект"),
)


def problems_of(errors: Sequence[Mapping[str, Any]], path: str) -> list[Problem]:
    """At least one problem for the errors of one request; `path` is the request's own, for values inside it."""
    return [_problem(error, path) for error in errors[:MOST_PROBLEMS]]


def _problem(error: Mapping[str, Any], path: str) -> Problem:
    place, *steps = error["loc"]
    if place == "path":
        return UNKNOWN_PATH.at(path=shown(path))
    pointer = pointer_to("", *steps) if place in ("body", "query") else ""
    kind, context = str(error["type"]), error.get("ctx", {})
    match kind:
        case "missing" if steps:
            return MISSING_KEY.at(pointer, key=shown(steps[-1]))
        case "missing":
            return _wrong_type(pointer, ("an object", "объект"), None)
        case "extra_forbidden":
            at = pointer_to("", *steps[:-1], shown(steps[-1]))
            return UNKNOWN_KEY.at(at, name=shown(steps[-1]), suggestion_en="", suggestion_ru="")
        case "literal_error" | "enum":
            return UNKNOWN_CHOICE.at(pointer, value=shown(error["input"]), known=context["expected"])
        case "greater_than_equal":
            return OUT_OF_RANGE.at(pointer, bound_en="at least", bound_ru="не меньше", limit=context["ge"])
        case "less_than_equal":
            return OUT_OF_RANGE.at(pointer, bound_en="at most", bound_ru="не больше", limit=context["le"])
        case "string_too_long":
            return TOO_LONG.at(pointer, limit=context["max_length"], length=len(error["input"]))
        case "too_long":
            return TOO_MANY.at(pointer, limit=context["max_length"], length=len(error["input"]))
        case "too_short":
            return EMPTY_LIST.at(pointer)
        case _ if kind in _EXPECTED:
            return _wrong_type(pointer, _EXPECTED[kind], error["input"])
        case _:
            return WRONG_VALUE.at(pointer, value=shown(error["input"]))


def _wrong_type(pointer: str, expected: tuple[str, str], found: object) -> Problem:
    found_en, found_ru = next(((en, ru) for type_, en, ru in _FOUND if isinstance(found, type_)), ("nothing", "пусто"))
    return WRONG_JSON_TYPE.at(
        pointer, expected_en=expected[0], expected_ru=expected[1], found_en=found_en, found_ru=found_ru
    )
