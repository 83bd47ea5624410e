"""Batches -> a staging table -> a typed table -> the dataset's table, all or nothing."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from segmentator_dagster.collection.problems import DATASET_EXISTS
from segmentator_dagster.collection.source import ROW, Source, cell, kind
from segmentator_dagster.compiler.query import CompiledQuery
from segmentator_dagster.domain.errors import InternalError
from segmentator_dagster.storage.clickhouse import ClickHouse

if TYPE_CHECKING:
    import pyarrow as pa

PREFIX = "_loading_"  # no dataset name begins with _
STALE_AFTER = dt.timedelta(hours=24)
# A statement over 1000 columns is long; the usual limits are against users' queries, and this is not one.
WIDE = {
    "max_query_size": 64 << 20,
    "max_ast_elements": 10_000_000,
    "max_expanded_ast_elements": 10_000_000,
    "precise_float_parsing": 1,  # before ClickHouse 25 the default could be off in the last bit
}


@dataclass(frozen=True, slots=True)
class LoadedColumn:
    name: str
    clickhouse_type: str


@dataclass(frozen=True, slots=True)
class TypedColumn:
    """A column of the dataset and the expression that makes it out of the staging table."""

    name: str
    clickhouse_type: str
    expression: str
    definitions: tuple[str, ...] = ()


def quoted(identifier: str) -> str:
    escaped = identifier.replace("\\", "\\\\").replace("`", "\\`")
    return f"`{escaped}`"


def table_exists(admin: ClickHouse, database: str, table: str) -> bool:
    query = "SELECT count() FROM system.tables WHERE database = {database:String} AND name = {name:String}"
    return bool(admin.scalar(CompiledQuery(query, {"database": database, "name": table})))


def drop_stale(admin: ClickHouse, database: str) -> None:
    """Drop what loads that were killed have left: tables of loads not written to for `STALE_AFTER`."""
    stale = CompiledQuery(
        "SELECT name FROM system.tables LEFT JOIN"
        " (SELECT table AS name, max(modification_time) AS written FROM system.parts"
        "  WHERE database = {database:String} GROUP BY table) AS parts USING name"
        " WHERE database = {database:String} AND startsWith(name, {prefix:String})"
        " AND greatest(metadata_modification_time, written) <= now() - toIntervalSecond({age:UInt32})",
        {"database": database, "prefix": PREFIX, "age": int(STALE_AFTER.total_seconds())},
    )
    for (name,) in admin.rows(stale):
        admin.execute(CompiledQuery(f"DROP TABLE IF EXISTS {quoted(database)}.{quoted(name)} SYNC"))


class LoadTables:
    """The tables of one load. Leaves nothing but the published table when used as a context manager."""

    def __init__(self, admin: ClickHouse, database: str) -> None:
        load = secrets.token_hex(8)
        self._admin = admin
        self._database = database
        self._staging = f"{PREFIX}{load}_cells"
        self._typed = f"{PREFIX}{load}_typed"

    def __enter__(self) -> LoadTables:
        return self

    def __exit__(self, *_: object) -> None:
        self._execute(f"DROP TABLE IF EXISTS {self.staging} SYNC")
        self._execute(f"DROP TABLE IF EXISTS {self._name(self._typed)} SYNC")

    @property
    def staging(self) -> str:
        return self._name(self._staging)

    def create_staging(self, source: Source) -> None:
        columns = [f"{ROW} UInt64"]
        for index, column in enumerate(source.columns):
            columns.append(f"{cell(index)} Nullable({column.native_type or 'String'})")
            if source.cell_kinds:
                columns.append(f"{kind(index)} UInt8")
        self._execute(f"CREATE TABLE {self.staging} ({', '.join(columns)}) ENGINE = MergeTree ORDER BY {ROW}")

    def append(self, batch: pa.Table) -> None:
        self._admin.insert_arrow(self._database, self._staging, batch)

    def select(
        self, expressions: Sequence[str], definitions: Sequence[str] = (), tail: str = ""
    ) -> list[tuple[Any, ...]]:
        """Expressions over the staging table; `definitions` are WITH aliases that they may use."""
        return self._admin.rows(CompiledQuery(f"{_select(expressions, definitions)} FROM {self.staging} {tail}"), WIDE)

    def fill(self, columns: Sequence[TypedColumn], order_by: Sequence[str], rows: int) -> None:
        """Make the typed table; InternalError unless it has exactly `rows` rows."""
        declared = ", ".join(f"{quoted(column.name)} {column.clickhouse_type}" for column in columns)
        key = ", ".join(map(quoted, order_by))
        typed = self._name(self._typed)
        self._execute(f"CREATE TABLE {typed} ({declared}) ENGINE = MergeTree ORDER BY ({key})")
        names = ", ".join(quoted(column.name) for column in columns)
        definitions = [definition for column in columns for definition in column.definitions]
        # CAST refuses NULL for a type without it, where INSERT would quietly write a zero.
        values = [f"CAST({column.expression}, '{_literal(column.clickhouse_type)}')" for column in columns]
        self._execute(f"INSERT INTO {typed} ({names}) {_select(values, definitions)} FROM {self.staging}")
        written = self._of_typed("count()")
        if written != rows:
            raise InternalError(f"{rows} rows were read and {written} written")

    def users(self, user_key: str) -> int:
        return self._of_typed(f"uniqExact({quoted(user_key)})")

    def columns(self) -> tuple[LoadedColumn, ...]:
        """The typed table's columns in the server's own words."""
        query = (
            "SELECT name, type FROM system.columns WHERE database = {database:String} AND table = {name:String}"
            " ORDER BY position"
        )
        found = self._admin.rows(CompiledQuery(query, {"database": self._database, "name": self._typed}))
        return tuple(LoadedColumn(name, clickhouse_type) for name, clickhouse_type in found)

    def publish(self, table: str, *, replace: bool) -> None:
        """Give the typed table its name in one step; an old table of that name goes when `replace` is set."""
        target = self._name(table)
        if replace and table_exists(self._admin, self._database, table):
            self._execute(f"EXCHANGE TABLES {self._name(self._typed)} AND {target}")
            return
        try:
            self._execute(f"RENAME TABLE {self._name(self._typed)} TO {target}")
        except InternalError as error:
            if table_exists(self._admin, self._database, table):  # another load was quicker
                raise DATASET_EXISTS.error(name=table) from error
            raise

    def _of_typed(self, aggregate: str) -> int:
        return int(self._admin.scalar(CompiledQuery(f"{_select([aggregate], ())} FROM {self._name(self._typed)}")))

    def _name(self, table: str) -> str:
        return f"{quoted(self._database)}.{quoted(table)}"

    def _execute(self, sql: str) -> None:
        self._admin.execute(CompiledQuery(sql), WIDE)


def _select(expressions: Sequence[str], definitions: Sequence[str]) -> str:
    with_clause = f"WITH {', '.join(definitions)} " if definitions else ""
    return f"{with_clause}SELECT {', '.join(expressions)}"


def _literal(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")
