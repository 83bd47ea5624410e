from __future__ import annotations

from typing import Any

import pytest

from segmentator_dagster.domain.aggregates import Function
from segmentator_dagster.domain.comparisons import holds_of_nothing
from segmentator_dagster.domain.rule import Activity, Aggregate


def activity(function: Function, operator: str, value: Any, *, negated: bool = False) -> Activity:
    field = None if function in (Function.ROWS, Function.DAYS) else "price"
    return Activity("d", None, Aggregate(function, field), operator, value, negated=negated)


@pytest.mark.parametrize(
    ("operator", "value", "holds"),
    [
        *(("=", 0, True), ("=", 1, False), ("!=", 0, False), ("!=", 1, True)),
        *(("in", (3, 0), True), ("in", (3, 1), False), ("notIn", (3, 0), False), ("notIn", (3, 1), True)),
        *(("<", 0, False), ("<", 0.5, True), ("<=", 0, True), ("<=", -1, False)),
        *((">", 0, False), (">", -1, True), (">=", 0, True), (">=", 1, False)),
        *(("between", (0, 5), True), ("between", (-5, 0), True), ("between", (1, 5), False)),
        *(("notBetween", (0, 5), False), ("notBetween", (1, 5), True)),
        *(("null", None, False), ("notNull", None, True)),
    ],
)
@pytest.mark.parametrize("function", [Function.ROWS, Function.DAYS, Function.DISTINCT, Function.SUM])
def test_of_a_user_without_rows_what_is_counted_is_nought(
    function: Function, operator: str, value: Any, holds: bool
) -> None:
    assert holds_of_nothing(activity(function, operator, value)) is holds
    assert holds_of_nothing(activity(function, operator, value, negated=True)) is not holds


@pytest.mark.parametrize(
    ("operator", "value", "holds"),
    [
        *(("=", 0, False), ("!=", 0, True), (">=", 0, False), ("<", 5, False), ("notBetween", (0, 5), True)),
        *(("in", (0,), False), ("notIn", (0,), True), ("null", None, True), ("notNull", None, False)),
    ],
)
@pytest.mark.parametrize("function", [Function.AVG, Function.MIN, Function.MAX, Function.FIRST, Function.LAST])
def test_of_a_user_without_rows_an_average_or_an_end_is_no_value(
    function: Function, operator: str, value: Any, holds: bool
) -> None:
    assert holds_of_nothing(activity(function, operator, value)) is holds
    assert holds_of_nothing(activity(function, operator, value, negated=True)) is not holds
