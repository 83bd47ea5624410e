"""Aggregate × matching rows -> the expression that computes it for each user of a GROUP BY."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

import sqlalchemy as sa

from segmentator_dagster.compiler.columns import column_of
from segmentator_dagster.compiler.conditions import is_float, text_of
from segmentator_dagster.compiler.expressions import (
    ZERO,
    Expression,
    Predicate,
    all_of,
    complement,
    constant,
    fn,
    number,
)
from segmentator_dagster.compiler.parameters import parameter
from segmentator_dagster.domain.aggregates import Function, result_field
from segmentator_dagster.domain.catalogue import Dataset, Field, FieldType, unwrapped
from segmentator_dagster.domain.fields import known_aggregated, known_time
from segmentator_dagster.domain.rule import Aggregate
from segmentator_dagster.domain.values import moment_scale

_UTC = constant("'UTC'")


def aggregate_expression(
    aggregate: Aggregate, matching: Predicate | None, dataset: Dataset, table: sa.FromClause, zone: str
) -> Expression:
    """The aggregate over the rows that match (None: all rows); NULL where it has no value.

    NULL and NaN are not values: rows that have none are passed over.
    """
    if aggregate.function is Function.ROWS:
        return _over("count", (), matching)
    if aggregate.function is Function.DAYS:
        return _over("uniqExact", (_day(dataset, table, zone),), matching)
    of = known_aggregated(dataset, aggregate)
    value = _value(column_of(of, table), of)
    rows = _both(matching, complement(fn.isNaN(value)) if is_float(of) else None)
    match aggregate.function:
        case Function.DISTINCT:
            # -0.0 and 0.0 are one number and two sets of bits
            return _over("uniqExact", (fn.plus(value, ZERO) if is_float(of) else value,), rows)
        case Function.SUM:
            return _sum(value, of, rows)
        case Function.AVG:
            there = _both(rows, fn.isNotNull(value) if of.nullable else None)
            return fn.divide(fn.toFloat64(_sum(value, of, rows)), fn.nullIf(_over("count", (), there), ZERO))
        case Function.MIN:
            return _over("minOrNull", (value,), rows)
        case Function.MAX:
            return _over("maxOrNull", (value,), rows)
        case Function.FIRST | Function.LAST:
            return _at_the_end(aggregate.function, value, of, rows, time=known_time(dataset), table=table)
        case _:
            assert_never(aggregate.function)


def _at_the_end(
    function: Function, value: Expression, of: Field, rows: Predicate | None, *, time: Field, table: sa.FromClause
) -> Expression:
    """The value of the earliest or latest row that has one; among rows of one moment the least or the greatest value.

    A text is kept as "moment in a sortable form, then the text", of which `max` takes 0.5 s on 20 million rows where
    `argMax` by a tuple takes 3 s.
    """
    first = function is Function.FIRST
    if of == time:
        return _over("minOrNull" if first else "maxOrNull", (value,), rows)
    moment = column_of(time, table)
    timed = _both(rows, fn.isNotNull(moment) if time.nullable else None)
    if of.type is not FieldType.TEXT:
        return _over("argMinOrNull" if first else "argMaxOrNull", (value, fn.tuple(moment, value)), timed)
    texts = fn.concat(sortable_text(moment, time), value)
    return fn.substring(_over("minOrNull" if first else "maxOrNull", (texts,), timed), number(sortable_width(time) + 1))


def sortable_text(moment: Expression, time: Field) -> Expression:
    """A moment as text that sorts as the moment does, `sortable_width` characters long."""
    return fn.toString(moment) if time.type is FieldType.DATE else fn.toString(moment, _UTC)


def sortable_width(time: Field) -> int:
    if time.type is FieldType.DATE:
        return len("2026-01-31")
    scale = moment_scale(time.clickhouse_type)
    return len("2026-01-31 10:00:00") + (scale + 1 if scale else 0)


def _over(function: str, arguments: Sequence[Expression], rows: Predicate | None) -> Expression:
    """An aggregate function over the rows that match."""
    if rows is None:
        computed: Expression = getattr(fn, function)(*arguments)
    else:
        computed = getattr(fn, f"{function}If")(*arguments, rows)
    return computed


def _both(one: Predicate | None, other: Predicate | None) -> Predicate | None:
    if one is None or other is None:
        return one if other is None else other
    return all_of((one, other))


def _value(column: Expression, field: Field) -> Expression:
    if field.type is FieldType.TEXT:
        return text_of(column, field)
    return fn.toFloat32(column) if unwrapped(field.clickhouse_type) == "BFloat16" else column


def _sum(value: Expression, field: Field, rows: Predicate | None) -> Expression:
    """Added in a type that cannot overflow; of nothing 0."""
    stored, wide = unwrapped(field.clickhouse_type), result_field(Function.SUM, field).clickhouse_type
    if stored in ("Int64", "UInt64", "Int128", "UInt128"):
        value = getattr(fn, f"to{wide}")(value)
    elif wide.startswith("Decimal(76, "):
        value = fn.toDecimal256(value, constant(wide.removeprefix("Decimal(76, ").removesuffix(")")))
    total = _over("sum", (value,), rows)
    return fn.ifNull(total, ZERO) if field.nullable else total


def _day(dataset: Dataset, table: sa.FromClause, zone: str) -> Expression:
    time = known_time(dataset)
    moment = column_of(time, table)
    return moment if time.type is FieldType.DATE else fn.toDate32(moment, parameter("String", zone))
