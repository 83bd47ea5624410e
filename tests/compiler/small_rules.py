"""Rules over datasets of three columns, as short as the tests of the SQL's shape need them."""

from __future__ import annotations

from datetime import UTC, datetime

from segmentator_dagster.compiler.audience import compile_audience
from segmentator_dagster.compiler.query import compile_statement
from segmentator_dagster.domain.catalogue import Catalogue, Dataset, Field, field_type, is_nullable
from segmentator_dagster.domain.rule import Activity, Combinator, Condition, RowGroup, RowRule, Rule

AND, OR = Combinator.AND, Combinator.OR
MOMENT = datetime(2026, 3, 1, tzinfo=UTC)
TYPES = {"user": "String", "day": "Date", "x": "Int32"}


def dataset(name: str, key: str = "String", time: str | None = "day", **types: str) -> Dataset:
    columns = TYPES | {"user": key} | types
    fields = tuple(Field(column, field_type(type_), type_, is_nullable(type_)) for column, type_ in columns.items())
    return Dataset(name, "d", name, "user", time, fields)


CATALOGUE = Catalogue(
    {
        one.name: one
        for one in (
            dataset("base"),
            dataset("other"),
            dataset("numbered", "Nullable(UInt64)"),
            dataset("timed", day="Nullable(DateTime)"),
            dataset("timeless", time=None),
        )
    }
)


def has(*conditions: RowRule, of: str = "base", **keys: object) -> Activity:
    return Activity(of, RowGroup(AND, conditions), **keys)  # type: ignore[arg-type]


def x(value: int) -> Condition:
    return Condition("x", "=", value)


def day(operator: str, value: object) -> Condition:
    return Condition("day", operator, value)  # type: ignore[arg-type]


def sql(rule: Rule, base: str = "base") -> str:
    return compile_statement(compile_audience(rule, CATALOGUE, base, "Europe/Moscow", MOMENT)).sql
