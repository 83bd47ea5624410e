"""A migrated metadata database, once on SQLite and once on PostgreSQL."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from segmentator_dagster.domain.segment import Definition
from segmentator_dagster.storage.metadata.attempts import Attempts
from segmentator_dagster.storage.metadata.database import Database
from segmentator_dagster.storage.metadata.exports import Exports
from segmentator_dagster.storage.metadata.migrate import migrate
from segmentator_dagster.storage.metadata.segments import Segments
from segmentator_dagster.storage.metadata.snapshots import Snapshots

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


def definition(name: str = "Весна", **changes: object) -> Definition:
    return Definition(**{"name": name, "rule": RULE, "dataset": "d", "time_zone": "Europe/Moscow", **changes})


def new_postgres_database(url: str) -> str:
    """A database of its own on a server; its URL."""
    name = f"t{uuid.uuid4().hex[:12]}"
    server = Database(url)
    with server.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    server.close()
    return server.url.set(database=name).render_as_string(hide_password=False)
