"""A small dataset in a real ClickHouse, a migrated database, a folder of objects: what the exporter works with."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from segmentator_dagster.compiler.query import CompiledQuery
from segmentator_dagster.domain.export import ExportRequest, Format, Trigger
from segmentator_dagster.domain.segment import Definition, Segment
from segmentator_dagster.exports.exporter import Exporter, Published, Run
from segmentator_dagster.exports.extract import extract_tables
from segmentator_dagster.exports.requesters import Requesters
from segmentator_dagster.storage.clickhouse import ClickHouse
from segmentator_dagster.storage.members import create_databases
from segmentator_dagster.storage.metadata.attempts import Attempts
from segmentator_dagster.storage.metadata.database import Database
from segmentator_dagster.storage.metadata.datasets import Datasets, RegisteredDataset
from segmentator_dagster.storage.metadata.exports import Exports
from segmentator_dagster.storage.metadata.installation import Installation
from segmentator_dagster.storage.metadata.list_parts import ListParts
from segmentator_dagster.storage.metadata.lists import Lists
from segmentator_dagster.storage.metadata.migrate import migrate
from segmentator_dagster.storage.metadata.people import People
from segmentator_dagster.storage.metadata.references import References
from segmentator_dagster.storage.metadata.segments import Segments
from segmentator_dagster.storage.metadata.snapshots import Snapshots
from segmentator_dagster.storage.objects import Objects, S3Access

NO_S3 = S3Access(None, "x", None, None, virtual_host=False)


@dataclass(frozen=True)
class Bench:
    """An exporter with everything it needs, and short ways to use it."""

    exporter: Exporter
    admin: ClickHouse
    folder: Path
    lists: Lists
    list_parts: ListParts
    database: Database

    def dataset(self, columns: str, rows: str, time_field: str | None = None, user_key: str = "user_id") -> str:
        """A registered table made of column definitions and an INSERT source; its name."""
        name = f"t{uuid.uuid4().hex[:12]}"
        self.admin.execute(
            CompiledQuery(f"CREATE TABLE datasets.{name} ({columns}) ENGINE = MergeTree ORDER BY tuple()")
        )
        self.admin.execute(CompiledQuery(f"INSERT INTO datasets.{name} {rows}"))
        self.exporter.datasets.register(RegisteredDataset(name, "datasets", name, user_key, time_field))
        return name

    def segment(self, dataset: str, rule: dict[str, Any] | None = None, **more: Any) -> Segment:
        definition = Definition(uuid.uuid4().hex, rule or {"kind": "everyone"}, dataset, "Europe/Moscow", **more)
        return self.exporter.segments.create(definition, "f" * 64, None)

    def ask(self, segment: Segment, *formats: Format, **more: Any) -> ExportRequest:
        asked = {"trigger": Trigger.API, "requested_by_id": None, **more}
        return self.exporter.exports.request(segment, formats, **asked)

    def publish(self, request: ExportRequest, format_: Format) -> Published:
        """One format of a request, by a run of its own."""
        run = self.run(request)
        claimed = self.exporter.begin(run)
        if claimed.takes_audience:
            self.exporter.take_audience(claimed)
        return self.exporter.write_file(claimed, format_, run)

    def content(self, published: Published, number: int = 1) -> bytes:
        return (self.folder / published.export.files[number - 1].key).read_bytes()

    def run(self, request: ExportRequest, run_id: str = "run1", **more: Any) -> Run:
        values = {
            "parent_run_id": None,
            "automatic_retry": False,
            "request_id": request.id,
            "takes_audience": True,
        } | more
        return Run(run_id, segment_id=request.segment_id, formats=tuple(e.format for e in request.exports), **values)

    def files(self) -> list[Path]:
        """All that is in the store, less the manifests."""
        return sorted(path for path in self.folder.rglob("*") if path.is_file() and path.name != "manifest.json")

    def extracts(self, request: ExportRequest) -> list[str]:
        return [t.name for t in extract_tables(self.admin, "segmentator") if t.request_id == request.id]


def exporter_of(database: Database, writer: ClickHouse, folder: Path) -> Exporter:
    return Exporter(
        Segments(database),
        Exports(database),
        Attempts(database),
        Snapshots(database),
        Datasets(database),
        References(database),
        writer,
        Objects(f"file://{folder}", NO_S3),
        "segmentator",
        Requesters(People(database), Installation(database)),
    )


@pytest.fixture
def bench(admin: ClickHouse, writer: ClickHouse, tmp_path: Path) -> Iterator[Bench]:
    create_databases(admin, "segmentator", "datasets")
    database = Database(f"sqlite:///{tmp_path / 'metadata.sqlite'}")
    migrate(database)
    folder = tmp_path / "objects"
    yield Bench(exporter_of(database, writer, folder), admin, folder, Lists(database), ListParts(database), database)
    database.close()
