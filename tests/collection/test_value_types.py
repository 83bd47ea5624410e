from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

CsvWriter = Callable[..., Path]
UTC = dt.UTC


def column_of(values: list[str], delimiter: str = ",") -> str:
    rows = (f'{number:05d}{delimiter}"{value}"\n' for number, value in enumerate(values))
    return f"id{delimiter}x\n" + "".join(rows)


def loaded_column(collection: Any, path: Path, **options: Any) -> tuple[str, list[Any]]:
    """The type and the values of the column `x`."""
    loaded = collection.load(path, **options)
    return loaded.columns[1].clickhouse_type, [value for (value,) in collection.rows("x")]


@pytest.mark.parametrize(
    ("values", "clickhouse_type", "expected"),
    [
        (["0", "-5", "123"], "Int64", [0, -5, 123]),
        (["999999999999999999", "1"], "Int64", [999999999999999999, 1]),
        ([" 7", "8 "], "Int64", [7, 8]),
        (["5", "", "  "], "Nullable(Int64)", [5, None, None]),
        (["11.77", "12.00", "3"], "Decimal(18, 2)", [Decimal("11.77"), Decimal("12.00"), Decimal(3)]),
        (["0.1234", "-1.5"], "Decimal(18, 4)", [Decimal("0.1234"), Decimal("-1.5")]),
        ([".5", "-1.5"], "Decimal(18, 1)", [Decimal("0.5"), Decimal("-1.5")]),
        (["99999999999999.99", ""], "Nullable(Decimal(18, 2))", [Decimal("99999999999999.99"), None]),
        (["0.12345", "1.5"], "Float64", [0.12345, 1.5]),
        (["0.1", "0.30000000000000004"], "Float64", [0.1, 0.30000000000000004]),
        (["123456789012345678.25", "1"], "Float64", [123456789012345678.25, 1.0]),
        (["1e-05", "1e+16", "1.5E10"], "Float64", [1e-05, 1e16, 1.5e10]),
        (["true", "FALSE", "True"], "Bool", [True, False, True]),
        (["true", ""], "Nullable(Bool)", [True, None]),
        (["2024-02-29", "1970-01-01"], "Date", [dt.date(2024, 2, 29), dt.date(1970, 1, 1)]),
        (["01.02.2024", "31.12.2149", ""], "Nullable(Date32)", [dt.date(2024, 2, 1), dt.date(2149, 12, 31), None]),
        (["1955-07-30", "2024-01-01"], "Date32", [dt.date(1955, 7, 30), dt.date(2024, 1, 1)]),
        (
            ["2024-01-01 10:20:30", "2024-01-01T11:00"],
            "DateTime('UTC')",
            ["2024-01-01 10:20:30", "2024-01-01 11:00:00"],
        ),
        (["2024-01-01", "2024-01-01 9:05"], "DateTime('UTC')", ["2024-01-01 00:00:00", "2024-01-01 09:05:00"]),
        (["01.02.2024 10:20", "01.02.2024 9:05:07"], "DateTime('UTC')", ["2024-02-01 10:20:00", "2024-02-01 09:05:07"]),
        (
            ["2024-01-01T10:00:00Z", "2024-01-01T10:00:00+03:00", "2024-01-01 10:00:00-0530", "2024-01-01 10:00 +03"],
            "DateTime('UTC')",
            ["2024-01-01 10:00:00", "2024-01-01 07:00:00", "2024-01-01 15:30:00", "2024-01-01 07:00:00"],
        ),
        (["2024-01-01 10:00:00.5"], "DateTime64(3, 'UTC')", ["2024-01-01 10:00:00.500"]),
        (["2024-01-01 10:00:00.123456"], "DateTime64(6, 'UTC')", ["2024-01-01 10:00:00.123456"]),
        (["2024-01-01 10:00:00.123456789"], "DateTime64(9, 'UTC')", ["2024-01-01 10:00:00.123456789"]),
        (["01.02.2024 10:20:30.25"], "DateTime64(3, 'UTC')", ["2024-02-01 10:20:30.250"]),
        (["1955-07-30 10:00:00"], "DateTime64(0, 'UTC')", ["1955-07-30 10:00:00"]),
        (["", ""], "Nullable(String)", [None, None]),
        # text, although it looks like something else
        (["00123", "00456"], "String", ["00123", "00456"]),
        (["+79161234567", "+79031234567"], "String", ["+79161234567", "+79031234567"]),
        (["1234567890123456789"], "String", ["1234567890123456789"]),
        (["20240131", "20240201"], "Int64", [20240131, 20240201]),
        (["1,5", "2,5"], "String", ["1,5", "2,5"]),
        (["1 234", "5 678"], "String", ["1 234", "5 678"]),
        (["1e5", "12E4"], "String", ["1e5", "12E4"]),
        (["nan", "inf"], "String", ["nan", "inf"]),
        (["1.5e999"], "String", ["1.5e999"]),
        (["2024-02-30", "2024-13-01"], "String", ["2024-02-30", "2024-13-01"]),
        (["9999-12-31"], "String", ["9999-12-31"]),
        (["31.02.2024"], "String", ["31.02.2024"]),
        (["2024-01-01 25:00", "2024-01-01 10:60"], "String", ["2024-01-01 25:00", "2024-01-01 10:60"]),
        (["2024-01-01 10:00 tomorrow"], "String", ["2024-01-01 10:00 tomorrow"]),
        (["1.2.3", "1.2.4"], "String", ["1.2.3", "1.2.4"]),
        (["yes", "no"], "String", ["yes", "no"]),
        ([" x ", "y"], "String", [" x ", "y"]),
        (["1", "two", "3"], "String", ["1", "two", "3"]),
        (["2024-01-01", "5"], "String", ["2024-01-01", "5"]),
    ],
)
def test_type_is_recognised(
    collection: Any, csv_file: CsvWriter, values: list[str], clickhouse_type: str, expected: list[Any]
) -> None:
    loaded = collection.load(csv_file(column_of(values)))

    assert loaded.columns[1].clickhouse_type == clickhouse_type
    as_text = clickhouse_type.startswith("DateTime")  # clickhouse-connect cuts nanoseconds
    assert [value for (value,) in collection.rows("toString(x)" if as_text else "x")] == expected


