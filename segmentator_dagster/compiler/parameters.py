"""Typed values -> server-side parameters, numbered in the order of the SQL text (p_1, p_2, ...)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from clickhouse_connect.cc_sqlalchemy.datatypes.base import sqla_type_from_name
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

_CHUNK_BYTES = 60_000


class Parameter(sa.ColumnElement[Any]):
    """`{p_N:Type}`: a value that the server parses; it never becomes part of the SQL text."""

    inherit_cache = False

    def __init__(self, clickhouse_type: str, value: object) -> None:
        self.clickhouse_type = clickhouse_type
        self.value = value


parameter = Parameter


def list_parameters(clickhouse_type: str, values: Sequence[object]) -> Iterator[Parameter]:
    """The list in as many `{p_N:Array(Type)}` as it needs.

    The server reads parameters from form fields of at most 128 KiB (http_max_field_value_size), and text grows by
    escaping and by UTF-8; one array per 60 000 characters of text keeps well below.
    """
    array_type = f"Array({clickhouse_type})"
    part: list[object] = []
    size = 0
    for value in values:
        width = 2 * len(str(value).encode()) + 4
        if part and size + width > _CHUNK_BYTES:
            yield Parameter(array_type, part)
            part, size = [], 0
        part.append(value)
        size += width
    yield Parameter(array_type, part)


@compiles(Parameter)
def _placeholder(element: Parameter, compiler: SQLCompiler, **_: Any) -> str:
    """The same parameter twice is one placeholder."""
    names = names_of(compiler)
    name, _value = names.setdefault(id(element), (f"p_{len(names) + 1}", element.value))
    return f"{{{name}:{element.clickhouse_type}}}"


def names_of(compiled: object) -> dict[int, tuple[str, object]]:
    """The parameters a compilation has met: their names and values."""
    found: dict[int, tuple[str, object]] = compiled.__dict__.setdefault("segmentator_parameters", {})
    return found


def server_type(name: str) -> Any:
    """A ClickHouse type by its name, as SQLAlchemy types expressions."""
    return sqla_type_from_name(name)
