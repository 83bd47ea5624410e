"""XLSX of a million users and seven columns: ours beside what Python offers and the engine alone; the memory it takes.

Ours starts from the extract in ClickHouse. The others start from rows that are in memory already, which is to their
advantage; the last of them is the fastest one when it has to fetch them too. Every variant is run in turn, round after
round, so that a busy machine slows all of them.
Usage: python -m benchmarks.xlsx_export [rows]
"""

from __future__ import annotations

import datetime as dt
import multiprocessing
import os
import platform
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jetxl
import openpyxl
import pyarrow as pa
import rustpy_xlsxwriter
import xlsxwriter

from segmentator_dagster.compiler.query import CompiledQuery
from segmentator_dagster.domain.catalogue import Field, field_type, is_nullable
from segmentator_dagster.domain.export_options import DEFAULTS, XlsxOptions
from segmentator_dagster.exports.source import Source
from segmentator_dagster.exports.xlsx.cells import row_xml
from segmentator_dagster.exports.xlsx.workbook import XlsxFile
from segmentator_dagster.exports.xlsx.zip_stream import ZipStream
from segmentator_dagster.storage.clickhouse import ClickHouse
from tests.servers.clickhouse import clickhouse

ROUNDS = 5
OTHERS_ROWS = 100_000
OURS = "ours"
LARGE, SMALL = 10_000_000, 100_000
COLUMNS = {
    "user_id": "String",
    "date": "Date",
    "platform": "LowCardinality(String)",
    "cohort": "Date",
    "age_days": "Nullable(UInt32)",
    "amount": "Float64",
    "last_seen": "Nullable(DateTime)",
}
VALUES = """leftPad(toString(number), 8, '0'), toDate('2024-01-01') + cityHash64(number) % 900,
    ['ios', 'android', 'web', 'huawei'][1 + cityHash64(number, 1) % 4],
    toDate('2023-01-01') + cityHash64(number, 2) % 900,
    if(number % 10 = 0, NULL, cityHash64(number, 3) % 100000), (cityHash64(number, 4) % 1000000) / 100,
    if(number % 7 = 0, NULL, toDateTime('2024-01-01 00:00:00') + cityHash64(number, 5) % 90000000)"""
TITLES = list(COLUMNS)


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, medians of {ROUNDS}; {len(COLUMNS)} columns")
    with tempfile.TemporaryDirectory() as folder, clickhouse(Path(folder) / "clickhouse") as server:
        admin = ClickHouse(server.admin_url)
        source = filled(admin, "million", rows)
        compared(admin, source, Path(folder) / "out.xlsx")
        memory(admin, server.admin_url)
        admin.close()


def compared(admin: ClickHouse, source: Source, file: Path) -> None:
    others = writers(admin, file)
    query = source.query(row_xml(source.fields))
    text = list(admin.stream(query, "RawBLOB"))
    variants: dict[str, Callable[[], object]] = {
        OURS: lambda: write(admin, source, file),
        "null": lambda: list(admin.stream(query, "Null")),
        "deflate": lambda: deflated(text),
        **others,
    }
    seconds: dict[str, list[float]] = {name: [] for name in variants}
    sizes: dict[str, int] = {}
    for _ in range(ROUNDS + 1):
        for name, work in variants.items():
            start = time.perf_counter()
            work()
            seconds[name].append(time.perf_counter() - start)
            sizes[name] = file.stat().st_size
    medians = {name: statistics.median(values[1:]) for name, values in seconds.items()}
    ours = source.rows / medians[OURS]
    print(f"\n{OURS:<32} {ours:>10,.0f} rows/s {sizes[OURS] / source.rows:6.1f} bytes a row, {source.rows:,} rows")
    for name in others:
        rate = OTHERS_ROWS / medians[name]
        size = sizes[name] / OTHERS_ROWS
        print(f"{name:<32} {rate:>10,.0f} rows/s {size:6.1f} bytes a row   ours ÷ this: {ours / rate:6.1f}")
    alone = medians["null"] + medians["deflate"]
    print(
        f"(the others over {OTHERS_ROWS:,} rows)\n\nour time ÷ (rows rendered to Null {medians['null']:.2f} s + their",
        end=" ",
    )
    print(f"{sum(map(len, text)) / 1e6:.0f} MB deflated {medians['deflate']:.2f} s): {medians[OURS] / alone:.2f}")


