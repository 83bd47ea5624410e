"""What concerns the installation as a whole in GraphQL: its settings and the audit log."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Self

import strawberry
from pydantic import BaseModel, Field

from segmentator_dagster.api.graphql.asking import Info
from segmentator_dagster.api.graphql.fields import field
from segmentator_dagster.api.graphql.paging import After, First, asked
from segmentator_dagster.api.graphql.types import enum
from segmentator_dagster.api.schemas.audit import AuditPageOut, AuditQuery, EntryOut
from segmentator_dagster.api.schemas.installation import SettingsOut, SettingsPatch
from segmentator_dagster.domain.audit import Event, Outcome

enum(Event)
enum(Outcome)


class AuditConnectionOut(BaseModel):
    items: list[EntryOut]
    next_cursor: str | None = Field(description="give it as `after` for the next page; null: this was the last one")

    @classmethod
    def of(cls, page: AuditPageOut) -> Self:
        return cls(items=page.items, next_cursor=None if page.next_before is None else str(page.next_before))


@strawberry.type
class InstallationQueries:
    @field("What administrators set for everybody, what the environment says, and what follows.")
    async def settings(self, info: Info) -> SettingsOut:
        asking = info.context
        return await asking.run(lambda: SettingsOut.of(asking.use.settings.get(asking.actor)))

    @field("Who did what to which object, when and from where, newest first.")
    async def audit(
        self,
        info: Info,
        *,
        first: First = None,
        after: After = None,
        actor_id: int | None = None,
        event: Event | None = None,
        outcome: Outcome | None = None,
        object_kind: str | None = None,
        object_id: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        search: str | None = None,
    ) -> AuditConnectionOut:
        said = {"before": after, "actor_id": actor_id, "event": event, "outcome": outcome, "since": since}
        named = {"object_kind": object_kind, "object_id": object_id, "until": until, "search": search}
        filters, asking = asked(AuditQuery, first, {**said, **named}), info.context
        found = partial(asking.use.audit.page, asking.actor, filters.wanted(), filters.before, filters.limit)
        return AuditConnectionOut.of(AuditPageOut.of(await asking.run(found), filters.limit))


@strawberry.type
class InstallationMutations:
    @field(
        "Only the keys that are given change, `null` takes one back. `version` is the one the change is based on; "
        "where it is not the current one, nothing is changed."
    )
    async def change_settings(self, info: Info, input: SettingsPatch) -> SettingsOut:  # noqa: A002
        asking = info.context
        change = partial(asking.use.settings.change, asking.actor, input.version, input.changes())
        return await asking.run(lambda: SettingsOut.of(change()))
