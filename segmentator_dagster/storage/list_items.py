"""The ClickHouse table with the values of all uploaded lists, in parts that never change once they are in use."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from segmentator_dagster.compiler.list_items import TABLE, values_of
from segmentator_dagster.compiler.query import CompiledQuery, compile_statement
from segmentator_dagster.compiler.tables import dataset_table, has_user, user_id
from segmentator_dagster.domain.catalogue import Dataset
from segmentator_dagster.storage.clickhouse import ClickHouse

if TYPE_CHECKING:
    import pyarrow as pa

_BIG = {
    # Sorting and grouping go to disk well before the server's memory limit, so that no list is too long.
    "max_bytes_before_external_sort": 512 << 20,
    "max_bytes_before_external_group_by": 512 << 20,
    "insert_deduplicate": 0,  # a replicated table would take two equal batches of one file for a repeated insert
}
_SETTLE = """
INSERT INTO {database:Identifier}.{table:Identifier} (part, value)
SELECT {part:UUID}, value FROM {database:Identifier}.{table:Identifier} WHERE part IN {parts:Array(UUID)}
GROUP BY value HAVING max(has({without:Array(UUID)}, part)) = 0
"""
_COUNT = "SELECT count() FROM {database:Identifier}.{table:Identifier} WHERE part IN {parts:Array(UUID)}"
_COUNT_DISTINCT = """
SELECT count() FROM (
    SELECT value FROM {database:Identifier}.{table:Identifier} WHERE part = {part:UUID} GROUP BY value
)
"""
_DROP = "DELETE FROM {database:Identifier}.{table:Identifier} WHERE part IN {parts:Array(UUID)}"


def create_list_items(admin: ClickHouse, database: str) -> None:
    """Make the table where it is missing."""
    admin.execute(
        CompiledQuery(
            "CREATE TABLE IF NOT EXISTS {database:Identifier}.{table:Identifier} (part UUID, value String)"
            " ENGINE = MergeTree ORDER BY (part, value)",
            {"database": database, "table": TABLE},
        )
    )


class ListItems:
    """Values of lists by part. `writer` may write our database and read the datasets."""

    def __init__(self, writer: ClickHouse, database: str) -> None:
        self._writer = writer
        self._database = database

    def append(self, part: str, values: pa.Array) -> None:
        """Add texts to a part as they are, repeated ones too."""
        import pyarrow as pa  # noqa: PLC0415  only uploads need it

        names = pa.DictionaryArray.from_arrays(pa.nulls(len(values), pa.int8()).fill_null(0), pa.array([part]))
        self._writer.insert_arrow(self._database, TABLE, pa.table({"part": names, "value": values}), _BIG)

    def settle(self, part: str, *, of: Collection[str], without: Collection[str] = ()) -> None:
        """Fill a new part with the values that are in the parts `of` and not in the parts `without`, each once."""
        parameters = {"part": part, "parts": [*of, *without], "without": list(without)}
        self._writer.execute(self._query(_SETTLE, **parameters), _BIG)

    def count(self, parts: Collection[str]) -> int:
        """How many values these parts have."""
        return int(self._writer.scalar(self._query(_COUNT, parts=list(parts))))

    def count_distinct(self, part: str) -> int:
        """How many different values a part has."""
        return int(self._writer.scalar(self._query(_COUNT_DISTINCT, part=part), _BIG))

    def count_matched(self, parts: Collection[str], dataset: Dataset, field: str | None) -> int:
        """How many of the values are a user key of the dataset, or a value of its field."""
        matched = self._compared(parts, dataset, field, known=True).subquery("matched")
        return int(self._writer.scalar(compile_statement(sa.select(sa.func.count()).select_from(matched)), _BIG))

    def stream(self, parts: Collection[str], output_format: str, settings: Mapping[str, Any]) -> Iterator[bytes]:
        """All values in their order, one column, rendered by the server."""
        query = self._values(parts)
        return self._stream(query.order_by(query.selected_columns.value), output_format, settings)

    def stream_unmatched(
        self,
        parts: Collection[str],
        dataset: Dataset,
        field: str | None,
        output_format: str,
        settings: Mapping[str, Any],
    ) -> Iterator[bytes]:
        """The same of the values that no row of the dataset has now."""
        query = self._compared(parts, dataset, field, known=False)
        return self._stream(query.order_by(query.selected_columns.value), output_format, settings)

    def drop(self, parts: Collection[str]) -> None:
        """Remove all values of these parts."""
        self._writer.execute(self._query(_DROP, parts=list(parts)))

    def _query(self, sql: str, **parameters: object) -> CompiledQuery:
        return CompiledQuery(sql, {"database": self._database, "table": TABLE, **parameters})

    def _values(self, parts: Collection[str]) -> sa.Select[Any]:
        return values_of(tuple(parts), self._database)

    def _compared(self, parts: Collection[str], dataset: Dataset, field: str | None, *, known: bool) -> sa.Select[Any]:
        """The values that some row of the dataset has, or those that none has.

        Grouping both sides together spills to disk; IN keeps one side in memory, however long it is.
        """
        listed = self._values(parts).subquery("listed")
        in_list = sa.select(listed.c.value.label("value"), sa.literal_column("0").label("known"))
        both = sa.union_all(in_list, _texts_of(dataset, field)).subquery("both")
        wanted = [sa.func.min(both.c.known) == sa.literal_column("0")]
        wanted.append(sa.func.max(both.c.known) == sa.literal_column("1" if known else "0"))
        return sa.select(both.c.value).group_by(both.c.value).having(sa.and_(*wanted))

    def _stream(self, query: sa.Select[Any], output_format: str, settings: Mapping[str, Any]) -> Iterator[bytes]:
        return self._writer.stream(compile_statement(query), output_format, {**_BIG, **settings})


def _texts_of(dataset: Dataset, field: str | None) -> sa.Select[Any]:
    """What a list is compared with, as rules compare it: the users' ids, or the values of a field, as text."""
    table = dataset_table(dataset)
    text: sa.ColumnElement[Any]
    if field is None or field == dataset.user_key:
        text, present = user_id(dataset, table), has_user(dataset, table)
    else:
        text, present = sa.func.assumeNotNull(sa.func.toString(table.c[field])), sa.func.isNotNull(table.c[field])
    texts = sa.select(text.label("value"), sa.literal_column("1").label("known")).select_from(table)
    return texts if present is None else texts.where(present)
