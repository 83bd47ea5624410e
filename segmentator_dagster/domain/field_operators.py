"""Field -> the operators that rules may use on it."""

from __future__ import annotations

from segmentator_dagster.domain.catalogue import Field, FieldType
from segmentator_dagster.domain.fields import is_whole
from segmentator_dagster.domain.operators import OPERATORS, Operator, Test


def fits(operator: Operator, field: Field) -> bool:
    if operator.test is Test.ON_LIST and field.type is FieldType.NUMBER:
        return is_whole(field)  # ids; fractions have many spellings
    return field.type in operator.types


def operators_of(field: Field) -> tuple[Operator, ...]:
    """In the order of the operator table; none of a field that is seen as its mask."""
    return tuple(operator for operator in OPERATORS.values() if field.filterable and fits(operator, field))
