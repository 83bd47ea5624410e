"""Field -> the SQL expression of its value: a column, or an entry of a map or JSON read as a type."""

from __future__ import annotations

import sqlalchemy as sa

from segmentator_dagster.compiler.expressions import (
    FALSE,
    NULL,
    ONE,
    TRUE,
    Expression,
    Infix,
    all_of,
    constant,
    fn,
    number,
    when,
)
from segmentator_dagster.compiler.parameters import parameter, server_type
from segmentator_dagster.domain.catalogue import Field, FieldType, field_type, map_types, unwrapped
from segmentator_dagster.domain.errors import InternalError

_NUMBER = r"'^[+-]?[0-9]+(\\.[0-9]+)?([eE][+-]?[0-9]{1,4})?$'"
_CENTURIES = "'^(19|2[0-2])[0-9]{2}-'"
_MOMENT = r"'^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})?$'"

_UTC = constant("'UTC'")


def column_of(field: Field, table: sa.FromClause) -> Expression:
    """The field's value in a row: NULL where a map or JSON has no such entry, or none that can be read as its type."""
    column: Expression = table.c[field.name]
    if field.key is None:
        return column
    if field_type(field.container) is FieldType.JSON:
        return _read(_json_text(column, field.key), field.type)
    value = _map_value(column, field.key)
    is_text = unwrapped(map_types(unwrapped(field.container))[1]) == "String"
    return _read(value, field.type) if is_text else value


def _map_value(column: Expression, key: str) -> Expression:
    named = parameter("String", key)
    return when(fn.mapContains(column, named), fn.toNullable(fn.arrayElement(column, named)), NULL)


def _json_text(column: Expression, path: str) -> Expression:
    """The value at a path as text. The path is a value to the server, no part of the SQL."""
    return sa.cast(fn.getSubcolumn(column, parameter("String", path)), server_type("Nullable(String)"))


def _read(text: Expression, as_type: FieldType) -> Expression:
    """Text in the notation that each type is written in, nothing else, whatever the server's own readers accept."""
    match as_type:
        case FieldType.TEXT:
            return text
        case FieldType.NUMBER:
            return when(fn.match(text, constant(_NUMBER)), fn.toFloat64OrNull(text), NULL)
        case FieldType.DATE:
            return when(_is_day(text), fn.toDate32OrNull(text), NULL)
        case FieldType.DATETIME:
            parsed = fn.parseDateTime64BestEffortOrNull(text, number(6), _UTC)
            day = fn.substring(text, ONE, number(10))
            written = all_of((fn.match(text, constant(_MOMENT)), _is_day(day)))
            return when(written, parsed, NULL)
        case FieldType.BOOLEAN:
            true, false = (Infix(text, "=", constant(word)) for word in ("'true'", "'false'"))
            return fn.multiIf(true, TRUE, false, FALSE, NULL)
        case _:
            raise InternalError(f"an unchecked rule reached the compiler: read as {as_type}")


def _is_day(text: Expression) -> sa.ColumnElement[bool]:
    """A day that exists and that Date32 holds: the server makes 1 March of 30 February, and keeps days of 1899."""
    written = fn.match(text, constant(_CENTURIES))
    return all_of((written, Infix(fn.toString(fn.toDate32OrNull(text)), "=", text)))
