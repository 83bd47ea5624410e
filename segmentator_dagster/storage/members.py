"""The ClickHouse table that holds the user ids of every snapshot."""

from __future__ import annotations

from segmentator_dagster.compiler.query import CompiledQuery
from segmentator_dagster.storage.clickhouse import ClickHouse
from segmentator_dagster.storage.list_items import create_list_items

TABLE = "segment_members"


def create_databases(admin: ClickHouse, own_database: str, data_database: str) -> None:
    """Make our databases and tables where they are missing."""
    for database in (own_database, data_database):
        admin.execute(CompiledQuery("CREATE DATABASE IF NOT EXISTS {name:Identifier}", {"name": database}))
    admin.execute(
        CompiledQuery(
            "CREATE TABLE IF NOT EXISTS {database:Identifier}.{table:Identifier} ("
            "snapshot_id UUID, user_id String, taken_at DateTime DEFAULT now()"
            ") ENGINE = MergeTree PARTITION BY toYYYYMM(taken_at) ORDER BY (snapshot_id, user_id)",
            {"database": own_database, "table": TABLE},
        )
    )
    create_list_items(admin, own_database)
