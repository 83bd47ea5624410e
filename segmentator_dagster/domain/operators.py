"""What an operator is, and the table of them all. Parsing, checking, sentences, the compiler, the API, the JSON Schema
and the docs come from it."""

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
    ON_LIST = "on_list"
    CONTAINS = "contains"
    BEGINS_WITH = "begins_with"
    ENDS_WITH = "ends_with"
    MATCHES = "matches"
    IN_LAST = "in_last"
    OLDER_THAN = "older_than"
    IN_NEXT = "in_next"
    IN_PERIOD = "in_period"
    ANNIVERSARY_WITHIN = "anniversary_within"
    ANNIVERSARY_BETWEEN = "anniversary_between"
    HAS = "has"
    HAS_ANY = "has_any"
    HAS_ALL = "has_all"
    IS_EMPTY = "is_empty"
    IS_NULL = "is_null"


class Shape(StrEnum):
    """What JSON `value` an operator takes."""

    SCALAR = "scalar"
    PAIR = "pair"  # [from, to], both included
    LIST = "list"  # at least one
    LIST_ID = "list_id"  # the id of an uploaded list
    SPAN = "span"  # {"count": 30, "unit": "day"}
    PERIOD = "period"  # a name of PERIODS
    PATTERN = "pattern"  # a regular expression of RE2
    DAYS_OF_YEAR = "days_of_year"  # ["MM-DD", "MM-DD"], both included
    NOTHING = "nothing"  # no value at all


RELATIVE = frozenset({Test.IN_LAST, Test.OLDER_THAN, Test.IN_NEXT, Test.IN_PERIOD, Test.ANNIVERSARY_WITHIN})
"""Tests whose meaning depends on the moment they are asked at."""


@dataclass(frozen=True, slots=True)
class Operator:
    """One operator. Sentences are templates over {field} and {value}, or {low} and {high} for a pair.

    `ignores_case`: it may be given `"ignore_case": true`. Time sentences are those over dates, where they differ.
    """

    key: str
    test: Test
    types: frozenset[FieldType]
    shape: Shape
    label_ru: str
    label_en: str
    sentence_ru: str
    sentence_en: str
    negation_of: str | None = None
    ignores_case: bool = False
    time_sentence_ru: str = ""
    time_sentence_en: str = ""

    def sentence(self, language: Language, field_type: FieldType) -> str:
        over_time = field_type in _TIMES
        if language == "ru":
            return (over_time and self.time_sentence_ru) or self.sentence_ru
        return (over_time and self.time_sentence_en) or self.sentence_en


_TIMES = frozenset({FieldType.DATE, FieldType.DATETIME})
_ORDERED = _TIMES | {FieldType.NUMBER}
_ANY = _ORDERED | {FieldType.TEXT, FieldType.BOOLEAN}
_TEXT = frozenset({FieldType.TEXT})
_IDS = frozenset({FieldType.TEXT, FieldType.NUMBER})
_ARRAY = frozenset({FieldType.ARRAY})

_EQUALITY = (
    Operator(
        "=", Test.EQUALS, _ANY, Shape.SCALAR,
        "равно", "equals", "{field} — {value}", "{field} is {value}", ignores_case=True,
    ),
    Operator(
        "!=", Test.EQUALS, _ANY, Shape.SCALAR,
        "не равно", "does not equal", "{field} — не {value}", "{field} is not {value}",
        negation_of="=", ignores_case=True,
    ),
    Operator(
        "in", Test.ONE_OF, _ANY, Shape.LIST,
        "одно из", "one of", "{field} — одно из ({value})", "{field} is one of ({value})", ignores_case=True,
    ),
    Operator(
        "notIn", Test.ONE_OF, _ANY, Shape.LIST,
        "ни одно из", "none of", "{field} — ни одно из ({value})", "{field} is none of ({value})",
        negation_of="in", ignores_case=True,
    ),
    Operator(
        "inList", Test.ON_LIST, _IDS, Shape.LIST_ID,
        "есть в списке", "is on the list", "{field} входит в список {value}", "{field} is on the list {value}",
    ),
    Operator(
        "notInList", Test.ON_LIST, _IDS, Shape.LIST_ID,
        "нет в списке", "is not on the list", "{field} не входит в список {value}",
        "{field} is not on the list {value}", negation_of="inList",
    ),
)  # fmt: skip

_COMPARISON = (
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
        "от … до", "between", "{field} от {low} до {high} включительно",
        "{field} is between {low} and {high} inclusive", time_sentence_ru="{field} — с {low} по {high}",
    ),
    Operator(
        "notBetween", Test.BETWEEN, _ORDERED, Shape.PAIR,
        "не от … до", "not between", "{field} вне диапазона от {low} до {high}",
        "{field} is not between {low} and {high} inclusive", negation_of="between",
        time_sentence_ru="{field} вне периода с {low} по {high}",
    ),
)  # fmt: skip

