"""Field × prefix -> its values that begin so, the frequent ones first."""

from __future__ import annotations

import sqlalchemy as sa

from segmentator_dagster.compiler.columns import column_of
from segmentator_dagster.compiler.conditions import text_of
from segmentator_dagster.compiler.expressions import constant, fn
from segmentator_dagster.compiler.parameters import parameter
from segmentator_dagster.compiler.query import CompiledQuery, compile_statement
from segmentator_dagster.compiler.tables import dataset_table
from segmentator_dagster.domain.catalogue import Dataset, Field, FieldType


def compile_values(dataset: Dataset, field: Field, prefix: str, *, limit: int) -> CompiledQuery:
    """Rows of value and number of rows that have it; case does not matter. Of an array the elements are its values."""
    table = dataset_table(dataset)
    column = column_of(field, table)
    of = field
    if field.type is FieldType.ARRAY:
        of, column = field.element, fn.arrayJoin(column)
    values = sa.select(column.label("value")).select_from(table).subquery("v")
    value = values.c.value
    query = sa.select(value, fn.count().label("rows")).where(fn.isNotNull(value)).group_by(value)
    if prefix:
        lowered = fn.lowerUTF8(text_of(value, of))
        query = query.where(fn.startsWith(lowered, fn.lowerUTF8(parameter("String", prefix))))
    return compile_statement(query.order_by(constant("rows").desc(), value).limit(limit))
