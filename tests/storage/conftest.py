"""A migrated metadata database, once on SQLite and once on PostgreSQL."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from segmentator_dagster.domain.segment import Definition, Segment
from segmentator_dagster.domain.uploaded_list import Contents, ListLabel, Mode, Recognised, UploadedList, UploadReport
from segmentator_dagster.storage.metadata.attempts import Attempts
from segmentator_dagster.storage.metadata.database import Database
from segmentator_dagster.storage.metadata.exports import Exports
from segmentator_dagster.storage.metadata.list_parts import ListParts
from segmentator_dagster.storage.metadata.lists import Lists
from segmentator_dagster.storage.metadata.migrate import migrate
from segmentator_dagster.storage.metadata.references import References
from segmentator_dagster.storage.metadata.segments import Segments
from segmentator_dagster.storage.metadata.snapshots import Snapshots
from tests.storage.referring import rule_of

RULE = {"kind": "everyone"}


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    if request.param == "sqlite":
        database = Database(f"sqlite:///{tmp_path / 'metadata.sqlite'}")
    else:
        database = Database(new_postgres_database(request.getfixturevalue("postgres_server").url))
    yield database
    database.close()


@pytest.fixture
def database(empty_database: Database) -> Database:
    migrate(empty_database)
    return empty_database


@pytest.fixture
def segments(database: Database) -> Segments:
    return Segments(database)


@pytest.fixture
def exports(database: Database) -> Exports:
    return Exports(database)


@pytest.fixture
def attempts(database: Database) -> Attempts:
    return Attempts(database)


@pytest.fixture
def snapshots(database: Database) -> Snapshots:
    return Snapshots(database)


@pytest.fixture
def references(database: Database) -> References:
    return References(database)


@pytest.fixture
def lists(database: Database) -> Lists:
    return Lists(database)


@pytest.fixture
def parts(database: Database) -> ListParts:
    return ListParts(database)


@pytest.fixture
def segment(segments: Segments) -> Callable[..., Segment]:
    """Save a segment that refers to these."""

    def make(name: str, *segment_ids: int, lists: tuple[int, ...] = ()) -> Segment:
        return segments.create(definition(name, rule=rule_of(*segment_ids, lists=lists)), "f", None)

    return make


@pytest.fixture
def point(segments: Segments) -> Callable[..., Segment]:
    """Make a segment refer to these from now on."""

    def change(one: Segment, *segment_ids: int, lists: tuple[int, ...] = ()) -> Segment:
        current = segments.get(one.id)
        changed = replace(current.definition, rule=rule_of(*segment_ids, lists=lists))
        return segments.update(one.id, current.version, changed, "f", None)

    return change


def definition(name: str = "Весна", **changes: object) -> Definition:
    return Definition(**{"name": name, "rule": RULE, "dataset": "d", "time_zone": "Europe/Moscow", **changes})


def contents(*parts: str, items: int = 3, matched: int | None = 2) -> Contents:
    recognised = Recognised("csv", "user_id", 1, "utf-8", ",")
    report = UploadReport(Mode.REPLACE, recognised, 5, 1, (2,), 1, 0, 3)
    return Contents(parts, items, matched, report)


def make_list(lists: Lists, parts: ListParts, name: str = "Закрытая группа", **label: str) -> UploadedList:
    return lists.create(ListLabel(**{"name": name, "dataset": "d", **label}), contents(parts.begin()), None)


def new_postgres_database(url: str) -> str:
    """A database of its own on a server; its URL."""
    name = f"t{uuid.uuid4().hex[:12]}"
    server = Database(url)
    with server.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    server.close()
    return server.url.set(database=name).render_as_string(hide_password=False)
