"""Rows of a source -> delimited lines rendered by ClickHouse, counted from their bytes.

Counting records by their quotes costs Python more time than the server needs to make them. So the line ends inside the
values are counted first, by the server and in the extract, which stands still; the stream has those and one for each
row. What is left after taking them off is wrong as soon as the stream has lost or doubled a row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from segmentator_dagster.exports.source import Source
from segmentator_dagster.storage.clickhouse import ClickHouse

LINE_ENDS = {"crlf": "\r\n", "lf": "\n"}
_FORMAT = {
    "format_custom_escaping_rule": "Raw",
    "format_custom_row_before_delimiter": "",
    "format_custom_row_between_delimiter": "",
    "format_custom_result_before_delimiter": "",
    "format_custom_result_after_delimiter": "",
    "output_format_decimal_trailing_zeros": 1,
    "bool_true_representation": "true",
    "bool_false_representation": "false",
    "date_time_output_format": "simple",
    "date_time_64_output_format_cut_trailing_zeros_align_to_groups_of_thousands": 1,
}


@dataclass
class Lines:
    """One line for each row: the values of SQL `expressions`, as they are, quoting being theirs.

    `texts` are the columns whose line feeds get into the lines.
    """

    source: Source
    expressions: Sequence[str]
    texts: Sequence[str]
    delimiter: str
    line_end: str
    null_text: str = ""
    _ends: int = 0
    _inside: int = 0
    _whole: bool = False

    @property
    def rows(self) -> int:
        """Exact once all lines went by; before that as many as the line feeds so far stand for on average."""
        if self._whole:
            return self._ends - self._inside
        return self._ends * self.source.rows // max(self.source.rows + self._inside, 1)

    def stream(self, clickhouse: ClickHouse, settings: Mapping[str, Any]) -> Iterator[bytes]:
        """UTF-8 text. A `query_id` among the settings is that of the lines; what is counted before begins with it."""
        self._inside = self._line_feeds_inside(clickhouse, settings)
        look = {
            **_FORMAT,
            "format_custom_field_delimiter": self.delimiter,
            "format_custom_row_after_delimiter": self.line_end,
            "format_tsv_null_representation": self.null_text,
        }
        query = self.source.query(", ".join(self.expressions))
        for chunk in clickhouse.stream(query, "CustomSeparated", {**look, **settings}):
            self._ends += chunk.count(b"\n")
            yield chunk
        self._whole = True

    def _line_feeds_inside(self, clickhouse: ClickHouse, settings: Mapping[str, Any]) -> int:
        if not self.texts:
            return 0
        sums = " + ".join(rf"ifNull(sum(countSubstrings(toString({column}), '\n')), 0)" for column in self.texts)
        own = {"query_id": f"{settings['query_id']}-line-feeds"} if "query_id" in settings else {}
        return int(clickhouse.scalar(self.source.query(sums, ordered=False), {**settings, **own}))
