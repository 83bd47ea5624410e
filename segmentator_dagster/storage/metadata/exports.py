"""Export requests and exports in the metadata database: asked for, launched, cancelled, read."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import exists, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, defer

from segmentator_dagster.domain.errors import Category, ProblemKind
from segmentator_dagster.domain.export import Comparison, Export, ExportRequest, Format, Snapshot, Status, Trigger
from segmentator_dagster.domain.export_options import ExportOptions
from segmentator_dagster.domain.installation import EffectiveSettings
from segmentator_dagster.domain.segment import Segment
from segmentator_dagster.storage.metadata.database import Database, now
from segmentator_dagster.storage.metadata.export_rows import (
    OPEN_STATUSES,
    asked,
    export_of,
    new_request_row,
    request_of,
)
from segmentator_dagster.storage.metadata.models import ExportRequestRow, ExportRow
from segmentator_dagster.storage.metadata.segments import DueSegment, advance_due

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

_HAS_OPEN = exists().where(ExportRow.request_id == ExportRequestRow.id, ExportRow.status.in_(OPEN_STATUSES))
_DUE = uuid.UUID("a3f1c9de-6f0b-4e55-9d0c-8a2b7d2f4c11")


class Exports:
    """The settings in force say how the files of a request look, and their formats where nobody names them."""

    def __init__(self, database: Database, settings_now: Callable[[], EffectiveSettings] = EffectiveSettings) -> None:
        self._database = database
        self._settings_now = settings_now

    def request(
        self,
        segment: Segment,
        formats: Sequence[Format] | None,
        *,
        trigger: Trigger,
        requested_by_id: int | None,
        export: ExportOptions | None = None,
        snapshot: Snapshot | None = None,
        compare: Comparison | None = None,
        idempotency_key: str | None = None,
        request_id: str | None = None,
    ) -> ExportRequest:
        """Write one request with an export per format. The same key and content again gives the first request.

        No formats: those of the settings.
        With a snapshot of the segment its files are made of that and of its version, else of an audience to be taken.
        A new request has the given `request_id`, so a caller can tell whether it was this call that wrote it.
        UserError idempotency_key_reused where the key belongs to other content, segment_deleted where the segment
        was deleted meanwhile.
        """
        said, settings = asked(formats, export, snapshot, compare), self._settings_now()
        try:
            with self._database.writing() as session:
                if idempotency_key and (earlier := _by_key(session, idempotency_key)):
                    return _same(earlier, segment, formats, said)
                row = new_request_row(
                    session,
                    segment,
                    settings.formats if formats is None else formats,
                    trigger,
                    requested_by_id,
                    installation=settings.export,
                    said=said,
                    export=export,
                    snapshot=snapshot,
                    compare=compare,
                    idempotency_key=idempotency_key,
                    request_id=request_id,
                )
                return request_of(row)
        except IntegrityError:
            if not idempotency_key:
                raise
            with self._database.reading() as session:  # a parallel request with this key was first
                earlier = _by_key(session, idempotency_key)
                if earlier is None:
                    raise
                return _same(earlier, segment, formats, said)

    def request_due(self, due: DueSegment, moment: datetime) -> ExportRequest | None:
        """Turn a due schedule into a request and move the schedule on, in one transaction; None where it was taken."""
        schedule = due.segment.definition.schedule
        if schedule is None:
            return None
        settings = self._settings_now()
        with self._database.writing() as session:
            if not advance_due(session, due.segment.id, due.due_at, moment):
                return None
            formats = settings.formats if schedule.formats is None else [Format(name) for name in schedule.formats]
            row = new_request_row(
                session,
                due.segment,
                formats,
                Trigger.SCHEDULE,
                due.segment.owner_id,
                installation=settings.export,
                scheduled_for=due.due_at,
                request_id=_id_of_due(due),
            )
            return request_of(row)

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
        with self._database.reading() as session:
            rows = session.scalars(
                select(ExportRequestRow)
                .where(
                    ExportRequestRow.run_id.is_(None),
                    func.coalesce(ExportRequestRow.launched_at, ExportRequestRow.created_at) < before,
                    _HAS_OPEN,
                )
                .order_by(ExportRequestRow.created_at)
                .limit(limit)
            )
            return tuple(request_of(row) for row in rows)

    def in_runs(self, limit: int = 200) -> tuple[ExportRequest, ...]:
        """Requests with an open export and a run, those asked for first."""
        with self._database.reading() as session:
            rows = session.scalars(
                select(ExportRequestRow)
                .where(ExportRequestRow.launched_run_id.is_not(None), _HAS_OPEN)
                .order_by(ExportRequestRow.created_at)
                .limit(limit)
            )
            return tuple(request_of(row) for row in rows)

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
            return request_of(row.request)

    def get(self, export_id: str) -> Export:
        """UserError export_not_found."""
        with self._database.reading() as session:
            row = session.get(ExportRow, export_id)
            if row is None:
                raise EXPORT_NOT_FOUND.error(id=export_id)
            return export_of(row)

    def owner_of(self, export_id: str) -> Export | None:
        """The export that objects below `exports/<segment>/<export_id>/` belong to; None where there is none."""
        with self._database.reading() as session:
            row = session.get(ExportRow, export_id)
            return export_of(row) if row else None

    def expired(self, moment: datetime, limit: int = 100) -> tuple[Export, ...]:
        """Published exports whose files are kept longer than they shall be, the longest due first."""
        with self._database.reading() as session:
            rows = session.scalars(
                select(ExportRow)
                .where(
                    ExportRow.status == Status.PUBLISHED.value,
                    ExportRow.expires_at <= moment,
                    ExportRow.deleted_at.is_(None),
                )
                .order_by(ExportRow.expires_at, ExportRow.id)
                .limit(limit)
            )
            return tuple(export_of(row) for row in rows)

    def files_deleted(self, export_id: str) -> None:
        """Note that the files of a published export are gone; the first time counts."""
        with self._database.writing() as session:
            session.execute(
                update(ExportRow)
                .where(
                    ExportRow.id == export_id,
                    ExportRow.status == Status.PUBLISHED.value,
                    ExportRow.deleted_at.is_(None),
                )
                .values(deleted_at=now())
            )

    def of_request(self, request_id: str) -> ExportRequest | None:
        with self._database.reading() as session:
            row = session.get(ExportRequestRow, request_id)
            return request_of(row) if row else None

    def of_segment(self, segment_id: int, limit: int = 100) -> tuple[Export, ...]:
        """Newest first."""
        with self._database.reading() as session:
            rows = session.scalars(
                select(ExportRow)
                .where(ExportRow.segment_id == segment_id)
                .order_by(ExportRow.created_at.desc(), ExportRow.id)
                .limit(limit)
            )
            return tuple(export_of(row) for row in rows)

    def latest_of_segments(self, segment_ids: Sequence[int]) -> Mapping[int, Export]:
        """The newest export of each segment that has one; its manifest only where its files are split by a field.

        A manifest is as long as all the rest, and a page of segments shows none.
        """
        place = func.row_number().over(
            partition_by=ExportRow.segment_id, order_by=(ExportRow.created_at.desc(), ExportRow.id)
        )
        numbered = select(ExportRow.id, place.label("place")).where(ExportRow.segment_id.in_(segment_ids)).subquery()
        with self._database.reading() as session:
            rows = session.scalars(
                select(ExportRow)
                .options(defer(ExportRow.manifest))
                .join(numbered, numbered.c.id == ExportRow.id)
                .where(numbered.c.place == 1)
            ).all()
            found = {row.segment_id: export_of(row, with_manifest=False) for row in rows}
            split = [export.id for export in found.values() if export.options.split and export.options.split.field]
            if split:
                manifests = session.execute(
                    select(ExportRow.segment_id, ExportRow.manifest).where(ExportRow.id.in_(split))
                )
                found |= {id_: replace(found[id_], manifest=manifest) for id_, manifest in manifests}
            return found


def _id_of_due(due: DueSegment) -> str:
    """The same for a segment and a moment, so the run key made of it is too."""
    return str(uuid.uuid5(_DUE, f"{due.segment.id}@{due.due_at.isoformat()}"))


def _by_key(session: Session, idempotency_key: str) -> ExportRequestRow | None:
    return session.scalar(select(ExportRequestRow).where(ExportRequestRow.idempotency_key == idempotency_key))


def _same(
    earlier: ExportRequestRow, segment: Segment, formats: Sequence[Format] | None, said: Mapping[str, Any] | None
) -> ExportRequest:
    request = request_of(earlier)
    same_formats = formats is None or {export.format for export in request.exports} == set(formats)
    if request.segment_id != segment.id or not same_formats or earlier.asked != said:
        raise IDEMPOTENCY_KEY_REUSED.error()
    return request
