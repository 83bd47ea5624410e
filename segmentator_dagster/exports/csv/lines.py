"""Rows of a source -> delimited lines rendered by ClickHouse, counted from their bytes.

Counting records by their quotes costs Python more time than the server needs to make them. So the line ends inside the
values are counted first, by the server and in the extract, which stands still; the stream has those and one for each
row. What is left after taking them off is wrong as soon as the stream has lost or doubled a row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from segmentator_dagster.exports.line_feeds import line_feeds
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

    `inner_line_feeds` are those inside the values of the whole source.
    """

    source: Source
    expressions: Sequence[str]
    inner_line_feeds: int
    delimiter: str
    line_end: str
    null_text: str = ""
    _ends: int = 0
    _whole: bool = False

    @property
    def rows(self) -> int:
        """Exact once all lines went by; before that as many as the line feeds so far stand for on average."""
        if self._whole:
            return self._ends - self.inner_line_feeds
        return self._ends * self.source.rows // max(self.source.rows + self.inner_line_feeds, 1)

    def stream(self, clickhouse: ClickHouse, settings: Mapping[str, Any]) -> Iterator[bytes]:
        """UTF-8 text."""
        look = {
            **_FORMAT,
            "format_custom_field_delimiter": self.delimiter,
            "format_custom_row_after_delimiter": self.line_end,
            "format_tsv_null_representation": self.null_text,
        }
        query = self.source.query(", ".join(self.expressions))
        for chunk in clickhouse.stream(query, "CustomSeparated", {**look, **settings}):
            self._ends += line_feeds(chunk)
            yield chunk
        self._whole = True
