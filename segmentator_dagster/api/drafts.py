"""What a person wrote about a segment or a list -> clean texts, and every problem of them at once."""

from __future__ import annotations

import unicodedata
import zoneinfo
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypedDict

from segmentator_dagster.api.problems import (
    CONTROL_CHARACTER,
    DUPLICATE_VALUE,
    EMPTY_NAME,
    TOO_LONG,
    TOO_MANY,
    UNKNOWN_FORMAT,
)
from segmentator_dagster.domain.catalogue import Dataset
from segmentator_dagster.domain.errors import Problem, UserError, pointer_to
from segmentator_dagster.domain.export import Format
from segmentator_dagster.domain.export_options import ExportOptions
from segmentator_dagster.domain.problems import (
    DUPLICATE_COLUMN,
    EMPTY_LIST,
    UNKNOWN_FIELD,
    UNKNOWN_TIME_ZONE,
    shown,
    suggestion,
)
from segmentator_dagster.domain.schedule import check_cron
from segmentator_dagster.domain.segment import NAME_LENGTH, Schedule, search_key

DESCRIPTION_LENGTH = 2000
MOST_TAGS = 20
TAG_LENGTH = 50
MOST_COLUMNS = 1000
_LINE_BREAKS = "\n\r\t"


@dataclass(frozen=True, slots=True)
class SegmentDraft:
    """A segment as it was written, types checked and nothing else. None means: what the installation says."""

    name: str
    rule: object
    description: str = ""
    tags: tuple[str, ...] = ()
    dataset: str | None = None
    columns: tuple[str, ...] | None = None
    time_zone: str | None = None
    schedule: Schedule | None = None
    export: ExportOptions | None = None


class SegmentChanges(TypedDict, total=False):
    """The keys of a draft that a person wants to change."""

    name: str
    rule: object
    description: str
    tags: tuple[str, ...]
    dataset: str | None
    columns: tuple[str, ...] | None
    time_zone: str | None
    schedule: Schedule | None
    export: ExportOptions | None


def clean_name(name: str) -> str:
    """Composed characters, no spaces around: the name as it is saved."""
    return unicodedata.normalize("NFC", name.strip())


def clean_tags(tags: Sequence[str]) -> tuple[str, ...]:
    """Trimmed tags; of those that differ only in case the first one."""
    trimmed = [unicodedata.normalize("NFC", tag.strip()) for tag in tags]
    return tuple(
        {search_key(tag): tag for tag in reversed(trimmed)}[key] for key in dict.fromkeys(map(search_key, trimmed))
    )


def name_problems(name: str) -> Iterator[Problem]:
    cleaned = clean_name(name)
    if not any(c.isprintable() and not c.isspace() for c in cleaned):
        yield EMPTY_NAME.at("/name")
    yield from _text_problems(cleaned, NAME_LENGTH, "/name")


def description_problems(description: str) -> Iterator[Problem]:
    yield from _text_problems(description, DESCRIPTION_LENGTH, "/description", allowed=_LINE_BREAKS)


def draft_problems(draft: SegmentDraft) -> Iterator[Problem]:
    """Everything that can be wrong without looking at the data."""
    yield from name_problems(draft.name)
    yield from description_problems(draft.description)
    if len(draft.tags) > MOST_TAGS:
        yield TOO_MANY.at("/tags", limit=MOST_TAGS, length=len(draft.tags))
    else:
        for index, tag in enumerate(draft.tags):
            yield from _tag_problems(tag, pointer_to("/tags", index))
    if draft.schedule is not None:
        yield from cron_problems(draft.schedule.cron, "/schedule/cron")
        if draft.schedule.formats is not None:
            yield from format_problems(draft.schedule.formats, "/schedule/formats")


def cron_problems(cron: str, pointer: str) -> Iterator[Problem]:
    try:
        check_cron(cron, pointer)
    except UserError as error:
        yield from error.problems


def time_zone_problems(name: str | None) -> Iterator[Problem]:
    if name is not None and name not in _time_zones():
        yield UNKNOWN_TIME_ZONE.at("/time_zone", name=shown(name))


def format_problems(formats: Sequence[str], pointer: str = "/formats") -> Iterator[Problem]:
    known = [format_.value for format_ in Format]
    if not formats:
        yield EMPTY_LIST.at(pointer)
    for index, name in enumerate(formats[: len(known) + 1]):
        if name not in known:
            yield UNKNOWN_FORMAT.at(pointer_to(pointer, index), name=shown(name), known=", ".join(known))
        elif name in formats[:index]:
            yield DUPLICATE_VALUE.at(pointer_to(pointer, index), value=name)


def column_problems(columns: Sequence[str] | None, dataset: Dataset) -> Iterator[Problem]:
    """Problems of the columns a file or a preview shall have; None is every field."""
    if columns is None:
        return
    if not columns:
        yield EMPTY_LIST.at("/columns")
    if len(columns) > MOST_COLUMNS:
        yield TOO_MANY.at("/columns", limit=MOST_COLUMNS, length=len(columns))
        return
    names = [field.name for field in dataset.fields]
    for index, name in enumerate(columns):
        pointer = pointer_to("/columns", index)
        if name not in names:
            near = suggestion(name, names)
            yield UNKNOWN_FIELD.at(pointer, dataset=shown(dataset.name), name=shown(name), **near)
        elif name in columns[:index]:
            yield DUPLICATE_COLUMN.at(pointer, name=shown(name))


def _tag_problems(tag: str, pointer: str) -> Iterator[Problem]:
    if not tag.strip():
        yield EMPTY_NAME.at(pointer)
    yield from _text_problems(tag.strip(), TAG_LENGTH, pointer)


def _text_problems(text: str, limit: int, pointer: str, allowed: str = "") -> Iterator[Problem]:
    if len(text) > limit:
        yield TOO_LONG.at(pointer, limit=limit, length=len(text))
        return
    for position, character in enumerate(text, start=1):
        if unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") and character not in allowed:
            yield CONTROL_CHARACTER.at(pointer, position=position)
            return


@cache
def _time_zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())
