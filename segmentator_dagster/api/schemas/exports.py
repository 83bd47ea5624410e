"""Exports as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field

from segmentator_dagster.domain.errors import Language
from segmentator_dagster.domain.export import Export, Status

EXAMPLE_EXPORT: dict[str, Any] = {
    "id": "5a1a3a0e-3f2b-4d6e-9c55-0d9a3c0f7b11",
    "segment_id": 17,
    "version": 3,
    "snapshot_id": "0c3e3f0a-7d1c-4f6e-8a8e-3c1df2a7d0c9",
    "format": "csv",
    "status": "published",
    "progress": {"phase": "done", "rows": 52314, "total_rows": 52314, "bytes": 2406444},
    "rows": 52314,
    "bytes": 2406444,
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "created_at": "2026-01-31T10:00:00.000000Z",
    "finished_at": "2026-01-31T10:00:00.640000Z",
    "error": None,
    "run_id": "2f4f1a52-8b0e-4b52-a4c9-0a0e0ad5a8a1",
    "links": {
        "download": "/api/v1/exports/5a1a3a0e-3f2b-4d6e-9c55-0d9a3c0f7b11/download",
        "dagster": "http://127.0.0.1:3000/runs/2f4f1a52-8b0e-4b52-a4c9-0a0e0ad5a8a1",
    },
}


class ExportsIn(BaseModel):
    model_config = ConfigDict(
        strict=True, extra="forbid", json_schema_extra={"examples": [{"formats": ["csv", "xlsx"]}]}
    )

    formats: list[str] = Field(description="`csv`, `xlsx`; each at most once")


class ProgressOut(BaseModel):
    phase: str = Field(description="what is being done now; `waiting` before, `done` after")
    rows: int
    total_rows: int | None = Field(description="null until the audience is counted")
    bytes: int


class ExportErrorOut(BaseModel):
    code: str
    message: str


class ExportLinks(BaseModel):
    download: str | None = Field(description="null until published")
    dagster: str | None = Field(description="the run in the interface of Dagster; null until there is one")


class ExportOut(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE_EXPORT]})

    id: str
    segment_id: int
    version: int = Field(description="version of the segment that is exported")
    snapshot_id: str | None = Field(description="the audience the file is made of; null until it is taken")
    format: str
    status: str = Field(description="requested, running, published, failed, cancelled; the last three are final")
    progress: ProgressOut
    rows: int | None
    bytes: int | None
    sha256: str | None
    created_at: datetime
    finished_at: datetime | None
    error: ExportErrorOut | None
    run_id: str | None
    links: ExportLinks

    @classmethod
    def of(cls, export: Export, language: Language, dagster_url: str, **more: Any) -> Self:
        error = export.error
        progress = export.progress
        published = export.status is Status.PUBLISHED
        return cls(
            id=export.id,
            segment_id=export.segment_id,
            version=export.version,
            snapshot_id=export.snapshot_id,
            format=export.format.value,
            status=export.status.value,
            progress=ProgressOut(
                phase=progress.phase, rows=progress.rows, total_rows=progress.total_rows, bytes=progress.bytes
            ),
            rows=export.rows,
            bytes=export.bytes,
            sha256=export.sha256,
            created_at=export.created_at,
            finished_at=export.finished_at,
            error=ExportErrorOut(code=error.code, message=error.message_ru if language == "ru" else error.message_en)
            if error
            else None,
            run_id=export.run_id,
            links=ExportLinks(
                download=f"/api/v1/exports/{export.id}/download" if published else None,
                dagster=f"{dagster_url}/runs/{export.run_id}" if export.run_id else None,
            ),
            **more,
        )


class ExportDetailOut(ExportOut):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{**EXAMPLE_EXPORT, "manifest": {"rows": 52314, "bytes": 2406444}}]}
    )

    manifest: dict[str, Any] | None = Field(description="what the file says of itself; null until published")


class ExportsOut(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [EXAMPLE_EXPORT]}]})

    items: list[ExportOut]
