"""Export requests and their state machine: every step is a conditional update, so a late worker changes nothing."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CursorResult, Select, Update, exists, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from segmentator_dagster.domain.errors import Category, ProblemKind, UserError
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
from segmentator_dagster.storage.metadata.database import Database, now
from segmentator_dagster.storage.metadata.models import ExportRequestRow, ExportRow, SegmentRow, SnapshotRow
from segmentator_dagster.storage.metadata.segments import SEGMENT_DELETED, DueSegment, advance_due

EXPORT_NOT_FOUND = ProblemKind(
    "export_not_found",
    Category.NOT_FOUND,
    en="There is no export {id}.",
    ru="Выгрузки {id} нет.",
    hint_en="`GET /segments/{{id}}/exports` lists those of a segment.",
    hint_ru="Выгрузки сегмента: `GET /segments/{{id}}/exports`.",
)
EXPORT_FINISHED = ProblemKind(
    "export_finished",
    Category.CONFLICT,
    en="The export is {status} already and cannot be cancelled.",
    ru="Выгрузка уже завершена ({status}), отменить её нельзя.",
)
IDEMPOTENCY_KEY_REUSED = ProblemKind(
    "idempotency_key_reused",
    Category.INVALID,
    en="This Idempotency-Key was used for another request.",
    ru="Этот Idempotency-Key уже использован для другого запроса.",
    hint_en="Make a new key for a new request.",
    hint_ru="Для нового запроса создайте новый ключ.",
)

_OPEN = [status.value for status in OPEN]


class Exports:
    def __init__(self, database: Database) -> None:
        self._database = database

    # --- asking -----------------------------------------------------------------------------------------------

    def request(
        self,
        segment: Segment,
        formats: Sequence[Format],
        *,
        trigger: Trigger,
        requested_by: str,
        idempotency_key: str | None = None,
        request_id: str | None = None,
    ) -> ExportRequest:
        """Write one request with an export per format. The same key and content again gives the first request.

        A new request has the given `request_id`, so a caller can tell whether it was this call that wrote it.
        UserError idempotency_key_reused where the key belongs to other content, segment_deleted where the segment
        was deleted meanwhile.
        """
        try:
            with self._database.writing() as session:
                if idempotency_key and (earlier := _by_key(session, idempotency_key)):
                    return _same(earlier, segment, formats)
                row = _new_request(
                    session,
                    segment,
                    formats,
                    trigger,
                    requested_by,
                    idempotency_key=idempotency_key,
                    request_id=request_id,
                )
                return _request(row)
        except IntegrityError:
            if not idempotency_key:
                raise
            with self._database.reading() as session:  # a parallel request with this key was first
                earlier = _by_key(session, idempotency_key)
                if earlier is None:
                    raise
                return _same(earlier, segment, formats)

    def request_due(self, due: DueSegment, moment: datetime) -> ExportRequest | None:
        """Turn a due schedule into a request and move the schedule on, in one transaction; None where it was taken."""
        schedule = due.segment.definition.schedule
        if schedule is None:
            return None
        with self._database.writing() as session:
            if not advance_due(session, due.segment.id, due.due_at, moment):
                return None
            formats = [Format(name) for name in schedule.formats]
            row = _new_request(session, due.segment, formats, Trigger.SCHEDULE, "schedule", scheduled_for=due.due_at)
            return _request(row)

    def launched(self, request_id: str, run_id: str) -> None:
        """Note the run that was started for a request."""
        with self._database.writing() as session:
            session.execute(
                update(ExportRequestRow)
                .where(ExportRequestRow.id == request_id)
                .values(launched_run_id=run_id, launched_at=now())
            )

    def waiting(self, older_than: timedelta, limit: int = 50) -> tuple[ExportRequest, ...]:
        """Requests that no run has taken though they (or their last launch) are older than `older_than`."""
        before = now() - older_than
        open_export = exists().where(ExportRow.request_id == ExportRequestRow.id, ExportRow.status.in_(_OPEN))
        with self._database.reading() as session:
            rows = session.scalars(
                select(ExportRequestRow)
                .where(
                    ExportRequestRow.run_id.is_(None),
                    func.coalesce(ExportRequestRow.launched_at, ExportRequestRow.created_at) < before,
                    open_export,
                )
                .order_by(ExportRequestRow.created_at)
                .limit(limit)
            )
            return tuple(_request(row) for row in rows)

    # --- working ----------------------------------------------------------------------------------------------

    def claim(self, request_id: str, run_id: str, parent_run_id: str | None) -> ExportRequest | None:
        """Make `run_id` the one run that works on a request; None where another run has it or all is final.

        A run takes over from the run it is a retry of; each take-over is a new attempt.
        """
        with self._database.writing() as session:
            row = session.get(ExportRequestRow, request_id, with_for_update=True)
            if row is None or row.run_id not in (None, run_id, parent_run_id):
                return None
            if all(export.status not in _OPEN for export in row.exports):
                return None
            if row.run_id != run_id:
                row.run_id = run_id
                row.launched_run_id = run_id
                row.attempt += 1
            session.flush()
            return _request(row)

    def request_of_run(
        self, segment: Segment, formats: Sequence[Format], run_id: str, parent_run_id: str | None
    ) -> ExportRequest:
        """The request of a run that was started in Dagster itself; made at the first call, taken over by a retry."""
        with self._database.writing() as session:
            runs = [run_id, parent_run_id] if parent_run_id else [run_id]
            found = {row.run_id: row for row in session.scalars(_of_runs(runs))}
            row: ExportRequestRow | None = found.get(run_id) or found.get(parent_run_id)
            if row is not None and row.run_id == parent_run_id:
                if all(export.status not in _OPEN for export in row.exports):
                    row = None
                else:
                    row.run_id = row.launched_run_id = run_id
                    row.attempt += 1
                    session.flush()
            if row is None:
                row = _new_request(session, segment, formats, Trigger.DAGSTER, "dagster", run_id=run_id)
            return _request(row)

    def start(self, export_id: str, attempt: int) -> bool:
        """requested or an older attempt -> running; False where the export is final or a newer attempt has it."""
        return self._change(
            update(ExportRow)
            .where(ExportRow.id == export_id, ExportRow.status.in_(_OPEN), ExportRow.attempt <= attempt)
            .values(
                status=Status.RUNNING.value,
                attempt=attempt,
                started_at=now(),
                progress_rows=0,
                progress_bytes=0,
                error_code=None,
                error_message_ru=None,
                error_message_en=None,
            )
        )

    def advance(self, export_id: str, attempt: int, progress: Progress) -> bool:
        """Write progress; False where this attempt no longer has the export (cancelled, or taken over)."""
        return self._change(
            _mine(export_id, attempt).values(
                phase=progress.phase,
                progress_rows=progress.rows,
                total_rows=progress.total_rows,
                progress_bytes=progress.bytes,
            )
        )

    def publish(
        self, export_id: str, attempt: int, *, object_key: str, file_name: str, manifest: Mapping[str, Any]
    ) -> bool:
        """running -> published with what the manifest says; False where this attempt no longer has the export."""
        return self._change(
            _mine(export_id, attempt).values(
                status=Status.PUBLISHED.value,
                phase="done",
                rows=manifest["rows"],
                bytes=manifest["bytes"],
                sha256=manifest["sha256"],
                progress_rows=manifest["rows"],
                total_rows=manifest["rows"],
                progress_bytes=manifest["bytes"],
                object_key=object_key,
                file_name=file_name,
                manifest=dict(manifest),
                finished_at=now(),
            )
        )

    def fail(self, export_id: str, attempt: int, error: ExportError) -> bool:
        """-> failed with the reason; False where the export is final or a newer attempt has it."""
        return self._change(
            update(ExportRow)
            .where(ExportRow.id == export_id, ExportRow.status.in_(_OPEN), ExportRow.attempt <= attempt)
            .values(
                status=Status.FAILED.value,
                phase="done",
                error_code=error.code,
                error_message_ru=error.message_ru,
                error_message_en=error.message_en,
                finished_at=now(),
            )
        )

    def finish_run(self, run_id: str, status: Status, error: ExportError) -> tuple[Export, ...]:
        """End whatever a run left open, as failed or cancelled; gives the exports it ended."""
        with self._database.writing() as session:
            rows = session.scalars(
                select(ExportRow)
                .join(ExportRequestRow)
                .where(
                    ExportRow.status.in_(_OPEN),
                    or_(
                        ExportRequestRow.run_id == run_id,
                        ExportRequestRow.run_id.is_(None) & (ExportRequestRow.launched_run_id == run_id),
                    ),
                )
                .with_for_update(of=ExportRow)
            ).all()
            for row in rows:
                row.status = status.value
                row.phase = "done"
                row.finished_at = now()
                if status is Status.FAILED:
                    row.error_code = error.code
                    row.error_message_ru, row.error_message_en = error.message_ru, error.message_en
            session.flush()
            return tuple(_export(row) for row in rows)

    def cancel(self, export_id: str) -> ExportRequest:
        """requested or running -> cancelled; gives the whole request. Cancelling twice changes nothing.

        UserError export_finished where it is published or failed.
        """
        with self._database.writing() as session:
            row = session.get(ExportRow, export_id, with_for_update={"of": ExportRow})
            if row is None:
                raise EXPORT_NOT_FOUND.error(id=export_id)
            if row.status in (Status.PUBLISHED, Status.FAILED):
                raise EXPORT_FINISHED.error(status=row.status)
            if row.status != Status.CANCELLED:
                row.status = Status.CANCELLED.value
                row.phase = "done"
                row.finished_at = now()
            session.flush()
            return _request(row.request)

    # --- snapshots --------------------------------------------------------------------------------------------

    def record_snapshot(self, snapshot: Snapshot, request_id: str, attempt: int) -> bool:
        """Make a finished snapshot the one of its request; False where a newer attempt has the request."""
        with self._database.writing() as session:
            row = session.get(ExportRequestRow, request_id, with_for_update=True)
            if row is None or row.attempt != attempt:
                return False
            session.add(
                SnapshotRow(
                    id=snapshot.id,
                    segment_id=snapshot.segment_id,
                    version=snapshot.version,
                    users=snapshot.users,
                    data_moment=snapshot.data_moment,
                    created_at=now(),
                )
            )
            session.flush()
            row.snapshot_id = snapshot.id
            for export in row.exports:
                if export.status in _OPEN:
                    export.total_rows = snapshot.users
            return True

    def snapshot(self, snapshot_id: str) -> Snapshot | None:
        with self._database.reading() as session:
            row = session.get(SnapshotRow, snapshot_id)
            return _snapshot(row) if row else None

    def latest_snapshot(self, segment_id: int) -> Snapshot | None:
        with self._database.reading() as session:
            row = session.scalar(
                select(SnapshotRow)
                .where(SnapshotRow.segment_id == segment_id)
                .order_by(SnapshotRow.created_at.desc())
                .limit(1)
            )
            return _snapshot(row) if row else None

    # --- reading ----------------------------------------------------------------------------------------------

    def get(self, export_id: str) -> Export:
        """UserError export_not_found."""
        with self._database.reading() as session:
            row = session.get(ExportRow, export_id)
            if row is None:
                raise EXPORT_NOT_FOUND.error(id=export_id)
            return _export(row)

    def of_request(self, request_id: str) -> ExportRequest | None:
        with self._database.reading() as session:
            row = session.get(ExportRequestRow, request_id)
            return _request(row) if row else None

    def of_segment(self, segment_id: int, limit: int = 100) -> tuple[Export, ...]:
        """Newest first."""
        with self._database.reading() as session:
            rows = session.scalars(
                select(ExportRow)
                .where(ExportRow.segment_id == segment_id)
                .order_by(ExportRow.created_at.desc(), ExportRow.id)
                .limit(limit)
            )
            return tuple(_export(row) for row in rows)

    def latest_of_segments(self, segment_ids: Sequence[int]) -> Mapping[int, Export]:
        """The newest export of each segment that has one, in one query."""
        place = func.row_number().over(
            partition_by=ExportRow.segment_id, order_by=(ExportRow.created_at.desc(), ExportRow.id)
        )
        numbered = select(ExportRow.id, place.label("place")).where(ExportRow.segment_id.in_(segment_ids)).subquery()
        with self._database.reading() as session:
            rows = session.scalars(
                select(ExportRow).join(numbered, numbered.c.id == ExportRow.id).where(numbered.c.place == 1)
            )
            return {row.segment_id: _export(row) for row in rows}

    def _change(self, statement: Update) -> bool:
        with self._database.writing() as session:
            result = session.execute(statement)
            return isinstance(result, CursorResult) and result.rowcount == 1


def _mine(export_id: str, attempt: int) -> Update:
    return update(ExportRow).where(
        ExportRow.id == export_id, ExportRow.status == Status.RUNNING.value, ExportRow.attempt == attempt
    )


def _by_key(session: Session, idempotency_key: str) -> ExportRequestRow | None:
    return session.scalar(select(ExportRequestRow).where(ExportRequestRow.idempotency_key == idempotency_key))


def _of_runs(run_ids: Sequence[str]) -> Select[ExportRequestRow]:
    return select(ExportRequestRow).where(ExportRequestRow.run_id.in_(run_ids)).with_for_update()


def _same(earlier: ExportRequestRow, segment: Segment, formats: Sequence[Format]) -> ExportRequest:
    request = _request(earlier)
    if request.segment_id != segment.id or {export.format for export in request.exports} != set(formats):
        raise IDEMPOTENCY_KEY_REUSED.error()
    return request


def _new_request(
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


def _export(row: ExportRow) -> Export:
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


def _request(row: ExportRequestRow) -> ExportRequest:
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
        exports=tuple(_export(export) for export in row.exports),
    )


def _snapshot(row: SnapshotRow) -> Snapshot:
    return Snapshot(row.id, row.segment_id, row.version, row.users, row.data_moment)
