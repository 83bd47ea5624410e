"""Comparisons of aggregates: what they say of a user without rows, and the one spelling of each."""

from __future__ import annotations

import math
from dataclasses import replace

from segmentator_dagster.domain.aggregates import AGGREGATES, COUNTED
from segmentator_dagster.domain.canonical_rows import distinct
from segmentator_dagster.domain.operators import COMPLEMENTS, OPERATORS, Test
from segmentator_dagster.domain.rule import Activity, Combinator, Everyone, Group, Rule, Scalar
from segmentator_dagster.domain.values import scalars


def holds_of_nothing(activity: Activity) -> bool:
    """Whether a user without any matching row satisfies `aggregate operator value`, its `not` included."""
    operator = OPERATORS[activity.operator]
    nothing = AGGREGATES[activity.aggregate.function].of_nothing
    positive = operator.test is Test.IS_NULL if nothing is None else _holds(operator.test, nothing, activity)
    return positive ^ (operator.negation_of is not None) ^ activity.negated


def _holds(test: Test, number: int, activity: Activity) -> bool:
    values = [value for value in scalars(activity.value) if isinstance(value, int | float)]
    match test:
        case Test.EQUALS | Test.ONE_OF:
            return number in values
        case Test.LESS:
            return number < values[0]
        case Test.LESS_OR_EQUAL:
            return number <= values[0]
        case Test.GREATER:
            return number > values[0]
        case Test.GREATER_OR_EQUAL:
            return number >= values[0]
        case Test.BETWEEN:
            return values[0] <= number <= values[1]
        case _:
            return False


def canonical_comparison(activity: Activity) -> Rule:
    """A negative operator as `not` of its twin; of whole counts everything as "at least"."""
    operator = OPERATORS[activity.operator]
    if operator.negation_of is not None:
        twin = COMPLEMENTS[activity.operator]
        return canonical_comparison(replace(activity, operator=twin, negated=not activity.negated))
    if operator.test is Test.BETWEEN and isinstance(activity.value, tuple):
        low, high = activity.value
        if low == high:
            return canonical_comparison(replace(activity, operator="=", value=low))
        return _both(
            activity, replace(activity, operator=">=", value=low), replace(activity, operator="<=", value=high)
        )
    counted = activity.aggregate.function in COUNTED
    if operator.test is Test.ONE_OF and isinstance(activity.value, tuple):
        return _one_of(activity, activity.value, apart=counted)
    value = activity.value
    if not counted or isinstance(value, bool) or not isinstance(value, int | float):
        return activity
    match operator.test:
        case Test.GREATER_OR_EQUAL:
            return _at_least(activity, math.ceil(value), negated=activity.negated)
        case Test.GREATER:
            return _at_least(activity, math.floor(value) + 1, negated=activity.negated)
        case Test.LESS:
            return _at_least(activity, math.ceil(value), negated=not activity.negated)
        case Test.LESS_OR_EQUAL:
            return _at_least(activity, math.floor(value) + 1, negated=not activity.negated)
        case Test.EQUALS:
            return _both(
                activity, replace(activity, operator=">=", value=value), replace(activity, operator="<=", value=value)
            )
        case _:
            return activity


def _at_least(activity: Activity, number: int, *, negated: bool) -> Rule:
    if number <= 0:
        return Everyone(negated)
    return replace(activity, operator=">=", value=number, negated=negated)


def _both(activity: Activity, *parts: Activity) -> Rule:
    return Group(Combinator.AND, tuple(replace(part, negated=False) for part in parts), activity.negated)


def _one_of(activity: Activity, values: tuple[Scalar, ...], *, apart: bool) -> Rule:
    """A sorted list, a list of one as that value; `apart`: as "this or that"."""
    items = distinct(values, lambda item: item)
    if len(items) == 1:
        return canonical_comparison(replace(activity, operator="=", value=items[0]))
    if not apart:
        return replace(activity, value=items)
    parts = tuple(replace(activity, operator="=", value=item, negated=False) for item in items)
    return Group(Combinator.OR, parts, activity.negated)
