"""CSV -> batches of text cells: delimiter found out, every row accounted for."""

from __future__ import annotations

import csv
import io
import re
import secrets
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.csv

from segmentator_dagster.collection.problems import (
    FILE_EMPTY,
    FILE_UNREADABLE,
    QUOTE_UNCLOSED,
    ROW_FIELD_COUNT,
    SHOWN_PROBLEMS,
    BadRow,
    shown,
)
from segmentator_dagster.collection.source import ROW, cell, columns_of
from segmentator_dagster.collection.text_file import Encoding, TextFile, TextStream
from segmentator_dagster.domain.errors import InternalError, UserError

DELIMITERS = (",", ";", "\t", "|")
# pyarrow parses in blocks of this size, a row must fit into one, and it reads up to 32 of them ahead.
MAX_ROW_BYTES = 2 << 20
BLOCKS_PER_BATCH = 8
SAMPLE_RECORDS = 50
_EXCEL_DELIMITER_LINE = re.compile(r'^"?sep=(.)"?\r?\n')


class CsvFile:
    """A delimited text file, maybe gzipped; see TextFile for its encoding. Without a header its columns are 1, 2, ….

    An empty value is NULL, quoted or not: writers do not agree on the difference. Blank lines are skipped.
    """

    cell_kinds = False

    def __init__(self, path: Path, *, expected_column: str, has_header: bool = True) -> None:
        """Read the first record; `expected_column` helps to tell the delimiter. UserError where there is none."""
        self._text = TextFile.recognised(path)
        beginning = self._text.beginning()
        stated = _EXCEL_DELIMITER_LINE.match(beginning)
        skipped = 1 if stated else 0
        beginning = beginning[stated.end() :] if stated else beginning
        self.delimiter = stated[1] if stated else _delimiter(beginning, expected_column)
        first, first_lines = _header(beginning, self.delimiter)
        self.header_line = skipped + first_lines if has_header else None
        self._header_lines = skipped + (first_lines if has_header else 0)
        self.columns = columns_of(first if has_header else len(first))
        self.decimal_comma = self.delimiter != ","
        self._has_broken_rows = False
        self._fraction = 0.0

    @property
    def encoding(self) -> Encoding:
        return self._text.encoding

    def fraction_read(self) -> float:
        return self._fraction

    def batches(self) -> Iterator[pa.Table]:
        # A row of our own at the end shows that no quote is left open there: pyarrow would not say so.
        end = secrets.token_hex(16)
        tail = "\n" + self.delimiter.join([end] * len(self.columns)) + "\n"
        ended, rows, waiting = False, 0, list[pa.RecordBatch]()
        with self._text.stream(tail.encode()) as stream:
            try:
                with self._reader(stream) as blocks:
                    for block in blocks:
                        last = block.num_rows - 1
                        ended = last >= 0 and block.column(0)[last].as_py() == end.encode()
                        waiting.append(block.slice(0, last) if ended else block)
                        if ended or len(waiting) == BLOCKS_PER_BATCH:
                            self._fraction = stream.fraction_read()
                            yield _numbered(waiting, rows)
                            rows += sum(block.num_rows for block in waiting)
                            waiting = []
            except pa.ArrowInvalid as error:
                if "straddling" not in str(error):
                    raise FILE_UNREADABLE.error(reason=str(error)) from error
        if not ended:
            raise self._unclosed_quote()

    def broken_rows(self) -> Sequence[BadRow]:
        found: list[BadRow] = []
        if self._has_broken_rows:
            for line, fields in self._records():
                if len(fields) != len(self.columns):
                    value = shown(self.delimiter.join(fields))
                    problem = ROW_FIELD_COUNT.at(line=line, expected=len(self.columns), found=len(fields), value=value)
                    found.append(BadRow(line, problem))
                if len(found) == SHOWN_PROBLEMS:
                    break
        return found

    def lines(self, rows: Collection[int]) -> Mapping[int, int]:
        wanted, found, row = set(rows), dict[int, int](), 0
        if not wanted:
            return found
        for line, fields in self._records():
            row += len(fields) == len(self.columns)
            if row in wanted:
                found.setdefault(row, line)
            if len(found) == len(wanted):
                return found
        raise InternalError(f"rows {wanted - found.keys()} are not in the file when it is read again")

    def _reader(self, stream: TextStream) -> pa.csv.CSVStreamingReader:
        names = [cell(index) for index in range(len(self.columns))]
        return pa.csv.open_csv(
            stream,
            read_options=pa.csv.ReadOptions(
                use_threads=False, block_size=MAX_ROW_BYTES, column_names=names, skip_rows=self._header_lines
            ),
            parse_options=pa.csv.ParseOptions(
                delimiter=self.delimiter, newlines_in_values=True, invalid_row_handler=self._skip_broken
            ),
            convert_options=pa.csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.binary()),  # valid UTF-8 or not is asked of each value later
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
            ),
        )

    def _skip_broken(self, _: pa.csv.InvalidRow) -> str:
        self._has_broken_rows = True
        return "skip"

    def _records(self) -> Iterator[tuple[int, list[str]]]:
        """All records after the header with the line where each begins; slow, for files with something wrong.

        Ends with the record that is too long, if there is one, as its first line.
        """
        with self._text.stream() as stream, _field_limit(MAX_ROW_BYTES):
            text = io.TextIOWrapper(stream, encoding="utf-8", errors="replace", newline="")
            for _ in range(self._header_lines):
                text.readline()
            line, begun = self._header_lines + 1, ""

            def physical_lines() -> Iterator[str]:
                nonlocal begun
                while part := text.readline(MAX_ROW_BYTES):
                    begun = begun or part
                    if len(part) == MAX_ROW_BYTES:
                        raise csv.Error("the line is too long")
                    yield part

            reader = csv.reader(physical_lines(), delimiter=self.delimiter)
            try:
                for fields in reader:
                    if fields:
                        yield line, fields
                    line, begun = self._header_lines + reader.line_num + 1, ""
            except csv.Error:
                yield line, [begun]

    def _unclosed_quote(self) -> UserError:
        found = 0, [""]
        for found in self._records():
            if sum(map(len, found[1])) > MAX_ROW_BYTES // 4:  # characters, of at most 4 bytes
                break
        line, fields = found
        value = shown(self.delimiter.join(fields))
        return QUOTE_UNCLOSED.error(line=line, value=value, limit_mb=MAX_ROW_BYTES >> 20)


