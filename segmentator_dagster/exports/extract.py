"""Members and their fields -> the extract: a table that every file of a request is rendered from.

The data may change while a request makes its files. The extract is read from them once, so that all formats and all
parts agree value by value, and the latest row of each user is looked for once and not for every file.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from segmentator_dagster.compiler.query import MOST_SQL_BYTES, CompiledQuery, compile_statement
from segmentator_dagster.domain.catalogue import Field
from segmentator_dagster.domain.errors import InternalError, UserError
from segmentator_dagster.exports.source import Source
from segmentator_dagster.storage.clickhouse import ClickHouse

SPILLING = {
    # Sorting and grouping go to disk well before the server's memory limit, so that size never fails an export.
    "max_bytes_before_external_sort": 512 << 20,
    "max_bytes_before_external_group_by": 512 << 20,
}
_CREATING = {**SPILLING, "allow_suspicious_low_cardinality_types": 1}  # datasets may have such columns
_NAME = re.compile(r"extract_([0-9a-f]{32})_[0-9a-f]{32}(_[0-9a-f]{8})?")  # of any other form are not ours
_RENAME = "RENAME TABLE {database:Identifier}.{part:Identifier} TO {database:Identifier}.{name:Identifier}"
_TABLES = (
    "SELECT name, toUInt32(now() - metadata_modification_time) FROM system.tables WHERE database = {database:String}"
)


@dataclass(frozen=True, slots=True)
class ExtractTable:
    """A table that is there, whole or in the making; `age_seconds` since it was made or renamed."""

    name: str
    request_id: str
    age_seconds: int


def extract_name(request_id: str, snapshot_id: str, fields: Sequence[Field] = ()) -> str:
    """One table for a request, the audience it has and its columns: a retry finds what the attempt before it made.

    Where the table of the data, or what who asked may see of it, has changed meanwhile, a later file of the request
    has other columns, and none of those may come from the earlier extract.
    """
    columns = json.dumps([[field.name, field.clickhouse_type, field.masked] for field in fields])
    return f"extract_{uuid.UUID(request_id).hex}_{uuid.uuid5(uuid.UUID(snapshot_id), columns).hex}"


def make_extract(
    writer: ClickHouse,
    rows: sa.Select[Any],
    fields: Sequence[Field],
    *,
    database: str,
    name: str,
    time_zone: str,
    settings: Mapping[str, Any],
) -> Source:
    """The extract of that name, made from `rows` (a column for each of `fields`, the user id first) unless it is there.

    A table has the name only when it is whole. Of two who make it at once one wins, and both read what it made.
    """
    if not _exists(writer, database, name):
        _make(writer, rows, {"database": database, "name": name}, settings)
    count = CompiledQuery(
        "SELECT count() FROM {database:Identifier}.{name:Identifier}", {"database": database, "name": name}
    )
    return Source(database, name, fields, int(writer.scalar(count)), time_zone)


def extract_tables(clickhouse: ClickHouse, database: str) -> Iterator[ExtractTable]:
    """Every extract on the server, those in the making too."""
    for name, age in clickhouse.rows(CompiledQuery(_TABLES, {"database": database})):
        if found := _NAME.fullmatch(name):
            yield ExtractTable(name, str(uuid.UUID(found[1])), age)


def drop_extracts(writer: ClickHouse, database: str, request_id: str) -> None:
    """Drop what there is of a request that has ended."""
    for table in list(extract_tables(writer, database)):
        if table.request_id == request_id:
            drop_table(writer, database, table.name)


def drop_table(writer: ClickHouse, database: str, name: str) -> None:
    """The name is free at once; the server removes the data later, so that nobody waits for a reader that hangs."""
    query = "DROP TABLE IF EXISTS {database:Identifier}.{name:Identifier}"
    writer.execute(CompiledQuery(query, {"database": database, "name": name}))


def _make(writer: ClickHouse, rows: sa.Select[Any], names: Mapping[str, str], settings: Mapping[str, Any]) -> None:
    named = {**names, "part": f"{names['name']}_{uuid.uuid4().hex[:8]}"}
    try:
        writer.execute(_creation(rows, named), {**_CREATING, **settings})
        try:
            writer.execute(CompiledQuery(_RENAME, named))
        except (InternalError, UserError):
            if not _exists(writer, names["database"], names["name"]):  # nobody else was first: a real failure
                raise
    finally:
        drop_table(writer, names["database"], named["part"])


def _creation(rows: sa.Select[Any], named: Mapping[str, str]) -> CompiledQuery:
    columns = rows.subquery("rows")
    numbered = sa.select(*(column.label(f"c{index}") for index, column in enumerate(columns.c)))
    query = compile_statement(numbered, most_bytes=MOST_SQL_BYTES)
    sql = (
        "CREATE TABLE {database:Identifier}.{part:Identifier} ENGINE = MergeTree ORDER BY c0 "
        "SETTINGS ratio_of_defaults_for_sparse_serialization = 1 AS "
    )
    return CompiledQuery(sql + query.sql, {**query.parameters, **named})


def _exists(writer: ClickHouse, database: str, name: str) -> bool:
    query = "EXISTS TABLE {database:Identifier}.{name:Identifier}"
    return bool(writer.scalar(CompiledQuery(query, {"database": database, "name": name})))
