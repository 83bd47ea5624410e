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
from segmentator_dagster.exports.text_sql import is_invalid, literal
from segmentator_dagster.storage.clickhouse import ClickHouse


@dataclass(frozen=True, slots=True)
class TextColumn:
    """What the values of a column hold: line feeds, quotes, bytes that are no UTF-8, texts for the formula guard."""

    line_feeds: int
    has_quotes: bool
    has_invalid: bool
    has_formulas: bool


def scanned(
    clickhouse: ClickHouse,
    source: Source,
    columns: Sequence[int],
    settings: Mapping[str, Any],
    *,
    quote: str = '"',
    formulas: bool,
) -> dict[int, TextColumn]:
    """By the number of the column; without `formulas` nobody looks for those.

    The scan's own query id begins with the `query_id` among the settings.
    """
    if not columns:
        return {}
    figures = ", ".join(_figures(f"c{index}", quote, formulas) for index in columns)
    own = {"query_id": f"{settings['query_id']}-scan"} if "query_id" in settings else {}
    numbers = iter(clickhouse.rows(source.query(figures, ordered=False), {**settings, **own})[0])
    found = {}
    for index in columns:
        line_feeds, quotes, invalid, guarded = (int(next(numbers)) for _ in range(4))
        found[index] = TextColumn(line_feeds, quotes > 0, invalid > 0, guarded > 0)
    return found


def _figures(column: str, quote: str, formulas: bool) -> str:
    text = f"toString({column})"
    line_feeds = rf"ifNull(sum(countSubstrings({text}, '\n')), 0)"
    quotes = f"countIf(position({text}, {literal(quote)}) > 0)"
    guarded = looks_like_formula(text) if formulas else "0"
    return f"{line_feeds}, {quotes}, countIf({is_invalid(column)}), countIf({guarded})"
