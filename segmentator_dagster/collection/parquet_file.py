"""Parquet -> batches of typed cells: the file's own types are kept."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from segmentator_dagster.collection.problems import (
    COLUMN_TYPE_UNSUPPORTED,
    DATE_OUTSIDE,
    FILE_UNREADABLE,
    SHOWN_PROBLEMS,
    BadRow,
)
from segmentator_dagster.collection.source import ROW, SourceColumn, cell, checked_names

BATCH_ROWS = 1 << 16
_FRACTION_DIGITS = {"s": 0, "ms": 3, "us": 6, "ns": 9}
_SENT_AS: tuple[tuple[Callable[[pa.DataType], bool], pa.DataType], ...] = (
    (pa.types.is_large_string, pa.string()),
    (pa.types.is_string_view, pa.string()),
    (pa.types.is_null, pa.string()),
    (pa.types.is_large_binary, pa.binary()),
    (pa.types.is_binary_view, pa.binary()),
    (pa.types.is_float16, pa.float32()),
    (pa.types.is_date64, pa.date32()),
)
_SIMPLE = {
    pa.string(): "String",
    pa.binary(): "String",
    pa.bool_(): "Bool",
    pa.int8(): "Int8",
    pa.int16(): "Int16",
    pa.int32(): "Int32",
    pa.int64(): "Int64",
    pa.uint8(): "UInt8",
    pa.uint16(): "UInt16",
    pa.uint32(): "UInt32",
    pa.uint64(): "UInt64",
    pa.float32(): "Float32",
    pa.float64(): "Float64",
    pa.date32(): "Date32",
}


class ParquetFile:
    """A Parquet file of flat columns. Timestamps without a zone are UTC; a row's line is its number from 1."""

    cell_kinds = False
    decimal_comma = False

    def __init__(self, path: Path) -> None:
        """Read the schema; UserError names a column whose type cannot be loaded."""
        self._path = path
        with _reading(path) as file:
            schema = file.schema_arrow
            self._rows: int = file.metadata.num_rows
        names = checked_names(schema.names)
        self._arrow_types = [_flat(field.type) for field in schema]
        self.columns = tuple(
            SourceColumn(name, _clickhouse_type(name, arrow_type))
            for name, arrow_type in zip(names, self._arrow_types, strict=True)
        )
        self._calendar = [
            (cell(index), *_calendar(arrow_type))
            for index, arrow_type in enumerate(self._arrow_types)
            if pa.types.is_date(arrow_type) or pa.types.is_timestamp(arrow_type)
        ]
        self._broken: list[BadRow] = []
        self._rows_read = 0

    def fraction_read(self) -> float:
        return self._rows_read / self._rows if self._rows else 1.0

    def batches(self) -> Iterator[pa.Table]:
        with _reading(self._path) as file:
            for batch in file.iter_batches(BATCH_ROWS):
                numbers = range(self._rows_read + 1, self._rows_read + 1 + batch.num_rows)
                columns = {ROW: pa.array(numbers, pa.uint64())}
                for index, arrow_type in enumerate(self._arrow_types):
                    columns[cell(index)] = batch.column(index).cast(arrow_type)
                self._rows_read += batch.num_rows
                yield self._within_calendar(pa.table(columns))

    def broken_rows(self) -> Sequence[BadRow]:
        return sorted(self._broken, key=lambda row: row.line)

    def _within_calendar(self, batch: pa.Table) -> pa.Table:
        """The rows without those whose dates ClickHouse cannot hold, which become bad rows."""
        for column, first, last in self._calendar:
            outside = pc.less(batch[column], first)
            if last is not None:
                outside = pc.or_(outside, pc.greater(batch[column], last))
            outside = pc.fill_null(outside, False)
            if pc.any(outside).as_py():
                self._note_outside(column, batch.filter(outside).slice(0, SHOWN_PROBLEMS))
                batch = batch.filter(pc.invert(outside))
        return batch

    def _note_outside(self, column: str, rows: pa.Table) -> None:
        name = self.columns[int(column[1:])].name
        for line, value in zip(rows[ROW].to_pylist(), rows[column].cast(pa.string()).to_pylist(), strict=True):
            if len(self._broken) < SHOWN_PROBLEMS:
                self._broken.append(BadRow(line, DATE_OUTSIDE.at(line=line, column=name, value=value)))

    def lines(self, rows: Collection[int]) -> Mapping[int, int]:
        return {row: row for row in rows}


@contextmanager
def _reading(path: Path) -> Iterator[pq.ParquetFile]:
    try:
        with pq.ParquetFile(path) as file:
            yield file
    except (pa.ArrowException, OSError) as error:
        raise FILE_UNREADABLE.error(reason=str(error)) from error


def _calendar(arrow_type: pa.DataType) -> tuple[pa.Scalar, pa.Scalar | None]:
    """The first and the last moment of Date32 and DateTime64; nanoseconds end by themselves, in 2262."""
    if pa.types.is_date(arrow_type):
        return pa.scalar(dt.date(1900, 1, 1)), pa.scalar(dt.date(2299, 12, 31))
    first = pa.scalar(dt.datetime(1900, 1, 1, tzinfo=dt.UTC), arrow_type)
    last = dt.datetime(2299, 12, 31, 23, 59, 59, tzinfo=dt.UTC)
    return first, None if arrow_type.unit == "ns" else pa.scalar(last, arrow_type)


def _flat(arrow_type: pa.DataType) -> pa.DataType:
    """The type in which a column is sent to ClickHouse."""
    types = pa.types
    if types.is_dictionary(arrow_type):
        return _flat(arrow_type.value_type)
    if types.is_timestamp(arrow_type):
        return pa.timestamp(arrow_type.unit, "UTC")
    for is_kind, sent_as in _SENT_AS:
        if is_kind(arrow_type):
            return sent_as
    return arrow_type


def _clickhouse_type(name: str, arrow_type: pa.DataType) -> str:
    if arrow_type in _SIMPLE:
        return _SIMPLE[arrow_type]
    if pa.types.is_decimal(arrow_type) and 0 <= arrow_type.scale <= arrow_type.precision:
        return f"Decimal({arrow_type.precision}, {arrow_type.scale})"
    if pa.types.is_timestamp(arrow_type):
        return f"DateTime64({_FRACTION_DIGITS[arrow_type.unit]}, 'UTC')"
    raise COLUMN_TYPE_UNSUPPORTED.error(column=name, type=str(arrow_type)[:80])
