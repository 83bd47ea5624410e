"""Metadata on SQLite and a Dagster instance in memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from segmentator_dagster.storage.metadata.attempts import Attempts
from segmentator_dagster.storage.metadata.database import Database
from segmentator_dagster.storage.metadata.datasets import Datasets
from segmentator_dagster.storage.metadata.exports import Exports
from segmentator_dagster.storage.metadata.migrate import migrate
from segmentator_dagster.storage.metadata.segments import Segments


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'metadata.sqlite'}")
    migrate(database)
    yield database
    database.close()


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
def datasets(database: Database) -> Datasets:
    return Datasets(database)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance
