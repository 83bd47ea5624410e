"""Parquet files: the same values as in CSV, types that readers know, rows out of the footer."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from segmentator_dagster.compiler.query import CompiledQuery
from segmentator_dagster.domain.errors import UserError
from segmentator_dagster.domain.export_options import PROFILES, Profile
from segmentator_dagster.exports.csv.delimited import CsvFile
from segmentator_dagster.exports.parquet import ParquetFile
from segmentator_dagster.exports.source import Source, count_replacements
from segmentator_dagster.storage.clickhouse import ClickHouse
from tests.exports.sources import selected, written

EVERY_TYPE = """SELECT concat('u', leftPad(toString(number), 3, '0')) AS id,
    toLowCardinality(concat('город ', toString(number))) AS low,
    if(number % 3 = 0, NULL, concat('"', char(number), '\\n,')) AS text,
    toInt128('-170141183460469231731687303715884105') * number AS wide,
    toUInt64(18446744073709551615 - number) AS big,
    toInt8(number) - 50 AS small,
    if(number % 5 = 0, NULL, number / 7) AS real,
    toFloat32(number) / 3 AS single,
    toBFloat16(number) AS brief,
    toDecimal256(number, 70) / 7 AS long_money,
    toDecimal64(number, 2) AS money,
    toDate('2149-06-06') - number AS day,
    toDate32('2299-12-31') - number * 1000 AS late_day,
    toDateTime('2026-03-31 23:59:59', 'Asia/Tokyo') + number AS second,
    toDateTime64('1900-01-01 00:00:00', 3, 'UTC') + number AS old,
    toDateTime64('2250-04-11 20:47:16.854775807', 9, 'UTC') AS nano,
    toNullable(toBool(number % 2)) AS yes,
    toUUID('61f0c404-5cb3-11e7-907b-a6006ad3dba0') AS uuid,
    CAST('a', 'Enum8(\\'a\\' = 1)') AS enum,
    toFixedString('ab', 4) AS fixed
    FROM numbers(100)"""


def parquet(admin: ClickHouse, source: Source) -> tuple[pa.Table, int]:
    file = ParquetFile(source)
    data = written(admin, file)
    return pq.read_table(io.BytesIO(data)), file.rows


def test_columns_have_their_names_and_types(admin: ClickHouse) -> None:
    table, rows = parquet(admin, selected(admin, EVERY_TYPE))
    assert rows == table.num_rows == 100
    assert {field.name: str(field.type) for field in table.schema} == {
        **dict.fromkeys(("id", "low", "text", "wide", "uuid", "enum", "fixed"), "string"),
        "big": "uint64",
        "small": "int16",
        "real": "double",
        "single": "double",
        "brief": "float",
        "long_money": "decimal256(76, 70)",
        "money": "decimal128(18, 2)",
        "day": "date32[day]",
        "late_day": "date32[day]",
        "second": "timestamp[ms, tz=UTC]",
        "old": "timestamp[ms, tz=UTC]",
        "nano": "timestamp[ns, tz=UTC]",
        "yes": "bool",
    }


def test_values_are_those_of_the_csv(admin: ClickHouse) -> None:
    source = selected(admin, EVERY_TYPE)
    table, _ = parquet(admin, source)
    options = PROFILES[Profile.MACHINE].model_copy(update={"null_text": "NULL"})
    text = written(admin, CsvFile(source, options, [field.name for field in source.fields])).decode()
    lines = list(csv.reader(io.StringIO(text, newline="")))
    assert lines[0] == table.column_names
    moments = {"second": "s", "old": "ms", "nano": "ns"}
    for index, name in enumerate(table.column_names):
        cells = [line[index] for line in lines[1:]]
        column = table.column(name)
        if name in moments:
            assert cells == [moment(value) for value in pd.Series(column.to_pandas())]
        else:
            assert [shown(cell, column.type) for cell in cells] == column.to_pylist()


def moment(value: pd.Timestamp) -> str:
    local = value.tz_convert("Europe/Moscow")
    return f"{local:%Y-%m-%d %H:%M:%S}" + (f".{local.microsecond:06}{local.nanosecond:03}" if local.nanosecond else "")


def shown(cell: str, type_: pa.DataType) -> object:
    if cell == "NULL":
        return None
    if pa.types.is_integer(type_):
        return int(cell)
    if pa.types.is_floating(type_):
        return float(cell)
    if pa.types.is_decimal(type_):
        return Decimal(cell)
    if pa.types.is_date(type_):
        return date.fromisoformat(cell)
    return cell == "true" if pa.types.is_boolean(type_) else cell


def test_pandas_reads_moments_in_utc(admin: ClickHouse) -> None:
    select = "SELECT 'u' AS id, toDateTime('2026-03-31 23:59:59', 'Asia/Tokyo') AS at"
    frame = pd.read_parquet(io.BytesIO(written(admin, ParquetFile(selected(admin, select)))))
    assert frame["at"][0] == datetime(2026, 3, 31, 14, 59, 59, tzinfo=UTC)


def test_rows_are_in_the_order_of_the_user_ids(admin: ClickHouse) -> None:
    source = selected(admin, "SELECT toString(cityHash64(number)) AS id FROM numbers(400000)")
    table, rows = parquet(admin, source)
    ids = table.column("id").to_pylist()
    assert rows == 400_000
    assert ids == sorted(ids)


def test_awkward_names_of_fields_are_kept(admin: ClickHouse) -> None:
    names = ["id", 'имя "`\\', "a b,{x:String}", "%s"]
    source = selected(admin, "SELECT 'u' AS a, 'x' AS b, 'y' AS c, 'z' AS d", names=names)
    assert parquet(admin, source)[0].column_names == names


def test_invalid_text_is_replaced_and_counted(admin: ClickHouse) -> None:
    source = selected(admin, "SELECT toString(number) AS id, 'a\\xFF' AS t FROM numbers(3)")
    table, _ = parquet(admin, source)
    assert table.column("t").to_pylist() == ["a\ufffd"] * 3
    counts = count_replacements(admin, source, ParquetFile(source).replacements(), {})
    assert counts == {"t": {"invalid_text": 3}}


def test_no_rows_make_a_readable_file(admin: ClickHouse) -> None:
    table, rows = parquet(admin, selected(admin, "SELECT '' AS id, 1 AS n WHERE 0"))
    assert (table.num_rows, rows, table.column_names) == (0, 0, ["id", "n"])


def test_server_holds_a_part_of_the_rows_only(admin: ClickHouse) -> None:
    rows, row_bytes = 6_000_000, 9 + 40
    select = f"SELECT leftPad(toString(number), 9, '0') AS id, randomPrintableASCII(40) AS t FROM numbers({rows})"
    query_id = f"memory-{uuid4().hex}"
    for _ in ParquetFile(selected(admin, select)).stream(admin, {"query_id": query_id, "max_threads": 2}):
        pass
    admin.execute(CompiledQuery("SYSTEM FLUSH LOGS"))
    log = "SELECT max(memory_usage) FROM system.query_log WHERE query_id = {query_id:String}"
    assert 0 < admin.scalar(CompiledQuery(log, {"query_id": query_id})) < 0.8 * rows * row_bytes


class Cut(ClickHouse):
    """Loses the end of every stream."""

    def stream(
        self, query: CompiledQuery, output_format: str, settings: Mapping[str, Any] | None = None, chunk_bytes: int = 0
    ) -> Iterator[bytes]:
        yield b"".join(super().stream(query, output_format, settings))[:-1]


def test_file_without_its_end_is_refused(admin: ClickHouse, clickhouse_server: Any) -> None:
    source = selected(admin, "SELECT 'u' AS id")
    cut = Cut(clickhouse_server.admin_url)
    with pytest.raises(UserError) as refused:
        written(cut, ParquetFile(source))
    cut.close()
    assert refused.value.code == "file_incomplete"