_TEXTS = (
    Operator(
        "contains", Test.CONTAINS, _TEXT, Shape.SCALAR,
        "содержит", "contains", "{field} содержит {value}", "{field} contains {value}", ignores_case=True,
    ),
    Operator(
        "doesNotContain", Test.CONTAINS, _TEXT, Shape.SCALAR,
        "не содержит", "does not contain", "{field} не содержит {value}", "{field} does not contain {value}",
        negation_of="contains", ignores_case=True,
    ),
    Operator(
        "beginsWith", Test.BEGINS_WITH, _TEXT, Shape.SCALAR,
        "начинается с", "begins with", "{field} начинается с {value}", "{field} begins with {value}",
        ignores_case=True,
    ),
    Operator(
        "doesNotBeginWith", Test.BEGINS_WITH, _TEXT, Shape.SCALAR,
        "не начинается с", "does not begin with", "{field} не начинается с {value}",
        "{field} does not begin with {value}", negation_of="beginsWith", ignores_case=True,
    ),
    Operator(
        "endsWith", Test.ENDS_WITH, _TEXT, Shape.SCALAR,
        "заканчивается на", "ends with", "{field} заканчивается на {value}", "{field} ends with {value}",
        ignores_case=True,
    ),
    Operator(
        "doesNotEndWith", Test.ENDS_WITH, _TEXT, Shape.SCALAR,
        "не заканчивается на", "does not end with", "{field} не заканчивается на {value}",
        "{field} does not end with {value}", negation_of="endsWith", ignores_case=True,
    ),
    Operator(
        "matches", Test.MATCHES, _TEXT, Shape.PATTERN,
        "соответствует выражению", "matches the pattern", "{field} соответствует выражению {value}",
        "{field} matches the pattern {value}", ignores_case=True,
    ),
    Operator(
        "doesNotMatch", Test.MATCHES, _TEXT, Shape.PATTERN,
        "не соответствует выражению", "does not match the pattern", "{field} не соответствует выражению {value}",
        "{field} does not match the pattern {value}", negation_of="matches", ignores_case=True,
    ),
)  # fmt: skip

_DATES = (
    Operator(
        "inLast", Test.IN_LAST, _TIMES, Shape.SPAN,
        "за последние", "in the last", "{field} — за {value}", "{field} is in the last {value}",
    ),
    Operator(
        "notInLast", Test.IN_LAST, _TIMES, Shape.SPAN,
        "не за последние", "not in the last", "{field} — не за {value}", "{field} is not in the last {value}",
        negation_of="inLast",
    ),
    Operator(
        "olderThan", Test.OLDER_THAN, _TIMES, Shape.SPAN,
        "… назад или раньше", "… ago or earlier", "{field} — {value} назад или раньше",
        "{field} is {value} ago or earlier",
    ),
    Operator(
        "inNext", Test.IN_NEXT, _TIMES, Shape.SPAN,
        "в ближайшие", "in the next", "{field} — в {value}", "{field} is in the next {value}",
    ),
    Operator(
        "inPeriod", Test.IN_PERIOD, _TIMES, Shape.PERIOD,
        "в периоде", "in the period", "{field} — {value}", "{field} is {value}",
    ),
    Operator(
        "anniversaryWithin", Test.ANNIVERSARY_WITHIN, _TIMES, Shape.SPAN,
        "годовщина в ближайшие", "anniversary within", "годовщина даты «{field}» — {value}",
        "the anniversary of {field} is {value}",
    ),
    Operator(
        "anniversaryBetween", Test.ANNIVERSARY_BETWEEN, _TIMES, Shape.DAYS_OF_YEAR,
        "годовщина с … по", "anniversary between", "годовщина даты «{field}» — с {low} по {high}",
        "the anniversary of {field} is between {low} and {high} inclusive",
    ),
)  # fmt: skip

_ARRAYS = (
    Operator(
        "has", Test.HAS, _ARRAY, Shape.SCALAR,
        "включает", "includes", "в «{field}» есть {value}", "{value} is in {field}",
    ),
    Operator(
        "hasAny", Test.HAS_ANY, _ARRAY, Shape.LIST,
        "включает хотя бы одно из", "includes any of", "в «{field}» есть хотя бы одно из ({value})",
        "any of ({value}) is in {field}",
    ),
    Operator(
        "hasAll", Test.HAS_ALL, _ARRAY, Shape.LIST,
        "включает все", "includes all of", "в «{field}» есть все из ({value})",
        "all of ({value}) are in {field}",
    ),
    Operator(
        "empty", Test.IS_EMPTY, _ARRAY, Shape.NOTHING,
        "ничего не включает", "is empty", "в «{field}» ничего нет", "{field} is empty",
    ),
    Operator(
        "notEmpty", Test.IS_EMPTY, _ARRAY, Shape.NOTHING,
        "что-нибудь включает", "is not empty", "в «{field}» что-нибудь есть", "{field} is not empty",
        negation_of="empty",
    ),
)  # fmt: skip

_PRESENCE = (
    Operator(
        "null", Test.IS_NULL, _ANY, Shape.NOTHING,
        "не заполнено", "has no value", "поле «{field}» не заполнено", "{field} has no value",
    ),
    Operator(
        "notNull", Test.IS_NULL, _ANY, Shape.NOTHING,
        "заполнено", "has a value", "поле «{field}» заполнено", "{field} has a value", negation_of="null",
    ),
)  # fmt: skip

_TABLE = (*_EQUALITY, *_COMPARISON, *_TEXTS, *_DATES, *_ARRAYS, *_PRESENCE)

OPERATORS: Mapping[str, Operator] = {operator.key: operator for operator in _TABLE}

COMPLEMENTS: Mapping[str, str] = {
    a: b
    for operator in _TABLE
    if operator.negation_of
    for a, b in ((operator.key, operator.negation_of), (operator.negation_of, operator.key))
}
"""Each operator that has an exact complement in the table, with that complement."""
