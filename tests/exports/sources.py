"""Tables of a test -> sources that files are rendered from."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from segmentator_dagster.compiler.query import CompiledQuery
from segmentator_dagster.domain.catalogue import Field, field_type, is_nullable
from segmentator_dagster.exports.source import Renderer, Source
from segmentator_dagster.storage.clickhouse import ClickHouse

ZONE = "Europe/Moscow"


def selected(admin: ClickHouse, select: str, *, database: str = "segmentator", names: Sequence[str] = ()) -> Source:
    """A source of what a SELECT gives, its first column being the user id; fields are named like its columns."""
    table = f"extract_{uuid.uuid4().hex}"
    named = {"database": database, "table": table}
    rows = CompiledQuery(f"DESCRIBE ({select})")
    columns = [(row[0], row[1]) for row in admin.rows(rows)]
    renamed = ", ".join(f"`{name}` AS c{index}" for index, (name, _) in enumerate(columns))
    create = "CREATE TABLE {database:Identifier}.{table:Identifier} ENGINE = MergeTree ORDER BY c0 AS "
    suspicious = {"allow_suspicious_low_cardinality_types": 1}
    admin.execute(CompiledQuery(f"{create} SELECT {renamed} FROM ({select})", named), suspicious)
    fields = [_field(name, type_) for name, type_ in columns]
    shown = (
        [_field(name, field.clickhouse_type) for name, field in zip(names, fields, strict=True)] if names else fields
    )
    return Source(database, table, shown, _count(admin, named), ZONE)


def inserted(admin: ClickHouse, types: Mapping[str, str], columns: Mapping[str, pa.Array]) -> Source:
    """A source of values that come from Python; the first of the types is that of the user id."""
    table = f"extract_{uuid.uuid4().hex}"
    named = {"database": "segmentator", "table": table}
    defined = ", ".join(f"c{index} {type_}" for index, type_ in enumerate(types.values()))
    create = f"CREATE TABLE {{database:Identifier}}.{{table:Identifier}} ({defined}) ENGINE = MergeTree ORDER BY c0"
    admin.execute(CompiledQuery(create, named))
    batch = pa.table({f"c{index}": columns[name] for index, name in enumerate(types)})
    if batch.num_rows:
        admin.insert_arrow("segmentator", table, batch)
    fields = [_field(name, type_) for name, type_ in types.items()]
    return Source("segmentator", table, fields, batch.num_rows, ZONE)


def written(clickhouse: ClickHouse, renderer: Renderer, **settings: Any) -> bytes:
    return b"".join(renderer.stream(clickhouse, settings))


def _field(name: str, type_: str) -> Field:
    return Field(name, field_type(type_), type_, is_nullable(type_))


def _count(admin: ClickHouse, named: Mapping[str, str]) -> int:
    return int(admin.scalar(CompiledQuery("SELECT count() FROM {database:Identifier}.{table:Identifier}", named)))
