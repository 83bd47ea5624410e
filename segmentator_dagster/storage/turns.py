"""Editor × kind of question -> whose turn it is: a newer question takes the turn of an older one, in any process."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cashews import Cache
from cashews.exceptions import CacheError

from segmentator_dagster.storage.cache import cache_at, close_cache

_log = logging.getLogger(__name__)

_PREFIX = "segmentator:turn:1:"
_POLL_SECONDS = 0.1


class Turn:
    """One question on its way. `began` orders the questions of an editor, nanoseconds since 1970."""

    def __init__(self, key: str, began: int, shared: Cache | None) -> None:
        self.began = began
        self.taken = asyncio.Event()
        self._key = key
        self._shared = shared

    async def over(self) -> None:
        """Return once a newer question has taken the turn."""
        while self._shared is not None:
            try:
                async with asyncio.timeout(_POLL_SECONDS):
                    await self.taken.wait()
                return
            except TimeoutError:
                if await self._taken_elsewhere(self._shared):
                    return
        await self.taken.wait()

    async def _taken_elsewhere(self, shared: Cache) -> bool:
        try:
            latest: object = await shared.get(self._key)
        except (CacheError, ValueError) as error:
            _log.warning("other processes cannot end this question: %s", type(error).__name__)
            self._shared = None
            return False
        return isinstance(latest, int) and latest > self.began


class Turns:
    """Who asks last, wins. Processes learn of each other through Redis, where a URL is given.

    The order is by the clocks of the processes. Where clocks differ, or Redis is down, an older question runs on
    beside the newer one; the newest is never ended.
    """

    def __init__(self, redis_url: str | None, *, longest_seconds: int) -> None:
        """`longest_seconds`: after that no question is on its way any more."""
        self._shared = None if redis_url is None else cache_at(redis_url)
        self._longest = longest_seconds
        self._latest: dict[str, Turn] = {}

    @asynccontextmanager
    async def turn(self, editor: str, kind: str) -> AsyncIterator[Turn]:
        """Take the turn of this editor's older questions of this kind."""
        key = f"{_PREFIX}{kind}:{editor}"
        older = self._latest.get(key)
        turn = Turn(key, max(time.time_ns(), older.began + 1 if older else 0), self._shared)
        self._latest[key] = turn
        if older is not None:
            older.taken.set()
        try:
            await self._announce(key, turn)
            yield turn
        finally:
            if self._latest.get(key) is turn:
                del self._latest[key]

    async def _announce(self, key: str, turn: Turn) -> None:
        if self._shared is not None:
            try:
                await self._shared.set(key, turn.began, expire=self._longest)
            except CacheError as error:
                _log.warning("other processes do not learn of this question: %s", type(error).__name__)

    async def close(self) -> None:
        if self._shared is not None:
            await close_cache(self._shared)
