"""Segments and their immutable versions in the metadata database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from segmentator_dagster.domain.errors import Category, ProblemKind, UserError
from segmentator_dagster.domain.schedule import next_due
from segmentator_dagster.domain.segment import Definition, Schedule, Segment, Version, search_key
from segmentator_dagster.storage.metadata.database import Database, now
from segmentator_dagster.storage.metadata.models import SegmentRow, SegmentTagRow, SegmentVersionRow
from segmentator_dagster.storage.metadata.pages import cursor_after, ordered

SEGMENT_NOT_FOUND = ProblemKind(
    "segment_not_found",
    Category.NOT_FOUND,
    en="There is no segment {id}.",
    ru="Сегмента {id} нет.",
    hint_en="`GET /segments` lists those there are.",
    hint_ru="Список сегментов: `GET /segments`.",
)
SEGMENT_DELETED = ProblemKind(
    "segment_deleted",
    Category.GONE,
    en="Segment {id} is deleted.",
    ru="Сегмент {id} удалён.",
    hint_en="`POST /segments/{id}/restore` brings it back.",
    hint_ru="Вернуть его: `POST /segments/{id}/restore`.",
)
NAME_TAKEN = ProblemKind(
    "name_taken",
    Category.CONFLICT,
    en="Another segment is called “{name}”.",
    ru="Сегмент с именем «{name}» уже есть.",
    hint_en="Choose another name; case and spaces do not make a difference.",
    hint_ru="Выберите другое имя; регистр и пробелы не различаются.",
)
VERSION_CONFLICT = ProblemKind(
    "version_conflict",
    Category.CONFLICT,
    en="The segment was changed meanwhile: your change is based on version {given}, the current one is {current}.",
    ru="Сегмент тем временем изменили: ваша правка основана на версии {given}, текущая — {current}.",
    hint_en="Read the segment again and repeat the change.",
    hint_ru="Прочитайте сегмент заново и повторите правку.",
)


@dataclass(frozen=True, slots=True)
class Page:
    segments: tuple[Segment, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class DueSegment:
    segment: Segment
    due_at: datetime


class Segments:
    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, definition: Definition, fingerprint: str, owner: str) -> Segment:
        moment = now()
        try:
            with self._database.writing() as session:
                row = SegmentRow(version=1, owner=owner, created_at=moment, deleted_at=None)
                _write(row, definition, fingerprint, moment)
                session.add(row)
                session.flush()
                session.add(_version_row(row, definition, owner, moment))
                return _segment(row)
        except IntegrityError as error:
            raise _name_conflict(error, definition.name) from error

    def get(self, segment_id: int, *, with_deleted: bool = False) -> Segment:
        """UserError segment_not_found, or segment_deleted unless `with_deleted`."""
        with self._database.reading() as session:
            return _segment(_live_row(session, segment_id, with_deleted=with_deleted))

    def update(self, segment_id: int, based_on: int, definition: Definition, fingerprint: str, author: str) -> Segment:
        """Make the next version. A definition equal to the current one changes nothing.

        UserError version_conflict, with the current segment as `extra["current"]`, where `based_on` is old.
        """
        moment = now()
        try:
            with self._database.writing() as session:
                row = _live_row(session, segment_id, for_update=True)
                current = _segment(row)
                if row.version != based_on:
                    problem = VERSION_CONFLICT.at("/version", given=based_on, current=row.version)
                    raise UserError(problem, extra={"current": current})
                if current.definition == definition:
                    return current
                row.version += 1
                _write(row, definition, fingerprint, moment)
                session.add(_version_row(row, definition, author, moment))
                session.flush()
                return _segment(row)
        except IntegrityError as error:
            raise _name_conflict(error, definition.name) from error

    def delete(self, segment_id: int) -> None:
        """Soft: the row, its versions and exports stay, the name is free again."""
        with self._database.writing() as session:
            row = _live_row(session, segment_id, for_update=True)
            row.deleted_at = row.updated_at = now()
            row.next_due_at = None

    def restore(self, segment_id: int) -> Segment:
        """Undo a deletion; restoring a live segment changes nothing. UserError name_taken."""
        name = self.get(segment_id, with_deleted=True).definition.name
        try:
            with self._database.writing() as session:
                row = _live_row(session, segment_id, with_deleted=True, for_update=True)
                if row.deleted_at is not None:
                    row.deleted_at = None
                    row.updated_at = now()
                    row.next_due_at = _due_after(_definition(row), row.updated_at)
                    session.flush()
                return _segment(row)
        except IntegrityError as error:
            raise _name_conflict(error, name) from error

    def versions(self, segment_id: int) -> tuple[Version, ...]:
        """Newest first, also of a deleted segment."""
        with self._database.reading() as session:
            _live_row(session, segment_id, with_deleted=True)
            rows = session.scalars(
                select(SegmentVersionRow)
                .where(SegmentVersionRow.segment_id == segment_id)
                .order_by(SegmentVersionRow.version.desc())
            )
            return tuple(_version(row) for row in rows)

    def version(self, segment_id: int, version: int) -> Version:
        with self._database.reading() as session:
            row = session.get(SegmentVersionRow, (segment_id, version))
            if row is None:
                raise SEGMENT_NOT_FOUND.error(id=segment_id)
            return _version(row)

    def page(
        self,
        *,
        search: str = "",
        dataset: str | None = None,
        tag: str | None = None,
        deleted: bool = False,
        sort: str = "-updated_at",
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page:
        """Segments whose name, description or tags contain every word of `search`, one page in a stable order."""
        query = select(SegmentRow).where(
            SegmentRow.deleted_at.is_not(None) if deleted else SegmentRow.deleted_at.is_(None)
        )
        for word in search_key(search).split():
            query = query.where(SegmentRow.search_text.contains(word, autoescape=True))
        if dataset is not None:
            query = query.where(SegmentRow.dataset == dataset)
        if tag is not None:
            query = query.where(SegmentRow.tags.any(SegmentTagRow.tag_key == search_key(tag)))
        query = ordered(query, sort, cursor).limit(limit + 1)
        with self._database.reading() as session:
            rows = session.scalars(query).all()
            shown = rows[:limit]
            following = cursor_after(shown[-1], sort) if len(rows) > limit else None
            return Page(tuple(_segment(row) for row in shown), following)

    def live_ids(self) -> frozenset[int]:
        with self._database.reading() as session:
            return frozenset(session.scalars(select(SegmentRow.id).where(SegmentRow.deleted_at.is_(None))))

    def due(self, moment: datetime, limit: int = 100) -> tuple[DueSegment, ...]:
        """Live segments whose schedule has come, the longest waiting first."""
        with self._database.reading() as session:
            rows = session.scalars(
                select(SegmentRow)
                .where(SegmentRow.deleted_at.is_(None), SegmentRow.next_due_at <= moment)
                .order_by(SegmentRow.next_due_at)
                .limit(limit)
            )
            return tuple(DueSegment(_segment(row), row.next_due_at) for row in rows if row.next_due_at)


def advance_due(session: Session, segment_id: int, due_at: datetime, moment: datetime) -> bool:
    """Move a segment's due moment on, inside the caller's transaction; False where another process did."""
    row = session.get(SegmentRow, segment_id, with_for_update=True, populate_existing=True)
    if row is None or row.deleted_at is not None or row.next_due_at != due_at:
        return False
    row.next_due_at = _due_after(_definition(row), moment)
    return True


def _live_row(session: Session, segment_id: int, *, with_deleted: bool = False, for_update: bool = False) -> SegmentRow:
    row = session.get(SegmentRow, segment_id, with_for_update=for_update) if 0 < segment_id < 2**31 else None
    if row is None:
        raise SEGMENT_NOT_FOUND.error(id=segment_id)
    if row.deleted_at is not None and not with_deleted:
        raise SEGMENT_DELETED.error(id=segment_id)
    return row


def _name_conflict(error: IntegrityError, name: str) -> Exception:
    text = str(error.orig)
    return NAME_TAKEN.error("/name", name=name) if "name_key" in text or "segments_live_name" in text else error


def _due_after(definition: Definition, moment: datetime) -> datetime | None:
    if definition.schedule is None:
        return None
    return next_due(definition.schedule.cron, definition.time_zone, moment)


def _write(row: SegmentRow, definition: Definition, fingerprint: str, moment: datetime) -> None:
    rescheduled = row.schedule != _schedule_json(definition.schedule) or row.time_zone != definition.time_zone
    row.name = definition.name
    row.name_key = search_key(definition.name)
    row.search_text = search_key("\n".join([definition.name, definition.description, *definition.tags]))
    row.description = definition.description
    row.dataset = definition.dataset
    row.rule = dict(definition.rule)
    row.columns = list(definition.columns) if definition.columns is not None else None
    row.time_zone = definition.time_zone
    row.schedule = _schedule_json(definition.schedule)
    row.fingerprint = fingerprint
    row.updated_at = moment
    if rescheduled:
        row.next_due_at = _due_after(definition, moment)
    kept = {tag.tag_key: tag for tag in row.tags}
    row.tags = [
        _placed(kept.get(search_key(tag)) or SegmentTagRow(tag_key=search_key(tag)), tag, position)
        for position, tag in enumerate(definition.tags)
    ]


def _placed(row: SegmentTagRow, tag: str, position: int) -> SegmentTagRow:
    row.tag = tag
    row.position = position
    return row


def _version_row(row: SegmentRow, definition: Definition, author: str, moment: datetime) -> SegmentVersionRow:
    return SegmentVersionRow(
        segment_id=row.id,
        version=row.version,
        name=row.name,
        description=row.description,
        tags=list(definition.tags),
        dataset=row.dataset,
        rule=row.rule,
        columns=row.columns,
        time_zone=row.time_zone,
        schedule=row.schedule,
        fingerprint=row.fingerprint,
        created_by=author,
        created_at=moment,
    )


def _definition(row: SegmentRow | SegmentVersionRow) -> Definition:
    tags = tuple(tag.tag if isinstance(tag, SegmentTagRow) else tag for tag in row.tags)
    return Definition(
        name=row.name,
        rule=row.rule,
        dataset=row.dataset,
        time_zone=row.time_zone,
        description=row.description,
        tags=tags,
        columns=tuple(row.columns) if row.columns is not None else None,
        schedule=_schedule(row.schedule),
    )


def _schedule(value: Mapping[str, Any] | None) -> Schedule | None:
    return Schedule(value["cron"], tuple(value["formats"])) if value else None


def _schedule_json(schedule: Schedule | None) -> dict[str, Any] | None:
    return {"cron": schedule.cron, "formats": list(schedule.formats)} if schedule else None


def _segment(row: SegmentRow) -> Segment:
    return Segment(
        id=row.id,
        version=row.version,
        definition=_definition(row),
        fingerprint=row.fingerprint,
        owner=row.owner,
        created_at=row.created_at,
        updated_at=row.updated_at,
        deleted_at=row.deleted_at,
    )


def _version(row: SegmentVersionRow) -> Version:
    return Version(row.segment_id, row.version, _definition(row), row.fingerprint, row.created_by, row.created_at)
