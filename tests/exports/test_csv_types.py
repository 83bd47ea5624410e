"""The ends of every ClickHouse type, as they stand in CSV."""

from __future__ import annotations

import pytest

from segmentator_dagster.domain.export_options import PROFILES, Profile
from segmentator_dagster.exports.csv.delimited import CsvFile
from segmentator_dagster.storage.clickhouse import ClickHouse
from tests.exports.sources import selected, written

NINES = "9" * 76
# An expression, its text in the profile `machine` and, where that is another, in `excel-ru`.
VALUES = [
    *((f"toInt{bits}('{-(2 ** (bits - 1))}')", str(-(2 ** (bits - 1))), None) for bits in (8, 16, 32, 64, 128, 256)),
    *((f"toInt{bits}('{2 ** (bits - 1) - 1}')", str(2 ** (bits - 1) - 1), None) for bits in (8, 16, 32, 64, 128, 256)),
    *((f"toUInt{bits}('{2**bits - 1}')", str(2**bits - 1), None) for bits in (8, 16, 32, 64, 128, 256)),
    (f"toDecimal256('-{NINES}', 0)", f"-{NINES}", None),
    (f"toDecimal256('0.{NINES}', 76)", f"0.{NINES}", f"0,{NINES}"),
    ("toDecimal32('-0.10', 4)", "-0.1000", "-0,1000"),
    ("toDecimal64('5', 0)", "5", None),
    ("toFloat64('nan')", "nan", None),
    ("toFloat64('inf')", "inf", None),
    ("toFloat64('-inf')", "-inf", None),
    ("toFloat64('-0')", "-0", None),
    ("toFloat64('5e-324')", "5e-324", None),
    ("toFloat64('1.7976931348623157e308')", "1.7976931348623157e308", "1,7976931348623157e308"),
    ("0.1 + 0.2", "0.30000000000000004", "0,30000000000000004"),
    ("toFloat64('1e21')", "1e21", None),
    ("toFloat64('123456789012345680000')", "123456789012345680000", None),
    ("toFloat32('0.1')", "0.1", "0,1"),
    ("toFloat32('1.1754943508222875e-38')", "1.1754944e-38", "1,1754944e-38"),
    ("toFloat32('3.4028234663852886e38')", "3.4028235e38", "3,4028235e38"),
    ("toBFloat16('0.5')", "0.5", "0,5"),
    ("toDate('1970-01-01')", "1970-01-01", "01.01.1970"),
    ("toDate('2149-06-06')", "2149-06-06", "06.06.2149"),
    ("toDate32('1900-01-01')", "1900-01-01", "01.01.1900"),
    ("toDate32('2299-12-31')", "2299-12-31", "31.12.2299"),
    ("toDateTime(0, 'UTC')", "1970-01-01 03:00:00", "01.01.1970 03:00:00"),
    ("toDateTime(4294967295, 'UTC')", "2106-02-07 09:28:15", "07.02.2106 09:28:15"),
    ("toDateTime64('1900-01-01 00:00:00.5', 1, 'UTC')", "1900-01-01 02:30:17.500", "01.01.1900 02:30:17.500"),
    ("toDateTime64('2299-12-31 20:59:59.999', 3, 'UTC')", "2299-12-31 23:59:59.999", "31.12.2299 23:59:59.999"),
    (
        "toDateTime64('2262-04-11 20:47:16.854775807', 9, 'UTC')",
        "2262-04-11 23:47:16.854775807",
        "11.04.2262 23:47:16.854775807",
    ),
    (
        "toDateTime64('1969-12-31 20:59:59.000001', 6, 'UTC')",
        "1969-12-31 23:59:59.000001",
        "31.12.1969 23:59:59.000001",
    ),
    ("toDateTime64('2026-03-31 10:00:00', 9, 'Asia/Tokyo')", "2026-03-31 04:00:00", "31.03.2026 04:00:00"),
    ("CAST('б\"', 'Enum8(\\'б\"\\' = -128)')", '"б"""', None),
    ("CAST('z', 'Enum16(\\'a\\' = -32768, \\'z\\' = 32767)')", '"z"', None),
    ("toUUID('ffffffff-ffff-ffff-ffff-ffffffffffff')", '"ffffffff-ffff-ffff-ffff-ffffffffffff"', None),
    ("toIPv4('255.255.255.255')", '"255.255.255.255"', None),
    ("toIPv6('2001:db8::ff00:42:8329')", '"2001:db8::ff00:42:8329"', None),
    ("toFixedString('a\\0b', 6)", '"a\0b"', None),
    ("true", "true", None),
    ("false", "false", None),
    ("''", '""', None),
    ("[1, 2]", '"[1,2]"', None),
    ("map('k', 'v')", "\"{'k':'v'}\"", None),
]


LOW = ("toLowCardinality({})", "toLowCardinality(toNullable({}))")
# Types that a dictionary does not take, and the zero that is another in one.
NO_LOW = ("Decimal", "DateTime64", "BFloat", "Enum", "Int128", "Int256", "nan", "'-0'")


def wrapped(value: tuple[str, str, str | None]) -> list[tuple[str, str, str]]:
    """A value as it may come, bare or in Nullable and LowCardinality, with both its texts."""
    expression, machine, excel = value
    if expression.startswith(("[", "map")):
        wrappers: tuple[str, ...] = ("toString({})",)  # what is no scalar is text in an extract
    else:
        wrappers = ("{}", "toNullable({})", *(() if any(name in expression for name in NO_LOW) else LOW))
    return [(wrapper.format(expression), machine, excel if excel is not None else machine) for wrapper in wrappers]


CASES = [case for value in VALUES for case in wrapped(value)]


@pytest.mark.parametrize(("expression", "machine", "excel"), CASES, ids=[case[0][:70] for case in CASES])
def test_value_is_written_exactly(admin: ClickHouse, expression: str, machine: str, excel: str) -> None:
    source = selected(admin, f"SELECT 'u' AS id, {expression} AS v")
    assert written(admin, CsvFile(source, PROFILES[Profile.MACHINE], None)) == f'"u",{machine}\r\n'.encode()
    assert written(admin, CsvFile(source, PROFILES[Profile.EXCEL_RU], None)) == f'\ufeff"u";{excel}\r\n'.encode()


def test_null_of_every_type_is_the_null_text(admin: ClickHouse) -> None:
    types = [
        "String",
        "Int256",
        "Float32",
        "Decimal(76, 3)",
        "Date",
        "Date32",
        "DateTime",
        "DateTime64(9)",
        "Bool",
        "UUID",
    ]
    nulls = ", ".join(f"CAST(NULL, 'Nullable({type_})') AS n{index}" for index, type_ in enumerate(types))
    low = "CAST(NULL, 'LowCardinality(Nullable(String))') AS low"
    source = selected(admin, f"SELECT 'u' AS id, {nulls}, {low}")
    for profile in (Profile.MACHINE, Profile.EXCEL_RU):
        options = PROFILES[profile].model_copy(update={"null_text": "NULL", "bom": False})
        line = (options.delimiter or "").join(['"u"', *(["NULL"] * (len(types) + 1))])
        assert written(admin, CsvFile(source, options, None)) == f"{line}\r\n".encode()