def filled(admin: ClickHouse, name: str, rows: int) -> Source:
    types = ", ".join(f"c{index} {type_}" for index, type_ in enumerate(COLUMNS.values()))
    admin.execute(CompiledQuery(f"CREATE TABLE segmentator.{name} ({types}) ENGINE = MergeTree ORDER BY c0"))
    admin.execute(CompiledQuery(f"INSERT INTO segmentator.{name} SELECT {VALUES} FROM numbers({rows})"))
    fields = [Field(title, field_type(type_), type_, is_nullable(type_)) for title, type_ in COLUMNS.items()]
    return Source("segmentator", name, fields, rows, "Europe/Moscow")


def rendered(source: Source) -> XlsxFile:
    return XlsxFile(source, DEFAULTS.xlsx or XlsxOptions(), TITLES, [("Segment", "benchmark")])


def write(clickhouse: ClickHouse, source: Source, file: Path) -> None:
    with file.open("wb") as out:
        for chunk in rendered(source).stream(clickhouse, {}):
            out.write(chunk)


def writers(admin: ClickHouse, file: Path) -> dict[str, Callable[[], object]]:
    source = filled(admin, "others", OTHERS_ROWS)
    table = fetched(admin, source)
    rows = list(zip(*(column.to_pylist() for column in table.columns), strict=True))
    records = [dict(zip(TITLES, row, strict=True)) for row in rows]
    return {
        "openpyxl write-only": lambda: by_openpyxl(rows, file),
        "XlsxWriter constant_memory": lambda: by_xlsxwriter(rows, file),
        "rustpy-xlsxwriter (Rust)": lambda: rustpy_xlsxwriter.write_worksheet(records, str(file)),
        "jetxl (Rust), from Arrow": lambda: jetxl.write_sheet_arrow(table, str(file)),
        "jetxl (Rust), from ClickHouse": lambda: jetxl.write_sheet_arrow(fetched(admin, source), str(file)),
    }


def fetched(clickhouse: ClickHouse, source: Source) -> pa.Table:
    columns = ", ".join(f"c{index} AS {title}" for index, title in enumerate(TITLES))
    settings = {"output_format_arrow_string_as_string": 1, "output_format_arrow_low_cardinality_as_dictionary": 0}
    stream = clickhouse.stream(source.query(columns), "ArrowStream", settings)
    table = pa.ipc.open_stream(pa.BufferReader(b"".join(stream))).read_all()
    days = [index for index, type_ in enumerate(COLUMNS.values()) if type_ == "Date"]
    for index in days:  # the engine gives days as numbers
        table = table.set_column(index, TITLES[index], table.column(index).cast(pa.int32()).cast(pa.date32()))
    moments = table.column("last_seen").cast(pa.int64()).cast(pa.timestamp("s"))
    return table.set_column(TITLES.index("last_seen"), "last_seen", moments)


def by_openpyxl(rows: list[tuple[Any, ...]], file: Path) -> None:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append(TITLES)
    for row in rows:
        sheet.append(row)
    book.save(file)


def by_xlsxwriter(rows: list[tuple[Any, ...]], file: Path) -> None:
    book = xlsxwriter.Workbook(str(file), {"constant_memory": True})
    sheet = book.add_worksheet()
    day, moment = book.add_format({"num_format": 14}), book.add_format({"num_format": 22})
    sheet.write_row(0, 0, TITLES)
    for number, row in enumerate(rows, start=1):
        for column, value in enumerate(row):
            if isinstance(value, str):
                sheet.write_string(number, column, value)
            elif isinstance(value, dt.date):
                sheet.write_datetime(number, column, value, moment if isinstance(value, dt.datetime) else day)
            elif value is not None:
                sheet.write_number(number, column, value)
    book.close()


def deflated(text: list[bytes]) -> None:
    cores = os.cpu_count() or 1
    with ThreadPoolExecutor(cores) as pool:
        for _ in ZipStream(pool, 4 * cores).entry("sheet", text):
            pass


def memory(admin: ClickHouse, url: str) -> None:
    peaks = {}
    for rows in (SMALL, LARGE):
        source = filled(admin, f"rows_{rows}", rows)
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            peaks[rows] = pool.apply(peak, (url, source))
    more = (peaks[LARGE] - peaks[SMALL]) / 1024
    least = peaks[SMALL] / 1024
    print(f"\npeak memory of the exporting process: {least:.0f} MB for {SMALL:,} rows, {more:+.0f} MB for {LARGE:,}")


def peak(url: str, source: Source) -> int:
    """KiB of the largest resident set while the file is made."""
    clickhouse_ = ClickHouse(url)
    for _ in rendered(source).stream(clickhouse_, {}):
        pass
    clickhouse_.close()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    main()
