"""One extract -> the parts that become files: of so many rows each, or one for each value of a field."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from segmentator_dagster.compiler.query import CompiledQuery
from segmentator_dagster.compiler.tables import USER_ID
from segmentator_dagster.domain.catalogue import FieldType
from segmentator_dagster.domain.errors import InternalError
from segmentator_dagster.domain.export_options import SplitOptions
from segmentator_dagster.exports.problems import TOO_MANY_FILES
from segmentator_dagster.exports.source import Source
from segmentator_dagster.storage.clickhouse import ClickHouse

MOST_FILES = 1000
_VALUE_CHARACTERS = 60


@dataclass(frozen=True, slots=True)
class Part:
    """What goes into one file. `name` is what sets its file name apart; `value` the value of the split field.

    `skipped` rows of the source have no row in the file.
    """

    source: Source
    name: str = ""
    value: str | None = None
    skipped: int = 0

    @property
    def rows(self) -> int:
        """Of the file, when it is whole."""
        return self.source.rows - self.skipped


def parts_of(
    clickhouse: ClickHouse, source: Source, split: SplitOptions | None, settings: dict[str, object]
) -> list[Part]:
    """At least one part; together they are the source. UserError too_many_files."""
    if split is None or (split.rows is None and split.field is None):
        return [Part(source)]
    if split.rows is not None:
        return list(_by_rows(clickhouse, source, split.rows, settings))
    return list(_by_value(clickhouse, source, _column(source, split.field or ""), settings))


def _column(source: Source, name: str) -> int:
    """The place of a field of the dataset; one that is called like the user id has another name in files."""
    for index, field in enumerate(source.fields[1:], start=1):
        if field.name == name or (name == USER_ID and field.name.endswith(f".{USER_ID}")):
            return index
    raise InternalError(f"unchecked options went on: there is no column {name!r}")


def _by_rows(clickhouse: ClickHouse, source: Source, rows: int, settings: dict[str, object]) -> Iterator[Part]:
    files = max(1, -(-source.rows // rows))
    if files > MOST_FILES:
        raise TOO_MANY_FILES.error(files=files, limit=MOST_FILES)
    numbered = source.query("c0, row_number() OVER (ORDER BY c0) AS place", ordered=False)
    sql = f"SELECT c0 FROM ({numbered.sql}) WHERE place % {rows} = 1 OR {rows} = 1 ORDER BY place"  # noqa: S608
    starts = [start for (start,) in clickhouse.rows(CompiledQuery(sql, numbered.parameters), settings)] or [""]
    for index, start in enumerate(starts):
        condition, parameters = "c0 >= {part_start:String}", {"part_start": start}
        left = source.rows - index * rows
        if index + 1 < len(starts):
            condition += " AND c0 < {part_end:String}"
            parameters["part_end"] = starts[index + 1]
        part = replace(source, condition=condition, parameters=parameters, rows=min(rows, left))
        yield Part(part, f"{index + 1:0{len(str(len(starts)))}}")


def _by_value(clickhouse: ClickHouse, source: Source, column: int, settings: dict[str, object]) -> Iterator[Part]:
    text = f"toString(c{column})"
    if source.fields[column].type is FieldType.DATETIME:
        text = f"toString(toTimeZone(c{column}, {{time_zone:String}}))"
    counted = source.query(f"hex(assumeNotNull({text})) AS value, isNull(c{column}) AS absent, count()", ordered=False)
    sql = f"{counted.sql} GROUP BY value, absent ORDER BY absent, unhex(value) LIMIT {MOST_FILES + 1}"
    groups = clickhouse.rows(CompiledQuery(sql, counted.parameters), settings)
    if len(groups) > MOST_FILES:
        raise TOO_MANY_FILES.error(files=f"> {MOST_FILES}", limit=MOST_FILES)
    if not groups:
        yield Part(source)
    for value, absent, rows in groups:
        condition = (
            f"c{column} IS NULL" if absent else f"c{column} IS NOT NULL AND {text} = unhex({{part_value:String}})"
        )
        shown = None if absent else bytes.fromhex(value).decode("utf-8", "replace")
        part = replace(source, condition=condition, parameters={} if absent else {"part_value": value}, rows=rows)
        yield Part(part, "NULL" if shown is None else shown[:_VALUE_CHARACTERS] or "''", shown)
