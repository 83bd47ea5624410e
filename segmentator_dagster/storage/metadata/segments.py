"""Segments and their immutable versions in the metadata database."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from segmentator_dagster.domain.access import sees
from segmentator_dagster.domain.errors import UserError
from segmentator_dagster.domain.segment import Definition, Segment, Version, Visibility, search_key
from segmentator_dagster.storage.metadata.database import Database, now
from segmentator_dagster.storage.metadata.models import SegmentRow, SegmentTagRow, SegmentVersionRow
from segmentator_dagster.storage.metadata.pages import Page, matching, page_of
from segmentator_dagster.storage.metadata.references import (
    Kind,
    ask_to_check_dependents,
    drop_references,
    lock_references,
    references_of,
    refuse_used,
    write_references,
)
from segmentator_dagster.storage.metadata.segment_problems import (
    NAME_TAKEN,
    SEGMENT_DELETED,
    SEGMENT_IN_USE,
    SEGMENT_NOT_FOUND,
    VERSION_CONFLICT,
    VERSION_NOT_FOUND,
)
from segmentator_dagster.storage.metadata.segment_rows import (
    definition_of,
    due_after,
    segment_of,
    version_of,
    version_row,
    write_row,
)


@dataclass(frozen=True, slots=True)
class DueSegment:
    segment: Segment
    due_at: datetime


class Segments:
    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self,
        definition: Definition,
        fingerprint: str,
        owner_id: int | None,
        visibility: Visibility = Visibility.TEAM,
    ) -> Segment:
        """UserError name_taken, or what is wrong with a reference of the rule."""
        moment, references = now(), references_of(definition)
        try:
            with self._database.writing() as session:
                lock_references(session)
                row = SegmentRow(version=1, owner_id=owner_id, created_at=moment, deleted_at=None)
                row.visibility = visibility.value
                write_row(row, definition, fingerprint, moment)
                session.add(row)
                session.flush()
                session.add(version_row(row, definition, owner_id, moment))
                write_references(session, row.id, references)
                return segment_of(row)
        except IntegrityError as error:
            raise _name_conflict(error, definition.name) from error

    def get(self, segment_id: int, viewer: int | None = None, *, with_deleted: bool = False) -> Segment:
        """UserError segment_not_found, also where the viewer does not see it; segment_deleted unless `with_deleted`."""
        with self._database.reading() as session:
            return segment_of(_live_row(session, segment_id, viewer, with_deleted=with_deleted))

    def share(self, segment_id: int, visibility: Visibility, owner_id: int | None) -> Segment:
        """Say who sees a segment and whose it is; it stays the same version."""
        with self._database.writing() as session:
            row = _live_row(session, segment_id, with_deleted=True, for_update=True)
            row.visibility, row.owner_id = visibility.value, owner_id
            return segment_of(row)

    def update(
        self, segment_id: int, based_on: int, definition: Definition, fingerprint: str, author_id: int | None
    ) -> Segment:
        """Make the next version. A definition equal to the current one changes nothing.

        UserError version_conflict, with the current segment as `extra["current"]`, where `based_on` is old; name_taken,
        or what is wrong with a new reference of the rule.
        """
        moment, references = now(), references_of(definition)
        try:
            with self._database.writing() as session:
                lock_references(session)
                row = _live_row(session, segment_id, for_update=True)
                current = segment_of(row)
                if row.version != based_on:
                    problem = VERSION_CONFLICT.at("/version", given=based_on, current=row.version)
                    raise UserError(problem, extra={"current": current})
                if current.definition == definition:
                    return current
                row.version += 1
                write_row(row, definition, fingerprint, moment)
                session.add(version_row(row, definition, author_id, moment))
                session.flush()
                write_references(session, segment_id, references)
                if _asks_otherwise(definition, current.definition):
                    row.broken = row.broken_since = row.checked_at = None
                    ask_to_check_dependents(session, Kind.SEGMENT, segment_id)
                return segment_of(row)
        except IntegrityError as error:
            raise _name_conflict(error, definition.name) from error

    def delete(self, segment_id: int, viewer: int | None = None) -> None:
        """Soft: the row, its versions and exports stay, the name is free again.

        UserError segment_in_use, with the segments that refer to it as `extra["used_by"]`.
        """
        with self._database.writing() as session:
            lock_references(session)
            row = _live_row(session, segment_id, for_update=True)
            refuse_used(session, Kind.SEGMENT, segment_id, row.name, in_use=SEGMENT_IN_USE, viewer=viewer)
            drop_references(session, segment_id)
            row.deleted_at = row.updated_at = now()
            row.next_due_at = None

    def restore(self, segment_id: int) -> Segment:
        """Undo a deletion; restoring a live segment changes nothing.

        What the rule refers to may be deleted meanwhile: then the segment comes back broken. UserError name_taken, or
        segment_cycle where the segments it refers to have come to refer to it.
        """
        definition = self.get(segment_id, with_deleted=True).definition
        references = references_of(definition)
        try:
            with self._database.writing() as session:
                lock_references(session)
                row = _live_row(session, segment_id, with_deleted=True, for_update=True)
                if row.deleted_at is not None:
                    row.deleted_at = None
                    row.updated_at = now()
                    row.next_due_at = due_after(definition, row.updated_at)
                    row.checked_at = None
                    session.flush()
                    write_references(session, segment_id, references, restoring=True)
                    ask_to_check_dependents(session, Kind.SEGMENT, segment_id)
                return segment_of(row)
        except IntegrityError as error:
            raise _name_conflict(error, definition.name) from error

    def versions(self, segment_id: int) -> tuple[Version, ...]:
        """Newest first, also of a deleted segment."""
        with self._database.reading() as session:
            _live_row(session, segment_id, with_deleted=True)
            rows = session.scalars(
                select(SegmentVersionRow)
                .where(SegmentVersionRow.segment_id == segment_id)
                .order_by(SegmentVersionRow.version.desc())
            )
            return tuple(version_of(row) for row in rows)

    def version(self, segment_id: int, version: int) -> Version:
        """Also of a deleted segment; UserError version_not_found."""
        with self._database.reading() as session:
            known = 0 < segment_id < 2**31 and 0 < version < 2**31
            row = session.get(SegmentVersionRow, (segment_id, version)) if known else None
            if row is None:
                raise VERSION_NOT_FOUND.error("/version", id=segment_id, version=version)
            return version_of(row)

    def page(
        self,
        *,
        search: str = "",
        dataset: str | None = None,
        tag: str | None = None,
        broken: bool | None = None,
        deleted: bool = False,
        owner: int | None = None,
        viewer: int | None = None,
        sort: str = "-updated_at",
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[Segment]:
        """Segments whose name, description or tags contain every word of `search`, one page in a stable order."""
        query = matching(SegmentRow, search, dataset, viewer, deleted=deleted)
        if owner is not None:
            query = query.where(SegmentRow.owner_id == owner)
        if broken is not None:
            query = query.where(SegmentRow.broken.is_not(None) if broken else SegmentRow.broken.is_(None))
        if tag is not None:
            query = query.where(SegmentRow.tags.any(SegmentTagRow.tag_key == search_key(tag)))
        with self._database.reading() as session:
            return page_of(session, query, SegmentRow, segment_of, sort=sort, limit=limit, cursor=cursor)

    def at_one_moment(self) -> AbstractContextManager[object]:
        """Whatever is read within the block, of segments and around them, is read in one transaction."""
        return self._database.reading()

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
            return tuple(DueSegment(segment_of(row), row.next_due_at) for row in rows if row.next_due_at)


def advance_due(session: Session, segment_id: int, due_at: datetime, moment: datetime) -> bool:
    """Move a segment's due moment on, inside the caller's transaction; False where another process did."""
    row = session.get(SegmentRow, segment_id, with_for_update=True, populate_existing=True)
    if row is None or row.deleted_at is not None or row.next_due_at != due_at:
        return False
    row.next_due_at = due_after(definition_of(row), moment)
    return True


def _live_row(
    session: Session,
    segment_id: int,
    viewer: int | None = None,
    *,
    with_deleted: bool = False,
    for_update: bool = False,
) -> SegmentRow:
    known = 0 < segment_id < 2**31
    # what this transaction read of the row before it had the lock may be old
    row = (
        session.get(SegmentRow, segment_id, with_for_update=for_update, populate_existing=for_update) if known else None
    )
    if row is None or not sees(viewer, row):
        raise SEGMENT_NOT_FOUND.error(id=segment_id)
    if row.deleted_at is not None and not with_deleted:
        raise SEGMENT_DELETED.error(id=segment_id)
    return row


def _name_conflict(error: IntegrityError, name: str) -> Exception:
    text = str(error.orig)
    return NAME_TAKEN.error("/name", name=name) if "name_key" in text or "segments_live_name" in text else error


def _asks_otherwise(definition: Definition, before: Definition) -> bool:
    """Whether a change has to do with the data."""
    return any(
        getattr(definition, key) != getattr(before, key)
        for key in ("rule", "dataset", "columns", "time_zone", "export")
    )
