"""Metadata on SQLite and a Dagster instance in memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from segmentator_dagster.exports.due_exports import DueExports
from segmentator_dagster.exports.requesters import Requesters
from segmentator_dagster.storage.metadata.attempts import Attempts
from segmentator_dagster.storage.metadata.audit import Audit
from segmentator_dagster.storage.metadata.database import Database
from segmentator_dagster.storage.metadata.datasets import Datasets
from segmentator_dagster.storage.metadata.exports import Exports
from segmentator_dagster.storage.metadata.installation import Installation
from segmentator_dagster.storage.metadata.migrate import migrate
from segmentator_dagster.storage.metadata.people import People
from tests.storage.conftest import attempts, exports, segments  # noqa: F401  fixtures over the database below


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'metadata.sqlite'}")
    migrate(database)
    yield database
    database.close()


@pytest.fixture
def datasets(database: Database) -> Datasets:
    return Datasets(database)


@pytest.fixture
def due_exports(database: Database, exports: Exports, attempts: Attempts) -> DueExports:  # noqa: F811
    requesters = Requesters(People(database), Installation(database))
    return DueExports(database, exports, attempts, requesters, Audit(database))


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance
