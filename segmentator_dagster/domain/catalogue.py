"""Datasets and their fields: everything a rule may name, and the only source of SQL identifiers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache


class FieldType(StrEnum):
    """The types rules speak of; many ClickHouse types map to each."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    DATETIME = "datetime"
    BOOLEAN = "boolean"
    ARRAY = "array"
    MAP = "map"  # its entries are fields
    JSON = "json"  # its paths are fields
    OTHER = "other"  # shown and exportable as text, not filterable


SCALARS = (FieldType.TEXT, FieldType.NUMBER, FieldType.DATE, FieldType.DATETIME, FieldType.BOOLEAN)


@dataclass(frozen=True, slots=True)
class Field:
    """A column of a dataset. `clickhouse_type` is the server's own type text, e.g. `Nullable(Decimal(18, 2))`.

    With `key` it is an entry of the map (or a path of the JSON) in that column; `container` is then the column's type,
    and `clickhouse_type` that of the entry.
    """

    name: str
    type: FieldType
    clickhouse_type: str
    nullable: bool
    label_ru: str = ""
    label_en: str = ""
    sensitive: bool = False
    masked: bool = False  # somebody may see its mask only
    key: str | None = None
    container: str = ""

    @property
    def filterable(self) -> bool:
        return self.type is not FieldType.OTHER and not self.masked

    @property
    def element(self) -> Field:
        """What the array holds, as a field."""
        inner = _inside(self.clickhouse_type)
        return Field(self.name, field_type(inner), inner, is_nullable(inner))


@dataclass(frozen=True, slots=True)
class Dataset:
    """A ClickHouse table or view whose fields rules may use, one or more rows per user.

    `hidden` are columns that are there for SQL alone: whoever asks may not see them.
    """

    name: str
    database: str
    table: str
    user_key: str
    time_field: str | None
    fields: tuple[Field, ...]
    label_ru: str = ""
    label_en: str = ""
    hidden: tuple[Field, ...] = ()
    _by_name: Mapping[str, Field] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_name", {one.name: one for one in self.fields})

    def field(self, name: str) -> Field | None:
        return self._by_name.get(name)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All datasets by name, as they stand on the server now."""

    datasets: Mapping[str, Dataset] = field(default_factory=dict)

    def dataset(self, name: str) -> Dataset | None:
        return self.datasets.get(name)


_WRAPPER = re.compile(r"^(Nullable|LowCardinality)\((.*)\)$")
_NUMBER = re.compile(r"^(U?Int(8|16|32|64|128|256)|Float(32|64)|BFloat16|Decimal(32|64|128|256)?(\(.*\))?)$")
_TEXT = re.compile(r"^(String|FixedString\(\d+\)|UUID|Enum(8|16)\(.*\))$")
_READ_AS = {
    FieldType.TEXT: "Nullable(String)",
    FieldType.NUMBER: "Nullable(Float64)",
    FieldType.DATE: "Nullable(Date32)",
    FieldType.DATETIME: "Nullable(DateTime64(6, 'UTC'))",
    FieldType.BOOLEAN: "Nullable(Bool)",
}


@lru_cache(maxsize=1024)
def unwrapped(clickhouse_type: str) -> str:
    """The type inside `Nullable(...)` and `LowCardinality(...)`."""
    while match := _WRAPPER.match(clickhouse_type):
        clickhouse_type = match[2]
    return clickhouse_type


@lru_cache(maxsize=1024)
def field_type(clickhouse_type: str) -> FieldType:
    """Map a ClickHouse type text to the type rules speak of; what rules cannot compare is OTHER."""
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
    if inner.startswith("Array("):
        return FieldType.ARRAY if field_type(_inside(inner)) in SCALARS else FieldType.OTHER
    if inner.startswith("Map("):
        key, value = map_types(inner)
        named = unwrapped(key) == "String" and field_type(value) in SCALARS
        return FieldType.MAP if named else FieldType.OTHER
    if inner == "JSON" or inner.startswith("JSON("):
        return FieldType.JSON
    return FieldType.OTHER


def is_nullable(clickhouse_type: str) -> bool:
    return clickhouse_type.startswith(("Nullable(", "LowCardinality(Nullable("))


def map_types(clickhouse_type: str) -> tuple[str, str]:
    """The types of a map's keys and values."""
    key, _, value = _inside(clickhouse_type).partition(", ")
    return key, value


def readable_as(container: Field) -> tuple[FieldType, ...]:
    """The types `as` may ask of an entry: those of a text; none where the map's values have a type of their own."""
    if container.type is FieldType.JSON:
        return SCALARS
    is_text = container.type is FieldType.MAP and unwrapped(map_types(container.clickhouse_type)[1]) == "String"
    return SCALARS if is_text else ()


def entry(container: Field, key: str, read_as: FieldType | None) -> Field:
    """The field that `key` names inside a map or JSON column, read as `read_as` where it is a text."""
    if readable_as(container):
        type_ = read_as or FieldType.TEXT
        inner = _READ_AS[type_]
    else:
        inner = f"Nullable({unwrapped(map_types(container.clickhouse_type)[1])})"
        type_ = field_type(inner)
    return Field(
        container.name,
        type_,
        inner,
        nullable=True,
        label_ru=f"{container.label_ru or container.name}.{key}",
        label_en=f"{container.label_en or container.name}.{key}",
        sensitive=container.sensitive,
        key=key,
        container=container.clickhouse_type,
    )


def _inside(clickhouse_type: str) -> str:
    return clickhouse_type.partition("(")[2].removesuffix(")")
