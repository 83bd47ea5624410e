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
from segmentator_dagster.domain.errors import Problem, UserError
from segmentator_dagster.storage.clickhouse import ClickHouse


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
    database = f"collection_{secrets.token_hex(6)}"
    admin.execute(CompiledQuery(f"CREATE DATABASE {database}"))
    yield Collection(admin, database)
    admin.execute(CompiledQuery(f"DROP DATABASE {database} SYNC"))


@pytest.fixture
def csv_file(tmp_path: Path) -> Callable[..., Path]:
    """Writes text (or bytes) into a file and gives its path."""

    def write(content: str | bytes, name: str = "data.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write
