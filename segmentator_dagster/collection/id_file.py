"""A file of ids -> batches of texts, every row accounted for."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from segmentator_dagster.collection.csv_file import CsvFile
from segmentator_dagster.collection.lines_file import LinesFile
from segmentator_dagster.collection.list_problems import (
    COLUMN_WANTED,
    UNPACKS_TOO_LARGE,
    VALUE_CHARACTERS,
    VALUE_HAS_NUL,
    VALUE_TOO_LONG,
)
from segmentator_dagster.collection.problems import (
    CELL_ERROR,
    COLUMN_UNKNOWN,
    FILE_UNREADABLE,
    SHOWN_PROBLEMS,
    VALUE_UNDECODABLE,
    BadRow,
    shown,
    shown_names,
)
from segmentator_dagster.collection.source import ROW, cell, kind
from segmentator_dagster.collection.xlsx_file import CellKind, XlsxFile
from segmentator_dagster.domain.errors import ProblemKind, UserError
from segmentator_dagster.domain.uploaded_list import Recognised

SHOWN_EMPTY_LINES = 5
_GZIP = b"\x1f\x8b"
_CHUNK_BYTES = 1 << 20
_INEXACT = re.compile(r"-?\d+(\.\d+)?(e[+-]\d+)|-?\d+\.0")


class FileKind(StrEnum):
    CSV = "csv"
    TEXT = "text"
    XLSX = "xlsx"


@dataclass(frozen=True, slots=True)
class IdFile:
    """An open file and the column that holds the ids."""

    source: CsvFile | LinesFile | XlsxFile
    index: int
    recognised: Recognised

    @classmethod
    def opened(
        cls, path: Path, file_kind: FileKind, *, column: str | None, has_header: bool | None, expected_column: str
    ) -> IdFile:
        """Find out what the file is like. Text has no header unless `has_header` says so, the others have one.

        Without a header `column` is a number from 1. UserError column_wanted, with their names as `extra["columns"]`,
        where there are several and none is chosen.
        """
        source: CsvFile | LinesFile | XlsxFile
        match file_kind:
            case FileKind.CSV:
                source = CsvFile(path, expected_column=expected_column, has_header=has_header is not False)
            case FileKind.TEXT:
                source = LinesFile(path, has_header=has_header is True)
            case FileKind.XLSX:
                source = XlsxFile(path, has_header=has_header is not False)
        names = tuple(one.name for one in source.columns)
        index = _chosen(names, column)
        recognised = Recognised(
            file_kind.value,
            names[index],
            source.header_line,
            None if isinstance(source, XlsxFile) else source.encoding,
            source.delimiter if isinstance(source, CsvFile) else None,
        )
        return cls(source, index, recognised)


@dataclass
class IdReading:
    """One pass over a file. While `batches` is read, the counts say what has gone through."""

    file: IdFile
    rows: int = 0
    empty: int = 0
    _empty_rows: list[int] = field(default_factory=list)
    _faults: list[tuple[int, ProblemKind, str]] = field(default_factory=list)

    def batches(self) -> Iterator[pa.Array]:
        """Values without the white space around them, empty ones left out; UserError with the first bad rows.

        After a bad row nothing is given any more: the rest is only read to find others.
        """
        for table in self.file.source.batches():
            self.rows += table.num_rows
            values = self._values(table)
            if len(self._faults) >= SHOWN_PROBLEMS:
                break
            if not self._faults and len(values):
                yield values
        self._refuse_bad_rows()

    def empty_lines(self) -> tuple[int, ...]:
        """The lines of the first few empty cells."""
        lines = self.file.source.lines(self._empty_rows)
        return tuple(sorted(lines[row] for row in self._empty_rows))

    def _values(self, table: pa.Table) -> pa.Array:
        rows, cells = table.column(ROW).combine_chunks(), table.column(cell(self.file.index)).combine_chunks()
        kinds = table.column(kind(self.file.index)).combine_chunks() if self.file.source.cell_kinds else None
        texts = self._decoded(rows, cells) if pa.types.is_binary(cells.type) else cells
        if kinds is not None:
            self._note(CELL_ERROR, rows, texts, pc.equal(kinds, int(CellKind.ERROR)))
            texts = _exact_numbers(texts, kinds)
        texts = pc.utf8_trim_whitespace(texts)
        self._note(VALUE_HAS_NUL, rows, texts, pc.match_substring(texts, "\0"))
        self._note(VALUE_TOO_LONG, rows, texts, pc.greater(pc.utf8_length(texts), VALUE_CHARACTERS))
        filled = pc.fill_null(pc.not_equal(texts, ""), False)
        empty = len(filled) - pc.sum(filled).as_py() if len(filled) else 0
        if empty and len(self._empty_rows) < SHOWN_EMPTY_LINES:
            found = rows.filter(pc.invert(filled)).slice(0, SHOWN_EMPTY_LINES - len(self._empty_rows))
            self._empty_rows += found.to_pylist()
        self.empty += empty
        return texts.filter(filled)

    def _decoded(self, rows: pa.Array, cells: pa.Array) -> pa.Array:
        try:
            return cells.cast(pa.string())
        except pa.ArrowInvalid:
            whole = [None if one is None else one.decode("utf-8", "replace") for one in cells.to_pylist()]
            bad = [one is not None and not _is_text(one) for one in cells.to_pylist()]
            texts = pa.array(whole, pa.string())
            self._note(VALUE_UNDECODABLE, rows, texts, pa.array(bad))
            return texts

    def _note(self, fault: ProblemKind, rows: pa.Array, texts: pa.Array, bad: pa.Array) -> None:
        found = pa.table({"row": rows, "text": texts}).filter(pc.fill_null(bad, False)).slice(0, SHOWN_PROBLEMS)
        self._faults += [(one["row"], fault, one["text"]) for one in found.to_pylist()]

    def _refuse_bad_rows(self) -> None:
        source = self.file.source
        faults = sorted(self._faults, key=lambda fault: fault[0])[:SHOWN_PROBLEMS]
        lines = source.lines({row for row, _, _ in faults})
        column = self.file.recognised.column
        bad = [
            BadRow(lines[row], fault.at(line=lines[row], column=column, value=shown(text)))
            for row, fault, text in faults
        ]
        bad += source.broken_rows()
        if bad:
            bad.sort(key=lambda row: row.line)
            raise UserError(*(row.problem for row in bad[:SHOWN_PROBLEMS]))


def unpacked(path: Path, limit_bytes: int) -> Path:
    """The same file, or where it is gzipped one beside it with what it holds; UserError over the limit."""
    with path.open("rb") as packed:
        if packed.read(len(_GZIP)) != _GZIP:
            return path
    target, size = path.with_name(f"unpacked{path.suffix}"), 0
    try:
        with gzip.open(path) as source, target.open("wb") as output:
            while chunk := source.read(_CHUNK_BYTES):
                size += output.write(chunk)
                if size > limit_bytes:
                    raise UNPACKS_TOO_LARGE.error(limit=limit_bytes >> 20)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise FILE_UNREADABLE.error(reason=str(error)) from error
    return target


def _chosen(names: Sequence[str], column: str | None) -> int:
    if column is None and len(names) > 1:
        raise UserError(COLUMN_WANTED.at("/column", known=shown_names(tuple(names))), extra={"columns": list(names)})
    if column is None:
        return 0
    if column.strip() not in names:
        raise COLUMN_UNKNOWN.error("/column", column=shown(column), known=shown_names(tuple(names)))
    return names.index(column.strip())


def _exact_numbers(texts: pa.Array, kinds: pa.Array) -> pa.Array:
    """Numbers as their digits: 1.2e+15 and 5.0 are how a spreadsheet's numbers come out, not how ids are written."""
    candidates = pc.and_(pc.equal(kinds, int(CellKind.TYPED)), pc.match_substring_regex(texts, r"e[+-]|\.0$"))
    if not pc.any(candidates).as_py():
        return texts
    chosen = zip(texts.to_pylist(), candidates.to_pylist(), strict=True)
    return pa.array([_digits(text) if is_number else text for text, is_number in chosen], pa.string())


def _digits(text: str) -> str:
    if not _INEXACT.fullmatch(text):
        return text
    number = Decimal(text)
    return format(number.to_integral_value() if number == number.to_integral_value() else number, "f")


def _is_text(value: bytes) -> bool:
    try:
        value.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
