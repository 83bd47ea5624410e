"""Field -> the SQL expression of its value: a column, or an entry of a map or JSON read as a type."""

from __future__ import annotations

import sqlalchemy as sa

from segmentator_dagster.compiler.expressions import Expression, when
from segmentator_dagster.compiler.parameters import parameter, server_type
from segmentator_dagster.domain.catalogue import Field, FieldType, field_type, map_types, unwrapped
from segmentator_dagster.domain.errors import InternalError

_NUMBER = r"'^[+-]?[0-9]+(\\.[0-9]+)?([eE][+-]?[0-9]{1,4})?$'"
_CENTURIES = "'^(19|2[0-2])[0-9]{2}-'"
_MOMENT = r"'^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})?$'"
_NULL: Expression = sa.literal_column("NULL")

_TRUE: Expression = sa.literal_column("'true'")
_FALSE: Expression = sa.literal_column("'false'")


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
    return when(sa.func.mapContains(column, named), sa.func.toNullable(sa.func.arrayElement(column, named)), _NULL)


def _json_text(column: Expression, path: str) -> Expression:
    """The value at a path as text. The path is a value to the server, no part of the SQL."""
    return sa.cast(sa.func.getSubcolumn(column, parameter("String", path)), server_type("Nullable(String)"))


def _read(text: Expression, as_type: FieldType) -> Expression:
    """Text in the notation that each type is written in, nothing else, whatever the server's own readers accept."""
    match as_type:
        case FieldType.TEXT:
            return text
        case FieldType.NUMBER:
            return when(sa.func.match(text, sa.literal_column(_NUMBER)), sa.func.toFloat64OrNull(text), _NULL)
        case FieldType.DATE:
            return when(_is_day(text), sa.func.toDate32OrNull(text), _NULL)
        case FieldType.DATETIME:
            parsed = sa.func.parseDateTime64BestEffortOrNull(text, sa.literal_column("6"), sa.literal_column("'UTC'"))
            day = sa.func.substring(text, sa.literal_column("1"), sa.literal_column("10"))
            written = sa.and_(sa.func.match(text, sa.literal_column(_MOMENT)), _is_day(day))
            return when(written, parsed, _NULL)
        case FieldType.BOOLEAN:
            return sa.func.multiIf(text == _TRUE, sa.true(), text == _FALSE, sa.false(), _NULL)
        case _:
            raise InternalError(f"an unchecked rule reached the compiler: read as {as_type}")


def _is_day(text: Expression) -> sa.ColumnElement[bool]:
    """A day that exists and that Date32 holds: the server makes 1 March of 30 February, and keeps days of 1899."""
    written = sa.func.match(text, sa.literal_column(_CENTURIES))
    return sa.and_(written, sa.func.toString(sa.func.toDate32OrNull(text)) == text)
