"""Typed values -> bind parameters, numbered in the order of the SQL text (p_1, p_2, ...)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, cast

import sqlalchemy as sa
from clickhouse_connect.cc_sqlalchemy.datatypes.base import sqla_type_from_name
from sqlalchemy.types import TypeEngine

_CHUNK_BYTES = 60_000


def parameter(clickhouse_type: str, value: object) -> sa.BindParameter[Any]:
    """`{p_N:Type}`: a value that the server parses; it never becomes part of the SQL text."""
    return sa.bindparam("p", value, unique=True, type_=server_type(clickhouse_type))


def list_parameters(clickhouse_type: str, values: Sequence[object]) -> Iterator[sa.BindParameter[Any]]:
    """The list in as many `{p_N:Array(Type)}` as it needs.

    The server reads parameters from form fields of at most 128 KiB (http_max_field_value_size), and text grows by
    escaping and by UTF-8; one array per 60 000 characters of text keeps well below.
    """
    part: list[object] = []
    size = 0
    for value in values:
        width = 2 * len(str(value).encode()) + 4
        if part and size + width > _CHUNK_BYTES:
            yield _array(clickhouse_type, part)
            part, size = [], 0
        part.append(value)
        size += width
    yield _array(clickhouse_type, part)


def _array(clickhouse_type: str, values: list[object]) -> sa.BindParameter[Any]:
    return sa.bindparam("p", values, unique=True, type_=server_type(clickhouse_type), expanding=True)


@lru_cache(maxsize=1024)
def server_type(name: str) -> TypeEngine[Any]:
    """A ClickHouse type by its name, as SQLAlchemy types expressions."""
    return cast("TypeEngine[Any]", sqla_type_from_name(name))
