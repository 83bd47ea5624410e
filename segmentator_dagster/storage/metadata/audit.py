"""The audit log in the metadata database: written with what it tells of, read by page, never changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select

from segmentator_dagster.domain.access import Actor, Via
from segmentator_dagster.domain.audit import Entry, Event, Outcome, Thing
from segmentator_dagster.domain.segment import search_key
from segmentator_dagster.storage.metadata.database import Database, now
from segmentator_dagster.storage.metadata.pages import with_words
from segmentator_dagster.storage.metadata.people_models import AuditRow

NOTHING = Thing("", "")


@dataclass(slots=True)
class Note:
    """What a use case says of itself while it works."""

    thing: Thing = NOTHING
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    skip: bool = False
    """Nothing came of it, so nothing is written down."""


@dataclass(frozen=True, slots=True)
class Search:
    """Which entries: all of what is given. `text`: words of a name, an id, an address, a request id."""

    actor_id: int | None = None
    event: Event | None = None
    outcome: Outcome | None = None
    kind: str | None = None
    object_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    text: str = ""


class Audit:
    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def together(self) -> Iterator[None]:
        """One transaction around what is done and the entries that are written of it."""
        with self._database.writing():
            yield

    def refusal(self, actor: Actor, thing: Thing) -> None:
        """Somebody known was not let do something."""
        self.write(actor, Event.REFUSED, thing, Outcome.REFUSED)

    @contextmanager
    def doing(self, actor: Actor, event: Event) -> Iterator[Note]:
        """One transaction around what is done and its entry: both are there, or neither is."""
        note = Note()
        with self.together():
            yield note
            if not note.skip:
                self.write(actor, event, note.thing, before=note.before, after=note.after)

    def write(
        self,
        actor: Actor,
        event: Event,
        thing: Thing = NOTHING,
        outcome: Outcome = Outcome.DONE,
        *,
        before: Mapping[str, Any] | None = None,
        after: Mapping[str, Any] | None = None,
    ) -> None:
        texts = (actor.name, thing.name, thing.id, actor.address, actor.request_id)
        with self._database.writing() as session:
            session.add(
                AuditRow(
                    at=now(),
                    actor_id=actor.person_id,
                    actor_name=_storable(actor.name),
                    via=actor.via.value,
                    address=actor.address,
                    request_id=actor.request_id,
                    action=event.value,
                    object_kind=thing.kind,
                    object_id=_storable(thing.id),
                    object_name=_storable(thing.name),
                    search_text=search_key(_storable(" ".join(texts))),
                    outcome=outcome.value,
                    before=dict(before) if before is not None else None,
                    after=dict(after) if after is not None else None,
                )
            )

    def page(self, search: Search, *, before_id: int | None = None, limit: int = 50) -> tuple[Entry, ...]:
        """Newest first; those older than `before_id` where one is given."""
        query = _matching(search).order_by(AuditRow.id.desc()).limit(limit)
        if before_id is not None:
            query = query.where(AuditRow.id < before_id)
        with self._database.reading() as session:
            return tuple(_entry(row) for row in session.scalars(query))

    def every(self, search: Search, batch: int = 1000) -> Iterator[Entry]:
        """All of them, newest first, on constant memory."""
        last: int | None = None
        while found := self.page(search, before_id=last, limit=batch):
            yield from found
            last = found[-1].id


def _matching(search: Search) -> Select[AuditRow]:
    query = select(AuditRow)
    equal = {
        AuditRow.actor_id: search.actor_id,
        AuditRow.action: search.event,
        AuditRow.outcome: search.outcome,
        AuditRow.object_kind: search.kind,
        AuditRow.object_id: search.object_id,
    }
    for column, value in equal.items():
        if value is not None:
            query = query.where(column == value)
    if search.since is not None:
        query = query.where(AuditRow.at >= search.since)
    if search.until is not None:
        query = query.where(AuditRow.at < search.until)
    return with_words(query, AuditRow.search_text, search.text)


def _entry(row: AuditRow) -> Entry:
    return Entry(
        id=row.id,
        at=row.at,
        actor_id=row.actor_id,
        actor_name=row.actor_name,
        via=Via(row.via),
        address=row.address,
        request_id=row.request_id,
        event=Event(row.action),
        thing=Thing(row.object_kind, row.object_id, row.object_name),
        outcome=Outcome(row.outcome),
        before=row.before,
        after=row.after,
    )


def _storable(text: str) -> str:
    """PostgreSQL keeps no NUL and no lone surrogate."""
    return text.replace("\0", "�").encode("utf-8", "replace").decode()
