"""Kind of request x whoever sends it -> goes on, or 429 with the seconds to wait."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from enum import StrEnum
from typing import Any

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import FixedWindowRateLimiter
from redis.asyncio import ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from starlette.types import Scope

from segmentator_dagster.api.callers import caller_key
from segmentator_dagster.api.http_problems import TOO_MANY_REQUESTS
from segmentator_dagster.domain.errors import UserError

_log = logging.getLogger(__name__)

_REDIS_SECONDS = 0.25
_REST_SECONDS = 5.0  # a Redis that did not answer is left alone for so long
_WINDOW_SECONDS = 60


class Limit(StrEnum):
    """What is counted together."""

    SIGN_IN = "sign_in"  # by address
    SIGN_IN_CALLBACK = "sign_in_callback"  # by address
    FAILED_TOKEN = "failed_token"  # by address, only those that were not accepted  # noqa: S105
    EXPORT = "export"
    UPLOAD = "upload"
    QUESTION = "question"
    GRAPHQL = "graphql"
    REQUEST = "request"


PER_MINUTE = {
    Limit.SIGN_IN: 10,
    Limit.SIGN_IN_CALLBACK: 30,
    Limit.FAILED_TOKEN: 20,
    Limit.EXPORT: 30,
    Limit.UPLOAD: 30,
    Limit.QUESTION: 300,  # an editor asks four with each change of a rule
    Limit.GRAPHQL: 300,
    Limit.REQUEST: 3000,
}
# All the others are a REQUEST; probes are not counted.
OF_ROUTE = {
    "request_exports": Limit.EXPORT,
    "create_list": Limit.UPLOAD,
    "fill_list": Limit.UPLOAD,
    "count_audience": Limit.QUESTION,
    "preview_audience": Limit.QUESTION,
    "break_down_audience": Limit.QUESTION,
    "explain_audience": Limit.QUESTION,
    "list_values": Limit.QUESTION,
}
UNCOUNTED = frozenset({"health", "ready"})


class TooManyRequestsError(UserError):
    """`headers` are those of its answer: draft-ietf-httpapi-ratelimit-headers-10 and Retry-After."""

    def __init__(self, limit: Limit, retry_after: int) -> None:
        """`retry_after` in seconds."""
        most = PER_MINUTE[limit]
        super().__init__(TOO_MANY_REQUESTS.at(limit=most, retry_after=retry_after), extra={"retry_after": retry_after})
        self.headers = {
            "Retry-After": str(retry_after),
            "RateLimit-Policy": f'"{limit}";q={most};w={_WINDOW_SECONDS}',
            "RateLimit": f'"{limit}";r=0;t={retry_after}',
        }


class RateLimits:
    """Fixed windows of a minute that begin with a caller's first request: one counter each, and the end is known.

    The price is that two windows' worth may come within a minute, across a border. All processes count together in
    Redis, where a URL is given, and each for itself beside it: where Redis is down, that count goes on alone.
    """

    def __init__(self, redis_url: str | None, *, on: bool = True) -> None:
        self._on = on
        self._here = FixedWindowRateLimiter(MemoryStorage())
        self._connections: ConnectionPool | None = None
        self._together: FixedWindowRateLimiter | None = None
        if redis_url is not None:
            self._connections = _connections(redis_url)
            self._together = _counted_in(redis_url, self._connections)
        self._ask_again = 0.0  # by the monotonic clock; zero while Redis answers

    async def check(self, limit: Limit, key: str) -> None:
        """Count one request of whoever `key` names; TooManyRequestsError where it is one too many."""
        if not self._on:
            return
        item = RateLimitItemPerMinute(PER_MINUTE[limit], namespace=limit.value)
        end = await self._end_here(item, key)
        if end is None and limit is not Limit.REQUEST:  # those are many, and need no exact count
            end = await self._end_together(item, key)
        if end is not None:
            raise TooManyRequestsError(limit, max(1, math.ceil(end - time.time())))

    async def check_route(self, name: str, scope: Scope) -> None:
        """The same for a request that was routed; the person is taken into account once `remember_person` knows."""
        if name not in UNCOUNTED:
            await self.check(OF_ROUTE.get(name, Limit.REQUEST), caller_key(scope))

    async def close(self) -> None:
        if self._connections is not None:
            await self._connections.aclose()

    async def _end_here(self, item: RateLimitItem, key: str) -> float | None:
        """When the full window ends, in seconds since 1970; None where it is not full."""
        if await self._here.hit(item, key):
            return None
        return (await self._here.get_window_stats(item, key)).reset_time

    async def _end_together(self, item: RateLimitItem, key: str) -> float | None:
        """The same over all processes; None too where Redis does not answer."""
        now = time.monotonic()
        if self._together is None or now < self._ask_again:
            return None
        if self._ask_again:
            self._ask_again = now + _REST_SECONDS  # one request sees whether it is back, the others go on
        try:
            async with asyncio.timeout(_REDIS_SECONDS):
                free = await self._together.hit(item, key)
                end = None if free else (await self._together.get_window_stats(item, key)).reset_time
        except (RedisError, OSError, TimeoutError) as error:
            self._ask_again = now + _REST_SECONDS
            _log.warning("requests are counted in this process only: %s", type(error).__name__)
            return None
        self._ask_again = 0.0
        return end


def _connections(url: str) -> ConnectionPool:
    return ConnectionPool.from_url(
        url,
        socket_timeout=_REDIS_SECONDS,
        socket_connect_timeout=_REDIS_SECONDS,
        retry=Retry(NoBackoff(), 0),  # the client's own would wait for seconds
    )


def _counted_in(url: str, connections: ConnectionPool) -> FixedWindowRateLimiter:
    options: dict[str, Any] = {"connection_pool": connections}
    storage = RedisStorage(f"async+{url}", implementation="redispy", key_prefix="segmentator:limit:1", **options)
    return FixedWindowRateLimiter(storage)
