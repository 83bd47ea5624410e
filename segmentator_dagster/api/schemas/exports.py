"""Exports as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, RootModel

from segmentator_dagster.api.exports import ExportDraft
from segmentator_dagster.api.schemas.export_options import EXAMPLE_LAYER, EXAMPLE_RESOLVED, Layer, Resolved
from segmentator_dagster.domain.dagster_pages import dagster_run_url
from segmentator_dagster.domain.errors import Language
from segmentator_dagster.domain.export import Comparison, Export, File, Kept, Snapshot

EXAMPLE_EXPORT: dict[str, Any] = {
    "id": "5a1a3a0e-3f2b-4d6e-9c55-0d9a3c0f7b11",
    "segment_id": 17,
    "version": 3,
    "snapshot_id": "0c3e3f0a-7d1c-4f6e-8a8e-3c1df2a7d0c9",
    "format": "csv",
    "status": "published",
    "progress": {
        "phase": "done",
        "rows": 52314,
        "total_rows": 52314,
        "bytes": 2406444,
        "read_rows": 0,
        "total_read_rows": None,
        "rate": 163481.3,
        "eta_seconds": None,
    },
    "rows": 52314,
    "bytes": 2406444,
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "files": [
        {
            "name": "iOS, мартовская когорта 2026-01-31.csv",
            "rows": 52314,
            "bytes": 2406444,
            "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "value": None,
            "link": "/api/v1/exports/5a1a3a0e-3f2b-4d6e-9c55-0d9a3c0f7b11/download?file=1",
        }
    ],
    "created_at": "2026-01-31T10:00:00.000000Z",
    "finished_at": "2026-01-31T10:00:00.640000Z",
    "expires_at": "2026-03-02T10:00:00.640000Z",
    "deleted_at": None,
    "error": None,
    "run_id": "2f4f1a52-8b0e-4b52-a4c9-0a0e0ad5a8a1",
    "links": {
        "download": "/api/v1/exports/5a1a3a0e-3f2b-4d6e-9c55-0d9a3c0f7b11/download",
        "dagster": "http://127.0.0.1:8000/dagster/runs/2f4f1a52-8b0e-4b52-a4c9-0a0e0ad5a8a1",
    },
}


EXAMPLE_MANIFEST: dict[str, Any] = {
    "export_id": "5a1a3a0e-3f2b-4d6e-9c55-0d9a3c0f7b11",
    "segment_name": "iOS, мартовская когорта",
    "version": 3,
    "snapshot_id": "0c3e3f0a-7d1c-4f6e-8a8e-3c1df2a7d0c9",
    "rows": 52314,
    "bytes": 2406444,
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
}
_EXAMPLE_COMPARISON: dict[str, Any] = {
    "from_snapshot_id": "0c3e3f0a-7d1c-4f6e-8a8e-3c1df2a7d0c9",
    "to_snapshot_id": None,
    "keep": "added",
}


class _In(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")


class ComparisonIn(_In):
    """What changed between two snapshots of the segment."""

    from_snapshot_id: str
    to_snapshot_id: str | None = Field(None, description="null: the audience as it is taken now")
    keep: Literal["added", "removed", "stayed"] = Field(
        description="users of the later audience only, of the earlier one only, or of both"
    )

    def comparison(self) -> Comparison:
        return Comparison(self.from_snapshot_id, self.to_snapshot_id, Kept(self.keep))


class ExportsIn(_In):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"formats": ["csv", "xlsx"]},
                {"formats": ["csv"], "export": EXAMPLE_LAYER, "compare": _EXAMPLE_COMPARISON},
            ]
        }
    )

    formats: list[str] | None = Field(
        None, description="`csv`, `xlsx`, `parquet`, each at most once; null: those of the settings"
    )
    export: Layer = None
    snapshot_id: str | None = Field(None, description="of an audience that was taken before; null: take it now")
    compare: ComparisonIn | None = Field(None, description="null: the whole audience")

    def draft(self) -> ExportDraft:
        return ExportDraft(
            self.formats, self.export, self.snapshot_id, self.compare.comparison() if self.compare else None
        )


class ProgressOut(BaseModel):
    phase: str = Field(description="what is being done now; `waiting` before, `done` after")
    rows: int = Field(description="written to the files")
    total_rows: int | None = Field(description="null until the audience is counted")
    bytes: int = Field(description="written to the files")
    read_rows: int = Field(description="read by the query that goes before the files")
    total_read_rows: int | None = Field(description="that it will read, as ClickHouse estimates; null: unknown")
    rate: float | None = Field(description="rows of the files a second since their writing began")
    eta_seconds: float | None = Field(description="how long this phase goes on at its rate so far; null: unknown")

    @classmethod
    def of(cls, export: Export) -> Self:
        said, rate, eta = export.progress, export.rate, export.eta_seconds
        return cls(
            phase=said.phase,
            rows=said.rows,
            total_rows=said.total_rows,
            bytes=said.bytes,
            read_rows=said.read_rows,
            total_read_rows=said.total_read_rows,
            rate=None if rate is None else round(rate, 1),
            eta_seconds=None if eta is None else round(eta, 1),
        )


class FileOut(BaseModel):
    name: str
    rows: int
    bytes: int
    sha256: str
    value: str | None = Field(description="what its users have in the field that the files are split by")
    link: str | None = Field(description="where to download it; null: it is deleted")

    @classmethod
    def of(cls, file: File, link: str | None) -> Self:
        return cls(
            name=file.file_name, rows=file.rows, bytes=file.bytes, sha256=file.sha256, value=file.value, link=link
        )


class ExportErrorOut(BaseModel):
    code: str
    message: str


class ExportLinks(BaseModel):
    download: str | None = Field(description="where to download its file; null: not published, deleted, or several")
    dagster: str | None = Field(
        description="the run in the interface of Dagster; null until there is one, and for who may not open it"
    )


class ExportOut(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE_EXPORT]})

    id: str
    segment_id: int
    version: int = Field(description="version of the segment that is exported")
    snapshot_id: str | None = Field(description="the audience the file is made of; null until it is taken")
    format: str
    status: str = Field(description="requested, running, published, failed, cancelled; the last three are final")
    progress: ProgressOut
    rows: int | None = Field(description="of all files")
    bytes: int | None = Field(description="of all files")
    sha256: str | None = Field(description="of the one file; null where there are several")
    files: list[FileOut] = Field(description="empty until published")
    created_at: datetime
    finished_at: datetime | None
    expires_at: datetime | None = Field(description="the files are kept until then; null until published")
    deleted_at: datetime | None = Field(description="since when the files are gone; null: they are there")
    error: ExportErrorOut | None
    run_id: str | None
    links: ExportLinks

    @classmethod
    def of(cls, export: Export, language: Language, dagster_url: str | None, **more: Any) -> Self:
        error = export.error
        download = f"/api/v1/exports/{export.id}/download" if export.files and export.deleted_at is None else None
        return cls(
            id=export.id,
            segment_id=export.segment_id,
            version=export.version,
            snapshot_id=export.snapshot_id,
            format=export.format.value,
            status=export.status.value,
            progress=ProgressOut.of(export),
            rows=export.rows,
            bytes=export.bytes,
            sha256=export.sha256,
            files=[
                FileOut.of(file, download and f"{download}?file={number}")
                for number, file in enumerate(export.files, start=1)
            ],
            created_at=export.created_at,
            finished_at=export.finished_at,
            expires_at=export.expires_at,
            deleted_at=export.deleted_at,
            error=ExportErrorOut(code=error.code, message=error.message_ru if language == "ru" else error.message_en)
            if error
            else None,
            run_id=export.run_id,
            links=ExportLinks(
                download=download if len(export.files) == 1 else None,
                dagster=dagster_run_url(dagster_url, export.run_id) if dagster_url and export.run_id else None,
            ),
            **more,
        )


class ComparisonOut(BaseModel):
    from_snapshot_id: str
    to_snapshot_id: str | None = Field(description="null: the `snapshot_id` of the export")
    keep: str = Field(description="added, removed or stayed")


class ExportDetailOut(ExportOut):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{**EXAMPLE_EXPORT, "options": EXAMPLE_RESOLVED, "compare": None, "manifest": EXAMPLE_MANIFEST}]
        }
    )

    options: Resolved
    compare: ComparisonOut | None = Field(description="null: the whole audience")
    manifest: dict[str, Any] | None = Field(description="what the files say of themselves; null until published")

    @classmethod
    def of(cls, export: Export, language: Language, dagster_url: str | None, **more: Any) -> Self:
        return super().of(
            export,
            language,
            dagster_url,
            options=export.options,
            compare=ComparisonOut(**export.compare.as_json()) if export.compare else None,
            manifest=dict(export.manifest) if export.manifest is not None else None,
            **more,
        )


class ManifestOut(RootModel[dict[str, Any]]):
    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE_MANIFEST]})


class SnapshotOut(BaseModel):
    id: str
    version: int = Field(description="version of the segment")
    users: int
    data_moment: datetime = Field(description="when the rule ran")

    @classmethod
    def of(cls, snapshot: Snapshot) -> Self:
        return cls(id=snapshot.id, version=snapshot.version, users=snapshot.users, data_moment=snapshot.data_moment)


class SnapshotsOut(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "items": [
                        {
                            "id": "0c3e3f0a-7d1c-4f6e-8a8e-3c1df2a7d0c9",
                            "version": 3,
                            "users": 52314,
                            "data_moment": "2026-01-31T10:00:00.120000Z",
                        }
                    ]
                }
            ]
        }
    )

    items: list[SnapshotOut]


class ExportsOut(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [EXAMPLE_EXPORT]}]})

    items: list[ExportOut]
