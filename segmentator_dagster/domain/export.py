"""An export request, its files and their states: plain data, no storage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, assert_never

from segmentator_dagster.domain.errors import Problem
from segmentator_dagster.domain.export_options import Compression, Encoding, ExportOptions, Overflow


class Format(StrEnum):
    CSV = "csv"
    XLSX = "xlsx"
    PARQUET = "parquet"


def file_kind(format_: Format, options: ExportOptions) -> tuple[str, str]:
    """Suffix and content type of a file with these resolved options."""
    csv, xlsx = options.csv, options.xlsx
    match format_:
        case Format.CSV if options.yandex_audience:
            return ".csv", "text/csv; charset=utf-8"
        case Format.CSV if csv and csv.compression is Compression.GZIP:
            return ".csv.gz", "application/gzip"
        case Format.CSV if csv and csv.compression is Compression.ZSTD:
            return ".csv.zst", "application/zstd"
        case Format.CSV:
            encoding = (csv and csv.encoding) or Encoding.UTF_8
            return ".csv", f"text/csv; charset={encoding.value}"
        case Format.XLSX if xlsx and xlsx.overflow is Overflow.WORKBOOKS:
            return ".zip", "application/zip"
        case Format.XLSX:
            return ".xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        case Format.PARQUET:
            return ".parquet", "application/vnd.apache.parquet"
        case _:
            assert_never(format_)


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
    """How far an export is: rows and bytes of its files, and what ClickHouse has read for the query before them.

    The totals are None until they are known.
    """

    phase: str = "waiting"
    rows: int = 0
    total_rows: int | None = None
    bytes: int = 0
    read_rows: int = 0
    total_read_rows: int | None = None


@dataclass(frozen=True, slots=True)
class ExportError:
    """Why an export failed, in the words of both languages."""

    code: str
    message_ru: str
    message_en: str

    @classmethod
    def of(cls, problem: Problem) -> ExportError:
        return cls(problem.code, problem.message("ru"), problem.message("en"))


class Kept(StrEnum):
    """Which users of two audiences, an earlier and a later one."""

    ADDED = "added"
    REMOVED = "removed"
    STAYED = "stayed"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What changed between two snapshots of a segment; `to_snapshot_id` None: the one that the request takes."""

    from_snapshot_id: str
    to_snapshot_id: str | None
    keep: Kept

    def as_json(self) -> dict[str, Any]:
        return {
            "from_snapshot_id": self.from_snapshot_id,
            "to_snapshot_id": self.to_snapshot_id,
            "keep": self.keep.value,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Comparison:
        return cls(value["from_snapshot_id"], value["to_snapshot_id"], Kept(value["keep"]))


@dataclass(frozen=True, slots=True)
class File:
    """A whole file in the object store. `value` is what its users have in the field that a split is by."""

    key: str
    file_name: str
    rows: int
    bytes: int
    sha256: str
    value: str | None = None


@dataclass(frozen=True, slots=True)
class Export:
    """One file format of one audience of a segment.

    `rows` and `bytes` are those of all its files, `sha256` is None where there are several. The files are kept until
    `expires_at` and are gone since `deleted_at`.
    """

    id: str
    request_id: str
    segment_id: int
    version: int
    format: Format
    status: Status
    attempt: int
    progress: Progress
    created_at: datetime
    options: ExportOptions
    compare: Comparison | None = None
    snapshot_id: str | None = None
    started_at: datetime | None = None
    phase_started_at: datetime | None = None
    progress_at: datetime | None = None
    finished_at: datetime | None = None
    rows: int | None = None
    bytes: int | None = None
    sha256: str | None = None
    files: tuple[File, ...] = ()
    manifest: Mapping[str, Any] | None = None
    error: ExportError | None = None
    run_id: str | None = None
    expires_at: datetime | None = None
    deleted_at: datetime | None = None
    requested_by_id: int | None = None

    @property
    def object_key(self) -> str | None:
        """Of the first file."""
        return self.files[0].key if self.files else None

    @property
    def file_name(self) -> str | None:
        """Of the first file."""
        return self.files[0].file_name if self.files else None

    @property
    def rate(self) -> float | None:
        """Rows of the files a second since their writing began; None while none is written."""
        return self._per_second(self.progress.rows)

    @property
    def eta_seconds(self) -> float | None:
        """How long the present phase goes on at its rate so far, seen from `progress_at`; None where nobody knows."""
        progress = self.progress
        done, total = progress.rows, progress.total_rows
        if not done:
            done, total = progress.read_rows, progress.total_read_rows
        rate = self._per_second(done)
        if self.status is not Status.RUNNING or total is None or rate is None:
            return None
        return max(total - done, 0) / rate

    def _per_second(self, count: int) -> float | None:
        if not count or self.phase_started_at is None or self.progress_at is None:
            return None
        seconds = (self.progress_at - self.phase_started_at).total_seconds()
        return count / seconds if seconds > 0 else None


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """What one run works on: formats of one version of a segment, with resolved options.

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
    options: ExportOptions
    compare: Comparison | None
    exports: tuple[Export, ...]
    requested_by_id: int | None = None

    @property
    def takes_audience(self) -> bool:
        """Whether its audience is still to be taken; it has one from the start where it was asked for by its id."""
        return self.snapshot_id is None

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