@pytest.mark.parametrize(
    ("values", "clickhouse_type", "expected"),
    [
        (["1 234,50", "7"], "Decimal(18, 2)", [Decimal("1234.5"), Decimal(7)]),
        (["1\u00a0234\u00a0567,5", "-0,25"], "Decimal(18, 2)", [Decimal("1234567.5"), Decimal("-0.25")]),
        (["1\u202f234", "56"], "Int64", [1234, 56]),
        (["0,123456", "1,5"], "Float64", [0.123456, 1.5]),
        (["12.5", "3,25"], "Decimal(18, 2)", [Decimal("12.5"), Decimal("3.25")]),
        (["12 34", "1 2345"], "String", ["12 34", "1 2345"]),
        (["0 123", "00,5"], "String", ["0 123", "00,5"]),
        (["1,234,567"], "String", ["1,234,567"]),
    ],
)
def test_russian_numbers_are_recognised_between_semicolons(
    collection: Any, csv_file: CsvWriter, values: list[str], clickhouse_type: str, expected: list[Any]
) -> None:
    assert loaded_column(collection, csv_file(column_of(values, ";"))) == (clickhouse_type, expected)


@pytest.mark.parametrize("values", [["1", "2"], ["2024-01-01", "2024-01-02"], ["false", "true"], ["1.5", "2.5"]])
def test_user_key_is_always_text(collection: Any, csv_file: CsvWriter, values: list[str]) -> None:
    loaded = collection.load(csv_file("id\n" + "\n".join(values)))
    assert loaded.columns[0].clickhouse_type == "String"
    assert [value for (value,) in collection.rows("id")] == values


@pytest.mark.parametrize("empty", ["", "   "])
def test_empty_user_key_is_refused(collection: Any, csv_file: CsvWriter, empty: str) -> None:
    (problem,) = collection.refused(csv_file(f"id,x\n1,2\n{empty},3\n"))
    assert (problem.code, problem.values["line"], problem.values["column"]) == ("value_empty", 3, "id")


def test_value_that_nearly_all_others_contradict_is_refused(collection: Any, csv_file: CsvWriter) -> None:
    (problem,) = collection.refused(csv_file(column_of(["5"] * 95 + ["five"])))
    assert problem.code == "value_wrong_type"
    assert problem.message() == "Line 97, column 'x': 'five' is not an integer."
    assert problem.hint() == "Fix the file, or load the column as text: --type 'x=text'."


def test_column_with_fewer_than_nearly_all_of_a_type_is_text(collection: Any, csv_file: CsvWriter) -> None:
    path = csv_file(column_of(["5"] * 94 + ["five"] * 6))
    assert loaded_column(collection, path)[0] == "String"