def _delimiter(beginning: str, expected_column: str) -> str:
    """The delimiter that finds the expected column, makes columns at all, and makes as many in every record."""

    def merit(delimiter: str) -> tuple[bool, bool, float, int]:
        widths: list[int] = []
        header: list[str] = []
        try:
            for record in csv.reader(io.StringIO(beginning, newline=""), delimiter=delimiter):
                header = header or record
                widths += [len(record)] if record else []
                if len(widths) == SAMPLE_RECORDS:
                    break
        except csv.Error:  # a field over the csv module's limit: judge by the records before it
            pass
        even = widths.count(len(header)) / max(len(widths), 1)
        return expected_column in [name.strip() for name in header], len(header) > 1, even, len(header)

    return max(DELIMITERS, key=merit)


def _header(beginning: str, delimiter: str) -> tuple[list[str], int]:
    reader = csv.reader(io.StringIO(beginning, newline=""), delimiter=delimiter)
    try:
        for record in reader:
            if record:
                return record, reader.line_num
    except csv.Error as error:
        raise FILE_UNREADABLE.error(reason=f"header: {error}") from error
    raise FILE_EMPTY.error()


def _numbered(blocks: Sequence[pa.RecordBatch], rows_before: int) -> pa.Table:
    table = pa.Table.from_batches(blocks)
    numbers = range(rows_before + 1, rows_before + 1 + table.num_rows)
    return table.add_column(0, ROW, pa.array(numbers, pa.uint64()))


@contextmanager
def _field_limit(limit: int) -> Iterator[None]:
    before = csv.field_size_limit(limit)
    try:
        yield
    finally:
        csv.field_size_limit(before)
