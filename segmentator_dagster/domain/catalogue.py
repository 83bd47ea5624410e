"""Datasets and their fields: everything a rule may name, and the only source of SQL identifiers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class FieldType(StrEnum):
    """The types rules speak of; many ClickHouse types map to each."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    DATETIME = "datetime"
    BOOLEAN = "boolean"
    OTHER = "other"  # shown and exportable as text, not filterable


@dataclass(frozen=True, slots=True)
class Field:
    """A column of a dataset. `clickhouse_type` is the server's own type text, e.g. `Nullable(Decimal(18, 2))`."""

    name: str
    type: FieldType
    clickhouse_type: str
    nullable: bool
    label_ru: str = ""
    label_en: str = ""
    sensitive: bool = False

    @property
    def filterable(self) -> bool:
        return self.type is not FieldType.OTHER


@dataclass(frozen=True, slots=True)
class Dataset:
    """A ClickHouse table or view whose fields rules may use, one or more rows per user."""

    name: str
    database: str
    table: str
    user_key: str
    time_field: str | None
    fields: tuple[Field, ...]
    label_ru: str = ""
    label_en: str = ""

    def field(self, name: str) -> Field | None:
        return next((f for f in self.fields if f.name == name), None)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All datasets by name, as they stand on the server now."""

    datasets: Mapping[str, Dataset] = field(default_factory=dict)

    def dataset(self, name: str) -> Dataset | None:
        return self.datasets.get(name)


_WRAPPER = re.compile(r"^(Nullable|LowCardinality)\((.*)\)$")
_NUMBER = re.compile(r"^(U?Int(8|16|32|64|128|256)|Float(32|64)|BFloat16|Decimal(32|64|128|256)?(\(.*\))?)$")
_TEXT = re.compile(r"^(String|FixedString\(\d+\)|UUID|Enum(8|16)\(.*\))$")


def unwrapped(clickhouse_type: str) -> str:
    """The type inside `Nullable(...)` and `LowCardinality(...)`."""
    while match := _WRAPPER.match(clickhouse_type):
        clickhouse_type = match[2]
    return clickhouse_type


def field_type(clickhouse_type: str) -> FieldType:
    """Map a ClickHouse type text to the type rules speak of; what rules cannot compare yet is OTHER."""
    inner = unwrapped(clickhouse_type)
    if _NUMBER.match(inner):
        return FieldType.NUMBER
    if _TEXT.match(inner):
        return FieldType.TEXT
    if inner in ("Date", "Date32"):
        return FieldType.DATE
    if inner.startswith("DateTime"):
        return FieldType.DATETIME
    if inner == "Bool":
        return FieldType.BOOLEAN
    return FieldType.OTHER


def is_nullable(clickhouse_type: str) -> bool:
    return "Nullable(" in clickhouse_type.split("Enum", maxsplit=1)[0]
