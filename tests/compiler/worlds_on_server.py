"""A generated world on a real ClickHouse, and the oracle that knows the same rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from segmentator_dagster.compiler.audience import compile_audience
from segmentator_dagster.compiler.query import CompiledQuery, compile_statement
from segmentator_dagster.domain.references import KnownList, KnownSegment, Library
from segmentator_dagster.domain.rule import Everyone, Rule
from segmentator_dagster.storage.clickhouse import ClickHouse
from tests.domain import worlds
from tests.domain.oracle import Oracle, Segment, Table

Rows = Mapping[str, Sequence[Mapping[str, Any]]]

_PART = UUID("61f0c404-5cb3-11e7-907b-a6006ad3dba0")
# Each list in two parts, which share what they like; an empty list has none.
LISTS = {
    id_: KnownList(id_, f"list {id_}", tuple(str(uuid5(_PART, f"{id_}.{half}")) for half in (0, 1) if values))
    for id_, values in worlds.LISTS.items()
}
SEGMENT_BASES = {
    id_: (base, zone.key)
    for id_, base, zone in zip((1, 2, 3), (worlds.BASE, worlds.OTHER, worlds.BASE), worlds.ZONES, strict=True)
}


@dataclass(frozen=True)
class World:
    """Loaded rows at a moment, and the segments that rules may refer to."""

    server: ClickHouse
    oracle: Oracle
    library: Library
    moment: datetime

    def audience(self, rule: Rule) -> sa.Select[tuple[str]]:
        return compile_audience(
            rule,
            worlds.catalogue(),
            worlds.BASE,
            worlds.ZONE.key,
            self.moment,
            library=self.library,
            lists_database=worlds.DATABASE,
        )

    def users(self, rules: Sequence[Rule]) -> list[list[str]]:
        """The users of each rule, as the server has them, in one query."""
        selects = [
            sa.select(sa.literal_column(str(at)).label("at"), self.audience(rule).subquery().c.user_id)
            for at, rule in enumerate(rules)
        ]
        found: list[list[str]] = [[] for _ in rules]
        for at, user in self.server.rows(compile_statement(sa.union_all(*selects))):
            found[at].append(user)
        return found


def prepared(server: ClickHouse) -> Iterator[ClickHouse]:
    """The database of the worlds, with the lists."""
    server.execute(CompiledQuery(f"CREATE DATABASE IF NOT EXISTS {worlds.DATABASE}"))
    server.execute(
        CompiledQuery(
            f"CREATE OR REPLACE TABLE {worlds.DATABASE}.list_items (part UUID, value String) "
            "ENGINE = MergeTree ORDER BY (part, value)"
        )
    )
    for id_, known in LISTS.items():
        values = sorted(worlds.LISTS[id_])
        for half, part in enumerate(known.parts):
            query = (
                f"INSERT INTO {worlds.DATABASE}.list_items "
                "SELECT {part:UUID}, arrayJoin({values:Array(String)}) SETTINGS async_insert = 0"
            )
            server.execute(CompiledQuery(query, {"part": part, "values": values[half::2] + values[:1]}))
    yield server
    server.execute(CompiledQuery(f"DROP DATABASE {worlds.DATABASE}"))


def loaded(server: ClickHouse, rows: Rows, moment: datetime, segments: Sequence[Rule] = ()) -> World:
    """Put these rows in place of those there are; datasets not named are empty."""
    for dataset in worlds.DATASETS:
        server.execute(CompiledQuery(worlds.create_sql(dataset)))
        if content := rows.get(dataset):
            server.execute(CompiledQuery(worlds.insert_sql(dataset, content)))
    tables = {
        name: Table(
            worlds.KEYS[name].name,
            {column.name: column.type for column in worlds.columns_of(name)},
            rows.get(name, []),
            worlds.TIME_FIELDS[name],
        )
        for name in worlds.DATASETS
    }
    rules = dict(enumerate([*segments, *(Everyone() for _ in range(3 - len(segments)))], start=1))
    known = {id_: KnownSegment(id_, f"segment {id_}", rule, *SEGMENT_BASES[id_]) for id_, rule in rules.items()}
    theirs = {id_: Segment(rule, SEGMENT_BASES[id_][0], ZoneInfo(SEGMENT_BASES[id_][1])) for id_, rule in rules.items()}
    oracle = Oracle(tables, worlds.BASE, worlds.ZONE, moment, theirs, worlds.LISTS)
    return World(server, oracle, Library(known, LISTS), moment)
