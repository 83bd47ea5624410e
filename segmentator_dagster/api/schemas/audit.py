"""The audit log in JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field

from segmentator_dagster.api.schemas.queries import Moment, Plain
from segmentator_dagster.domain.access import Via
from segmentator_dagster.domain.audit import Entry, Event, Outcome
from segmentator_dagster.storage.metadata.audit import Search

_EXAMPLE: dict[str, Any] = {
    "id": 812,
    "at": "2026-01-31T09:59:00.000000Z",
    "actor": {"id": 3, "name": "Анна Смирнова"},
    "via": "session",
    "address": "192.0.2.17",
    "request_id": "3f6c2b1d8e5a4f70a1b2c3d4e5f60718",
    "event": "segment.change",
    "outcome": "done",
    "object": {"kind": "segment", "id": "17", "name": "iOS, мартовская когорта"},
    "before": {"version": 2, "name": "iOS, март"},
    "after": {"version": 3, "name": "iOS, мартовская когорта"},
}


class AuditSearch(BaseModel):
    model_config = ConfigDict(extra="forbid")

    actor_id: int | None = Field(None, ge=1, lt=2**31, description="only what this person did")
    event: Event | None = None
    outcome: Outcome | None = None
    object_kind: Plain | None = Field(None, max_length=16, description="`segment`, `export`, `person`, …")
    object_id: Plain | None = Field(None, max_length=64)
    since: Moment | None = Field(None, description="from this moment on")
    until: Moment | None = Field(None, description="before this moment")
    search: Plain = Field("", max_length=200, description="words of a name, an id, an address or a request id")

    def wanted(self) -> Search:
        return Search(
            actor_id=self.actor_id,
            event=self.event,
            outcome=self.outcome,
            kind=self.object_kind,
            object_id=self.object_id,
            since=self.since,
            until=self.until,
            text=self.search,
        )


class AuditQuery(AuditSearch):
    before: int | None = Field(None, ge=1, lt=2**63, description="`next_before` of the page before")
    limit: int = Field(50, ge=1, le=200, description="most entries on a page")


class ActorOut(BaseModel):
    id: int | None = Field(description="null: the installation itself, or somebody without an account")
    name: str


class ObjectOut(BaseModel):
    kind: str
    id: str
    name: str


class EntryOut(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    id: int
    at: datetime
    actor: ActorOut
    via: Via
    address: str
    request_id: str
    event: Event
    outcome: Outcome
    object: ObjectOut
    before: dict[str, Any] | None = Field(description="of a change: the keys that differ, as they were")
    after: dict[str, Any] | None

    @classmethod
    def of(cls, entry: Entry) -> Self:
        return cls(
            id=entry.id,
            at=entry.at,
            actor=ActorOut(id=entry.actor_id, name=entry.actor_name),
            via=entry.via,
            address=entry.address,
            request_id=entry.request_id,
            event=entry.event,
            outcome=entry.outcome,
            object=ObjectOut(kind=entry.thing.kind, id=entry.thing.id, name=entry.thing.name),
            before=None if entry.before is None else dict(entry.before),
            after=None if entry.after is None else dict(entry.after),
        )


class AuditPageOut(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [_EXAMPLE], "next_before": None}]})

    items: list[EntryOut]
    next_before: int | None = Field(description="give it as `before` for the next page; null: this was the last one")

    @classmethod
    def of(cls, entries: tuple[Entry, ...], limit: int) -> Self:
        following = entries[-1].id if len(entries) == limit else None
        return cls(items=[EntryOut.of(entry) for entry in entries], next_before=following)
