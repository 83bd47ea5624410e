"""A segment and what it is made from: plain data, no storage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from segmentator_dagster.domain.errors import Problem
from segmentator_dagster.domain.export_options import ExportOptions
from segmentator_dagster.domain.rule import LANGUAGE_VERSION

NAME_LENGTH = 50  # the specification's varchar(50)


class Visibility(StrEnum):
    """Who sees a segment or a list: its owner (and administrators), or everybody who is signed in."""

    PRIVATE = "private"
    TEAM = "team"


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a segment exports itself: a five-field cron line in the segment's time zone, and the formats.

    `formats` None: those that the installation says when the time has come.
    """

    cron: str
    formats: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Definition:
    """What a person decides about a segment; every change of it makes a version.

    `rule` is the explicit JSON form of the rule in version `rule_version` of the rule language. `columns` None means:
    user id and every field of the dataset. `export` is what it says of its files, over what the installation says.
    """

    name: str
    rule: Mapping[str, Any]
    dataset: str
    time_zone: str
    description: str = ""
    tags: tuple[str, ...] = ()
    columns: tuple[str, ...] | None = None
    schedule: Schedule | None = None
    export: ExportOptions | None = None
    rule_version: int = LANGUAGE_VERSION


@dataclass(frozen=True, slots=True)
class Fault:
    """A problem as it is kept: in the words of both languages, pointing into the definition."""

    code: str
    pointer: str
    message_ru: str
    message_en: str
    hint_ru: str = ""
    hint_en: str = ""

    @classmethod
    def of(cls, problem: Problem) -> Fault:
        return cls(
            problem.code,
            problem.pointer,
            problem.message("ru"),
            problem.message("en"),
            problem.hint("ru"),
            problem.hint("en"),
        )


@dataclass(frozen=True, slots=True)
class Broken:
    """Why a definition no longer goes with the data, and since when that is known."""

    since: datetime
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class Segment:
    id: int
    version: int
    definition: Definition
    fingerprint: str
    owner_id: int | None
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None
    broken: Broken | None = None
    visibility: Visibility = Visibility.TEAM

    @property
    def partition_key(self) -> str:
        """The segment's partition of the Dagster assets: its id, which never changes."""
        return str(self.id)


@dataclass(frozen=True, slots=True)
class Version:
    segment_id: int
    version: int
    definition: Definition
    fingerprint: str
    created_by_id: int | None
    created_at: datetime


def search_key(text: str) -> str:
    """Text in the form in which names are compared and searched: case and outer spaces do not matter."""
    return " ".join(text.split()).casefold()
