"""Rows of a source + CSV options -> a CSV file: text made by ClickHouse, encoded and compressed as it goes by."""

from __future__ import annotations

import codecs
from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Any

from segmentator_dagster.domain.export_options import PROFILES, Compression, CsvOptions, Encoding, Profile
from segmentator_dagster.exports.csv.compression import compressed
from segmentator_dagster.exports.csv.encodings import encoded
from segmentator_dagster.exports.csv.formula_guard import guarded
from segmentator_dagster.exports.csv.lines import LINE_ENDS, Lines
from segmentator_dagster.exports.csv.text_scan import scanned
from segmentator_dagster.exports.csv.values import replacements_of, value_sql
from segmentator_dagster.exports.source import Replacement, Source
from segmentator_dagster.exports.text_sql import is_text
from segmentator_dagster.storage.clickhouse import ClickHouse


class CsvFile:
    """A Renderer. Every key of the options is set; the first line has the `titles`, None is a file without it."""

    def __init__(self, source: Source, options: CsvOptions, titles: Sequence[str] | None) -> None:
        self._source = source
        self._options = options
        self._titles = titles
        self._lines: Lines | None = None

    @property
    def rows(self) -> int:
        return self._lines.rows if self._lines else 0

    def replacements(self) -> Sequence[Replacement]:
        return [
            one
            for index, field in enumerate(self._source.fields)
            for one in replacements_of(index, field, self._options)
        ]

    def stream(self, clickhouse: ClickHouse, settings: Mapping[str, Any]) -> Generator[bytes]:
        text = encoded(self._text(clickhouse, settings), self._options.encoding or Encoding.UTF_8)
        return compressed(text, self._options.compression or Compression.NONE)

    def _text(self, clickhouse: ClickHouse, settings: Mapping[str, Any]) -> Iterator[bytes]:
        if self._options.bom and self._options.encoding is Encoding.UTF_8:
            yield codecs.BOM_UTF8
        if self._titles is not None:
            yield header_line(self._titles, self._options)
        self._lines = self._rendered(clickhouse, settings)
        yield from self._lines.stream(clickhouse, settings)

    def _rendered(self, clickhouse: ClickHouse, settings: Mapping[str, Any]) -> Lines:
        fields = list(enumerate(self._source.fields))
        texts = [index for index, field in fields if is_text(field)]
        quote, guard = self._options.quote or '"', bool(self._options.formula_guard)
        found = scanned(clickhouse, self._source, texts, settings, quote=quote, formulas=guard)
        return Lines(
            self._source,
            [value_sql(index, field, found, self._options) for index, field in fields],
            sum(column.line_feeds for column in found.values()),
            delimiter=self._options.delimiter or ",",
            line_end=LINE_ENDS[self._options.line_end or "crlf"],
            null_text=self._options.null_text or "",
        )


def header_line(titles: Sequence[str], options: CsvOptions = PROFILES[Profile.MACHINE]) -> bytes:
    """The first line in UTF-8."""
    quote = options.quote or '"'
    shown = [guarded(title) if options.formula_guard else title for title in titles]
    cells = [quote + title.replace(quote, quote * 2) + quote for title in shown]
    return ((options.delimiter or ",").join(cells) + LINE_ENDS[options.line_end or "crlf"]).encode()
