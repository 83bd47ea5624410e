"""A file -> a dataset's table in ClickHouse."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from segmentator_dagster.collection.csv_file import CsvFile
from segmentator_dagster.collection.inspection import Finding, findings
from segmentator_dagster.collection.parquet_file import ParquetFile
from segmentator_dagster.collection.problems import (
    DATASET_EXISTS,
    DATASET_NAME_INVALID,
    FILE_EMPTY,
    FILE_FORMAT_UNKNOWN,
    FILE_NOT_FOUND,
    SHOWN_PROBLEMS,
    BadRow,
)
from segmentator_dagster.collection.questions import questions
from segmentator_dagster.collection.source import Source
from segmentator_dagster.collection.tables import LoadedColumn, LoadTables, drop_stale, table_exists
from segmentator_dagster.collection.xlsx_file import XlsxFile
from segmentator_dagster.domain.errors import InternalError, UserError
from segmentator_dagster.storage.clickhouse import ClickHouse

DATASET_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_TEXT_ENDINGS = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")
_XLSX_ENDINGS = (".xlsx", ".xlsm")
_PARQUET_ENDINGS = (".parquet",)


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a load is. `fraction` of the file read, 0 to 1, is None where the file does not tell."""

    phase: Literal["reading", "checking", "writing"]
    rows: int
    fraction: float | None


@dataclass(frozen=True, slots=True)
class LoadedDataset:
    dataset: str
    table: str
    rows: int
    users: int
    columns: tuple[LoadedColumn, ...]


def load_file(
    admin: ClickHouse,
    path: Path,
    *,
    database: str,
    dataset: str,
    user_key: str,
    time_field: str | None = None,
    types: Mapping[str, str] = MappingProxyType({}),
    sheet: str | None = None,
    sensitive: Collection[str] = (),
    replace: bool = False,
    progress: Callable[[Progress], None] = lambda _: None,
) -> LoadedDataset:
    """Load a CSV, XLSX or Parquet file into the table `database.dataset`, whole or not at all.

    The user key becomes String; other types are found out (`value_types`) or stated in `types` by column name:
    text, boolean, integer, number, date, datetime. Columns that are `sensitive` must be there. Memory does not grow
    with the file, but for the shared strings of XLSX. UserError carries up to 20 problems in the order of their lines.
    """
    if not DATASET_NAME.fullmatch(dataset):
        raise DATASET_NAME_INVALID.error(name=dataset)
    drop_stale(admin, database)
    if not replace and table_exists(admin, database, dataset):
        raise DATASET_EXISTS.error(name=dataset)
    source = _source(path, user_key, sheet)
    asked = questions(source, user_key, time_field, types, sensitive)
    with LoadTables(admin, database) as tables:
        rows = _stage(tables, source, progress)
        progress(Progress("checking", rows, source.fraction_read()))
        found = findings(tables, asked) if rows else []
        _refuse_bad_rows(source, found)
        if not rows:
            raise FILE_EMPTY.error()
        progress(Progress("writing", rows, source.fraction_read()))
        order_by = [user_key] if time_field is None else [user_key, time_field]
        tables.fill([finding.column for finding in found], order_by, rows)
        loaded = LoadedDataset(dataset, dataset, rows, tables.users(user_key), tables.columns())
        tables.publish(dataset, replace=replace)
    return loaded


def _source(path: Path, user_key: str, sheet: str | None) -> Source:
    if not path.is_file():
        raise FILE_NOT_FOUND.error(path=path)
    name = path.name.lower()
    if name.endswith(_TEXT_ENDINGS):
        return CsvFile(path, expected_column=user_key)
    if name.endswith(_XLSX_ENDINGS):
        return XlsxFile(path, sheet)
    if name.endswith(_PARQUET_ENDINGS):
        return ParquetFile(path)
    raise FILE_FORMAT_UNKNOWN.error(path=path, known=", ".join(_TEXT_ENDINGS + _XLSX_ENDINGS + _PARQUET_ENDINGS))


def _stage(tables: LoadTables, source: Source, progress: Callable[[Progress], None]) -> int:
    tables.create_staging(source)
    rows = 0
    for batch in source.batches():
        if batch.num_rows:
            tables.append(batch)
        rows += batch.num_rows
        progress(Progress("reading", rows, source.fraction_read()))
    staged = tables.select(["count()"])[0][0]
    if staged != rows:
        raise InternalError(f"{rows} rows were read and {staged} staged")
    return rows


def _refuse_bad_rows(source: Source, found: Sequence[Finding]) -> None:
    bad = sorted((value for finding in found for value in finding.bad), key=lambda value: value.row)[:SHOWN_PROBLEMS]
    lines = source.lines({value.row for value in bad})
    rows = [BadRow(lines[value.row], value.at_line(lines[value.row])) for value in bad]
    rows += source.broken_rows()
    if rows:
        rows.sort(key=lambda row: row.line)
        raise UserError(*(row.problem for row in rows[:SHOWN_PROBLEMS]))
