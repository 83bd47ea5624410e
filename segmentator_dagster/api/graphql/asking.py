"""One GraphQL request -> what its fields need: use cases, who asks, loaders, room to work in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import anyio.to_thread
import strawberry
from graphql import DocumentNode
from starlette.types import Scope

from segmentator_dagster.api.callers import caller_key
from segmentator_dagster.api.graphql.loaders import SegmentParts, loader
from segmentator_dagster.api.rate_limits import Limit
from segmentator_dagster.api.routes.caller import Calling
from segmentator_dagster.api.services import Services
from segmentator_dagster.domain.access import Action, Actor, decide
from segmentator_dagster.domain.audit import Thing
from segmentator_dagster.domain.errors import Language

T = TypeVar("T")

_AT_ONCE = 4  # of one request: others shall find threads and connections too


class Asking:
    """The context of a request; for this request alone."""

    def __init__(self, use: Services, caller: Calling, scope: Scope, document: DocumentNode) -> None:
        self.use = use
        self.caller = caller
        self.document = document
        self._scope = scope
        self._room = asyncio.Semaphore(_AT_ONCE)
        self._refused: set[str] = set()
        parts = SegmentParts(use.database, caller.actor)
        self.exports = loader(parts.exports, self.run)
        self.snapshots = loader(parts.snapshots, self.run)
        self.versions = loader(parts.versions, self.run)

    @property
    def actor(self) -> Actor:
        return self.caller.actor

    @property
    def shape(self) -> tuple[Language, str | None]:
        """How answers speak, and where Dagster is for who may open it."""
        return self.caller.language, self.caller.dagster_url

    async def admit(self, field: str, action: Action, limit: Limit | None) -> None:
        """UserError where the actor may not, which is written down once; or has asked too often."""
        if problem := decide(self.actor, action):
            if field not in self._refused:
                self._refused.add(field)
                await self.run(lambda: self.use.audit_log.refusal(self.actor, Thing("field", field)))
            raise problem.error()
        if limit is not None:
            await self.use.limits.check(limit, caller_key(self._scope))

    async def run(self, work: Callable[[], T]) -> T:
        """Blocking work, in a thread."""
        async with self._room:
            return await anyio.to_thread.run_sync(work)

    async def question(self, work: Coroutine[Any, Any, T]) -> T:
        """Work that waits for ClickHouse."""
        try:
            async with self._room:
                return await work
        finally:
            work.close()


Info = strawberry.Info[Asking, None]
