"""Names in a rule -> the fields they mean, or what is wrong with the names."""

from __future__ import annotations

import re

from segmentator_dagster.domain import problems
from segmentator_dagster.domain.aggregates import AGGREGATES, result_field
from segmentator_dagster.domain.catalogue import Dataset, Field, FieldType, entry, readable_as, unwrapped
from segmentator_dagster.domain.errors import InternalError, Problem
from segmentator_dagster.domain.problems import shown, suggestion
from segmentator_dagster.domain.rule import Aggregate, Condition

# What ClickHouse reads as part of a path's syntax (`:` types, `^` objects, back quotes) is no part of a name here.
_PATH = re.compile(r"^[\w$ -]+(\.[\w$ -]+)*$")
_CONTAINERS = (FieldType.MAP, FieldType.JSON)


def field_of(dataset: Dataset, named: Condition | Aggregate) -> Field | Problem:
    """The field a condition or an aggregate names; a problem points at `/field`, `/key` or `/as` of it."""
    name = named.field or ""
    field = dataset.field(name)
    if field is None:
        known = suggestion(name, (f.name for f in dataset.fields if f.filterable))
        return problems.UNKNOWN_FIELD.at("/field", dataset=shown(dataset.name), name=shown(name), **known)
    if field.masked:
        return problems.FIELD_MASKED.at("/field", name=shown(name))
    if not field.filterable:
        return problems.NOT_FILTERABLE.at("/field", name=shown(name), type=field.clickhouse_type)
    if field.type not in _CONTAINERS:
        if named.key is not None:
            return problems.KEY_NOT_HERE.at("/key", name=shown(name))
        if named.read_as is not None:
            return problems.AS_NOT_HERE.at("/as", name=shown(name), type=field.clickhouse_type)
        return field
    if named.key is None:
        return problems.KEY_WANTED.at("/field", name=shown(name))
    if field.type is FieldType.JSON and not _PATH.match(named.key):
        return problems.BAD_PATH.at("/key", key=shown(named.key))
    if named.read_as is not None and not readable_as(field):
        return problems.AS_NOT_HERE.at("/as", name=shown(name), type=field.clickhouse_type)
    return entry(field, named.key, named.read_as)


def known_field(dataset: Dataset, named: Condition | Aggregate) -> Field:
    """The field of a checked rule."""
    found = field_of(dataset, named)
    if isinstance(found, Problem):
        raise InternalError(f"an unchecked rule went on: {found.message()}")
    return found


def time_field(dataset: Dataset) -> Field | None:
    """The field that says when a row happened, where the dataset has one of dates or moments."""
    field = dataset.field(dataset.time_field) if dataset.time_field else None
    return field if field is not None and field.type in (FieldType.DATE, FieldType.DATETIME) else None


def known_time(dataset: Dataset) -> Field:
    """The time field of a dataset that a checked rule needs it of."""
    field = time_field(dataset)
    if field is None:
        raise InternalError(f"an unchecked rule went on: {dataset.name!r} has no time field")
    return field


def aggregated_field(dataset: Dataset, aggregate: Aggregate) -> Field | Problem | None:
    """The field an aggregate computes from: the one it names, the time field for `first` and `last`; None for rows."""
    kind = AGGREGATES[aggregate.function]
    if kind.needs_time and time_field(dataset) is None:
        return problems.NO_TIME_FIELD.at("/function", dataset=shown(dataset.name), name=aggregate.function.value)
    if not kind.of:
        return None
    found = time_field(dataset) if aggregate.field is None else field_of(dataset, aggregate)
    if isinstance(found, Field) and found.type not in kind.of:
        values = {"function": aggregate.function.value, "name": shown(found.name), "type": found.type.value}
        return problems.AGGREGATE_NOT_FOR_TYPE.at("/field", types=", ".join(sorted(kind.of)), **values)
    return found


def known_aggregated(dataset: Dataset, aggregate: Aggregate) -> Field:
    """The field of an aggregate that takes one, in a checked rule."""
    of = aggregated_field(dataset, aggregate)
    if isinstance(of, Field):
        return of
    reason = f"{aggregate.function} takes no field" if of is None else of.message()
    raise InternalError(f"an unchecked rule went on: {reason}")


def aggregate_result(dataset: Dataset, aggregate: Aggregate) -> Field:
    """What a checked aggregate gives, as a field."""
    takes_field = bool(AGGREGATES[aggregate.function].of)
    return result_field(aggregate.function, known_aggregated(dataset, aggregate) if takes_field else None)


def is_whole(field: Field) -> bool:
    """Whether a number field holds whole numbers only."""
    return field.type is FieldType.NUMBER and "Int" in unwrapped(field.clickhouse_type)
