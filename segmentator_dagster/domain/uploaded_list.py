"""An uploaded list of ids and what an upload found: plain data, no storage."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from segmentator_dagster.domain.segment import Visibility


class Mode(StrEnum):
    """What an upload does with what the list held before."""

    REPLACE = "replace"
    APPEND = "append"


@dataclass(frozen=True, slots=True)
class Recognised:
    """What a file was taken for. `header_line` is None where no row was taken for a header."""

    format: str
    column: str
    header_line: int | None
    encoding: str | None = None
    delimiter: str | None = None


@dataclass(frozen=True, slots=True)
class UploadReport:
    """What became of every row: `rows` = `empty` + `duplicates` + `already` + `added`.

    `empty` cells hold nothing but white space, `empty_lines` are the first few of them; `duplicates` repeat an earlier
    row of the file; `already` were in the list before (append).
    """

    mode: Mode
    recognised: Recognised
    rows: int
    empty: int
    empty_lines: tuple[int, ...]
    duplicates: int
    already: int
    added: int


@dataclass(frozen=True, slots=True)
class Contents:
    """What a list holds after an upload.

    `parts` are the ids of the batches of values it consists of, `items` how many different values they have;
    `matched` of them are ids in the dataset, None where it could not be compared with.
    """

    parts: tuple[str, ...]
    items: int
    matched: int | None
    report: UploadReport

    @property
    def unmatched(self) -> int | None:
        return None if self.matched is None else self.items - self.matched


@dataclass(frozen=True, slots=True)
class ListLabel:
    """What a person decides about a list: values are compared with the user key of `dataset`, or with its `field`."""

    name: str
    dataset: str
    field: str | None = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class UploadedList:
    """Every upload makes the next `version`."""

    id: int
    label: ListLabel
    contents: Contents
    version: int
    owner_id: int | None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None
    visibility: Visibility = Visibility.TEAM
