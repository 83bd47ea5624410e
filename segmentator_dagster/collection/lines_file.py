"""Text with one value on each line -> batches of cells."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from segmentator_dagster.collection.list_problems import VALUE_TOO_LONG
from segmentator_dagster.collection.problems import FILE_EMPTY, BadRow, shown
from segmentator_dagster.collection.source import ROW, cell, columns_of
from segmentator_dagster.collection.text_file import Encoding, TextFile

BATCH_BYTES = 8 << 20
MAX_LINE_BYTES = 1 << 20
_BOM = b"\xef\xbb\xbf"


class LinesFile:
    """A text file without columns; see TextFile for its encoding. A row is a line, a blank one too."""

    cell_kinds = False
    decimal_comma = False

    def __init__(self, path: Path, *, has_header: bool = False) -> None:
        """UserError for an empty file, UTF-16 and binary data."""
        self._text = TextFile.recognised(path)
        if not self._text.beginning().strip():
            raise FILE_EMPTY.error()
        self.header_line = 1 if has_header else None
        self.columns = columns_of(1)
        self._fraction = 0.0

    @property
    def encoding(self) -> Encoding:
        return self._text.encoding

    def fraction_read(self) -> float:
        return self._fraction

    def batches(self) -> Iterator[pa.Table]:
        first, read, rest = (self.header_line or 0) + 1, 0, b""
        with self._text.stream() as stream:
            if stream.peek(len(_BOM)).startswith(_BOM):
                stream.read(len(_BOM))
            while chunk := stream.read(BATCH_BYTES):
                self._fraction = stream.fraction_read()
                lines = (rest + chunk).split(b"\n")
                rest = lines.pop()
                yield _numbered(lines, read + 1, first)
                read += len(lines)
                if len(rest) > MAX_LINE_BYTES:
                    value = shown(rest[:MAX_LINE_BYTES].decode("utf-8", "replace"))
                    raise VALUE_TOO_LONG.error(line=read + 1, value=value)
            if rest:
                yield _numbered([rest], read + 1, first)

    def broken_rows(self) -> Sequence[BadRow]:
        return ()

    def lines(self, rows: Collection[int]) -> Mapping[int, int]:
        return {row: row for row in rows}


def _numbered(lines: Sequence[bytes], number: int, first: int) -> pa.Table:
    """Lines from `number` on, those before `first` left out."""
    values = pa.array(lines, pa.binary())
    table = pa.table({ROW: pa.array(range(number, number + len(lines)), pa.uint64()), cell(0): values})
    return table.slice(max(0, first - number))
