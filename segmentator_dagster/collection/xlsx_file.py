"""XLSX -> batches of cells as text, each with what kind of cell it was."""

from __future__ import annotations

import datetime as dt
import warnings
import zipfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

import openpyxl
import pyarrow as pa
from openpyxl.cell.cell import ERROR_CODES
from openpyxl.utils.exceptions import InvalidFileException

from segmentator_dagster.collection.problems import (
    FILE_EMPTY,
    FILE_UNPACKS_TOO_LARGE,
    FILE_UNREADABLE,
    ROW_FIELD_COUNT,
    SHEET_UNKNOWN,
    SHOWN_PROBLEMS,
    BadRow,
    shown,
    shown_names,
)
from segmentator_dagster.collection.source import ROW, cell, columns_of, kind

BATCH_ROWS = 20_000
MAX_SHEET_ROWS = 1_048_576
# A full sheet of 1 048 576 rows and 50 columns of numbers unpacks to about 2 GB at ratio 5 to 10.
MAX_PART_BYTES = 4 << 30
MAX_SHARED_STRINGS_BYTES = 512 << 20  # openpyxl keeps them all in memory
MAX_RATIO = 200
RATIO_MATTERS_FROM_BYTES = 16 << 20


class CellKind(IntEnum):
    """What a cell is apart from its text. A number stored as text is TEXT: people do that to ids on purpose."""

    TYPED = 0  # number, date, boolean
    TEXT = 1
    ERROR = 2


class XlsxFile:
    """One sheet of a workbook. Without a header its columns are 1, 2, …. Formulas count by the value saved with them.

    Rows without any value are skipped. A row's line is its number in the sheet.
    """

    cell_kinds = True
    decimal_comma = False

    def __init__(self, path: Path, sheet: str | None = None, *, has_header: bool = True) -> None:
        """Read the first row; UserError for a sheet that is not there and for an archive made to explode."""
        self._path = path
        self._sheet = sheet
        self.header_line = 1 if has_header else None
        with self._rows() as rows:
            first = [_header_text(value) for value in next(rows, ())]
        while first and not first[-1]:
            first.pop()
        if not first:
            raise FILE_EMPTY.error()
        self.columns = columns_of(first if has_header else len(first))
        self._broken: list[BadRow] = []

    def fraction_read(self) -> None:
        return None  # openpyxl does not say, and a sheet's stated size is often wrong

    def batches(self) -> Iterator[pa.Table]:
        width = len(self.columns)
        with self._rows() as rows:
            batch = _Batch(width)
            for number, row in enumerate(rows, start=1):
                if number == self.header_line:
                    continue
                if number > MAX_SHEET_ROWS:
                    raise FILE_UNREADABLE.error(reason=f"a sheet has {MAX_SHEET_ROWS} rows at most")
                filled = _filled_width(row)
                if filled > width:
                    self._note_broken(number, row[:filled])
                elif filled:
                    batch.append(number, row[:width] + (None,) * (width - len(row)))
                if len(batch) == BATCH_ROWS:
                    yield batch.table()
                    batch = _Batch(width)
            if len(batch):
                yield batch.table()

    def broken_rows(self) -> Sequence[BadRow]:
        return self._broken

    def lines(self, rows: Collection[int]) -> Mapping[int, int]:
        return {row: row for row in rows}

    def _note_broken(self, number: int, row: tuple[Any, ...]) -> None:
        if len(self._broken) < SHOWN_PROBLEMS:
            value = shown("; ".join(_text(value)[0] or "" for value in row))
            problem = ROW_FIELD_COUNT.at(line=number, expected=len(self.columns), found=len(row), value=value)
            self._broken.append(BadRow(number, problem))

    @contextmanager
    def _rows(self) -> Iterator[Iterator[tuple[Any, ...]]]:
        try:
            _refuse_bomb(self._path)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # openpyxl warns of styles and extensions that it leaves out
                book = openpyxl.load_workbook(self._path, read_only=True, data_only=True, keep_links=False)
            try:
                sheets = {sheet.title: sheet for sheet in book.worksheets}
                name = self._sheet if self._sheet is not None else next(iter(sheets), "")
                if name not in sheets:
                    raise SHEET_UNKNOWN.error(sheet=name, known=shown_names(tuple(sheets)))
                sheets[name].reset_dimensions()  # many writers state a wrong size
                yield sheets[name].iter_rows(values_only=True)
            finally:
                book.close()
        except (
            zipfile.BadZipFile,
            InvalidFileException,
            ParseError,
            OSError,
            EOFError,
            KeyError,
            ValueError,
            TypeError,
            IndexError,
            AttributeError,
        ) as error:  # what openpyxl lets out of a damaged workbook
            raise FILE_UNREADABLE.error(reason=f"{type(error).__name__}: {error}") from error


class _Batch:
    def __init__(self, width: int) -> None:
        self._numbers: list[int] = []
        self._cells: list[list[str | None]] = [[] for _ in range(width)]
        self._kinds: list[list[CellKind]] = [[] for _ in range(width)]

    def __len__(self) -> int:
        return len(self._numbers)

    def append(self, number: int, row: tuple[Any, ...]) -> None:
        self._numbers.append(number)
        for value, cells, kinds in zip(row, self._cells, self._kinds, strict=True):
            text, cell_kind = _text(value)
            cells.append(text)
            kinds.append(cell_kind)

    def table(self) -> pa.Table:
        columns = {ROW: pa.array(self._numbers, pa.uint64())}
        columns |= {cell(index): pa.array(cells, pa.string()) for index, cells in enumerate(self._cells)}
        columns |= {kind(index): pa.array(kinds, pa.uint8()) for index, kinds in enumerate(self._kinds)}
        return pa.table(columns)


def _text(value: Any) -> tuple[str | None, CellKind]:
    """A cell's value as `value_types` reads it back without loss."""
    if value in (None, ""):
        return None, CellKind.TYPED
    if isinstance(value, str):
        return value, CellKind.ERROR if value in ERROR_CODES else CellKind.TEXT
    if isinstance(value, dt.time | dt.timedelta):
        return str(value), CellKind.TEXT
    return _typed_text(value), CellKind.TYPED


def _typed_text(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case float():
            # Spreadsheets know no integers: 1.0 is how some programs write 1.
            return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
        case dt.datetime():
            return value.date().isoformat() if value.time() == dt.time() else value.isoformat(" ")
        case _:
            return str(value)


def _header_text(value: Any) -> str:
    return (_text(value)[0] or "").strip()


def _filled_width(row: tuple[Any, ...]) -> int:
    width = len(row)
    while width and row[width - 1] in (None, ""):
        width -= 1
    return width


def _refuse_bomb(path: Path) -> None:
    """Judge by the sizes in the zip directory; zipfile never unpacks more than they say."""
    with zipfile.ZipFile(path) as archive:
        for part in archive.infolist():
            limit = MAX_SHARED_STRINGS_BYTES if "sharedStrings" in part.filename else MAX_PART_BYTES
            ratio = part.file_size // max(part.compress_size, 1)
            if part.file_size > limit or (part.file_size > RATIO_MATTERS_FROM_BYTES and ratio > MAX_RATIO):
                raise FILE_UNPACKS_TOO_LARGE.error(part=part.filename, size_mb=part.file_size >> 20, ratio=ratio)
