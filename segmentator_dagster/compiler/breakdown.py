"""Audience × field -> how often each value is the latest of a member, and of anyone."""

from __future__ import annotations

import sqlalchemy as sa

from segmentator_dagster.compiler.aggregates import sortable_text, sortable_width
from segmentator_dagster.compiler.columns import column_of
from segmentator_dagster.compiler.conditions import is_float, text_of
from segmentator_dagster.compiler.expressions import (
    NULL,
    ONE,
    Expression,
    Infix,
    complement,
    constant,
    fn,
    number,
    when,
)
from segmentator_dagster.compiler.lowering import Lowering
from segmentator_dagster.compiler.query import CompiledQuery, compile_statement
from segmentator_dagster.domain.catalogue import Catalogue, Dataset, Field, FieldType, unwrapped
from segmentator_dagster.domain.fields import time_field
from segmentator_dagster.domain.rule import Rule

_KNOWN, _UNKNOWN, _SPACE = (constant(text) for text in ("'1'", "'0'", "' '"))


def compile_breakdown(
    asked: Rule, field: Field, catalogue: Catalogue, base_dataset: str, lists_database: str, *, limit: int
) -> CompiledQuery:
    """Rows of value, members, users; then, the same in each row: all members, all users, number of values.

    The value of a user is that of the latest row, as in files: among equally late rows the greatest, NULL is least.
    The values most members have come first.
    """
    lowering = Lowering(catalogue, base_dataset, lists_database)
    dataset = lowering.base
    per_user = lowering.per_user([asked], lambda table: [_latest(field, dataset, table).label("latest")])
    latest = per_user.rows.c.latest
    value = _shown(latest, field, dataset)
    counted = (
        sa.select(value.label("value"), fn.countIf(per_user.holds[0]).label("members"), fn.count().label("users"))
        .select_from(per_user.source)
        .group_by(constant("value"))
        .subquery("counted")
    )
    columns = counted.c
    totals = (sa.func.sum(columns.members).over(), sa.func.sum(columns.users).over(), sa.func.count().over())
    ranked = sa.select(columns.value, columns.members, columns.users, *totals).order_by(
        columns.members.desc(), columns.users.desc(), columns.value
    )
    return compile_statement(ranked.limit(limit))


def _latest(field: Field, dataset: Dataset, table: sa.FromClause) -> Expression:
    """The latest value; of a text in a form that sorts: the moment, whether there is a text, the text."""
    column = column_of(field, table)
    time = time_field(dataset)
    if _is_kept_as_text(field, time):
        text = fn.toString(column) if field.type is FieldType.DATE else column
        known = fn.concat(_KNOWN, text)
        ranked = when(fn.isNull(column), _UNKNOWN, known) if field.nullable else known
        if time is None:
            return fn.max(ranked)
        moment = sortable_text(column_of(time, table), time)
        never = fn.repeat(_SPACE, number(sortable_width(time)))  # sorts before every moment
        return fn.max(fn.concat(fn.ifNull(moment, never) if time.nullable else moment, ranked))
    if field == time:
        return fn.tuple(fn.maxOrNull(column))
    ranks = _rank(column, field)
    if time is not None:
        ranks = [*_rank(column_of(time, table), time), *ranks]
    return fn.argMax(fn.tuple(column), fn.tuple(*ranks))


def _is_kept_as_text(field: Field, time: Field | None) -> bool:
    """Strings and days sort as texts as they do by themselves, and `max` of a text is far faster than `argMax`."""
    return field != time and (unwrapped(field.clickhouse_type) == "String" or field.type is FieldType.DATE)


def _rank(column: Expression, field: Field) -> list[Expression]:
    """What a value is ordered by: NULL is least, then NaN."""
    flags: list[Expression] = [fn.isNotNull(column)] if field.nullable else []
    if is_float(field):
        flags.append(complement(fn.ifNull(fn.isNaN(column), ONE)))
    return [*flags, column]


def _shown(latest: Expression, field: Field, dataset: Dataset) -> Expression:
    """The value out of what `_latest` kept."""
    time = time_field(dataset)
    if not _is_kept_as_text(field, time):
        value = fn.tupleElement(latest, ONE)
        return text_of(value, field) if field.type is FieldType.TEXT else value
    width = 0 if time is None else sortable_width(time)
    known = Infix(fn.substring(latest, number(width + 1), ONE), "=", _KNOWN)
    text = fn.substring(latest, number(width + 2))
    written = fn.toDate32(text) if field.type is FieldType.DATE else text
    return when(known, written, NULL) if field.nullable else written
