from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest


@pytest.fixture
def parquet(tmp_path: Path) -> Any:
    def write(**columns: pa.Array) -> Path:
        path = tmp_path / "data.parquet"
        pq.write_table(pa.table(columns), path)
        return path

    return write


NOON = dt.datetime(2024, 1, 31, 12, 0, 0, 250_000, tzinfo=dt.UTC)
IDS = pa.array(["007", "008"])


@pytest.mark.parametrize(
    ("column", "clickhouse_type", "expected"),
    [
        (pa.array([1, -2], pa.int8()), "Int8", [1, -2]),
        (pa.array([1, -2], pa.int64()), "Int64", [1, -2]),
        (pa.array([1, 2**64 - 1], pa.uint64()), "UInt64", [1, 2**64 - 1]),
        (pa.array([1, None], pa.int32()), "Nullable(Int32)", [1, None]),
        (pa.array([0.1, 2.5], pa.float64()), "Float64", [0.1, 2.5]),
        (pa.array([0.5, 2.5], pa.float32()), "Float32", [0.5, 2.5]),
        (pa.array([True, False]), "Bool", [True, False]),
        (
            pa.array([Decimal("11.77"), None], pa.decimal128(12, 2)),
            "Nullable(Decimal(12, 2))",
            [Decimal("11.77"), None],
        ),
        (pa.array([dt.date(2024, 1, 31), dt.date(1955, 1, 1)]), "Date32", [dt.date(2024, 1, 31), dt.date(1955, 1, 1)]),
        (pa.array([NOON, None], pa.timestamp("us", "Europe/Moscow")), "Nullable(DateTime64(6, 'UTC'))", [NOON, None]),
        (pa.array([NOON, NOON], pa.timestamp("ms")), "DateTime64(3, 'UTC')", [NOON, NOON]),
        (pa.array(["00123", "5"]), "String", ["00123", "5"]),
        (pa.array(["1", "2"], pa.large_string()), "String", ["1", "2"]),
        (pa.array(["a", None]).dictionary_encode(), "Nullable(String)", ["a", None]),
        (pa.array(["", None]), "Nullable(String)", ["", None]),
        (pa.array([b"a", b"b"]), "String", ["a", "b"]),
        (pa.nulls(2), "Nullable(String)", [None, None]),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else "",
)
def test_type_of_the_file_is_kept(
    collection: Any, parquet: Any, column: pa.Array, clickhouse_type: str, expected: list[Any]
) -> None:
    loaded = collection.load(parquet(id=IDS, x=column))

    assert loaded.columns[1].clickhouse_type == clickhouse_type
    found = [value for (value,) in collection.rows("x")]
    assert [value.replace(tzinfo=dt.UTC) if isinstance(value, dt.datetime) else value for value in found] == expected


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (pa.array([7, 8]), ["7", "8"]),
        (pa.array([7.0, 8.0]), ["7", "8"]),
        (pa.array(["007", "008"]), ["007", "008"]),
        (pa.array(["007", "008"]).dictionary_encode(), ["007", "008"]),
        (pa.array([dt.date(2024, 1, 1), dt.date(2024, 1, 2)]), ["2024-01-01", "2024-01-02"]),
    ],
    ids=str,
)
def test_user_key_becomes_text(collection: Any, parquet: Any, keys: pa.Array, expected: list[str]) -> None:
    loaded = collection.load(parquet(id=keys))
    assert loaded.columns[0].clickhouse_type == "String"
    assert collection.rows("id") == [(key,) for key in expected]


@pytest.mark.parametrize("keys", [pa.array(["a", None]), pa.array(["a", ""]), pa.array([1, None])], ids=str)
def test_empty_user_key_is_named_by_row(collection: Any, parquet: Any, keys: pa.Array) -> None:
    (problem,) = collection.refused(parquet(id=keys))
    assert (problem.code, problem.values["line"]) == ("value_empty", 2)


@pytest.mark.parametrize(
    "column",
    [
        pa.array([[1], [2]]),
        pa.array([{"a": 1}, {"a": 2}]),
        pa.array([[("a", 1)], []], pa.map_(pa.string(), pa.int64())),
        pa.array([dt.time(1), dt.time(2)]),
        pa.array([b"ab", b"cd"], pa.binary(2)),
    ],
    ids=lambda column: str(column.type),
)
def test_column_that_is_no_value_is_refused_by_name(collection: Any, parquet: Any, column: pa.Array) -> None:
    (problem,) = collection.refused(parquet(id=IDS, tags=column))
    assert (problem.code, problem.values["column"]) == ("column_type_unsupported", "tags")


