"""Rows of a query -> the bytes of a CSV or XLSX file, with the figures the manifest needs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from segmentator_dagster.compiler.query import CompiledQuery, compile_statement
from segmentator_dagster.domain.catalogue import Field
from segmentator_dagster.domain.export import Format
from segmentator_dagster.exports import cells, delimited
from segmentator_dagster.exports.workbook import Workbook
from segmentator_dagster.storage.clickhouse import ClickHouse

_SORT_SETTINGS = {
    # Sorting and grouping go to disk well before the server's memory limit, so that size never fails an export.
    "max_bytes_before_external_sort": 512 << 20,
    "max_bytes_before_external_group_by": 512 << 20,
}


@dataclass
class Rendering:
    """One file in the making. `statement` gives a column for each of the `fields`, in their order.

    While `stream` is read, `rows`, `size` (bytes) and `sha256` say what has gone through; at its end they are the
    file's.
    """

    format: Format
    statement: sa.Select[Any]
    fields: Sequence[Field]
    time_zone: str
    size: int = 0
    _digest: hashlib._Hash = field(default_factory=hashlib.sha256)
    _records: delimited.RecordCounter = field(default_factory=delimited.RecordCounter)
    _workbook: Workbook | None = None

    @property
    def rows(self) -> int:
        return self._workbook.rows if self._workbook else self._records.records

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def stream(self, clickhouse: ClickHouse, query_id: str) -> Iterator[bytes]:
        """The file's bytes, rendered by the server as they are read."""
        settings = {**_SORT_SETTINGS, "query_id": query_id}
        for chunk in self._csv(clickhouse, settings) if self.format is Format.CSV else self._xlsx(clickhouse, settings):
            self.size += len(chunk)
            self._digest.update(chunk)
            yield chunk

    def count_replacements(self, clickhouse: ClickHouse) -> Mapping[str, int]:
        """How many values of each column the format cannot carry as they are; columns without any are left out."""
        if self.format is Format.CSV:
            return {}
        query = self._over(cells.replacements(self.fields))
        counts = clickhouse.rows(query, _SORT_SETTINGS)[0]
        return {field.name: count for field, count in zip(self.fields, counts, strict=True) if count}

    def _csv(self, clickhouse: ClickHouse, settings: Mapping[str, object]) -> Iterator[bytes]:
        columns = ", ".join(delimited.column_sql(f"c{index}", field) for index, field in enumerate(self.fields))
        yield delimited.header_line([field.name for field in self.fields])
        text = clickhouse.stream(self._over(columns), "CSV", {**delimited.SETTINGS, **settings})
        yield from self._records.counted(text)

    def _xlsx(self, clickhouse: ClickHouse, settings: Mapping[str, object]) -> Iterator[bytes]:
        self._workbook = Workbook([field.name for field in self.fields])
        text = clickhouse.stream(self._over(cells.row_xml(self.fields)), "RawBLOB", settings)
        yield from self._workbook.stream(text)

    def _over(self, expressions: str) -> CompiledQuery:
        rows = self.statement.subquery("rows")
        numbered = sa.select(*(column.label(f"c{index}") for index, column in enumerate(rows.c)))
        query = compile_statement(numbered)
        sql = f"SELECT {expressions} FROM ({query.sql})"  # noqa: S608  expressions are ours, over c0, c1, …
        return CompiledQuery(sql, {**query.parameters, "time_zone": self.time_zone})
