"""Corners of the domain that whole rules reach seldom."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from segmentator_dagster.domain.aggregates import Function
from segmentator_dagster.domain.catalogue import Catalogue, Field, FieldType
from segmentator_dagster.domain.comparisons import canonical_comparison
from segmentator_dagster.domain.describe import describe
from segmentator_dagster.domain.errors import InternalError, UserError, pointer_to
from segmentator_dagster.domain.operators import OPERATORS
from segmentator_dagster.domain.problems import EMPTY_NAME, shown
from segmentator_dagster.domain.rule import Activity, Aggregate, Combinator, Everyone, Group
from segmentator_dagster.domain.values import UnfitValueError, typed_values


def test_a_user_error_needs_a_problem() -> None:
    with pytest.raises(InternalError):
        UserError()


def test_a_group_of_one_reads_as_its_part() -> None:
    for negated in (False, True):
        group = Group(Combinator.AND, (Group(Combinator.OR, (Everyone(),)),), negated)
        assert describe(group, Catalogue(), "en") == describe(Everyone(negated), Catalogue(), "en")


def test_pointers_escape_what_rfc_6901_says() -> None:
    assert pointer_to("/a", "b/c~d", 0) == "/a/b~1c~0d/0"
    assert EMPTY_NAME.at("/x").moved_under("/rule").pointer == "/rule/x"


@pytest.mark.parametrize("kind", [FieldType.MAP, FieldType.JSON, FieldType.OTHER])
def test_a_field_that_is_no_value_cannot_be_compared(kind: FieldType) -> None:
    field = Field("x", kind, "Tuple(String)", nullable=False)
    with pytest.raises(UnfitValueError):
        typed_values(field, OPERATORS["="], ["a"], ZoneInfo("UTC"))


def test_plain_decimal_has_no_decimals() -> None:
    field = Field("x", FieldType.NUMBER, "Decimal", nullable=False)
    assert typed_values(field, OPERATORS["="], [5], ZoneInfo("UTC")).clickhouse_type == "Decimal(10, 0)"


def test_what_is_not_a_comparison_of_numbers_stays_as_it_is() -> None:
    for comparison in (("null", None), ("inList", 3)):
        activity = Activity("d", None, Aggregate(Function.ROWS), *comparison)
        assert canonical_comparison(activity) == activity


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a" * 61, "a" * 59 + "…"),
        (10**60, "…"),
        (5, "5"),
        (None, "None"),
        ([[]], "…"),
        (1.5, "1.5"),
        ("\ud800", "\\ud800"),
    ],
)
def test_texts_from_outside_are_made_fit_for_a_message(value: object, text: str) -> None:
    assert shown(value) == text
