"""The state machine of exports: every step is a conditional update, so a worker that comes late changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import CursorResult, Select, Update, case, or_, select, update

from segmentator_dagster.domain.export import (
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
from segmentator_dagster.domain.installation import EffectiveSettings
from segmentator_dagster.domain.segment import Segment
from segmentator_dagster.storage.metadata.database import Database, now
from segmentator_dagster.storage.metadata.export_rows import (
    OPEN_STATUSES,
    export_of,
    file_json,
    new_request_row,
    request_of,
)
from segmentator_dagster.storage.metadata.models import ExportRequestRow, ExportRow


class Attempts:
    """The settings in force say how files look and how long they are kept."""

    def __init__(self, database: Database, settings_now: Callable[[], EffectiveSettings] = EffectiveSettings) -> None:
        self._database = database
        self._settings_now = settings_now

    def claim(self, request_id: str, run_id: str, parent_run_id: str | None) -> ExportRequest | None:
        """Make `run_id` the one run that works on a request; None where another run has it or all is final.

        A run takes over from the run it is a retry of; each take-over is a new attempt.
        """
        with self._database.writing() as session:
            row = session.get(ExportRequestRow, request_id, with_for_update=True)
            if row is None or row.run_id not in (None, run_id, parent_run_id):
                return None
            if all(export.status not in OPEN_STATUSES for export in row.exports):
                return None
            if row.run_id != run_id:
                row.run_id = run_id
                row.launched_run_id = run_id
                row.attempt += 1
            session.flush()
            return request_of(row)

    def request_of_run(
        self,
        segment: Segment,
        formats: Sequence[Format],
        run_id: str,
        parent_run_id: str | None,
        snapshot: Snapshot | None = None,
    ) -> ExportRequest:
        """The request of a run that was started in Dagster itself; made at the first call, taken over by a retry.

        With a snapshot it is a request for files of that snapshot and of its version of the segment.
        """
        with self._database.writing() as session:
            runs = [run_id, parent_run_id] if parent_run_id else [run_id]
            found = {row.run_id: row for row in session.scalars(_of_runs(runs))}
            row: ExportRequestRow | None = found.get(run_id) or found.get(parent_run_id)
            if row is not None and row.run_id == parent_run_id:
                if all(export.status not in OPEN_STATUSES for export in row.exports):
                    row = None
                else:
                    row.run_id = row.launched_run_id = run_id
                    row.attempt += 1
                    session.flush()
            if row is None:
                row = new_request_row(
                    session,
                    segment,
                    formats,
                    Trigger.DAGSTER,
                    None,
                    installation=self._settings_now().export,
                    snapshot=snapshot,
                    run_id=run_id,
                )
            return request_of(row)

    def start(self, export_id: str, attempt: int) -> bool:
        """requested or an older attempt -> running; False where the export is final or a newer attempt has it."""
        moment = now()
        return self._change(
            update(ExportRow)
            .where(ExportRow.id == export_id, ExportRow.status.in_(OPEN_STATUSES), ExportRow.attempt <= attempt)
            .values(
                status=Status.RUNNING.value,
                attempt=attempt,
                started_at=moment,
                progress_rows=0,
                progress_bytes=0,
                read_rows=0,
                total_read_rows=None,
                phase_started_at=moment,
                progress_at=moment,
                error_code=None,
                error_message_ru=None,
                error_message_en=None,
            )
        )

    def advance(self, export_id: str, attempt: int, progress: Progress) -> bool:
        """Write progress; False where this attempt no longer has the export (cancelled, or taken over)."""
        moment = now()
        same_phase = ExportRow.phase == progress.phase
        return self._change(
            _mine(export_id, attempt).values(
                phase=progress.phase,
                phase_started_at=case((same_phase, ExportRow.phase_started_at), else_=moment),
                progress_at=moment,
                progress_rows=progress.rows,
                total_rows=progress.total_rows,
                progress_bytes=progress.bytes,
                read_rows=progress.read_rows,
                total_read_rows=progress.total_read_rows,
            )
        )

    def publish(self, export_id: str, attempt: int, *, files: Sequence[File], manifest: Mapping[str, Any]) -> bool:
        """running -> published with these files; False where this attempt no longer has the export."""
        moment = now()
        rows, size = sum(file.rows for file in files), sum(file.bytes for file in files)
        return self._change(
            _mine(export_id, attempt).values(
                status=Status.PUBLISHED.value,
                phase="done",
                rows=rows,
                bytes=size,
                sha256=files[0].sha256 if len(files) == 1 else None,
                progress_rows=rows,
                total_rows=rows,
                progress_bytes=size,
                progress_at=moment,
                files=[file_json(file) for file in files],
                manifest=dict(manifest),
                finished_at=moment,
                expires_at=moment + timedelta(days=self._settings_now().export_days),
            )
        )

    def fail(self, export_id: str, attempt: int, error: ExportError) -> bool:
        """-> failed with the reason; False where the export is final or a newer attempt has it."""
        return self._change(
            update(ExportRow)
            .where(ExportRow.id == export_id, ExportRow.status.in_(OPEN_STATUSES), ExportRow.attempt <= attempt)
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
                    ExportRow.status.in_(OPEN_STATUSES),
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
            return tuple(export_of(row) for row in rows)

    def _change(self, statement: Update) -> bool:
        with self._database.writing() as session:
            result = session.execute(statement)
            return isinstance(result, CursorResult) and result.rowcount == 1


def _mine(export_id: str, attempt: int) -> Update:
    return update(ExportRow).where(
        ExportRow.id == export_id, ExportRow.status == Status.RUNNING.value, ExportRow.attempt == attempt
    )


def _of_runs(run_ids: Sequence[str]) -> Select[ExportRequestRow]:
    return select(ExportRequestRow).where(ExportRequestRow.run_id.in_(run_ids)).with_for_update()
