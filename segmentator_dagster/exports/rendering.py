"""A format and its options -> what renders a part of an extract that way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, assert_never

from segmentator_dagster.domain.catalogue import Field
from segmentator_dagster.domain.errors import Language
from segmentator_dagster.domain.export import Format, Snapshot
from segmentator_dagster.domain.export_options import CsvOptions, ExportOptions, Headers, XlsxOptions
from segmentator_dagster.domain.segment import Version
from segmentator_dagster.exports.csv.audience_file import AudienceFile
from segmentator_dagster.exports.csv.delimited import CsvFile
from segmentator_dagster.exports.parquet import ParquetFile
from segmentator_dagster.exports.source import Renderer, Source, count_replacements
from segmentator_dagster.exports.split import Part
from segmentator_dagster.exports.titles import about, titles
from segmentator_dagster.exports.xlsx.workbook import XlsxFile
from segmentator_dagster.storage.clickhouse import ClickHouse


@dataclass(frozen=True, slots=True)
class Changes:
    """Values that are changed by column and reason, users without a row and values left out by reason."""

    replacements: Mapping[str, Mapping[str, int]]
    skipped: Mapping[str, int] = field(default_factory=dict)
    left_out: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Look:
    """How the files of an export look, and what they say of themselves; `left_out` is hidden from who asked."""

    format: Format
    options: ExportOptions
    segment: Version
    snapshot: Snapshot
    sentences: Mapping[Language, str]
    default_language: Language = "ru"
    left_out: Sequence[Field] = ()

    @property
    def headers(self) -> Headers:
        return self.options.headers or Headers.NAMES

    @property
    def language(self) -> Language:
        """That of the labels, where they are of one."""
        match self.headers:
            case Headers.RU:
                return "ru"
            case Headers.EN:
                return "en"
            case Headers.NAMES | Headers.NONE:
                return self.default_language

    def renderer(self, part: Part, file_name: str) -> Renderer:
        """A new renderer of one part."""
        source, options = part.source, self.options
        shown = titles(source.fields, self.headers)
        named = shown or [one.name for one in source.fields]
        match self.format:
            case Format.CSV if options.yandex_audience:
                return AudienceFile(source, options.yandex_audience)
            case Format.CSV:
                return CsvFile(source, options.csv or CsvOptions(), shown)
            case Format.XLSX:
                sheet, lines = about(
                    self.segment,
                    self.snapshot,
                    sentences=self.sentences,
                    rows=source.rows,
                    columns=named,
                    language=self.language,
                    masked=[name for name, one in zip(named, source.fields, strict=True) if one.masked],
                    left_out=titles(self.left_out, self.headers) or [one.name for one in self.left_out],
                )
                name = file_name.rpartition(".")[0]
                return XlsxFile(source, options.xlsx or XlsxOptions(), shown, lines, about_title=sheet, name=name)
            case Format.PARQUET:
                return ParquetFile(source)
            case _:
                assert_never(self.format)

    def changes(self, clickhouse: ClickHouse, source: Source, settings: Mapping[str, Any]) -> Changes:
        """What is different in the files, counted over the whole source before anything is written.

        UserError audience_too_small where the preset's taker would refuse the file.
        """
        whole = self.renderer(Part(source), "")
        counts = count_replacements(clickhouse, source, whole.replacements(), settings)
        if not isinstance(whole, AudienceFile):
            return Changes(counts)
        whole.check(clickhouse, settings)
        return Changes(counts, whole.skipped, whole.left_out)
