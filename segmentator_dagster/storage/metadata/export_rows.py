"""Rows of export requests, exports and snapshots <-> the domain's own records."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy.orm import Session

from segmentator_dagster.domain.errors import InternalError, UserError
from segmentator_dagster.domain.export import (
    OPEN,
    Comparison,
    Export,
    ExportError,
    ExportRequest,
    File,
    Format,
    Progress,
    Snapshot,
    Status,
    Trigger,
)
from segmentator_dagster.domain.export_options import ExportOptions, resolved
from segmentator_dagster.domain.segment import Segment
from segmentator_dagster.storage.metadata.database import now
from segmentator_dagster.storage.metadata.models import (
    ExportRequestRow,
    ExportRow,
    SegmentRow,
    SegmentVersionRow,
    SnapshotRow,
)
from segmentator_dagster.storage.metadata.segment_problems import SEGMENT_DELETED
from segmentator_dagster.storage.metadata.segment_rows import definition_of

OPEN_STATUSES = [status.value for status in OPEN]


def new_request_row(
    session: Session,
    segment: Segment,
    formats: Sequence[Format],
    trigger: Trigger,
    requested_by_id: int | None,
    *,
    installation: ExportOptions | None,
    said: Mapping[str, Any] | None = None,
    export: ExportOptions | None = None,
    snapshot: Snapshot | None = None,
    compare: Comparison | None = None,
    idempotency_key: str | None = None,
    scheduled_for: datetime | None = None,
    run_id: str | None = None,
    request_id: str | None = None,
) -> ExportRequestRow:
    """Every request is made here: its options are what the installation, the exported version and it itself say."""
    current = session.get(SegmentRow, segment.id, with_for_update={"read": True})
    if current is None or current.deleted_at is not None:
        raise UserError(SEGMENT_DELETED.at(id=segment.id))
    moment, number = now(), snapshot.version if snapshot else segment.version
    version = session.get(SegmentVersionRow, (segment.id, number))
    if version is None:
        raise InternalError(f"segment {segment.id} has no version {number}")
    row = ExportRequestRow(
        id=request_id or str(uuid.uuid4()),
        segment_id=segment.id,
        version=number,
        trigger=trigger.value,
        requested_by_id=requested_by_id,
        idempotency_key=idempotency_key,
        scheduled_for=scheduled_for,
        attempt=1 if run_id else 0,
        run_id=run_id,
        launched_run_id=run_id,
        snapshot_id=snapshot.id if snapshot else None,
        asked=dict(said) if said else None,
        options=resolved(installation, definition_of(version).export, export).as_json(),
        compare=compare.as_json() if compare else None,
        created_at=moment,
    )
    row.exports = [
        ExportRow(
            id=str(uuid.uuid4()),
            segment_id=segment.id,
            format=format_.value,
            status=Status.REQUESTED.value,
            attempt=0,
            phase="waiting",
            progress_rows=0,
            progress_bytes=0,
            read_rows=0,
            created_at=moment,
        )
        for format_ in dict.fromkeys(formats)
    ]
    session.add(row)
    session.flush()
    return row


def asked(
    formats: Sequence[Format] | None,
    export: ExportOptions | None,
    snapshot: Snapshot | None,
    compare: Comparison | None,
) -> dict[str, Any] | None:
    """What a request says beside its formats, to tell whether another says the same; that it names none is said."""
    said = {
        "default_formats": formats is None,
        "export": export.as_json() if export else None,
        "snapshot_id": snapshot.id if snapshot else None,
        "compare": compare.as_json() if compare else None,
    }
    return {key: value for key, value in said.items() if value} or None


def file_json(file: File) -> dict[str, Any]:
    return {key: value for key, value in asdict(file).items() if value is not None}


def export_of(row: ExportRow, *, with_manifest: bool = True) -> Export:
    return Export(
        id=row.id,
        request_id=row.request_id,
        segment_id=row.segment_id,
        version=row.request.version,
        format=Format(row.format),
        status=Status(row.status),
        attempt=row.attempt,
        progress=Progress(
            row.phase, row.progress_rows, row.total_rows, row.progress_bytes, row.read_rows, row.total_read_rows
        ),
        created_at=row.created_at,
        options=_options(row.request),
        compare=_comparison(row.request),
        snapshot_id=row.request.snapshot_id,
        started_at=row.started_at,
        phase_started_at=row.phase_started_at,
        progress_at=row.progress_at,
        finished_at=row.finished_at,
        rows=row.rows,
        bytes=row.bytes,
        sha256=row.sha256,
        files=tuple(File(**file) for file in row.files or ()),
        manifest=row.manifest if with_manifest else None,
        error=ExportError(row.error_code, row.error_message_ru or "", row.error_message_en or "")
        if row.error_code
        else None,
        run_id=row.request.run_id or row.request.launched_run_id,
        expires_at=row.expires_at,
        deleted_at=row.deleted_at,
        requested_by_id=row.request.requested_by_id,
    )


def request_of(row: ExportRequestRow) -> ExportRequest:
    return ExportRequest(
        id=row.id,
        segment_id=row.segment_id,
        version=row.version,
        trigger=Trigger(row.trigger),
        attempt=row.attempt,
        created_at=row.created_at,
        run_id=row.run_id,
        launched_run_id=row.launched_run_id,
        snapshot_id=row.snapshot_id,
        options=_options(row),
        compare=_comparison(row),
        exports=tuple(export_of(export) for export in row.exports),
        requested_by_id=row.requested_by_id,
    )


def _options(row: ExportRequestRow) -> ExportOptions:
    return _resolved(json.dumps(row.options))


@lru_cache(maxsize=256)  # most requests of an installation say the same, and reading it is the slowest part of a row
def _resolved(options: str) -> ExportOptions:
    return resolved(ExportOptions.model_validate_json(options))  # one of before there were options has none


def _comparison(row: ExportRequestRow) -> Comparison | None:
    return Comparison.from_json(row.compare) if row.compare else None


def snapshot_of(row: SnapshotRow) -> Snapshot:
    return Snapshot(row.id, row.segment_id, row.version, row.users, row.data_moment)
