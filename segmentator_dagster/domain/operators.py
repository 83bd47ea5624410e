"""The operator table: what each operator takes, what it negates and how it reads. Checking, sentences, the compiler,
the API and the docs all come from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from segmentator_dagster.domain.catalogue import FieldType
from segmentator_dagster.domain.errors import Language


class Test(StrEnum):
    """What is asked of the row; a negative operator asks its positive twin's test and takes the complement."""

    EQUALS = "equals"
    LESS = "less"
    LESS_OR_EQUAL = "less_or_equal"
    GREATER = "greater"
    GREATER_OR_EQUAL = "greater_or_equal"
    BETWEEN = "between"
    ONE_OF = "one_of"
    CONTAINS = "contains"
    BEGINS_WITH = "begins_with"
    ENDS_WITH = "ends_with"
    IS_NULL = "is_null"


class Shape(StrEnum):
    """What JSON `value` an operator takes."""

    SCALAR = "scalar"
    PAIR = "pair"  # [from, to], both included
    LIST = "list"  # at least one
    NOTHING = "nothing"  # no value at all


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator. Sentences are templates over {field} and {value}, or {low} and {high} for a pair."""

    key: str
    test: Test
    types: frozenset[FieldType]
    shape: Shape
    label_ru: str
    label_en: str
    sentence_ru: str
    sentence_en: str
    negation_of: str | None = None
    time_sentence_ru: str = ""  # the sentence over dates, where it differs
    time_sentence_en: str = ""

    def sentence(self, language: Language, field_type: FieldType) -> str:
        over_time = field_type in _TIMES
        if language == "ru":
            return (over_time and self.time_sentence_ru) or self.sentence_ru
        return (over_time and self.time_sentence_en) or self.sentence_en


_TIMES = frozenset({FieldType.DATE, FieldType.DATETIME})
_ORDERED = _TIMES | {FieldType.NUMBER}
_LISTED = _ORDERED | {FieldType.TEXT}
_ANY = _LISTED | {FieldType.BOOLEAN}
_TEXT = frozenset({FieldType.TEXT})

_TABLE = (
    Operator(
        "=", Test.EQUALS, _ANY, Shape.SCALAR,
        "равно", "equals", "{field} равно {value}", "{field} is {value}",
    ),
    Operator(
        "!=", Test.EQUALS, _ANY, Shape.SCALAR,
        "не равно", "does not equal", "{field} не равно {value}", "{field} is not {value}", negation_of="=",
    ),
    Operator(
        "<", Test.LESS, _ORDERED, Shape.SCALAR,
        "меньше", "less than", "{field} меньше {value}", "{field} is less than {value}",
        time_sentence_ru="{field} раньше {value}", time_sentence_en="{field} is before {value}",
    ),
    Operator(
        "<=", Test.LESS_OR_EQUAL, _ORDERED, Shape.SCALAR,
        "не больше", "at most", "{field} не больше {value}", "{field} is at most {value}",
        time_sentence_ru="{field} не позже {value}", time_sentence_en="{field} is not after {value}",
    ),
    Operator(
        ">", Test.GREATER, _ORDERED, Shape.SCALAR,
        "больше", "greater than", "{field} больше {value}", "{field} is greater than {value}",
        time_sentence_ru="{field} позже {value}", time_sentence_en="{field} is after {value}",
    ),
    Operator(
        ">=", Test.GREATER_OR_EQUAL, _ORDERED, Shape.SCALAR,
        "не меньше", "at least", "{field} не меньше {value}", "{field} is at least {value}",
        time_sentence_ru="{field} не раньше {value}", time_sentence_en="{field} is not before {value}",
    ),
    Operator(
        "between", Test.BETWEEN, _ORDERED, Shape.PAIR,
        "от … до", "between", "{field} от {low} до {high} включительно", "{field} is from {low} to {high} inclusive",
    ),
    Operator(
        "notBetween", Test.BETWEEN, _ORDERED, Shape.PAIR,
        "не от … до", "not between", "{field} не от {low} до {high} включительно",
        "{field} is not from {low} to {high} inclusive", negation_of="between",
    ),
    Operator(
        "in", Test.ONE_OF, _LISTED, Shape.LIST,
        "одно из", "one of", "{field} — одно из ({value})", "{field} is one of ({value})",
    ),
    Operator(
        "notIn", Test.ONE_OF, _LISTED, Shape.LIST,
        "ни одно из", "none of", "{field} — ни одно из ({value})", "{field} is none of ({value})", negation_of="in",
    ),
    Operator(
        "contains", Test.CONTAINS, _TEXT, Shape.SCALAR,
        "содержит", "contains", "{field} содержит {value}", "{field} contains {value}",
    ),
    Operator(
        "doesNotContain", Test.CONTAINS, _TEXT, Shape.SCALAR,
        "не содержит", "does not contain", "{field} не содержит {value}", "{field} does not contain {value}",
        negation_of="contains",
    ),
    Operator(
        "beginsWith", Test.BEGINS_WITH, _TEXT, Shape.SCALAR,
        "начинается с", "begins with", "{field} начинается с {value}", "{field} begins with {value}",
    ),
    Operator(
        "doesNotBeginWith", Test.BEGINS_WITH, _TEXT, Shape.SCALAR,
        "не начинается с", "does not begin with", "{field} не начинается с {value}",
        "{field} does not begin with {value}", negation_of="beginsWith",
    ),
    Operator(
        "endsWith", Test.ENDS_WITH, _TEXT, Shape.SCALAR,
        "заканчивается на", "ends with", "{field} заканчивается на {value}", "{field} ends with {value}",
    ),
    Operator(
        "doesNotEndWith", Test.ENDS_WITH, _TEXT, Shape.SCALAR,
        "не заканчивается на", "does not end with", "{field} не заканчивается на {value}",
        "{field} does not end with {value}", negation_of="endsWith",
    ),
    Operator(
        "null", Test.IS_NULL, _ANY, Shape.NOTHING,
        "не заполнено", "has no value", "{field} не заполнено", "{field} has no value",
    ),
    Operator(
        "notNull", Test.IS_NULL, _ANY, Shape.NOTHING,
        "заполнено", "has a value", "{field} заполнено", "{field} has a value", negation_of="null",
    ),
)  # fmt: skip

OPERATORS: Mapping[str, Operator] = {operator.key: operator for operator in _TABLE}

COMPLEMENTS: Mapping[str, str] = {
    a: b
    for operator in _TABLE
    if operator.negation_of
    for a, b in ((operator.key, operator.negation_of), (operator.negation_of, operator.key))
}
"""Each operator that has an exact complement in the table, with that complement."""
