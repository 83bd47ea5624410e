"""Random tables under random options: the bytes are those of the oracle, and readers get the values back."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pyarrow as pa
from backports import zstd
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from segmentator_dagster.domain.export_options import Compression, CsvOptions, DateFormat, Encoding, Profile
from segmentator_dagster.exports.csv.delimited import CsvFile
from segmentator_dagster.exports.source import count_replacements
from segmentator_dagster.storage.clickhouse import ClickHouse
from tests.exports.csv_oracle import csv_text, is_formula
from tests.exports.sources import ZONE, inserted, written

TYPES = {
    "id": "String",
    "text": "Nullable(String)",
    "letters": "LowCardinality(Nullable(String))",
    "whole": "Nullable(Int64)",
    "real": "Nullable(Float64)",
    "money": "Nullable(Decimal(18, 4))",
    "day": "Nullable(Date32)",
    "moment": "Nullable(DateTime64(6, 'UTC'))",
    "yes": "Nullable(Bool)",
}
AWKWARD = st.text(alphabet="a=+-@\"',;|\t\r\n\0\x1aыЁ—€😀＝\u200b\xa0\ufeff\ufffd ", max_size=9)
TEXT = st.one_of(AWKWARD, st.text(max_size=12))
ARROW = {
    "id": pa.string(),
    "text": pa.string(),
    "letters": pa.string(),
    "whole": pa.int64(),
    "real": pa.float64(),
    "money": pa.decimal128(18, 4),
    "day": pa.date32(),
    "moment": pa.timestamp("us", "UTC"),
    "yes": pa.bool_(),
}
OPTIONS = st.builds(
    CsvOptions,
    profile=st.just(Profile.MACHINE),
    delimiter=st.sampled_from([",", ";", "\t", "|"]),
    quote=st.sampled_from(['"', "'"]),
    decimal_mark=st.sampled_from([".", ","]),
    date_format=st.sampled_from(DateFormat),
    bom=st.booleans(),
    line_end=st.sampled_from(["crlf", "lf"]),
    null_text=st.sampled_from(["", "NULL", "\\N", "нет", "-"]),
    formula_guard=st.booleans(),
    encoding=st.sampled_from(Encoding),
    compression=st.sampled_from(Compression),
)


def column(values: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.one_of(st.none(), values)


ROW = st.tuples(
    column(TEXT),
    column(AWKWARD),
    column(st.integers(-(2**63), 2**63 - 1)),
    column(st.floats(allow_nan=False)),
    column(st.decimals(Decimal("-9999999999"), Decimal("9999999999"), places=4)),
    column(st.dates(date(1900, 1, 1), date(2299, 12, 31))),
    column(st.datetimes(datetime(1901, 1, 1), datetime(2290, 1, 1), timezones=st.just(UTC))),  # noqa: DTZ001
    column(st.booleans()),
)
TABLES = st.dictionaries(TEXT, ROW, max_size=12)
MACHINE = CsvOptions(
    profile=Profile.MACHINE,
    delimiter=",",
    quote='"',
    decimal_mark=",",
    date_format=DateFormat.DAY_FIRST,
    bom=True,
    line_end="crlf",
    null_text="",
    formula_guard=True,
    encoding=Encoding.UTF_8,
    compression=Compression.NONE,
)


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(TABLES, OPTIONS, st.one_of(st.none(), st.lists(TEXT, min_size=9, max_size=9)))
@example({"a": (None, "", None, -0.0, Decimal("-0.0001"), None, None, None)}, MACHINE, None)
@example({"a": ("=1\n2\r\n", "+", 0, 1.5, Decimal("0.0000"), date(1900, 1, 1), None, True)}, MACHINE, ["=t"] * 9)
def test_file_is_what_the_oracle_says_and_reads_back(
    admin: ClickHouse, table: dict[str, tuple[object, ...]], options: CsvOptions, titles: list[str] | None
) -> None:
    rows = [(key, *table[key]) for key in sorted(table, key=str.encode)]
    columns = {name: pa.array([row[index] for row in rows], ARROW[name]) for index, name in enumerate(TYPES)}
    source = inserted(admin, TYPES, columns)
    file = CsvFile(source, options, titles)

    data = unpacked(written(admin, file), options.compression)

    text = csv_text(rows, titles, options, ZONE)
    assert data == text.encode(options.encoding, "replace")
    assert file.rows == len(rows)
    lines = read(text_of(data, options), options)
    assert len(lines) == len(rows) + (titles is not None)
    for line, row in zip(lines[titles is not None :], rows, strict=True):
        assert [undone(cell, value, options) for cell, value in zip(line, row, strict=True)] == [
            as_stored(value, options) for value in row
        ]
    assert count_replacements(admin, source, file.replacements(), {}) == expected_replacements(rows, options)


def unpacked(data: bytes, compression: Compression | None) -> bytes:
    match compression:
        case Compression.GZIP:
            return gzip.decompress(data)
        case Compression.ZSTD:
            return zstd.decompress(data)
        case _:
            return data


def text_of(data: bytes, options: CsvOptions) -> str:
    marked = options.bom and options.encoding is Encoding.UTF_8
    return data.decode("utf-8-sig" if marked else str(options.encoding))


def read(text: str, options: CsvOptions) -> list[list[str]]:
    delimiter, quote = options.delimiter or "", options.quote or ""
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quotechar=quote, strict=True))


def undone(cell: str, value: object, options: CsvOptions) -> object:
    """What a reader who knows the options makes of a cell, where `value` was written."""
    day = "%d.%m.%Y" if options.date_format is DateFormat.DAY_FIRST else "%Y-%m-%d"
    number = cell.replace(options.decimal_mark or "", ".")
    match value:
        case None:
            return None if cell == options.null_text else cell
        case str():
            return cell.removeprefix("'") if options.formula_guard and is_formula(value) else cell
        case bool():
            return {"true": True, "false": False}[cell]
        case int():
            return int(cell)
        case float():
            return float(number).hex()
        case Decimal():
            return Decimal(number)
        case datetime():
            local = datetime.strptime(cell[:19], f"{day} %H:%M:%S")  # noqa: DTZ007
            return local.replace(microsecond=int(cell[20:].ljust(6, "0")))
        case date():
            return datetime.strptime(cell, day).date()  # noqa: DTZ007
    raise TypeError(type(value))


def as_stored(value: object, options: CsvOptions) -> object:
    match value:
        case str():
            return value.encode(str(options.encoding), "replace").decode(str(options.encoding))
        case float():
            return value.hex()
        case datetime():
            return value.astimezone(ZoneInfo(ZONE)).replace(tzinfo=None)
    return value


def expected_replacements(rows: Sequence[Sequence[object]], options: CsvOptions) -> dict[str, dict[str, int]]:
    expected: dict[str, dict[str, int]] = {}
    for index, name in enumerate(("id", "text", "letters")):
        texts = [value for row in rows if isinstance(value := row[index], str)]
        unencodable = [text for text in texts if as_stored(text, options) != text]
        counts = {
            "formula_guard": sum(map(is_formula, texts)) if options.formula_guard else 0,
            "unencodable": len(unencodable),
        }
        if found := {reason: count for reason, count in counts.items() if count}:
            expected[name] = found
    return expected
