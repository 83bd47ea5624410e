"""Staging table -> a type for every column, and the values that do not fit it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import assert_never

from segmentator_dagster.collection.problems import (
    CELL_ERROR,
    SHOWN_PROBLEMS,
    SHOWN_VALUE_CHARACTERS,
    VALUE_EMPTY,
    VALUE_UNDECODABLE,
    VALUE_WRONG_TIME,
    VALUE_WRONG_TYPE,
    shown,
)
from segmentator_dagster.collection.questions import Question
from segmentator_dagster.collection.source import ROW
from segmentator_dagster.collection.tables import LoadTables, TypedColumn
from segmentator_dagster.collection.value_types import ValueType
from segmentator_dagster.domain.errors import Problem

NEARLY_ALL = 0.95
MONEY_DIGITS = 4
_COLUMNS_PER_QUERY = 4  # a statement over more takes the server longer to plan than to run
_NAMES = {
    ValueType.TEXT: ("text", "текст"),
    ValueType.BOOLEAN: ("true or false", "true или false"),
    ValueType.INTEGER: ("an integer", "целое число"),
    ValueType.NUMBER: ("a number", "число"),
    ValueType.DATE: ("a date", "дата"),
    ValueType.DATETIME: ("a date with time", "дата со временем"),
}
_KINDS = {"undecodable": VALUE_UNDECODABLE, "error": CELL_ERROR, "empty": VALUE_EMPTY}


@dataclass(frozen=True, slots=True)
class BadValue:
    row: int
    question: Question
    value_type: ValueType
    fault: str
    value: str

    def at_line(self, line: int) -> Problem:
        problem_kind = _KINDS.get(self.fault, VALUE_WRONG_TIME if self.question.is_time else VALUE_WRONG_TYPE)
        type_en, type_ru = _NAMES[self.value_type]
        return problem_kind.at(
            line=line, column=self.question.name, value=shown(self.value), type_en=type_en, type_ru=type_ru
        )


@dataclass(frozen=True, slots=True)
class Finding:
    """What a column will be, and the first of its values that cannot be."""

    column: TypedColumn
    bad: tuple[BadValue, ...]


@dataclass(frozen=True, slots=True)
class _Chosen:
    """A column, its type (None: as the file has it), and how many of its cells are empty or of no type at all."""

    question: Question
    value_type: ValueType | None
    empty: int
    undecodable: int
    errors: int


def findings(tables: LoadTables, questions: Sequence[Question]) -> list[Finding]:
    """Decide every column's type by looking at all its values."""
    found: list[Finding] = []
    for start in range(0, len(questions), _COLUMNS_PER_QUERY):
        chosen = _choose(tables, questions[start : start + _COLUMNS_PER_QUERY])
        found += _refine(tables, chosen)
    return found


def _choose(tables: LoadTables, group: Sequence[Question]) -> list[_Chosen]:
    conditions: list[str] = []
    for question in group:
        conditions += ["true", question.is_empty, question.is_undecodable, question.is_error]
        conditions += [question.fits(candidate) for candidate in question.candidates]
    numbers = _counted(tables, group, [f"countIf({condition})" for condition in conditions])
    chosen = []
    for question in group:
        rows, empty, undecodable, errors = (next(numbers) for _ in range(4))
        fitting = [next(numbers) for _ in question.candidates]
        value_type = _decided(question, rows - empty, fitting)
        chosen.append(_Chosen(question, value_type, empty, undecodable, errors))
    return chosen


def _decided(question: Question, filled: int, fitting: Sequence[int]) -> ValueType | None:
    """The candidate that fits most values, the narrowest of equals; text where it fits less than nearly all."""
    if not question.candidates:
        return ValueType.TEXT if question.is_key or question.native_type is None else None
    most = max(fitting)
    if question.forced or (filled and most >= NEARLY_ALL * filled):
        return question.candidates[fitting.index(most)]
    return ValueType.TEXT


def _refine(tables: LoadTables, group: Sequence[_Chosen]) -> list[Finding]:
    aggregates: list[str] = []
    for chosen in group:
        aggregates += [f"countIf({_is_wrong(chosen)})", *_facts(chosen)]
    numbers = _counted(tables, [chosen.question for chosen in group], aggregates)
    found = []
    for chosen in group:
        wrong = next(numbers)
        facts = [next(numbers) for _ in _facts(chosen)]
        missing = chosen.empty if chosen.question.is_key or chosen.question.is_time else 0
        is_bad = wrong or missing or chosen.undecodable or chosen.errors
        found.append(Finding(_typed(chosen, facts), _bad_values(tables, chosen) if is_bad else ()))
    return found