def test_column_with_exactly_nearly_all_of_a_type_is_of_it(collection: Any, csv_file: CsvWriter) -> None:
    problems = collection.refused(csv_file(column_of(["5"] * 95 + ["five"] * 5)))
    assert [problem.values["line"] for problem in problems] == [97, 98, 99, 100, 101]


def test_empty_values_do_not_count_against_a_type(collection: Any, csv_file: CsvWriter) -> None:
    assert loaded_column(collection, csv_file(column_of([""] * 99 + ["5"])))[0] == "Nullable(Int64)"


def test_few_fractions_make_a_column_of_integers_one_of_numbers(collection: Any, csv_file: CsvWriter) -> None:
    assert loaded_column(collection, csv_file(column_of(["5"] * 99 + ["5.25"])))[0] == "Decimal(18, 2)"


def test_bad_value_beside_integers_and_fractions_is_no_number(collection: Any, csv_file: CsvWriter) -> None:
    (problem,) = collection.refused(csv_file(column_of(["5"] * 97 + ["5.25", "x"])))
    assert problem.values["type_en"] == "a number"


@pytest.mark.parametrize(
    ("stated", "values", "clickhouse_type", "expected"),
    [
        ("text", ["1", "2"], "String", ["1", "2"]),
        ("integer", ["007", "+5", ""], "Nullable(Int64)", [7, 5, None]),
        ("integer", ["18446744073709551615", "1"], "UInt64", [18446744073709551615, 1]),
        ("integer", ["18446744073709551615", "-1"], "Int128", [18446744073709551615, -1]),
        ("number", ["007", "+5"], "Int64", [7, 5]),
        ("number", ["007.50", "+5"], "Decimal(18, 2)", [Decimal("7.5"), Decimal(5)]),
        ("number", ["1e5", "2"], "Float64", [1e5, 2.0]),
        ("boolean", ["1", "0", "TRUE"], "Bool", [True, False, True]),
        ("date", ["20240131", "2024-02-01"], "Date", [dt.date(2024, 1, 31), dt.date(2024, 2, 1)]),
        ("datetime", ["2024-01-31"], "DateTime('UTC')", [dt.datetime(2024, 1, 31)]),  # noqa: DTZ001
    ],
)
def test_stated_type_overrides_what_is_recognised(
    collection: Any, csv_file: CsvWriter, stated: str, values: list[str], clickhouse_type: str, expected: list[Any]
) -> None:
    path = csv_file(column_of(values))
    assert loaded_column(collection, path, types={"x": stated}) == (clickhouse_type, expected)


@pytest.mark.parametrize(
    ("stated", "good", "bad"),
    [
        ("integer", "1", "1.5"),
        ("number", "1", "x"),
        ("boolean", "true", "yes"),
        ("date", "2024-01-01", "2024-01-01 10:00"),
        ("datetime", "2024-01-01 10:00", "10:00"),
    ],
)
def test_every_value_against_a_stated_type_is_refused(
    collection: Any, csv_file: CsvWriter, stated: str, good: str, bad: str
) -> None:
    problems = collection.refused(csv_file(column_of([bad, good, bad, bad])), types={"x": stated})
    assert [(p.code, p.values["line"], p.values["value"]) for p in problems] == [
        ("value_wrong_type", line, bad) for line in (2, 4, 5)
    ]


@pytest.mark.parametrize(
    ("values", "clickhouse_type"),
    [
        (["20240131", "20240201"], "Date"),
        (["2024-01-31", "2024-02-01"], "Date"),
        (["2024-01-31 10:00", "2024-02-01"], "DateTime('UTC')"),
    ],
)
def test_time_column_becomes_date_or_datetime(
    collection: Any, csv_file: CsvWriter, values: list[str], clickhouse_type: str
) -> None:
    assert loaded_column(collection, csv_file(column_of(values)), time_field="x")[0] == clickhouse_type


@pytest.mark.parametrize(
    ("bad", "code"), [("", "value_empty"), ("soon", "value_wrong_time"), ("12", "value_wrong_time")]
)
def test_time_column_with_a_value_that_is_none_is_refused(
    collection: Any, csv_file: CsvWriter, bad: str, code: str
) -> None:
    (problem,) = collection.refused(csv_file(column_of(["2024-01-01", bad])), time_field="x")
    assert (problem.code, problem.values["line"]) == (code, 3)


def test_time_column_of_something_else_is_refused(collection: Any, csv_file: CsvWriter) -> None:
    problems = collection.refused(csv_file(column_of(["red"] * 30)), time_field="x")
    assert [problem.code for problem in problems] == ["value_wrong_time"] * 20
