"""CSV beside what the engine does by itself: 1 000 000 rows of 7 columns, everything in turns and in one run.

Prints medians of bytes a second and the ratios that the project keeps to. Usage: python -m benchmarks.csv_export
[repetitions]
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from segmentator_dagster.compiler.query import CompiledQuery
from segmentator_dagster.domain.catalogue import Field, field_type, is_nullable
from segmentator_dagster.domain.export_options import PROFILES, Compression, CsvOptions, Profile
from segmentator_dagster.exports.csv.delimited import CsvFile
from segmentator_dagster.exports.parquet import ParquetFile
from segmentator_dagster.exports.source import Renderer, Source
from segmentator_dagster.exports.writing import store
from segmentator_dagster.storage.clickhouse import ClickHouse
from segmentator_dagster.storage.objects import Objects, S3Access
from tests.servers.clickhouse import clickhouse

ROWS = 1_000_000
TYPES = (
    "String",
    "LowCardinality(String)",
    "Nullable(String)",
    "Date",
    "DateTime('UTC')",
    "Float64",
    "Nullable(UInt32)",
)
TABLE = """CREATE TABLE segmentator.{name} ENGINE = MergeTree ORDER BY c0 AS SELECT
    concat('user-', leftPad(toString(number), 9, '0')) AS c0,
    toLowCardinality(['ios', 'android', 'web', 'ipados'][1 + number % 4]) AS c1,
    toNullable(['Москва', 'Санкт-Петербург', 'Kazan', 'Новосибирск'][1 + cityHash64(number) % 4]) AS c2,
    toDate('2024-01-01') + number % 900 AS c3,
    toDateTime('2025-01-01 00:00:00', 'UTC') + number * 7 AS c4,
    (cityHash64(number) % 100000000) / 1000 AS c5,
    if(number % 10 = 0, NULL, toUInt32(cityHash64(number, 1))) AS c6
    FROM numbers({rows})"""
ALL = "SELECT * FROM segmentator.extract ORDER BY c0"
MEMORY_ROWS = (100_000, 10_000_000)


class InProcess:
    """chDB in a process of its own, with the same table; it works when it is told to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        command = [sys.executable, "-m", "benchmarks.csv_export", "chdb", str(folder)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.ask("ready")

    def ask(self, what: str) -> tuple[float, int]:
        """Seconds and bytes of `memory` (the result as CSV in memory) or `file` (INTO OUTFILE)."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{what}\n")
        self._process.stdin.flush()
        seconds, size = self._process.stdout.readline().split()
        return float(seconds), int(size)

    def end(self) -> None:
        self._process.communicate()


def serve_chdb(folder: str) -> None:
    from chdb import session  # noqa: PLC0415  the engine starts with the import

    engine = session.Session(f"{folder}/chdb")
    engine.query("CREATE DATABASE segmentator ENGINE = Atomic")
    engine.query(TABLE.format(name="extract", rows=ROWS))
    engine.query("OPTIMIZE TABLE segmentator.extract FINAL")
    out = Path(folder) / "chdb.csv"
    for line in sys.stdin:
        out.unlink(missing_ok=True)
        began = time.perf_counter()
        match line.strip():
            case "memory":
                size = len(engine.query(ALL, "CSV").bytes())
            case "file":
                engine.query(f"{ALL} INTO OUTFILE '{out}' FORMAT CSV")
                size = out.stat().st_size
            case _:
                size = 0
        print(time.perf_counter() - began, size, flush=True)
    engine.close()


def main() -> None:
    repetitions = max(5, int(sys.argv[1])) if len(sys.argv) > 1 else 7
    with tempfile.TemporaryDirectory() as name, clickhouse(Path(name) / "server") as server:
        folder = Path(name)
        admin = ClickHouse(server.admin_url)
        source = table(admin, "extract", ROWS)
        objects = folder_store(folder)
        in_process = InProcess(folder)
        excel = PROFILES[Profile.EXCEL_RU]
        ways: dict[str, Callable[[], tuple[float, int]]] = {
            "engine writes its own CSV file": lambda: in_process.ask("file"),
            "server writes its own CSV file": lambda: own_file(admin, server.data_dir),
            "chDB, CSV in memory": lambda: in_process.ask("memory"),
            "server, its own CSV over HTTP": lambda: timed(admin.stream(CompiledQuery(ALL), "CSV")),
            "machine": lambda: stored(objects, admin, csv_file(source, PROFILES[Profile.MACHINE])),
            "excel-ru": lambda: stored(objects, admin, csv_file(source, excel)),
            "excel-cp1251": lambda: stored(objects, admin, csv_file(source, PROFILES[Profile.EXCEL_CP1251])),
            "excel-ru, gzip": lambda: stored(objects, admin, csv_file(source, excel, Compression.GZIP)),
            "excel-ru, zstd": lambda: stored(objects, admin, csv_file(source, excel, Compression.ZSTD)),
            "parquet": lambda: stored(objects, admin, ParquetFile(source)),
        }
        seconds: dict[str, list[float]] = {way: [] for way in ways}
        sizes: dict[str, int] = {}
        for turn in range(repetitions + 1):  # the first does not count
            for way, run in ways.items():
                took, sizes[way] = run()
                if turn:
                    seconds[way].append(took)
        report(seconds, sizes)
        in_process.end()
        small, large = (peak_of_exporting(server.admin_url, rows) for rows in MEMORY_ROWS)
        print(f"peak memory of the exporting process: {large:.0f} MB at {MEMORY_ROWS[1]:,} rows")
        verdict("more than at 100 000 rows, MB", large - small, 32, at_most=True)
        admin.close()


def table(admin: ClickHouse, name: str, rows: int) -> Source:
    admin.execute(CompiledQuery(f"DROP TABLE IF EXISTS segmentator.{name} SYNC"))
    admin.execute(CompiledQuery(TABLE.format(name=name, rows=rows)))
    admin.execute(CompiledQuery(f"OPTIMIZE TABLE segmentator.{name} FINAL"))
    return source_of(name, rows)


def source_of(name: str, rows: int) -> Source:
    fields = [Field(f"field_{i}", field_type(t), t, is_nullable(t)) for i, t in enumerate(TYPES)]
    return Source("segmentator", name, fields, rows, "Europe/Moscow")


def csv_file(source: Source, options: CsvOptions, compression: Compression = Compression.NONE) -> CsvFile:
    look = options.model_copy(update={"compression": compression})
    return CsvFile(source, look, [field.name for field in source.fields])


def folder_store(folder: Path) -> Objects:
    return Objects(f"file://{folder / 'objects'}", S3Access(None, "x", None, None, virtual_host=False))


def timed(chunks: Iterable[bytes]) -> tuple[float, int]:
    began = time.perf_counter()
    size = sum(len(chunk) for chunk in chunks)
    return time.perf_counter() - began, size


def stored(objects: Objects, admin: ClickHouse, file: Renderer) -> tuple[float, int]:
    """Seconds from the first query to the whole object."""
    began = time.perf_counter()
    store(
        objects, "export", file.stream(admin, {}), content_type="text/csv", file_name="export"
    )  # hashed on the way, as exports are
    took = time.perf_counter() - began
    assert file.rows == ROWS, file.rows
    return took, objects.size("export")


def own_file(admin: ClickHouse, data_dir: Path) -> tuple[float, int]:
    insert = f"INSERT INTO FUNCTION file('own.csv', 'CSV') {ALL}"
    began = time.perf_counter()
    admin.execute(CompiledQuery(insert), {"engine_file_truncate_on_insert": 1})
    return time.perf_counter() - began, (data_dir / "clickhouse" / "config" / "own.csv").stat().st_size


def peak_of_exporting(url: str, rows: int) -> float:
    """MB of a process that has made and stored one `excel-ru` file of so many rows."""
    admin = ClickHouse(url)
    table(admin, f"extract_{rows}", rows)
    admin.close()
    command = [sys.executable, "-m", "benchmarks.csv_export", "export", url, str(rows)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def export(url: str, rows: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = csv_file(source_of(f"extract_{rows}", rows), PROFILES[Profile.EXCEL_RU])
        admin = ClickHouse(url)
        store(folder_store(Path(folder)), "export", file.stream(admin, {}), content_type="text/csv", file_name="export")
        assert file.rows == rows
    # ru_maxrss would be that of the process which started this one, where that was larger.
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    print(int(status["VmHWM"].split()[0]) / 1024)


def report(seconds: dict[str, list[float]], sizes: dict[str, int]) -> None:
    rates = {way: sizes[way] / statistics.median(took) / 1e6 for way, took in seconds.items()}
    count = len(next(iter(seconds.values())))
    print(f"{ROWS:,} rows x {len(TYPES)} columns, medians of {count}        s   [min..max]        MB    MB/s    rows/s")
    for way, took in seconds.items():
        middle = statistics.median(took)
        span = f"[{min(took):.2f}..{max(took):.2f}]"
        print(f"  {way:<42}{middle:7.2f} {span:>14} {sizes[way] / 1e6:7.1f} {rates[way]:7.0f} {ROWS / middle:9,.0f}")
    verdict("machine / engine writes its own CSV file", rates["machine"] / rates["engine writes its own CSV file"], 0.7)
    verdict("machine / server writes its own CSV file", rates["machine"] / rates["server writes its own CSV file"], 0.7)
    verdict("excel-ru / machine", rates["excel-ru"] / rates["machine"], 0.6)
    verdict("server over HTTP / chDB", rates["server, its own CSV over HTTP"] / rates["chDB, CSV in memory"], 0.8)


def verdict(what: str, value: float, bar: float, *, at_most: bool = False) -> None:
    holds = value <= bar if at_most else value >= bar
    print(f"{what:<44}{value:7.2f}  {'<=' if at_most else '>='} {bar:g}  {'holds' if holds else 'MISSED'}")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["chdb", folder]:
            serve_chdb(folder)
        case ["export", url, rows]:
            export(url, int(rows))
        case _:
            main()
