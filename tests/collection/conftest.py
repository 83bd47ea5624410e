"""A database of its own for every test, and a load into it that is checked to leave nothing half made."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from segmentator_dagster.collection.load import LoadedDataset, load_file
from segmentator_dagster.compiler.query import CompiledQuery
from segmentator_dagster.domain.catalogue import Dataset, Field, FieldType
from segmentator_dagster.domain.errors import Problem, UserError
from segmentator_dagster.storage.clickhouse import ClickHouse
from segmentator_dagster.storage.members import create_databases
from segmentator_dagster.storage.metadata.database import Database
from tests.collection.list_bench import Bench
from tests.storage.conftest import database, empty_database  # noqa: F401  fixtures


@dataclass(frozen=True, slots=True)
class Collection:
    """Loads files into one empty database."""

    admin: ClickHouse
    database: str

    def load(self, path: Path, **options: Any) -> LoadedDataset:
        given = {"dataset": "data", "user_key": "id", **options}
        return load_file(self.admin, path, database=self.database, **given)

    def refused(self, path: Path, **options: Any) -> tuple[Problem, ...]:
        """The problems for which a load is refused; the tables must be what they were."""
        before = self.tables()
        with pytest.raises(UserError) as refusal:
            self.load(path, **options)
        assert self.tables() == before
        for problem in refusal.value.problems:
            for language in ("en", "ru"):
                assert problem.message(language)
                problem.hint(language)
        return refusal.value.problems

    def tables(self) -> list[tuple[str, str]]:
        query = "SELECT name, toString(uuid) FROM system.tables WHERE database = {name:String} ORDER BY name"
        return self.admin.rows(CompiledQuery(query, {"name": self.database}))

    def rows(self, columns: str = "*", order: str = "id") -> list[tuple[Any, ...]]:
        return self.admin.rows(CompiledQuery(f"SELECT {columns} FROM {self.database}.data ORDER BY {order}"))

    def run(self, sql: str) -> None:
        self.admin.execute(CompiledQuery(sql))


@pytest.fixture
def collection(admin: ClickHouse) -> Iterator[Collection]:
    name = f"collection_{secrets.token_hex(6)}"
    admin.execute(CompiledQuery(f"CREATE DATABASE {name}"))
    yield Collection(admin, name)
    admin.execute(CompiledQuery(f"DROP DATABASE {name} SYNC"))


@pytest.fixture
def csv_file(tmp_path: Path) -> Callable[..., Path]:
    """Writes text (or bytes) into a file and gives its path."""

    def write(content: str | bytes, name: str = "data.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


@pytest.fixture(scope="module")
def people(admin: ClickHouse) -> Iterator[Dataset]:
    create_databases(admin, "segmentator", "datasets")
    admin.execute(CompiledQuery("CREATE TABLE datasets.uploaded_people (id String) ENGINE = MergeTree ORDER BY id"))
    admin.execute(CompiledQuery("INSERT INTO datasets.uploaded_people VALUES ('a'), ('a'), ('b'), ('z')"))
    fields = (Field("id", FieldType.TEXT, "String", nullable=False),)
    yield Dataset("people", "datasets", "uploaded_people", "id", None, fields)
    admin.execute(CompiledQuery("DROP TABLE datasets.uploaded_people"))


@pytest.fixture
def bench(database: Database, writer: ClickHouse, tmp_path: Path, people: Dataset) -> Bench:  # noqa: F811
    return Bench(database, writer, tmp_path, people)
