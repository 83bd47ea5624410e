"""What a file calls its columns and itself: header labels, the sheet about the file, file names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

from segmentator_dagster.domain.catalogue import Field
from segmentator_dagster.domain.errors import Language
from segmentator_dagster.domain.export import Snapshot
from segmentator_dagster.domain.export_options import Headers
from segmentator_dagster.domain.segment import Version

_ABOUT = {
    "ru": ("О выгрузке", "Сегмент", "Правило", "Версия", "Снимок", "Данные на", "Строк", "Столбцы"),
    "en": ("About", "Segment", "Rule", "Version", "Snapshot", "Data as of", "Rows", "Columns"),
}
_KEPT_BACK = {"ru": ("Под маской", "Скрыты"), "en": ("Masked", "Hidden")}


def titles(fields: Sequence[Field], headers: Headers) -> list[str] | None:
    """The header of a file, each title once; None for a file without."""
    match headers:
        case Headers.NONE:
            return None
        case Headers.NAMES:
            return [field.name for field in fields]
        case Headers.RU | Headers.EN:
            labels = [(field.label_ru if headers is Headers.RU else field.label_en) or field.name for field in fields]
            often = Counter(labels)
            return [
                label if often[label] == 1 else f"{label} ({field.name})"
                for label, field in zip(labels, fields, strict=True)
            ]


def about(
    segment: Version,
    snapshot: Snapshot,
    *,
    sentences: Mapping[Language, str],
    rows: int,
    columns: Sequence[str],
    language: Language,
    masked: Sequence[str] = (),
    left_out: Sequence[str] = (),
) -> tuple[str, list[tuple[str, str]]]:
    """The title of the sheet that says what a workbook is, and its lines; the last two where there are such columns."""
    title, *labels = _ABOUT[language]
    zone = segment.definition.time_zone
    moment = f"{snapshot.data_moment.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M:%S} {zone}"
    name = segment.definition.name
    values = (name, sentences[language], str(snapshot.version), snapshot.id, moment, str(rows), ", ".join(columns))
    kept_back = zip(_KEPT_BACK[language], (", ".join(masked), ", ".join(left_out)), strict=True)
    return title, [*zip(labels, values, strict=True), *((label, names) for label, names in kept_back if names)]


def file_names(segment: Version, snapshot: Snapshot, parts: Sequence[str], suffix: str) -> list[str]:
    """`<segment> 2026-03-01 <part>.csv` for each part, with the day of the data (UTC); none twice in any case."""
    stem = f"{on_disk(segment.definition.name)} {snapshot.data_moment:%Y-%m-%d}"
    taken: Counter[str] = Counter()
    names = []
    for part in parts:
        name = f"{stem} {on_disk(part)}" if part else stem
        taken[name.casefold()] += 1
        again = taken[name.casefold()]
        while again > 1 and f"{name} ({again})".casefold() in taken:
            again += 1
        if again > 1:
            name = f"{name} ({again})"
            taken[name.casefold()] += 1
        names.append(name + suffix)
    return names


def on_disk(name: str) -> str:
    """A name as file systems take it."""
    return "".join("_" if c in '<>:"/\\|?*' or not c.isprintable() else c for c in name).strip(" .") or "_"
