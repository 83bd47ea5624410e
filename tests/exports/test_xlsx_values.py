import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pytest

from segmentator_dagster.exports.source import Source, count_replacements
from segmentator_dagster.exports.xlsx.workbook import XlsxFile
from segmentator_dagster.storage.clickhouse import ClickHouse
from tests.exports.sources import inserted
from tests.exports.xlsx_files import OPTIONS, READERS, by_calamine, by_openpyxl, part, table, workbook

SHEET = "xl/worksheets/sheet1.xml"
MOST = 32_767


def counts(clickhouse: ClickHouse, source: Source) -> dict[str, dict[str, int]]:
    return count_replacements(clickhouse, source, XlsxFile(source, OPTIONS, None).replacements(), {})


def texts(admin: ClickHouse, values: Sequence[str | bytes | None]) -> Source:
    """A source whose rows have these texts, in their order."""
    raw = [value.encode() if isinstance(value, str) else value for value in values]
    ids = pa.array([f"{number:06}" for number in range(len(raw))])
    return inserted(admin, {"n0": "String", "n1": "Nullable(String)"}, {"n0": ids, "n1": pa.array(raw, pa.binary())})


PLAIN = [
    "",
    "=1+1",
    "+7 900 000-00-00",
    "-1",
    "@SUM(A1)",
    '=HYPERLINK("http://x","y")',
    "007",
    "12345678901234567890",
    "1E5",
    "TRUE",
    "01.02.2026",
    " both ends ",
    "two  spaces",
    "tab\tinside",
    "line\nfeed",
    "a<b>&\"c'd",
    "]]>",
    "&amp;",
    "<f>1</f></row>",
    "Ёжик, «ёлка» — №1",
    "👩‍👩‍👧 🇷🇺 𝒳",
    "e\u0301 vs é",
    "\u200b\ufeff\u2028\u00a0",
    "x" * MOST,
]


@pytest.mark.parametrize("reader", READERS)
def test_texts_are_read_as_they_are_and_are_no_formulas(
    admin: ClickHouse, writer: ClickHouse, reader: str, tmp_path: Path
) -> None:
    source = texts(admin, [None, *PLAIN])
    data = workbook(writer, source)
    read = [row[1] or "" for row in READERS[reader](data, tmp_path)]
    assert read == ["", *PLAIN]
    assert "<f" not in part(data, SHEET)
    assert counts(writer, source) == {}


def test_every_code_point_is_itself_or_a_replacement_character(admin: ClickHouse, writer: ClickHouse, tmp_path) -> None:
    points = [chr(point) for point in range(0x110000) if not 0xD800 <= point < 0xE000]
    values = ["".join(points[start : start + 2048]) for start in range(0, len(points), 2048)]
    values += [f"a{point}b" for point in points[:0x180]] + points[:0x80]
    source = texts(admin, values)
    data = workbook(writer, source)
    illegal = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
    expected = [illegal.sub("\ufffd", value) for value in values]
    assert [row[1] for row in by_calamine(data, tmp_path)] == expected
    assert [row[1] or "" for row in by_openpyxl(data, tmp_path)] == expected
    assert counts(writer, source) == {
        "n1": {"illegal_character": sum(illegal.search(value) is not None for value in values)}
    }


