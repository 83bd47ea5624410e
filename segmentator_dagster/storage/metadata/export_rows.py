"""Rows of export requests, exports and snapshots <-> the domain's own records."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from segmentator_dagster.domain.errors import UserError
from segmentator_dagster.domain.export import (
    OPEN,
    Export,
    ExportError,
    ExportRequest,
    Format,
    Progress,
    Snapshot,
    Status,
    Trigger,
)
from segmentator_dagster.domain.segment import Segment
from segmentator_dagster.storage.metadata.database import now
from segmentator_dagster.storage.metadata.models import ExportRequestRow, ExportRow, SegmentRow, SnapshotRow
from segmentator_dagster.storage.metadata.segments import SEGMENT_DELETED

OPEN_STATUSES = [status.value for status in OPEN]


def new_request_row(
    session: Session,
    segment: Segment,
    formats: Sequence[Format],
    trigger: Trigger,
    requested_by: str,
    *,
    idempotency_key: str | None = None,
    scheduled_for: datetime | None = None,
    run_id: str | None = None,
    request_id: str | None = None,
) -> ExportRequestRow:
    current = session.get(SegmentRow, segment.id, with_for_update={"read": True})
    if current is None or current.deleted_at is not None:
        raise UserError(SEGMENT_DELETED.at(id=segment.id))
    moment = now()
    row = ExportRequestRow(
        id=request_id or str(uuid.uuid4()),
        segment_id=segment.id,
        version=segment.version,
        trigger=trigger.value,
        requested_by=requested_by,
        idempotency_key=idempotency_key,
        scheduled_for=scheduled_for,
        attempt=1 if run_id else 0,
        run_id=run_id,
        launched_run_id=run_id,
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
            created_at=moment,
        )
        for format_ in dict.fromkeys(formats)
    ]
    session.add(row)
    session.flush()
    return row


def export_of(row: ExportRow) -> Export:
    return Export(
        id=row.id,
        request_id=row.request_id,
        segment_id=row.segment_id,
        version=row.request.version,
        format=Format(row.format),
        status=Status(row.status),
        attempt=row.attempt,
        progress=Progress(row.phase, row.progress_rows, row.total_rows, row.progress_bytes),
        created_at=row.created_at,
        snapshot_id=row.request.snapshot_id,
        started_at=row.started_at,
        finished_at=row.finished_at,
        rows=row.rows,
        bytes=row.bytes,
        sha256=row.sha256,
        object_key=row.object_key,
        file_name=row.file_name,
        manifest=row.manifest,
        error=ExportError(row.error_code, row.error_message_ru or "", row.error_message_en or "")
        if row.error_code
        else None,
        run_id=row.request.run_id or row.request.launched_run_id,
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
        exports=tuple(export_of(export) for export in row.exports),
    )


def snapshot_of(row: SnapshotRow) -> Snapshot:
    return Snapshot(row.id, row.segment_id, row.version, row.users, row.data_moment)