def test_time_column_of_dates_orders_the_table(collection: Any, parquet: Any) -> None:
    loaded = collection.load(parquet(id=IDS, x=pa.array([dt.date(2024, 1, 1)] * 2)), time_field="x")
    assert loaded.columns[1].clickhouse_type == "Date32"


def test_time_column_of_text_is_read_as_dates(collection: Any, parquet: Any) -> None:
    loaded = collection.load(parquet(id=IDS, x=pa.array(["2024-01-01", "02.01.2024"])), time_field="x")
    assert loaded.columns[1].clickhouse_type == "Date"


def test_time_column_of_integers_is_read_as_dates(collection: Any, parquet: Any) -> None:
    loaded = collection.load(parquet(id=IDS, x=pa.array([20240101, 20240102])), time_field="x")
    assert loaded.columns[1].clickhouse_type == "Date"


def test_time_column_with_null_is_named_by_row(collection: Any, parquet: Any) -> None:
    (problem,) = collection.refused(parquet(id=IDS, x=pa.array([dt.date(2024, 1, 1), None])), time_field="x")
    assert (problem.code, problem.values["line"]) == ("value_empty", 2)


@pytest.mark.parametrize(
    ("stated", "column", "clickhouse_type"),
    [
        ("text", pa.array([1, None]), "Nullable(String)"),
        ("number", pa.array(["1", "2.5"]), "Decimal(18, 1)"),
        ("number", pa.array([1.5, 2.5]), "Float64"),
        ("integer", pa.array([1.0, 2.0]), "Int64"),
        ("date", pa.array([20240101, 20240102]), "Date"),
        ("boolean", pa.array([1, 0]), "Bool"),
    ],
)
def test_stated_type_overrides_that_of_the_file(
    collection: Any, parquet: Any, stated: str, column: pa.Array, clickhouse_type: str
) -> None:
    assert collection.load(parquet(id=IDS, x=column), types={"x": stated}).columns[1].clickhouse_type == clickhouse_type


def test_value_against_a_stated_type_is_named_by_row(collection: Any, parquet: Any) -> None:
    (problem,) = collection.refused(parquet(id=IDS, x=pa.array(["1", "x"])), types={"x": "integer"})
    assert (problem.code, problem.values["line"], problem.values["value"]) == ("value_wrong_type", 2, "x")


def test_bytes_that_are_no_text_are_named_by_row(collection: Any, parquet: Any) -> None:
    (problem,) = collection.refused(parquet(id=IDS, x=pa.array([b"a", b"\xff"])))
    assert (problem.code, problem.values["line"]) == ("value_undecodable", 2)


def test_date_that_no_column_holds_is_named_by_row(collection: Any, parquet: Any) -> None:
    (problem,) = collection.refused(parquet(id=IDS, x=pa.array([dt.date(2024, 1, 1), dt.date(9999, 12, 31)])))
    assert (problem.code, problem.values["line"], problem.values["value"]) == ("date_outside", 2, "9999-12-31")


def test_timestamp_that_no_column_holds_is_named_by_row(collection: Any, parquet: Any) -> None:
    times = pa.array([NOON, dt.datetime(1, 1, 1, tzinfo=dt.UTC)], pa.timestamp("us", "UTC"))
    (problem,) = collection.refused(parquet(id=IDS, x=times))
    assert (problem.code, problem.values["line"]) == ("date_outside", 2)


def test_many_row_groups_are_numbered_through(collection: Any, tmp_path: Path) -> None:
    path = tmp_path / "data.parquet"
    keys = [str(number) for number in range(200_000)]
    pq.write_table(pa.table({"id": pa.array([*keys, None])}), path, row_group_size=30_000)
    (problem,) = collection.refused(path)
    assert problem.values["line"] == 200_001


def test_file_without_rows_is_refused(collection: Any, parquet: Any) -> None:
    (problem,) = collection.refused(parquet(id=pa.array([], pa.string())))
    assert problem.code == "file_empty"


def test_file_that_is_no_parquet_is_refused(collection: Any, tmp_path: Path) -> None:
    path = tmp_path / "data.parquet"
    path.write_bytes(b"PAR1 not really")
    (problem,) = collection.refused(path)
    assert problem.code == "file_unreadable"