def test_bytes_that_are_no_text_become_replacement_characters_and_are_counted(admin, writer, tmp_path) -> None:
    values = [b"a\xff", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\xaf", b"ok"]
    source = texts(admin, values)
    read = [row[1] for row in by_openpyxl(workbook(writer, source), tmp_path)]
    assert read[0] == "a\ufffd"
    assert read[4] == "ok"
    assert all(set(text) == {"\ufffd"} for text in read[1:4])
    assert counts(writer, source) == {"n1": {"invalid_text": 4}}


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("x" * (MOST + 1), "x" * (MOST - 1) + "…"),
        ("𝒳" * (MOST // 2), "𝒳" * (MOST // 2)),
        ("𝒳" * (MOST // 2 + 1), "𝒳" * ((MOST - 1) // 2) + "…"),
        ("x" + "𝒳" * (MOST // 2 + 1), "x" + "𝒳" * ((MOST - 2) // 2) + "…"),
        ("ж" * MOST, "ж" * MOST),
        ("&" * (MOST + 5), "&" * (MOST - 1) + "…"),
    ],
    ids=["x", "pairs that fit", "pairs", "pair on the edge", "two bytes each", "escaped"],
)
def test_a_text_longer_than_a_cell_is_cut_between_characters_and_counted(admin, writer, tmp_path, text, kept) -> None:
    source = texts(admin, [text])
    read = by_openpyxl(workbook(writer, source), tmp_path)[0][1]
    assert read == kept
    assert len(read.encode("utf-16-le")) // 2 <= MOST
    assert counts(writer, source) == ({} if text == kept else {"n1": {"too_long": 1}})


@pytest.mark.parametrize(
    "text", ["_x0041_", "_x0041_x0042_", "__x000D__", "_x005F_", "_xZZZZ_", "_x004", "a\rb", "a\r\nb", "_x0041_\x00"]
)
def test_what_a_cell_would_unescape_or_rewrite_comes_back_as_it_was(admin, writer, tmp_path, text: str) -> None:
    data = workbook(writer, texts(admin, [text]))
    assert by_calamine(data, tmp_path)[0][1] == text.replace("\0", "\ufffd")


NUMBERS = [
    ("UInt8", "255", 255),
    ("UInt16", "65535", 65535),
    ("UInt32", "4294967295", 4294967295),
    ("Int8", "-128", -128),
    ("Int16", "-32768", -32768),
    ("Int32", "-2147483648", -2147483648),
    ("Int64", "-999999999999999", -999999999999999),
    ("Int64", "-9223372036854775808", "-9223372036854775808"),
    ("UInt64", "999999999999999", 999999999999999),
    ("UInt64", "1000000000000000", "1000000000000000"),
    ("UInt64", "18446744073709551615", "18446744073709551615"),
    ("Int128", "toInt128('-170141183460469231731687303715884105728')", str(-(2**127))),
    ("UInt128", "toUInt128('340282366920938463463374607431768211455')", str(2**128 - 1)),
    ("Int256", "toInt256('7')", 7),
    ("UInt256", f"toUInt256('{2**256 - 1}')", str(2**256 - 1)),
    ("Float64", "0.1", 0.1),
    ("Float64", "-0.0", 0),
    ("Float64", "1.7976931348623157e308", 1.7976931348623157e308),
    ("Float64", "2.2250738585072014e-308", 2.2250738585072014e-308),
    ("Float64", "toFloat64('5e-324')", "5e-324"),
    ("Float64", "nan", "nan"),
    ("Float64", "-inf", "-inf"),
    ("Float64", "123456789.12345678", 123456789.12345678),
    ("Float32", "toFloat32('0.1')", 0.1),
    ("Float32", "toFloat32('3.4028235e38')", 3.4028235e38),
    ("BFloat16", "toBFloat16(1.5)", 1.5),
    ("Decimal(9, 2)", "-9999999.99", -9999999.99),
    ("Decimal(15, 0)", "999999999999999", 999999999999999),
    ("Decimal(18, 2)", "toDecimal64('1234567890123.45', 2)", 1234567890123.45),
    ("Decimal(18, 2)", "toDecimal64('9999999999999999.99', 2)", "9999999999999999.99"),
    ("Decimal(18, 2)", "toDecimal64('12345678901234.5', 2)", 12345678901234.5),
    ("Decimal(18, 18)", "toDecimal64('-0.000000000000000001', 18)", -1e-18),
    ("Decimal(38, 20)", "toDecimal128('1.23456789012345678', 20)", "1.23456789012345678"),
    ("Decimal(76, 0)", "toDecimal256('" + "9" * 76 + "', 0)", "9" * 76),
    ("Bool", "true", True),
    ("Bool", "false", False),
]


@pytest.mark.parametrize("reader", READERS)
def test_the_extremes_of_every_type_are_numbers_where_excel_has_them_and_else_text(
    admin: ClickHouse, writer: ClickHouse, reader: str, tmp_path: Path
) -> None:
    values = ", ".join(value for _, value, _ in NUMBERS)
    source = table(admin, [type_ for type_, _, _ in NUMBERS], f"SELECT 'u', {values}")
    read = READERS[reader](workbook(writer, source), tmp_path)[0][1:]
    expected = [value for _, _, value in NUMBERS]
    assert read == [one if isinstance(one, str | bool) else pytest.approx(one, rel=1e-14) for one in expected]
    assert [isinstance(one, str) for one in read] == [isinstance(one, str) for one in expected]
    texts_ = [f"n{index}" for index, value in enumerate(expected, start=1) if isinstance(value, str)]
    assert counts(writer, source) == {name: {"number_as_text": 1} for name in texts_}


@pytest.mark.parametrize("reader", READERS)
def test_null_of_every_type_is_an_empty_cell_and_what_follows_stays_in_its_column(
    admin: ClickHouse, writer: ClickHouse, reader: str, tmp_path: Path
) -> None:
    inner = [
        "String",
        "UInt64",
        "Float64",
        "Decimal(38, 5)",
        "Date",
        "Date32",
        "DateTime",
        "DateTime64(3)",
        "Bool",
        "UUID",
    ]
    types = [*(f"Nullable({type_})" for type_ in inner), "LowCardinality(Nullable(String))", "String"]
    source = table(admin, types, f"SELECT 'u', {', '.join(['NULL'] * (len(types) - 1))}, 'last'")
    row = READERS[reader](workbook(writer, source), tmp_path)[0]
    assert [value or None for value in row] == ["u", *[None] * (len(types) - 1), "last"]
    assert counts(writer, source) == {}


DATES = [
    ("Date", "toDate('1970-01-01')", "1970-01-01"),
    ("Date", "toDate('2149-06-06')", "2149-06-06"),
    ("Date32", "toDate32('1900-01-01')", "1900-01-01"),
    ("Date32", "toDate32('1900-02-28')", "1900-02-28"),
    ("Date32", "toDate32('1900-03-01')", "1900-03-01"),
    ("Date32", "toDate32('2299-12-31')", "2299-12-31"),
    ("DateTime", "toDateTime('2026-03-31 20:59:59', 'UTC')", "2026-03-31 23:59:59"),
    ("DateTime('Asia/Tokyo')", "toDateTime('2026-03-31 20:59:59', 'UTC')", "2026-03-31 23:59:59"),
    ("DateTime64(3)", "toDateTime64('2026-03-31 20:59:59.123', 3, 'UTC')", "2026-03-31 23:59:59.123000"),
    ("DateTime64(9)", "toDateTime64('1969-12-31 21:00:01', 9, 'UTC')", "1970-01-01 00:00:01"),
    ("DateTime64(0)", "toDateTime64('1905-06-01 00:00:00', 0, 'UTC')", "1905-06-01 02:30:17"),
]


@pytest.mark.parametrize("reader", READERS)
def test_dates_and_moments_are_dates_shown_in_the_time_zone_of_the_segment(
    admin: ClickHouse, writer: ClickHouse, reader: str, tmp_path: Path
) -> None:
    values = ", ".join(value for _, value, _ in DATES)
    source = table(admin, [type_ for type_, _, _ in DATES], f"SELECT 'u', {values}", "Europe/Moscow")
    expected = [datetime.fromisoformat(moment) for *_, moment in DATES]
    read = READERS[reader](workbook(writer, source), tmp_path)[0][1:]
    if reader == "libreoffice":  # it knows that 1900 had no 29 February, and saves hundredths of a second
        read[2:4] = expected[2:4]
        expected = [moment.replace(microsecond=moment.microsecond // 10000 * 10000) for moment in expected]
    assert read == expected
    assert counts(writer, source) == {}


def test_a_moment_before_1900_is_text_and_counted(admin: ClickHouse, writer: ClickHouse, tmp_path: Path) -> None:
    source = table(
        admin, ["DateTime64(0)"], "SELECT 'u', toDateTime64('1900-01-01 01:00:00', 0, 'UTC')", "America/New_York"
    )
    assert by_openpyxl(workbook(writer, source), tmp_path)[0][1].startswith("1899-12-31 20:")
    assert counts(writer, source) == {"n1": {"date_as_text": 1}}


def test_enums_uuids_fixed_strings_and_low_cardinality_are_texts(admin, writer, tmp_path) -> None:
    types = ["Enum8('a & b' = 1)", "UUID", "FixedString(4)", "LowCardinality(String)"]
    values = "'a & b', '00000000-0000-0000-0000-000000000001', 'ab', ' x'"
    read = by_openpyxl(workbook(writer, table(admin, types, f"SELECT 'u', {values}")), tmp_path)[0]
    assert read == ["u", "a & b", "00000000-0000-0000-0000-000000000001", "ab", " x"]
