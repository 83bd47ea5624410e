"""Rule x catalogue -> every problem of its meaning at once: names, operators and values against the live columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never
from zoneinfo import ZoneInfo

from segmentator_dagster.domain import problems
from segmentator_dagster.domain.catalogue import Catalogue, Dataset, Field, FieldType
from segmentator_dagster.domain.errors import Problem, pointer_to
from segmentator_dagster.domain.operators import OPERATORS, Test
from segmentator_dagster.domain.problems import shown, suggestion
from segmentator_dagster.domain.rule import Activity, Condition, Everyone, Group, RowGroup, RowRule, Rule, Scalar, Value
from segmentator_dagster.domain.values import UnfitValueError, typed_values

_MAX_PROBLEMS = 100


def check_rule(rule: Rule, catalogue: Catalogue, base_dataset: str, time_zone: str = "UTC") -> tuple[Problem, ...]:
    """All problems (at most 100) of a parsed rule, with pointers into the JSON it was written as; () is a good rule.

    `time_zone` is the IANA name of the zone in which moments without an offset are read.
    """
    found: list[Problem] = []
    if catalogue.dataset(base_dataset) is None:
        found.append(_unknown_dataset(base_dataset, catalogue, ""))
    try:
        zone = ZoneInfo(time_zone)
    except (KeyError, ValueError, OSError):
        return (problems.UNKNOWN_TIME_ZONE.at(name=shown(time_zone)),)
    for problem in _audience(rule, catalogue, "", zone):
        found.append(problem)
        if len(found) == _MAX_PROBLEMS:
            break
    return tuple(found)


def depends_on_time_zone(rule: Rule, catalogue: Catalogue) -> bool:
    """Whether the audience of a checked rule changes with the time zone: it compares a field of moments."""
    match rule:
        case Everyone():
            return False
        case Group():
            return any(depends_on_time_zone(child, catalogue) for child in rule.rules)
        case Activity():
            dataset = catalogue.dataset(rule.dataset)
            conditions = () if rule.where is None else conditions_of(rule.where)
            fields = (
                dataset.field(condition.field) for condition in conditions if dataset and condition.value is not None
            )
            return any(field is not None and field.type is FieldType.DATETIME for field in fields)
        case _:
            assert_never(rule)


def conditions_of(rule: RowRule) -> Iterator[Condition]:
    """The conditions of a row rule, left to right."""
    if isinstance(rule, Condition):
        yield rule
    else:
        for child in rule.rules:
            yield from conditions_of(child)


def scalars(value: Value) -> tuple[Scalar, ...]:
    """A condition's value as a sequence, whatever its shape."""
    if isinstance(value, tuple):
        return value
    return () if value is None else (value,)


def _audience(rule: Rule, catalogue: Catalogue, pointer: str, zone: ZoneInfo) -> Iterator[Problem]:
    match rule:
        case Everyone():
            return
        case Group():
            for index, child in enumerate(rule.rules):
                yield from _audience(child, catalogue, pointer_to(pointer, "rules", index), zone)
        case Activity():
            dataset = catalogue.dataset(rule.dataset)
            if dataset is None:
                yield _unknown_dataset(
                    rule.dataset, catalogue, pointer if rule.bare else pointer_to(pointer, "dataset")
                )
            elif rule.where is not None:
                yield from _row(rule.where, dataset, pointer if rule.bare else pointer_to(pointer, "where"), zone)
        case _:
            assert_never(rule)


def _row(rule: RowRule, dataset: Dataset, pointer: str, zone: ZoneInfo) -> Iterator[Problem]:
    match rule:
        case RowGroup():
            for index, child in enumerate(rule.rules):
                yield from _row(child, dataset, pointer_to(pointer, "rules", index), zone)
        case Condition():
            yield from _condition(rule, dataset, pointer, zone)
        case _:
            assert_never(rule)


def _condition(rule: Condition, dataset: Dataset, pointer: str, zone: ZoneInfo) -> Iterator[Problem]:
    field = dataset.field(rule.field)
    if field is None:
        known = suggestion(rule.field, (f.name for f in dataset.fields if f.filterable))
        at = pointer_to(pointer, "field")
        yield problems.UNKNOWN_FIELD.at(at, dataset=shown(dataset.name), name=shown(rule.field), **known)
    elif not field.filterable:
        at = pointer_to(pointer, "field")
        yield problems.NOT_FILTERABLE.at(at, name=shown(field.name), type=field.clickhouse_type)
    elif field.type not in OPERATORS[rule.operator].types:
        listed = ", ".join(f"`{operator.key}`" for operator in OPERATORS.values() if field.type in operator.types)
        values = {"operator": rule.operator, "name": shown(field.name), "type": field.type.value, "operators": listed}
        yield problems.OPERATOR_NOT_FOR_TYPE.at(pointer_to(pointer, "operator"), **values)
    else:
        yield from _value(rule, field, pointer_to(pointer, "value"), zone)


def _value(rule: Condition, field: Field, pointer: str, zone: ZoneInfo) -> Iterator[Problem]:
    operator = OPERATORS[rule.operator]
    if rule.value is None:
        return
    try:
        typed = typed_values(field, operator, scalars(rule.value), zone)
    except UnfitValueError as fault:
        yield fault.problem(pointer, in_list=isinstance(rule.value, tuple))
        return
    if operator.test is Test.BETWEEN:
        low, high = typed.values
        if low > high:  # type: ignore[operator]  # of one type; ISO texts sort as their moments do
            yield problems.EMPTY_RANGE.at(pointer, low=low, high=high)


def _unknown_dataset(name: str, catalogue: Catalogue, pointer: str) -> Problem:
    return problems.UNKNOWN_DATASET.at(pointer, name=shown(name), **suggestion(name, catalogue.datasets))
