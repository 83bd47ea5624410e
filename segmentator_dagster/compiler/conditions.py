"""Row rule -> SQLAlchemy predicate of one row that is always 0 or 1, never NULL."""

from __future__ import annotations

from typing import Any, assert_never
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from segmentator_dagster.compiler.parameters import list_parameters, parameter
from segmentator_dagster.domain.catalogue import Dataset, Field, FieldType, unwrapped
from segmentator_dagster.domain.checking import scalars
from segmentator_dagster.domain.errors import InternalError
from segmentator_dagster.domain.operators import OPERATORS, Operator, Test
from segmentator_dagster.domain.rule import Combinator, Condition, RowGroup, RowRule
from segmentator_dagster.domain.values import TypedValues, moment_scale, typed_values

Predicate = sa.ColumnElement[bool]


def combined(combinator: Combinator, parts: list[Predicate]) -> Predicate:
    """The parts joined by AND or OR."""
    match combinator:
        case Combinator.AND:
            return sa.and_(*parts)
        case Combinator.OR:
            return sa.or_(*parts)
        case _:
            assert_never(combinator)


def complement(predicate: Predicate) -> Predicate:
    """NOT as a function: SQLAlchemy's own turns `not (x > 0)` into `x <= 0`, which is wrong for NaN."""
    negated: Predicate = sa.func.not_(predicate, type_=sa.Boolean())
    return negated


def row_predicate(rule: RowRule, dataset: Dataset, table: sa.TableClause, zone: ZoneInfo) -> Predicate:
    """Whether one row of `table` matches a checked rule."""
    match rule:
        case RowGroup():
            parts = [row_predicate(child, dataset, table, zone) for child in rule.rules]
            predicate = combined(rule.combinator, parts)
            return complement(predicate) if rule.negated else predicate
        case Condition():
            return _condition(rule, dataset, table, zone)
        case _:
            assert_never(rule)


def _condition(rule: Condition, dataset: Dataset, table: sa.TableClause, zone: ZoneInfo) -> Predicate:
    operator, field = OPERATORS[rule.operator], dataset.field(rule.field)
    if field is None:
        raise InternalError(f"an unchecked rule reached the compiler: no field {rule.field!r}")
    column = table.c[field.name]
    if operator.test is Test.IS_NULL:
        predicate: Predicate = sa.func.isNull(column, type_=sa.Boolean())
    else:
        typed = typed_values(field, operator, scalars(rule.value), zone)
        predicate = _two_valued(_positive(operator, _operand(column, field, operator, typed, zone), typed), field)
    return complement(predicate) if operator.negation_of else predicate


def _two_valued(predicate: Predicate, field: Field) -> Predicate:
    """NULL matches nothing.

    Float columns are guarded too: ClickHouse 26.9 turns `NOT x > 5` into the key range `x <= 5` and so skips granules
    that hold NaN, where x is in the sorting key or in a skip index; it does not look through ifNull.
    """
    if field.nullable or unwrapped(field.clickhouse_type).startswith(("Float", "BFloat")):
        guarded: Predicate = sa.func.ifNull(predicate, sa.literal_column("0"), type_=sa.Boolean())
        return guarded
    return predicate


def _operand(
    column: sa.ColumnElement[Any], field: Field, operator: Operator, typed: TypedValues, zone: ZoneInfo
) -> sa.ColumnElement[Any]:
    """The column in a form that compares with the typed values."""
    stored = unwrapped(field.clickhouse_type)
    if field.type is FieldType.TEXT and stored != "String":
        return sa.func.toString(column)
    if stored == "BFloat16":
        return sa.func.toFloat32(column)
    if typed.by_day:
        return sa.func.toDate32(column, parameter("String", zone.key))
    if field.type is FieldType.DATETIME and operator.test is Test.ONE_OF:
        # IN casts its list to the column's type, which would cut fractions of a second or fail
        scale = max(6, moment_scale(stored))
        return sa.func.toDateTime64(column, sa.literal_column(str(scale)), sa.literal_column("'UTC'"))
    return column


def _positive(operator: Operator, operand: sa.ColumnElement[Any], typed: TypedValues) -> Predicate:
    if operator.test is Test.ONE_OF:
        arrays = list_parameters(typed.clickhouse_type, typed.values)
        return sa.or_(*(operand.in_(array) for array in arrays))
    values = [parameter(typed.clickhouse_type, value) for value in typed.values]
    match operator.test:
        case Test.EQUALS:
            predicate = operand == values[0]
        case Test.LESS:
            predicate = operand < values[0]
        case Test.LESS_OR_EQUAL:
            predicate = operand <= values[0]
        case Test.GREATER:
            predicate = operand > values[0]
        case Test.GREATER_OR_EQUAL:
            predicate = operand >= values[0]
        case Test.BETWEEN:
            predicate = operand.between(values[0], values[1])
        case Test.CONTAINS:
            # by bytes: exact for UTF-8, and no pattern characters as LIKE has
            predicate = sa.func.position(operand, values[0]) > sa.literal_column("0")
        case Test.BEGINS_WITH:
            predicate = sa.func.startsWith(operand, values[0], type_=sa.Boolean())
        case Test.ENDS_WITH:
            predicate = sa.func.endsWith(operand, values[0], type_=sa.Boolean())
        case Test.IS_NULL:
            raise InternalError("a test without a value")
        case _:
            assert_never(operator.test)
    return predicate
