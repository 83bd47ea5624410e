"""Each aggregate over fields of each kind: in a type that holds it, over the rows that have a value."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from segmentator_dagster.compiler.aggregates import aggregate_expression
from segmentator_dagster.compiler.expressions import Infix, constant
from segmentator_dagster.compiler.query import CompiledQuery, compile_statement
from segmentator_dagster.compiler.tables import dataset_table
from segmentator_dagster.domain.aggregates import Function
from segmentator_dagster.domain.catalogue import Dataset, Field, field_type, is_nullable
from segmentator_dagster.domain.rule import Aggregate

TYPES = {
    "user": "String",
    "at": "Nullable(DateTime64(3))",
    "moment": "DateTime",
    "day": "Date",
    "maybe_day": "Nullable(Date32)",
    "small": "Int32",
    "big": "Int64",
    "maybe_big": "Nullable(UInt64)",
    "huge": "UInt128",
    "maybe_huge": "Nullable(Int128)",
    "price": "Decimal(9, 2)",
    "wide": "Decimal(30, 4)",
    "maybe_wide": "Nullable(Decimal(76, 0))",
    "real": "BFloat16",
    "maybe_real": "Nullable(Float64)",
    "code": "FixedString(3)",
    "city": "LowCardinality(Nullable(String))",
    "flag": "Nullable(Bool)",
}
FIELDS = tuple(Field(name, field_type(type_), type_, is_nullable(type_)) for name, type_ in TYPES.items())
MATCHING = Infix(constant("x"), ">", constant("1"))
ANY = None


def aggregate(
    function: Function, field: str | None, time: str | None = "at", matching: sa.ColumnElement[object] | None = ANY
) -> CompiledQuery:
    dataset = Dataset("d", "db", "t", "user", time, FIELDS)
    found = aggregate_expression(Aggregate(function, field), matching, dataset, dataset_table(dataset), "Asia/Tokyo")
    return compile_statement(found)


SINGLE, MAYBE = "toFloat32(`t`.`real`)", "`t`.`maybe_real`"


@pytest.mark.parametrize(
    ("function", "field", "expected"),
    [
        (Function.ROWS, None, "count()"),
        (Function.SUM, "small", "sum(`t`.`small`)"),
        (Function.SUM, "big", "sum(toInt128(`t`.`big`))"),
        (Function.SUM, "maybe_big", "ifNull(sum(toInt128(`t`.`maybe_big`)), 0)"),
        (Function.SUM, "huge", "sum(toInt256(`t`.`huge`))"),
        (Function.SUM, "maybe_huge", "ifNull(sum(toInt256(`t`.`maybe_huge`)), 0)"),
        (Function.SUM, "price", "sum(`t`.`price`)"),
        (Function.SUM, "wide", "sum(toDecimal256(`t`.`wide`, 4))"),
        (Function.SUM, "maybe_wide", "ifNull(sum(toDecimal256(`t`.`maybe_wide`, 0)), 0)"),
        (Function.SUM, "real", f"sumIf({SINGLE}, not(isNaN({SINGLE})))"),
        (Function.SUM, "maybe_real", f"ifNull(sumIf({MAYBE}, not(isNaN({MAYBE}))), 0)"),
        (Function.AVG, "small", "divide(toFloat64(sum(`t`.`small`)), nullIf(count(), 0))"),
        (Function.AVG, "maybe_big", "divide(toFloat64(ifNull(sum(toInt128(`t`.`maybe_big`)), 0)), "
                                    "nullIf(countIf(isNotNull(`t`.`maybe_big`)), 0))"),
        (Function.AVG, "maybe_real", f"divide(toFloat64(ifNull(sumIf({MAYBE}, not(isNaN({MAYBE}))), 0)), "
                                     f"nullIf(countIf(not(isNaN({MAYBE})) AND isNotNull({MAYBE})), 0))"),
        (Function.DISTINCT, "big", "uniqExact(`t`.`big`)"),
        (Function.DISTINCT, "city", "uniqExact(`t`.`city`)"),
        (Function.DISTINCT, "code", "uniqExact(toString(`t`.`code`))"),
        (Function.DISTINCT, "maybe_real", f"uniqExactIf(plus({MAYBE}, 0), not(isNaN({MAYBE})))"),
        (Function.MIN, "day", "minOrNull(`t`.`day`)"),
        (Function.MIN, "real", f"minOrNullIf({SINGLE}, not(isNaN({SINGLE})))"),
        (Function.MAX, "price", "maxOrNull(`t`.`price`)"),
    ],
)  # fmt: skip
def test_an_aggregate_is_computed_in_a_type_that_holds_it(function: Function, field: str | None, expected: str) -> None:
    assert aggregate(function, field).sql == expected


@pytest.mark.parametrize(
    ("function", "field", "time", "expected"),
    [
        # of the time field itself
        (Function.FIRST, None, "at", "minOrNull(`t`.`at`)"),
        (Function.LAST, "at", "at", "maxOrNull(`t`.`at`)"),
        # of other values: those of the row at the end, among rows of one moment the least or the greatest
        (Function.FIRST, "flag", "moment", "argMinOrNull(`t`.`flag`, tuple(`t`.`moment`, `t`.`flag`))"),
        (Function.LAST, "big", "at", "argMaxOrNullIf(`t`.`big`, tuple(`t`.`at`, `t`.`big`), isNotNull(`t`.`at`))"),
        (Function.FIRST, "real", "day", f"argMinOrNullIf({SINGLE}, tuple(`t`.`day`, {SINGLE}), not(isNaN({SINGLE})))"),
        # of texts: the greatest of "moment in a sortable form, then the text", without the moment
        (Function.FIRST, "user", "day", "substring(minOrNull(concat(toString(`t`.`day`), `t`.`user`)), 11)"),
        (Function.LAST, "city", "moment",
         "substring(maxOrNull(concat(toString(`t`.`moment`, 'UTC'), `t`.`city`)), 20)"),
        (Function.FIRST, "code", "at", "substring(minOrNullIf(concat(toString(`t`.`at`, 'UTC'), toString(`t`.`code`)), "
                                       "isNotNull(`t`.`at`)), 24)"),
        (Function.LAST, "user", "maybe_day", "substring(maxOrNullIf(concat(toString(`t`.`maybe_day`), `t`.`user`), "
                                             "isNotNull(`t`.`maybe_day`)), 11)"),
    ],
)  # fmt: skip
def test_the_first_and_the_last_value_are_of_the_row_at_that_end(
    function: Function, field: str | None, time: str, expected: str
) -> None:
    assert aggregate(function, field, time).sql == expected


@pytest.mark.parametrize(
    ("time", "day"),
    [
        ("day", "`t`.`day`"),
        ("moment", "toDate32(`t`.`moment`, {p_1:String})"),
        ("at", "toDate32(`t`.`at`, {p_1:String})"),
    ],
)
def test_days_are_those_of_the_zone(time: str, day: str) -> None:
    query = aggregate(Function.DAYS, None, time)
    assert query.sql == f"uniqExact({day})"
    assert list(query.parameters.values()) == ["Asia/Tokyo"] * ("p_1" in day)


@pytest.mark.parametrize(
    ("function", "field", "expected"),
    [
        (Function.ROWS, None, "countIf(x > 1)"),
        (Function.DAYS, None, "uniqExactIf(toDate32(`t`.`at`, {p_1:String}), x > 1)"),
        (Function.DISTINCT, "big", "uniqExactIf(`t`.`big`, x > 1)"),
        (Function.SUM, "big", "sumIf(toInt128(`t`.`big`), x > 1)"),
        (Function.AVG, "maybe_big", "divide(toFloat64(ifNull(sumIf(toInt128(`t`.`maybe_big`), x > 1), 0)), "
                                    "nullIf(countIf(x > 1 AND isNotNull(`t`.`maybe_big`)), 0))"),
        (Function.MIN, "day", "minOrNullIf(`t`.`day`, x > 1)"),
        (Function.MAX, "real", f"maxOrNullIf({SINGLE}, x > 1 AND not(isNaN({SINGLE})))"),
        (Function.FIRST, None, "minOrNullIf(`t`.`at`, x > 1)"),
        (Function.LAST, "big", "argMaxOrNullIf(`t`.`big`, tuple(`t`.`at`, `t`.`big`), x > 1 AND isNotNull(`t`.`at`))"),
        (Function.LAST, "user", "substring(maxOrNullIf(concat(toString(`t`.`at`, 'UTC'), `t`.`user`), "
                                "x > 1 AND isNotNull(`t`.`at`)), 24)"),
    ],
)  # fmt: skip
def test_only_rows_that_match_are_aggregated(function: Function, field: str | None, expected: str) -> None:
    assert aggregate(function, field, matching=MATCHING).sql == expected