def _is_wrong(chosen: _Chosen) -> str:
    if chosen.value_type in (None, ValueType.TEXT):
        return "false"
    value = chosen.question.notation.value(chosen.value_type)
    return f"(NOT ({chosen.question.is_empty}) AND isNull({value}))"


def _facts(chosen: _Chosen) -> list[str]:
    """Aggregates that tell how wide a ClickHouse type the values need; `_typed` reads them in the same order."""
    if chosen.value_type is None:
        return []
    notation = chosen.question.notation
    value = notation.value(chosen.value_type)
    match chosen.value_type:
        case ValueType.TEXT | ValueType.BOOLEAN:
            return []
        case ValueType.INTEGER:
            return [f"countIf({value} > {2**63 - 1})", f"countIf({value} > {2**64 - 1})", f"countIf({value} < 0)"]
        case ValueType.NUMBER:
            digits = (notation.has_exponent, notation.fraction_digits, notation.whole_digits)
            return [f"maxIf({fact}, isNotNull({value}))" for fact in digits]
        case ValueType.DATE:
            return [f"countIf(NOT ({value} BETWEEN toDate32('1970-01-01') AND toDate32('2149-06-06')))"]
        case ValueType.DATETIME:
            outside = f"countIf(NOT (toYear({value}) BETWEEN 1970 AND 2105))"
            return [outside, f"maxIf({notation.second_digits}, isNotNull({value}))"]
        case _:
            assert_never(chosen.value_type)


def _typed(chosen: _Chosen, facts: Sequence[int]) -> TypedColumn:
    question, notation = chosen.question, chosen.question.notation
    if chosen.value_type is None:
        clickhouse_type, expression = question.native_type or "String", question.cell
    else:
        clickhouse_type, expression = "String", notation.value(chosen.value_type)
    match chosen.value_type:
        case None:
            pass
        case ValueType.TEXT:
            expression = question.text
        case ValueType.BOOLEAN:
            clickhouse_type = "Bool"
        case ValueType.INTEGER:
            over_signed, over_unsigned, negative = facts
            fits_unsigned = not (over_unsigned or negative)
            clickhouse_type = "Int64" if not over_signed else "UInt64" if fits_unsigned else "Int128"
        case ValueType.NUMBER:
            has_exponent, fraction, whole = facts
            # Decimal keeps sums of money exact; more digits than money has are measurements, and Float64 is their type.
            exact = not has_exponent and fraction <= MONEY_DIGITS and whole + fraction <= 18
            clickhouse_type = f"Decimal(18, {fraction})" if exact else "Float64"
            expression = notation.decimal(fraction) if exact else expression
        case ValueType.DATE:
            clickhouse_type = "Date32" if facts[0] else "Date"
        case ValueType.DATETIME:
            outside, fraction = facts
            scale = -(-fraction // 3) * 3
            clickhouse_type = f"DateTime64({scale}, 'UTC')" if outside or scale else "DateTime('UTC')"
            expression = notation.moment(scale)
        case _:
            assert_never(chosen.value_type)
    required = question.is_key or question.is_time
    nullable = f"Nullable({clickhouse_type})" if chosen.empty and not required else clickhouse_type
    return TypedColumn(question.name, nullable, expression, question.definitions)


def _bad_values(tables: LoadTables, chosen: _Chosen) -> tuple[BadValue, ...]:
    question = chosen.question
    required = question.is_key or question.is_time
    fault = (
        f"multiIf({question.is_undecodable}, 'undecodable', {question.is_error}, 'error',"
        f" {question.is_empty if required else 'false'}, 'empty', {_is_wrong(chosen)}, 'wrong', '')"
    )
    value = f"substringUTF8(toValidUTF8(ifNull({question.text}, '')), 1, {SHOWN_VALUE_CHARACTERS + 1})"
    found = tables.select(
        [ROW, "fault", value],
        [*question.definitions, f"{fault} AS fault"],
        tail=f"WHERE fault != '' ORDER BY {ROW} LIMIT {SHOWN_PROBLEMS}",
    )
    value_type = chosen.value_type or ValueType.TEXT
    return tuple(BadValue(row, question, value_type, fault, value) for row, fault, value in found)


def _counted(tables: LoadTables, group: Sequence[Question], aggregates: Sequence[str]) -> Iterator[int]:
    (row,) = tables.select(aggregates, [definition for question in group for definition in question.definitions])
    return map(int, row)
