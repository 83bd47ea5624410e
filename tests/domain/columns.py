"""The datasets of the generated worlds: their columns, the cells these may hold, the values rules compare them with."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from segmentator_dagster.domain.catalogue import Catalogue, Dataset, Field, field_type, is_nullable

DATABASE = "rule_oracle"
UUID_A, UUID_B = "61f0c404-5cb3-11e7-907b-a6006ad3dba0", "00000000-0000-0000-0000-000000000000"
TEXTS = [
    *("", "a", "A", "ab", "ба", "Ба", "aБ\N{GRINNING FACE}", "%", "_", "a%b", "\\", "'", "\n\t\r", " a"),
    *("{p_1:String}", "\u2028", "nan", "Å", "ẞ"),
]
ZONE = ZoneInfo("Europe/Moscow")
ZONES = (ZONE, ZoneInfo("Asia/Tokyo"), ZoneInfo("America/St_Johns"))  # those that saved segments are read in


@dataclass(frozen=True)
class Column:
    """A column: its type, the cells it may hold and the values rules compare it with.

    `entries` are the keys (of a map) or paths (of JSON) that rules may name. `summed`: its sums are exact in any order.
    """

    name: str
    type: str
    cells: Sequence[Any]
    values: Sequence[Any]
    entries: Sequence[str] = ()
    summed: bool = True

    @property
    def field(self) -> Field:
        return Field(self.name, field_type(self.type), self.type, is_nullable(self.type))


def _moments(*texts: str) -> list[datetime]:
    return [datetime.fromisoformat(text + "+00:00") for text in texts]


_DAYS = ["1970-01-01", "2000-02-29", "2025-12-31", "2026-01-25", "2026-01-31", "2026-02-01", "2026-02-02", "2149-06-06"]
_FAR_DAYS = ["1900-01-01", *_DAYS[1:7], "2299-12-31"]
_INTEGERS = [0, 1, -1, 2, 300, 1.5, -0.5, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1, -(2**63), 2**200]
_FLOATS = [0, 1, 0.1, -0.5, 1e308, 5e-324, 2**53, 2**53 + 1, -1]
_MOMENT_VALUES = [
    *("2026-02-01", "2026-01-31", "2026-02-01T00:00", "2026-02-01T00:00:00+03:00", "2026-01-31T21:00:00Z"),
    *("2026-01-31T21:00:00.000001Z", "2026-03-29T02:30:00", "1970-01-01T00:00:00Z"),
]
_MOMENTS = _moments(
    *("1970-01-01T00:00:00", "2026-01-31T21:00:00", "2026-01-31T20:59:59", "2026-02-01T00:00:00"),
    *("2025-02-28T12:00:00", "2026-01-31T15:00:00", "2026-02-02T06:00:00"),
)
_PROPERTIES = [
    {},
    {"n": "1", "t": "a", "d": "2026-01-31", "m": "2026-02-01T00:00:00+03:00", "b": "true"},
    {"n": "-0.50", "t": "A", "d": "2026-02-30", "m": "2026-02-01T00:00", "b": "false"},
    {"n": "1e3", "t": "", "d": "2026-2-1", "m": "2026-01-31 21:00:00.5Z", "b": "TRUE"},
    {"n": "nan", "t": "ба", "d": "1899-12-31", "m": "2026-02-30T00:00:00Z", "b": "1"},
    {"n": " 1", "d": "", "m": "2026-02-01", "b": ""},
]
_DOCUMENTS = [
    {},
    {"n": 1, "t": "a", "in": {"d": "2026-01-31", "x": True}},
    {"n": 1.5, "t": "A", "in": {"d": None, "x": False}},
    {"n": "1", "t": 7, "in": {"x": "true"}},
    {"n": None, "t": "ба", "in": {"d": "2026-02-01"}},
    {"n": 12345678901234567890},
]
_PROPERTY_VALUES = {
    "text": ["a", "A", "1", "ба", "true", "2026-01-31"],
    "number": [0, 1, -0.5, 1000, 1.5],
    "date": ["2026-01-31", "2026-02-01"],
    "datetime": ["2026-02-01", "2026-01-31T21:00:00Z", "2026-02-01T00:00", "2026-01-31T21:00:00.5Z"],
    "boolean": [True, False],
}

COLUMNS = (
    Column("word", "String", TEXTS, TEXTS),
    Column("maybe text", "Nullable(String)", [None, *TEXTS], TEXTS),
    Column("город`s", "LowCardinality(Nullable(String))", [None, *TEXTS], TEXTS),
    Column("plain_lc", "LowCardinality(String)", TEXTS, TEXTS),
    Column("enum", "Enum8('' = 0, 'b' = 1, 'A' = 2)", ["", "b", "A"], TEXTS),
    Column("fixed", "FixedString(3)", ["", "a", "abc"], ["a", "abc", "b", "c", ""]),
    Column("uuid", "Nullable(UUID)", [None, UUID_A, UUID_B], [UUID_A, UUID_B, "61f0", "a0", "-5cb3-"]),
    Column("i8", "Int8", [-128, -1, 0, 1, 2, 127], _INTEGERS),
    Column("u64", "UInt64", [0, 1, 2, 2**53, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1], _INTEGERS),
    Column("maybe_i32", "Nullable(Int32)", [None, -(2**31), -1, 0, 1, 2], _INTEGERS),
    Column("i256", "Int256", [0, 1, -1, 2**200, 2**250, -(2**250)], _INTEGERS),
    Column("f64", "Float64", [math.nan, math.inf, -math.inf, 0.0, -0.0, 0.1, 1.0, 2.0**53, 1e308, 5e-324], _FLOATS,
           summed=False),
    Column("maybe_f64", "Nullable(Float64)", [None, math.nan, math.inf, 0.0, 0.5, 1.0, -1.0], _FLOATS),
    Column("f32", "Float32", [math.nan, math.inf, 0.0, 0.10000000149011612, 1.0, -0.5], [0, 1, 0.1, -0.5, 3e38],
           summed=False),
    Column("half", "BFloat16", [math.nan, 0.0, 1.0, -0.5, 2.0], [0, 1, -0.5, 2, 3e38]),
    Column("dec", "Decimal(18, 2)", [Decimal(x) for x in ("0.00", "0.10", "-0.50", "1.00", "9999999999999999.99")],
           [0, 0.1, -0.5, 1, 1.25, 10**17, -(10**40)]),
    Column("maybe_dec", "Nullable(Decimal(38, 10))",
           [None, Decimal("0.1000000000"), Decimal("0.0000001000"), Decimal(1)], [0, 0.1, 1e-7, 1, 10**20]),
    Column("day", "Date", [date.fromisoformat(day) for day in _DAYS], _DAYS),
    Column("maybe_day", "Nullable(Date32)", [None, *map(date.fromisoformat, _FAR_DAYS)], _FAR_DAYS),
    Column("at", "DateTime('Asia/Tokyo')", _MOMENTS, _MOMENT_VALUES),
    Column("maybe_at", "Nullable(DateTime64(3, 'Europe/Berlin'))",
           [None, *_MOMENTS, *_moments("1969-12-31T23:59:59.999", "2026-03-29T00:30:00")], _MOMENT_VALUES),
    Column("at9", "DateTime64(9, 'UTC')", [*_MOMENTS, *_moments("2026-01-31T21:00:00.000001")], _MOMENT_VALUES),
    Column("flag", "Bool", [True, False], [True, False]),
    Column("maybe_flag", "Nullable(Bool)", [None, True, False], [True, False]),
    Column("tags", "Array(LowCardinality(String))", [[], ["a"], ["a", "A"], ["ба", "", "a"]], TEXTS),
    Column("numbers", "Array(Nullable(Int32))", [[], [None], [1, 2], [0, None, 1, 1]], [0, 1, 2, -1, 2**40]),
    Column("ratios", "Array(Float64)", [[], [math.nan], [-0.0, 1.0], [0.1]], [0, 1, 0.1]),
    Column("days", "Array(Date)", [[], [date(2026, 1, 31)], [date(2026, 2, 1), date(1970, 1, 1)]], _DAYS),
    Column("props", "Map(String, String)", _PROPERTIES, (), entries=("n", "t", "d", "m", "b", "no")),
    Column("stats", "Map(LowCardinality(String), Nullable(Int64))", [{}, {"x": 1}, {"x": None, "y": 2}], _INTEGERS,
           entries=("x", "y", "it's")),
    Column("doc", "JSON", _DOCUMENTS, (), entries=("n", "t", "in.d", "in.x", "no.way")),
)  # fmt: skip
BASE = "base"
OTHER = "other"
THIRD = "third"
DATASETS = (BASE, OTHER, THIRD)
TIME_FIELDS = {BASE: "day", OTHER: "maybe_at", THIRD: "at9"}
KEYS = {BASE: Column("user_id", "String", ["1", "2", "3", "4", "a b"], TEXTS),
        OTHER: Column("client", "Nullable(UInt64)", [None, 1, 2, 3, 7], _INTEGERS),
        THIRD: Column("who", "LowCardinality(String)", ["1", "2", "3", "z"], TEXTS)}  # fmt: skip


def columns_of(dataset: str) -> tuple[Column, ...]:
    return (KEYS[dataset], *COLUMNS)


def entry_values(column: Column, read_as: str) -> Sequence[Any]:
    """What rules compare an entry of a map or JSON with."""
    return column.values or _PROPERTY_VALUES[read_as]


def catalogue() -> Catalogue:
    # NaN in the sorting key is where index analysis could go wrong
    datasets = (
        Dataset(
            name, DATABASE, name, KEYS[name].name, TIME_FIELDS[name], tuple(column.field for column in columns_of(name))
        )
        for name in DATASETS
    )
    return Catalogue({dataset.name: dataset for dataset in datasets})


def create_sql(dataset: str) -> str:
    columns = ", ".join(f"{_quoted(column.name)} {column.type}" for column in columns_of(dataset))
    order = {BASE: "(f64, maybe_f64)", OTHER: "(maybe_at, f64)", THIRD: "at9"}[dataset]
    return (
        f"CREATE OR REPLACE TABLE {DATABASE}.{dataset} ({columns}) ENGINE = MergeTree ORDER BY {order} "
        "SETTINGS index_granularity = 1, allow_nullable_key = 1"
    )


def insert_sql(dataset: str, rows: Sequence[Mapping[str, Any]]) -> str:
    lines = (
        "(" + ", ".join(_literal(row[column.name], column.type) for column in columns_of(dataset)) + ")" for row in rows
    )
    return f"INSERT INTO {DATABASE}.{dataset} VALUES " + ", ".join(lines)


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "\\`") + "`"


def _literal(cell: Any, clickhouse_type: str) -> str:
    match cell:
        case None:
            return "NULL"
        case bool():
            return "true" if cell else "false"
        case float():
            return {"nan": "nan", "inf": "inf", "-inf": "-inf"}.get(str(cell), repr(cell))
        case datetime():
            local = cell.astimezone(ZoneInfo(clickhouse_type.split("'")[1])).replace(tzinfo=None)
            return f"'{local.isoformat(' ', 'microseconds' if '64' in clickhouse_type else 'seconds')}'"
        case list():
            return "[" + ", ".join(_literal(item, clickhouse_type) for item in cell) + "]"
        case dict() if clickhouse_type == "JSON":
            return _literal(json.dumps(cell, ensure_ascii=False), "String")
        case dict():
            pairs = (f"{_literal(key, 'String')}: {_literal(value, clickhouse_type)}" for key, value in cell.items())
            return "{" + ", ".join(pairs) + "}"
        case str() | date() | Decimal() | UUID():
            text = str(cell).translate({ord(c): "\\" + c for c in "\\'"})
            return f"'{text}'"
        case _:
            return str(cell)
