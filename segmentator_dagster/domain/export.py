"""An export request, its files and their states: plain data, no storage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from segmentator_dagster.domain.errors import Problem


class Format(StrEnum):
    CSV = "csv"
    XLSX = "xlsx"

    @property
    def content_type(self) -> str:
        if self is Format.CSV:
            return "text/csv; charset=utf-8"
        return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class Status(StrEnum):
    """requested -> running -> published | failed | cancelled; the last three are final."""

    REQUESTED = "requested"
    RUNNING = "running"
    PUBLISHED = "published"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        return self not in OPEN


OPEN = (Status.REQUESTED, Status.RUNNING)


class Trigger(StrEnum):
    API = "api"
    SCHEDULE = "schedule"
    DAGSTER = "dagster"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an export is. `total_rows` is None until the snapshot is counted."""

    phase: str = "waiting"
    rows: int = 0
    total_rows: int | None = None
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class ExportError:
    """Why an export failed, in the words of both languages."""

    code: str
    message_ru: str
    message_en: str

    @classmethod
    def of(cls, problem: Problem) -> ExportError:
        return cls(problem.code, problem.message("ru"), problem.message("en"))


@dataclass(frozen=True, slots=True)
class Export:
    """One file format of one snapshot of a segment."""

    id: str
    request_id: str
    segment_id: int
    version: int
    format: Format
    status: Status
    attempt: int
    progress: Progress
    created_at: datetime
    snapshot_id: str | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    rows: int | None = None
    bytes: int | None = None
    sha256: str | None = None
    object_key: str | None = None
    file_name: str | None = None
    manifest: Mapping[str, Any] | None = None
    error: ExportError | None = None
    run_id: str | None = None


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """What one run works on: formats of one version of a segment.

    `run_id` is the run that owns the request, `launched_run_id` the run that was last started for it.
    """

    id: str
    segment_id: int
    version: int
    trigger: Trigger
    attempt: int
    created_at: datetime
    run_id: str | None
    launched_run_id: str | None
    snapshot_id: str | None
    exports: tuple[Export, ...]

    @property
    def final(self) -> bool:
        return all(export.status.final for export in self.exports)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The audience of one version at one moment. `data_moment` is when the rule ran, UTC."""

    id: str
    segment_id: int
    version: int
    users: int
    data_moment: datetime
