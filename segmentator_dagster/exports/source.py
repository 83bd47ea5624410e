"""The rows every file of a request is made of: a table in ClickHouse that stands still, and what reads it."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from segmentator_dagster.compiler.query import CompiledQuery
from segmentator_dagster.domain.catalogue import Field
from segmentator_dagster.storage.clickhouse import ClickHouse


@dataclass(frozen=True, slots=True)
class Source:
    """Columns c0, c1, … of a table, one for each of `fields`; c0 is the user id as text and the order of the rows.

    With a `condition` (SQL of ours over the columns) it is the part of the table where that holds.
    """

    database: str
    table: str
    fields: Sequence[Field]
    rows: int
    time_zone: str
    condition: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def query(self, expressions: str, *, ordered: bool = True) -> CompiledQuery:
        """SELECT of `expressions` over the columns, row by row in the order of the user ids, or as one total."""
        where = f" WHERE {self.condition}" if self.condition else ""
        order = " ORDER BY c0" if ordered else ""
        sql = f"SELECT {expressions} FROM {{database:Identifier}}.{{table:Identifier}}{where}{order}"  # noqa: S608
        own = {"database": self.database, "table": self.table, "time_zone": self.time_zone}
        return CompiledQuery(sql, {**self.parameters, **own})


class Reason(StrEnum):
    """Why a value is not in the file as it is in the table."""

    INVALID_TEXT = "invalid_text"  # bytes that are no UTF-8
    ILLEGAL_CHARACTER = "illegal_character"  # XML 1.0 has none for it
    TOO_LONG = "too_long"
    FORMULA_GUARD = "formula_guard"
    UNENCODABLE = "unencodable"  # the encoding has no character for it
    DATE_AS_TEXT = "date_as_text"  # Excel has no dates before 1900
    NUMBER_AS_TEXT = "number_as_text"  # Excel keeps 15 digits, and neither NaN nor infinities


@dataclass(frozen=True, slots=True)
class Replacement:
    """SQL over c{column} that is 1 where the value is changed for that reason."""

    column: int
    reason: Reason
    condition: str


class Renderer(Protocol):
    """One file in the making, of the rows of a source."""

    @property
    def rows(self) -> int:
        """Data rows that have gone through; at the end of the stream those of the file, counted from its bytes."""

    def replacements(self) -> Sequence[Replacement]:
        """What the format changes in which columns."""

    def stream(self, clickhouse: ClickHouse, settings: Mapping[str, Any]) -> Generator[bytes]:
        """The bytes of the file, rendered by the server as they are read, once. Closing it ends the query."""


def count_replacements(
    clickhouse: ClickHouse, source: Source, replacements: Sequence[Replacement], settings: Mapping[str, Any]
) -> dict[str, dict[str, int]]:
    """How many values are changed, by column and reason; what never happens is left out."""
    if not replacements:
        return {}
    counts = ", ".join(f"countIf({one.condition})" for one in replacements)
    numbers = clickhouse.rows(source.query(counts, ordered=False), settings)[0]
    found: dict[str, dict[str, int]] = {}
    for one, number in zip(replacements, numbers, strict=True):
        if number:
            found.setdefault(source.fields[one.column].name, {})[one.reason.value] = number
    return found
