"""Text columns of a source -> what is in them, so that nothing is done to values that need nothing.

One query reads what would take four times as long to repair in every row: most columns have no invalid text and nothing
that looks like a formula.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from segmentator_dagster.exports.csv.formula_guard import looks_like_formula
from segmentator_dagster.exports.source import Source
from segmentator_dagster.exports.text_sql import is_invalid
from segmentator_dagster.storage.clickhouse import ClickHouse


@dataclass(frozen=True, slots=True)
class TextColumn:
    """What the values of a column hold: line feeds, bytes that are no UTF-8, texts that the formula guard is for."""

    line_feeds: int
    has_invalid: bool
    has_formulas: bool


def scanned(
    clickhouse: ClickHouse, source: Source, columns: Sequence[int], settings: Mapping[str, Any], *, formulas: bool
) -> dict[int, TextColumn]:
    """By the number of the column; without `formulas` nobody looks for those.

    The scan's own query id begins with the `query_id` among the settings.
    """
    if not columns:
        return {}
    figures = ", ".join(_figures(f"c{index}", formulas) for index in columns)
    own = {"query_id": f"{settings['query_id']}-scan"} if "query_id" in settings else {}
    numbers = iter(clickhouse.rows(source.query(figures, ordered=False), {**settings, **own})[0])
    found = {}
    for index in columns:
        line_feeds, invalid, guarded = (int(next(numbers)) for _ in range(3))
        found[index] = TextColumn(line_feeds, invalid > 0, guarded > 0)
    return found


def _figures(column: str, formulas: bool) -> str:
    text = f"toString({column})"
    line_feeds = rf"ifNull(sum(countSubstrings({text}, '\n')), 0)"
    return f"{line_feeds}, countIf({is_invalid(column)}), countIf({looks_like_formula(text) if formulas else 0})"
