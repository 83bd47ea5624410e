"""A source -> how wide the columns of its sheet are, in characters."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from segmentator_dagster.compiler.query import CompiledQuery
from segmentator_dagster.domain.catalogue import Field, FieldType
from segmentator_dagster.exports.source import Source
from segmentator_dagster.storage.clickhouse import ClickHouse

_ROWS = 100_000  # the first ones stand for all
_NARROWEST, _WIDEST = 8, 60
_MARGIN = 2
_FILTER_BUTTON = 3
_LENGTHS = {FieldType.DATE: 10, FieldType.DATETIME: 16, FieldType.BOOLEAN: 6}


def column_widths(
    clickhouse: ClickHouse, source: Source, titles: Sequence[str] | None, settings: Mapping[str, Any]
) -> list[int]:
    """Room for 98 of 100 values, or for the longest where it is no text, and for the title."""
    columns = ", ".join(f"c{index}" for index in range(len(source.fields)))
    rows = source.query(columns)
    lengths = ", ".join(_length(f"c{index}", field) for index, field in enumerate(source.fields))
    query = CompiledQuery(f"SELECT {lengths} FROM ({rows.sql} LIMIT {_ROWS})", rows.parameters)  # noqa: S608
    own = {"query_id": f"{settings['query_id']}-widths"} if "query_id" in settings else {}
    found = clickhouse.rows(query, {**settings, **own})[0]
    shown = [len(title) + _FILTER_BUTTON for title in titles] if titles is not None else [0] * len(found)
    return [
        min(max(_whole(length), title, _NARROWEST - _MARGIN) + _MARGIN, _WIDEST)
        for length, title in zip(found, shown, strict=True)
    ]


def _length(column: str, field: Field) -> str:
    if field.type in _LENGTHS:
        return str(_LENGTHS[field.type])
    length = f"lengthUTF8(toString({column}))"
    return f"max({length})" if field.type is FieldType.NUMBER else f"quantileTiming(0.98)({length})"


def _whole(length: float | None) -> int:
    """0 where there was no value to measure."""
    return 0 if length is None or math.isnan(length) else round(length)
