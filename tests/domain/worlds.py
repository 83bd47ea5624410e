"""Hypothesis strategies for small datasets and for rules over them, and the SQL that loads a dataset."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from segmentator_dagster.domain.catalogue import Catalogue, Dataset, Field, field_type, is_nullable
from segmentator_dagster.domain.operators import OPERATORS, Shape
from segmentator_dagster.domain.rule import Activity, Combinator, Condition, Everyone, Group, RowGroup, RowRule, Rule

DATABASE = "rule_oracle"
UUID_A, UUID_B = "61f0c404-5cb3-11e7-907b-a6006ad3dba0", "00000000-0000-0000-0000-000000000000"
TEXTS = [
    "",
    "a",
    "A",
    "ab",
    "ба",
    "aБ\N{GRINNING FACE}",
    "%",
    "_",
    "a%b",
    "\\",
    "'",
    "\n\t\r",
    " a",
    "{p_1:String}",
    "\u2028",
    "nan",
]
ZONE = ZoneInfo("Europe/Moscow")


@dataclass(frozen=True)
class Column:
    """A column: its type, the cells it may hold and the values rules compare it with."""

    name: str
    type: str
    cells: Sequence[Any]
    values: Sequence[Any]

    @property
    def field(self) -> Field:
        return Field(self.name, field_type(self.type), self.type, is_nullable(self.type))


def _moments(*texts: str) -> list[datetime]:
    return [datetime.fromisoformat(text + "+00:00") for text in texts]


_DAYS = ["1970-01-01", "2026-01-31", "2026-02-01", "2026-02-02", "2149-06-06"]
_FAR_DAYS = ["1900-01-01", *_DAYS[1:4], "2299-12-31"]
_INTEGERS = [0, 1, -1, 2, 300, 1.5, -0.5, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1, -(2**63), 2**200]
_FLOATS = [0, 1, 0.1, -0.5, 1e308, 5e-324, 2**53, 2**53 + 1, -1]
_MOMENT_VALUES = [
    *("2026-02-01", "2026-01-31", "2026-02-01T00:00", "2026-02-01T00:00:00+03:00", "2026-01-31T21:00:00Z"),
    *("2026-01-31T21:00:00.000001Z", "2026-03-29T02:30:00", "1970-01-01T00:00:00Z"),
]
_MOMENTS = _moments("1970-01-01T00:00:00", "2026-01-31T21:00:00", "2026-01-31T20:59:59", "2026-02-01T00:00:00")

COLUMNS = (
    Column("word", "String", TEXTS, TEXTS),
    Column("maybe text", "Nullable(String)", [None, *TEXTS], TEXTS),
    Column("город`s", "LowCardinality(Nullable(String))", [None, *TEXTS], TEXTS),
    Column("plain_lc", "LowCardinality(String)", TEXTS, TEXTS),
    Column("enum", "Enum8('' = 0, 'a' = 1, 'A' = 2)", ["", "a", "A"], TEXTS),
    Column("fixed", "FixedString(3)", ["", "a", "abc"], ["a", "abc", "b", "c", ""]),
    Column("uuid", "Nullable(UUID)", [None, UUID_A, UUID_B], [UUID_A, UUID_B, "61f0", "a0", "-5cb3-"]),
    Column("i8", "Int8", [-128, -1, 0, 1, 2, 127], _INTEGERS),
    Column("u64", "UInt64", [0, 1, 2, 2**53, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1], _INTEGERS),
    Column("maybe_i32", "Nullable(Int32)", [None, -(2**31), -1, 0, 1, 2], _INTEGERS),
    Column("i256", "Int256", [0, 1, -1, 2**200, 2**255 - 1, -(2**255)], _INTEGERS),
    Column("f64", "Float64", [math.nan, math.inf, -math.inf, 0.0, -0.0, 0.1, 1.0, 2.0**53, 1e308, 5e-324], _FLOATS),
    Column("maybe_f64", "Nullable(Float64)", [None, math.nan, 0.0, 0.1, 1.0, -1.0], _FLOATS),
    Column("f32", "Float32", [math.nan, math.inf, 0.0, 0.10000000149011612, 1.0, -0.5], [0, 1, 0.1, -0.5, 3e38]),
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
)  # fmt: skip
BASE = "base"
OTHER = "other"
_KEYS = {BASE: Column("user_id", "String", ["1", "2", "3", "4", "a b"], TEXTS),
         OTHER: Column("client", "Nullable(UInt64)", [None, 1, 2, 3, 7], _INTEGERS)}  # fmt: skip


def columns_of(dataset: str) -> tuple[Column, ...]:
    return (_KEYS[dataset], *COLUMNS)


def catalogue() -> Catalogue:
    # NaN in the sorting key is where index analysis could go wrong
    datasets = (
        Dataset(name, DATABASE, name, _KEYS[name].name, "day", tuple(column.field for column in columns_of(name)))
        for name in (BASE, OTHER)
    )
    return Catalogue({dataset.name: dataset for dataset in datasets})


def create_sql(dataset: str) -> str:
    columns = ", ".join(f"{_quoted(column.name)} {column.type}" for column in columns_of(dataset))
    return (
        f"CREATE OR REPLACE TABLE {DATABASE}.{dataset} ({columns}) ENGINE = MergeTree ORDER BY (f64, maybe_f64) "
        "SETTINGS index_granularity = 1, allow_nullable_key = 1"
    )


def insert_sql(dataset: str, rows: Sequence[Mapping[str, Any]]) -> str:
    lines = (
        "(" + ", ".join(_literal(row[column.name], column.type) for column in columns_of(dataset)) + ")" for row in rows
    )
    return f"INSERT INTO {DATABASE}.{dataset} VALUES " + ", ".join(lines)


def rows_of(dataset: str, min_size: int) -> st.SearchStrategy[list[dict[str, Any]]]:
    row = st.fixed_dictionaries({column.name: st.sampled_from(column.cells) for column in columns_of(dataset)})
    return st.lists(row, min_size=min_size, max_size=12)


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
        case str() | date() | Decimal() | UUID():
            text = str(cell).translate({ord(c): "\\" + c for c in "\\'"})
            return f"'{text}'"
        case _:
            return str(cell)


@st.composite
def conditions(draw: st.DrawFn, dataset: str) -> Condition:
    column = draw(st.sampled_from(columns_of(dataset)))
    kind = column.field.type
    operator = draw(st.sampled_from([operator for operator in OPERATORS.values() if kind in operator.types]))
    values = [value for value in column.values if _sensible(value, operator.test.value, column.type)]
    if operator.shape is Shape.NOTHING:
        return Condition(column.name, operator.key)
    if operator.shape is Shape.SCALAR:
        return Condition(column.name, operator.key, draw(st.sampled_from(values)))
    if "DateTime" in column.type:  # a list is all days or all moments
        days = draw(st.booleans())
        values = [value for value in values if (len(value) == 10) == days]
    if operator.shape is Shape.PAIR:
        pair = sorted(draw(st.tuples(st.sampled_from(values), st.sampled_from(values))), key=_sort_key)
        return Condition(column.name, operator.key, tuple(pair))
    return Condition(column.name, operator.key, tuple(draw(st.lists(st.sampled_from(values), min_size=1, max_size=3))))


def _sensible(value: Any, test: str, clickhouse_type: str) -> bool:
    if value == "" and test in ("contains", "begins_with", "ends_with"):
        return False
    if test not in ("equals", "one_of") or not isinstance(value, int | float):
        return True
    if "Decimal" in clickhouse_type:
        return abs(value) < 10**16
    return "Int" not in clickhouse_type or isinstance(value, int)


def _sort_key(value: Any) -> Any:
    if isinstance(value, str) and "T" in value:
        moment = datetime.fromisoformat(value)
        return moment if moment.tzinfo else moment.replace(tzinfo=ZONE)
    return value


def row_groups(dataset: str) -> st.SearchStrategy[RowGroup]:
    leaf: st.SearchStrategy[RowRule] = conditions(dataset)
    nested = st.recursive(leaf, _row_group, max_leaves=4)
    return _row_group(nested)


def _row_group(inner: st.SearchStrategy[RowRule]) -> st.SearchStrategy[RowGroup]:
    rules = st.lists(inner, min_size=1, max_size=3).map(tuple)
    return st.builds(RowGroup, st.sampled_from(Combinator), rules, st.booleans())


def rules() -> st.SearchStrategy[Rule]:
    comparison = st.sampled_from([(">=", 1), ("=", 0)])
    activities = st.sampled_from([BASE, BASE, OTHER]).flatmap(
        lambda dataset: st.builds(
            lambda where, compared, negated: Activity(
                dataset, where, operator=compared[0], value=compared[1], negated=negated
            ),
            st.none() | row_groups(dataset),
            comparison,
            st.booleans(),
        )
    )
    leaf: st.SearchStrategy[Rule] = activities | st.builds(Everyone, st.booleans())
    groups = st.recursive(
        leaf,
        lambda inner: st.builds(
            Group, st.sampled_from(Combinator), st.lists(inner, min_size=1, max_size=3).map(tuple), st.booleans()
        ),
        max_leaves=4,
    )
    return activities | groups


def every_simple_rule() -> list[Rule]:
    """Each operator with each of its values on each column of the base dataset; some also negated."""
    found: list[Rule] = []
    for column in columns_of(BASE):
        for operator in OPERATORS.values():
            if column.field.type not in operator.types:
                continue
            values = [value for value in column.values if _sensible(value, operator.test.value, column.type)]
            shapes: dict[Shape, list[Any]] = {
                Shape.NOTHING: [None],
                Shape.SCALAR: values,
                Shape.PAIR: [(value, value) for value in values],
                Shape.LIST: [(value,) for value in values],
            }
            for index, value in enumerate(shapes[operator.shape]):
                group = RowGroup(Combinator.AND, (Condition(column.name, operator.key, value),))
                found += [
                    Activity(BASE, group),
                    *([Activity(BASE, replace(group, negated=True))] if index == 0 else []),
                ]
    return found
