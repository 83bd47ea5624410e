from __future__ import annotations

import pytest

from segmentator_dagster.domain.aggregates import Function
from segmentator_dagster.domain.catalogue import Dataset, Field, FieldType
from segmentator_dagster.domain.errors import InternalError
from segmentator_dagster.domain.fields import known_aggregated
from segmentator_dagster.domain.rule import Aggregate

PRICE = Field("price", FieldType.NUMBER, "UInt8", nullable=False)
ORDERS = Dataset("orders", "db", "orders", "id", None, (PRICE,))


def test_the_field_of_a_checked_aggregate_is_known() -> None:
    assert known_aggregated(ORDERS, Aggregate(Function.SUM, "price")) == PRICE


@pytest.mark.parametrize("aggregate", [Aggregate(Function.ROWS), Aggregate(Function.SUM, "prize")])
def test_an_aggregate_that_nobody_checked_is_our_own_fault(aggregate: Aggregate) -> None:
    with pytest.raises(InternalError, match="an unchecked rule went on"):
        known_aggregated(ORDERS, aggregate)
