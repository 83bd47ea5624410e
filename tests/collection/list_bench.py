"""Uploads of small lists over one metadata database, and a look at what is in ClickHouse."""

from __future__ import annotations

import csv
import io
import uuid
from pathlib import Path

from segmentator_dagster.collection.id_file import FileKind, IdFile
from segmentator_dagster.collection.list_upload import ListUploads
from segmentator_dagster.compiler.query import CompiledQuery
from segmentator_dagster.domain.catalogue import Dataset
from segmentator_dagster.domain.uploaded_list import ListLabel, Mode, UploadedList
from segmentator_dagster.storage.clickhouse import ClickHouse
from segmentator_dagster.storage.list_items import ListItems
from segmentator_dagster.storage.metadata.database import Database
from segmentator_dagster.storage.metadata.list_parts import ListParts
from segmentator_dagster.storage.metadata.lists import Lists


class Bench:
    """What an upload needs, and short ways to use it."""

    def __init__(self, database: Database, writer: ClickHouse, folder: Path, dataset: Dataset) -> None:
        self.lists, self.parts = Lists(database), ListParts(database)
        self.items = ListItems(writer, "segmentator")
        self.uploads = ListUploads(self.lists, self.parts, self.items)
        self.dataset = dataset
        self._folder = folder
        self._writer = writer

    def file(self, *values: str) -> IdFile:
        path = self._folder / uuid.uuid4().hex
        path.write_text("\n".join(values), "utf-8")
        return opened(path)

    def create(self, *values: str, **label: str) -> UploadedList:
        named = ListLabel(**{"name": uuid.uuid4().hex, "dataset": "people", **label})
        return self.uploads.create(named, self.file(*values), self.dataset, None)

    def fill(self, list_id: int, mode: Mode, *values: str) -> UploadedList:
        return self.uploads.fill(list_id, mode, self.file(*values), self.dataset)

    def values(self, list_id: int) -> list[str]:
        held = self.lists.get(list_id).contents
        text = b"".join(self.items.stream(held.parts, "CSV", {})).decode()
        values = [row[0] for row in csv.reader(io.StringIO(text, newline=""))]
        assert len(values) == len(set(values)) == held.items
        return values

    def stored_parts(self) -> set[str]:
        """The parts that have values in ClickHouse."""
        rows = self._writer.rows(CompiledQuery("SELECT DISTINCT toString(part) FROM segmentator.list_items"))
        return {part for (part,) in rows}


def opened(path: Path) -> IdFile:
    return IdFile.opened(path, FileKind.TEXT, column=None, has_header=None, expected_column="")
