"""Rows of a source -> a Parquet file written by ClickHouse; rows read from the footer that went by.

Numbers, days and moments keep their types (moments in UTC). Everything else is UTF-8 text, as in CSV: integers of 128
and more bits too, for which Parquet has no type, and UUID, Enum and FixedString, which readers give as bytes.
"""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Generator, Mapping, Sequence
from typing import Any

from clickhouse_connect.cc_sqlalchemy.dialect import ClickHouseDialect

from segmentator_dagster.domain.catalogue import Field, unwrapped
from segmentator_dagster.exports.problems import FILE_INCOMPLETE
from segmentator_dagster.exports.source import Replacement, Source
from segmentator_dagster.exports.text_sql import invalid_text, is_text, text_of
from segmentator_dagster.storage.clickhouse import ClickHouse

_SETTINGS = {
    "output_format_parquet_compression_method": "zstd",
    "output_format_parquet_row_group_size_bytes": 64 << 20,
    "output_format_parquet_write_bloom_filter": 0,  # for lookups in a lake; they would double the server's work
    "output_format_parquet_datetime_as_uint32": 0,
    "output_format_parquet_date_as_uint16": 0,
    "output_format_parquet_string_as_string": 1,
}
_GROUP_ROWS = 122_880  # DuckDB's; the server holds as many groups as it has threads and a few more
_MOST_GROUPS = 1000
_WIDE_INTEGERS = ("Int128", "UInt128", "Int256", "UInt256")
_IDENTIFIERS = ClickHouseDialect().identifier_preparer

# The footer has some 100 to 300 bytes for each column of each group.
_FOOTER_BYTES = 512 * _MOST_GROUPS
_LENGTH_AND_MAGIC = 8


class ParquetFile:
    """A Renderer. `rows` is 0 until the footer has gone by: the format says nothing before."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.rows = 0

    def replacements(self) -> Sequence[Replacement]:
        return [invalid_text(index) for index, field in enumerate(self._source.fields) if is_text(field)]

    def stream(self, clickhouse: ClickHouse, settings: Mapping[str, Any]) -> Generator[bytes]:
        """UserError file_incomplete where the bytes do not end in a footer."""
        columns = ", ".join(_named(index, field) for index, field in enumerate(self._source.fields))
        groups = {"output_format_parquet_row_group_size": max(_GROUP_ROWS, self._source.rows // _MOST_GROUPS)}
        tail = _Tail(_LENGTH_AND_MAGIC + _FOOTER_BYTES * len(self._source.fields))
        for chunk in clickhouse.stream(self._source.query(columns), "Parquet", {**_SETTINGS, **groups, **settings}):
            tail.append(chunk)
            yield chunk
        self.rows = self._rows_of(tail)

    def _rows_of(self, tail: _Tail) -> int:
        # It starts threads when it is imported, and processes fork after this module was.
        import pyarrow as pa  # noqa: PLC0415
        import pyarrow.parquet as pq  # noqa: PLC0415

        try:
            return int(pq.read_metadata(io.BytesIO(tail.bytes())).num_rows)
        except (pa.ArrowInvalid, OSError) as error:
            raise FILE_INCOMPLETE.error(rows=0, users=self._source.rows, bytes=tail.seen) from error


class _Tail:
    """The last bytes of a stream, at least `size` of them."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._chunks: deque[bytes] = deque()
        self._kept = 0
        self.seen = 0

    def append(self, chunk: bytes) -> None:
        self._chunks.append(chunk)
        self._kept += len(chunk)
        self.seen += len(chunk)
        while self._kept - len(self._chunks[0]) >= self._size:
            self._kept -= len(self._chunks.popleft())

    def bytes(self) -> bytes:
        return b"".join(self._chunks)


def _named(index: int, field: Field) -> str:
    return f"{_value(f'c{index}', field)} AS {_IDENTIFIERS.quote_identifier(field.name)}"


def _value(column: str, field: Field) -> str:
    if is_text(field):
        return text_of(column)
    match unwrapped(field.clickhouse_type):
        case type_ if type_ in _WIDE_INTEGERS:
            return f"toString({column})"
        case "BFloat16":
            return f"toFloat32({column})"
        case _:
            return column
