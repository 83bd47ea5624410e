"""Batches of list values: which are being written, which are no longer wanted and may go from ClickHouse."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import timedelta

from sqlalchemy import ColumnElement, Select, select, update
from sqlalchemy.orm import Session

from segmentator_dagster.domain.errors import InternalError
from segmentator_dagster.storage.metadata.database import Database, now
from segmentator_dagster.storage.metadata.models import ListPartRow, ListRow

# A query that was compiled before a list changed may read the old parts for as long as it runs; an upload that was
# killed leaves one that nobody will ever name.
UNWANTED_AFTER = timedelta(days=1)
_MOST_AT_ONCE = 500


class ListParts:
    """A part is recorded here before its first value is written to ClickHouse, and forgotten after its last is gone."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self) -> str:
        """The id of a new part, which the caller is going to write."""
        part = str(uuid.uuid4())
        with self._database.writing() as session:
            session.add(ListPartRow(id=part, touched_at=now(), discarded=False))
        return part

    def touch(self, part: str) -> None:
        """Say that somebody still writes it."""
        with self._database.writing() as session:
            session.execute(update(ListPartRow).where(ListPartRow.id == part).values(touched_at=now()))

    def discard(self, parts: Collection[str]) -> None:
        """Say that nobody wants these any more, unless a list consists of them."""
        with self._database.writing() as session:
            _discard_unnamed(session, session.scalars(_rows(ListPartRow.id.in_(parts)).with_for_update()).all())

    def unwanted(self) -> tuple[str, ...]:
        """Discarded parts, and those that no list, deleted ones included, has consisted of for a day; some of many."""
        with self._database.writing() as session:
            old = ListPartRow.touched_at < now() - UNWANTED_AFTER
            candidates = set(session.scalars(select(ListPartRow.id).where(old))) - _named(session)
            # Whoever holds one now is taking it up, leaving it, or sweeping too; who held it until now is seen.
            free = _rows(old, ListPartRow.id.in_(sorted(candidates)[:_MOST_AT_ONCE]))
            _discard_unnamed(session, session.scalars(free.with_for_update(skip_locked=True)).all())
            discarded = _rows(ListPartRow.discarded.is_(True)).limit(_MOST_AT_ONCE)
            return tuple(row.id for row in session.scalars(discarded))

    def forget(self, parts: Collection[str]) -> None:
        """Their values are gone from ClickHouse."""
        with self._database.writing() as session:
            gone = _rows(ListPartRow.id.in_(parts), ListPartRow.discarded.is_(True)).with_for_update(skip_locked=True)
            for row in session.scalars(gone):
                session.delete(row)


def adopt(session: Session, parts: Collection[str]) -> None:
    """Let a list consist of these from now on; InternalError where one is gone."""
    rows = session.scalars(_rows(ListPartRow.id.in_(parts), ListPartRow.discarded.is_(False)).with_for_update()).all()
    if len(rows) != len(parts):
        raise InternalError("a list was to consist of parts that are gone")
    _touch_all(rows)


def retire(session: Session, parts: Collection[str]) -> None:
    """A list consists of these no longer; who reads them now has a day left."""
    _touch_all(session.scalars(_rows(ListPartRow.id.in_(parts)).with_for_update()).all())


def _rows(*conditions: ColumnElement[bool]) -> Select[ListPartRow]:
    return select(ListPartRow).where(*conditions).order_by(ListPartRow.id)


def _discard_unnamed(session: Session, rows: Collection[ListPartRow]) -> None:
    named = _named(session) if rows else set()
    for row in rows:
        row.discarded = row.id not in named
    session.flush()


def _named(session: Session) -> set[str]:
    return {part for parts in session.scalars(select(ListRow.parts)) for part in parts}


def _touch_all(rows: Collection[ListPartRow]) -> None:
    for row in rows:
        row.touched_at = now()
