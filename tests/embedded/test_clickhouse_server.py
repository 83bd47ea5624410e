"""The embedded ClickHouse server: who may do what, and how it starts and ends."""

from __future__ import annotations

from segmentator_dagster.compiler.query import CompiledQuery
from segmentator_dagster.storage.clickhouse import ClickHouse


def test_reader_reads_a_table_of_both_databases(admin: ClickHouse, reader: ClickHouse) -> None:
    for database in ("datasets", "segmentator"):
        admin.execute(CompiledQuery(f"CREATE TABLE {database}.seen (a Int8) ENGINE = MergeTree ORDER BY a"))
        admin.execute(CompiledQuery(f"INSERT INTO {database}.seen VALUES (7)"))
        assert reader.rows(CompiledQuery(f"SELECT a FROM {database}.seen")) == [(7,)]
        assert b"".join(reader.stream(CompiledQuery(f"SELECT a FROM {database}.seen"), "CSVWithNames")) == b'"a"\n7\n'
        admin.execute(CompiledQuery(f"DROP TABLE {database}.seen SYNC"))
