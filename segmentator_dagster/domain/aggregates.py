"""The table of aggregates: what each computes over a user's rows, of which fields, and what comes out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from segmentator_dagster.domain.catalogue import Field, FieldType, unwrapped


class Function(StrEnum):
    ROWS = "rows"
    DAYS = "days"
    DISTINCT = "distinct"
    SUM = "sum"
    AVG = "avg"
    MIN = "min"
    MAX = "max"
    FIRST = "first"
    LAST = "last"


@dataclass(frozen=True, slots=True)
class AggregateKind:
    """One aggregate. `of` are the types of field it takes; none: it takes no field."""

    function: Function
    of: frozenset[FieldType]
    label_ru: str
    label_en: str
    needs_time: bool = False  # it looks at the dataset's time field
    of_nothing: int | None = None  # its value for a user without matching rows; None: no value


_NUMBERS = frozenset({FieldType.NUMBER})
_ORDERED = _NUMBERS | {FieldType.DATE, FieldType.DATETIME}
_SCALARS = _ORDERED | {FieldType.TEXT, FieldType.BOOLEAN}
_NONE: frozenset[FieldType] = frozenset()

_TABLE = (
    AggregateKind(Function.ROWS, _NONE, "число строк", "number of rows", of_nothing=0),
    AggregateKind(Function.DAYS, _NONE, "число дней", "number of days", needs_time=True, of_nothing=0),
    AggregateKind(Function.DISTINCT, _SCALARS, "число уникальных значений", "number of distinct values", of_nothing=0),
    AggregateKind(Function.SUM, _NUMBERS, "сумма", "sum", of_nothing=0),
    AggregateKind(Function.AVG, _NUMBERS, "среднее", "average"),
    AggregateKind(Function.MIN, _ORDERED, "минимум", "minimum"),
    AggregateKind(Function.MAX, _ORDERED, "максимум", "maximum"),
    AggregateKind(Function.FIRST, _SCALARS, "первое значение", "first value", needs_time=True),
    AggregateKind(Function.LAST, _SCALARS, "последнее значение", "last value", needs_time=True),
)

AGGREGATES: Mapping[Function, AggregateKind] = {kind.function: kind for kind in _TABLE}

COUNTED = frozenset({Function.ROWS, Function.DAYS, Function.DISTINCT})
"""Aggregates that are whole numbers from 0 on, for every user."""

_SUMS = {
    **dict.fromkeys(("Int8", "Int16", "Int32"), "Int64"),
    **dict.fromkeys(("UInt8", "UInt16", "UInt32"), "UInt64"),
    **dict.fromkeys(("Int64", "UInt64"), "Int128"),
    **dict.fromkeys(("Int128", "UInt128", "Int256"), "Int256"),
    "UInt256": "UInt256",
}


def result_field(function: Function, of: Field | None) -> Field:
    """What an aggregate gives, as a field that operators compare. `of` is the aggregated field where there is one."""
    if of is None or function is Function.DISTINCT:
        return Field(function.value, FieldType.NUMBER, "UInt64", nullable=False)
    match function:
        case Function.SUM:
            return Field(of.name, FieldType.NUMBER, _sum_type(unwrapped(of.clickhouse_type)), nullable=False)
        case Function.AVG:
            return Field(of.name, FieldType.NUMBER, "Nullable(Float64)", nullable=True)
        case _:
            stored = "String" if of.type is FieldType.TEXT else unwrapped(of.clickhouse_type)
            return Field(of.name, of.type, f"Nullable({stored})", nullable=True)


def _sum_type(column: str) -> str:
    if match := re.match(r"^Decimal(?:(\d+))?\(", column):
        scale = column.rstrip(")").rpartition("(")[2].rpartition(",")[2].strip()
        digits = int(match[1]) if match[1] else 0
        precision = int(column.partition("(")[2].partition(",")[0]) if not digits else {32: 9, 64: 18}.get(digits, 76)
        return f"Decimal({38 if precision <= 18 else 76}, {scale})"
    return _SUMS.get(column, "Float64")
