"""Rows of a source -> an XLSX file, in one pass and constant memory: ClickHouse writes the sheet, Python zips it."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any, cast

from segmentator_dagster.domain.export_options import SHEET_ROWS, Overflow, XlsxOptions
from segmentator_dagster.exports.source import Replacement, Source
from segmentator_dagster.exports.xlsx.cells import replacements, row_xml
from segmentator_dagster.exports.xlsx.column_widths import column_widths
from segmentator_dagster.exports.xlsx.package import Sheet, package_parts, sheet_part
from segmentator_dagster.exports.xlsx.row_text import RowText
from segmentator_dagster.exports.xlsx.sheet import about_sheet, filtered_range, sheet_end, sheet_start
from segmentator_dagster.exports.xlsx.styles import STYLES
from segmentator_dagster.exports.xlsx.zip_stream import BLOCK, ZipStream
from segmentator_dagster.storage.clickhouse import ClickHouse

SHEET_BYTES = 3 << 30  # below 4 GiB a part needs no zip64 record, which not every reader takes from a stream
_WORKERS = min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1, 4)
_DEPTH = 4 * _WORKERS


class XlsxFile:
    """A Renderer. Every key of the options is set; `titles` None is a file without header, `about` are the lines of the
    last sheet.

    With an overflow into workbooks the file is a ZIP of those, `<name> 1.xlsx` and so on, however few they are.
    """

    def __init__(
        self,
        source: Source,
        options: XlsxOptions,
        titles: Sequence[str] | None,
        about: Sequence[tuple[str, str]] = (),
        *,
        about_title: str = "About",
        name: str = "Data",
        sheet_bytes: int = SHEET_BYTES,
    ) -> None:
        self._source = source
        self._titles = titles
        self._about = about if options.about else ()
        self._about_title = about_title
        self._name = name
        self._sheet_rows = options.sheet_rows or SHEET_ROWS
        self._sheet_bytes = sheet_bytes
        self._text = RowText(())
        self._zipped = options.overflow is Overflow.WORKBOOKS

    @property
    def rows(self) -> int:
        return self._text.rows

    def replacements(self) -> Sequence[Replacement]:
        return replacements(self._source.fields)

    def stream(self, clickhouse: ClickHouse, settings: Mapping[str, Any]) -> Generator[bytes]:
        """The bytes of the file. A `query_id` among the settings is that of the rows; the other one begins with it."""
        widths = column_widths(clickhouse, self._source, self._titles, settings)
        start = sheet_start(widths, self._titles).encode()
        query = self._source.query(row_xml(self._source.fields))
        chunks = cast("Generator[bytes]", clickhouse.stream(query, "RawBLOB", settings, chunk_bytes=BLOCK))
        with closing(chunks), ThreadPoolExecutor(_WORKERS) as pool:
            self._text = RowText(chunks)
            yield from self._workbooks(pool, start) if self._zipped else self._workbook(pool, start, most_sheets=None)

    def _workbooks(self, pool: ThreadPoolExecutor, start: bytes) -> Iterator[bytes]:
        archive = ZipStream(pool, _DEPTH)
        number = 0
        while number == 0 or self._text.more():
            number += 1
            yield from archive.entry(f"{self._name} {number}.xlsx", self._workbook(pool, start, most_sheets=1))
        yield archive.end()

    def _workbook(self, pool: ThreadPoolExecutor, start: bytes, most_sheets: int | None) -> Iterator[bytes]:
        archive = ZipStream(pool, _DEPTH)
        sheets: list[Sheet] = []
        while not sheets or (len(sheets) != most_sheets and self._text.more()):
            yield from archive.entry(sheet_part(len(sheets) + 1), self._sheet(start, sheets))
        if self._about:
            yield from archive.entry(sheet_part(len(sheets) + 1), [about_sheet(self._about).encode()])
            sheets.append(Sheet(self._about_title))
        for part, text in package_parts(sheets, STYLES):
            yield from archive.entry(part, [text.encode()])
        yield archive.end()

    def _sheet(self, start: bytes, sheets: list[Sheet]) -> Iterator[bytes]:
        """The text of the next sheet; at its end it is one of `sheets`."""
        before = self._text.rows
        yield start
        yield from self._text.take(self._sheet_rows, self._sheet_bytes)
        filtered = filtered_range(len(self._source.fields), self._text.rows - before) if self._titles else ""
        yield sheet_end(filtered).encode()
        sheets.append(Sheet(f"Data {len(sheets) + 1}" if sheets else "Data", filtered))
