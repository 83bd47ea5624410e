"""Corners of the expressions that whole rules reach seldom."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from segmentator_dagster.compiler.aggregates import aggregate_expression
from segmentator_dagster.compiler.breakdown import compile_breakdown
from segmentator_dagster.compiler.columns import column_of
from segmentator_dagster.compiler.conditions import Surroundings, compared
from segmentator_dagster.compiler.expressions import complement
from segmentator_dagster.compiler.parameters import list_parameters
from segmentator_dagster.compiler.query import compile_statement
from segmentator_dagster.compiler.tables import dataset_table, key_type
from segmentator_dagster.domain.aggregates import Function
from segmentator_dagster.domain.catalogue import Catalogue, Dataset, Field, FieldType, field_type, is_nullable
from segmentator_dagster.domain.errors import InternalError
from segmentator_dagster.domain.fields import known_aggregated, known_field, known_time
from segmentator_dagster.domain.rule import Aggregate, Condition, Everyone

TYPES = {
    "user": "String",
    "at": "Nullable(DateTime64(3))",
    "big": "Int64",
    "maybe_big": "Nullable(UInt64)",
    "huge": "UInt128",
    "small": "Decimal(9, 2)",
    "wide": "Decimal(30, 4)",
    "real": "BFloat16",
    "maybe_day": "Nullable(Date)",
    "flag": "Nullable(Bool)",
    "doc": "JSON",
}
FIELDS = tuple(Field(name, field_type(type_), type_, is_nullable(type_)) for name, type_ in TYPES.items())
TIMED, TIMELESS = (Dataset("d", "db", "t", "user", time, FIELDS) for time in ("at", None))


def rendered(expression: sa.ColumnElement[Any]) -> str:
    return compile_statement(sa.select(expression)).sql.removeprefix("SELECT ").split(" AS `")[0]


@pytest.mark.parametrize(
    ("function", "field", "expected"),
    [
        (Function.SUM, "big", "sum(toInt128(`t`.`big`))"),
        (Function.SUM, "maybe_big", "ifNull(sum(toInt128(`t`.`maybe_big`)), 0)"),
        (Function.SUM, "huge", "sum(toInt256(`t`.`huge`))"),
        (Function.SUM, "small", "sum(`t`.`small`)"),
        (Function.SUM, "wide", "sum(toDecimal256(`t`.`wide`, 4))"),
        (Function.SUM, "real", "sumIf(toFloat32(`t`.`real`), not(isNaN(toFloat32(`t`.`real`))))"),
        (Function.AVG, "maybe_big", "divide(toFloat64(ifNull(sum(toInt128(`t`.`maybe_big`)), 0)), "
                                    "nullIf(countIf(isNotNull(`t`.`maybe_big`)), 0))"),
        (Function.DISTINCT, "big", "uniqExact(`t`.`big`)"),
        (Function.FIRST, None, "minOrNull(`t`.`at`)"),
        (Function.LAST, "big", "argMaxOrNullIf(`t`.`big`, tuple(`t`.`at`, `t`.`big`), isNotNull(`t`.`at`))"),
        (Function.DAYS, None, "uniqExact(toDate32(`t`.`at`, {p_1:String}))"),
        (Function.FIRST, "user", "substring(minOrNullIf(concat(toString(`t`.`at`, 'UTC'), `t`.`user`), "
                                 "isNotNull(`t`.`at`)), 24)"),
    ],
)  # fmt: skip
def test_an_aggregate_is_computed_in_a_type_that_holds_it(function: Function, field: str | None, expected: str) -> None:
    found = aggregate_expression(Aggregate(function, field), None, TIMED, dataset_table(TIMED), "UTC")
    assert rendered(found) == expected


def test_rows_that_match_and_rows_that_have_a_value_are_both_asked_for() -> None:
    matching = sa.column("x") > sa.literal_column("1")
    found = aggregate_expression(Aggregate(Function.MAX, "real"), matching, TIMED, dataset_table(TIMED), "UTC")
    value = "toFloat32(`t`.`real`)"
    assert rendered(found) == f"maxOrNullIf({value}, `x` > 1 AND not(isNaN({value})))"


def test_half_precision_is_compared_as_single() -> None:
    around = Surroundings(ZoneInfo("UTC"), "lists")
    real = TIMED.field("real")
    assert real is not None
    found = compared(column_of(real, dataset_table(TIMED)), real, ">", 1, around)
    assert rendered(found) == "ifNull(toFloat32(`t`.`real`) > {p_1:Float32}, 0)"


def test_the_complement_of_a_complement_is_the_predicate() -> None:
    predicate = sa.column("x") > 5
    assert complement(complement(predicate)) is predicate


def test_a_list_is_sent_in_parts_the_server_reads() -> None:
    values = [f"{number:0100}" for number in range(1000)]
    parts = [part.value for part in list_parameters("String", values)]
    assert [value for part in parts for value in part] == values
    assert len(parts) == 4
    assert max(sum(2 * len(value) + 4 for value in part) for part in parts) <= 60_000
    assert [part.value for part in list_parameters("String", ["x" * 100_000])] == [["x" * 100_000]]


@pytest.mark.parametrize(
    ("dataset", "field", "latest"),
    [
        (TIMELESS, "user", "max(concat('1', `t`.`user`))"),
        (TIMELESS, "at", "argMax(tuple(`t`.`at`), tuple(isNotNull(`t`.`at`), `t`.`at`))"),
        (TIMED, "at", "tuple(maxOrNull(`t`.`at`))"),
        (TIMED, "user", "max(concat(ifNull(toString(`t`.`at`, 'UTC'), repeat(' ', 23)), concat('1', `t`.`user`)))"),
        (TIMED, "maybe_day", "max(concat(ifNull(toString(`t`.`at`, 'UTC'), repeat(' ', 23)), "
                             "if(isNull(`t`.`maybe_day`), '0', concat('1', toString(`t`.`maybe_day`)))))"),
        (TIMED, "real", "argMax(tuple(`t`.`real`), tuple(isNotNull(`t`.`at`), `t`.`at`, "
                        "not(ifNull(isNaN(`t`.`real`), 1)), `t`.`real`))"),
    ],
)  # fmt: skip
def test_a_breakdown_takes_the_latest_value(dataset: Dataset, field: str, latest: str) -> None:
    named = dataset.field(field)
    assert named is not None
    query = compile_breakdown(Everyone(), named, Catalogue({"d": dataset}), "d", "lists", limit=5)
    assert f"{latest} AS `latest`" in query.sql


def test_what_was_not_checked_is_our_fault() -> None:
    table = dataset_table(TIMED)
    array = Field("doc", FieldType.ARRAY, "Array(String)", nullable=False, key="k", container="JSON")
    for fault in (
        lambda: column_of(array, table),
        lambda: known_field(TIMED, Condition("nope", "null")),
        lambda: known_time(TIMELESS),
        lambda: known_aggregated(TIMED, Aggregate()),
        lambda: known_aggregated(TIMED, Aggregate(Function.SUM, "flag")),
        lambda: key_type(Dataset("d", "db", "t", "nobody", None, FIELDS)),
    ):
        with pytest.raises(InternalError):
            fault()
