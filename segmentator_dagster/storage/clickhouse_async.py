"""CompiledQuery -> rows out of ClickHouse, within a deadline, ended on the server as soon as nobody waits for them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import clickhouse_connect
from clickhouse_connect.driver.exceptions import ClickHouseError

from segmentator_dagster.compiler.query import CompiledQuery
from segmentator_dagster.domain.errors import Category, ProblemKind
from segmentator_dagster.domain.installation import MOST_DEADLINE_SECONDS
from segmentator_dagster.storage.clickhouse import (
    CLICKHOUSE_UNAVAILABLE,
    QUERY_TOO_HEAVY,
    connection_options,
    mapped_error,
)

if TYPE_CHECKING:
    from clickhouse_connect.driver.asyncclient import AsyncClient
    from clickhouse_connect.driver.models import SettingDef

ANSWERS_MAY_BE_CUT = ProblemKind(
    "answers_may_be_cut",
    Category.UNAVAILABLE,
    en="ClickHouse may give this user a part of an answer for the whole: its profile says {setting} = {value}.",
    ru="ClickHouse может выдать этому пользователю часть ответа за целый: в его профиле {setting} = {value}.",
    hint_en="An administrator of ClickHouse sets {setting} = {wanted} in the profile.",
    hint_ru="Администратору ClickHouse нужно задать в профиле {setting} = {wanted}.",
)

# Seconds after which the server ends a query of this user, whatever is sent with it; 0: never.
LONGEST_QUERY = CompiledQuery(
    "SELECT arrayMin(arrayFilter(limit -> limit > 0, [toFloat64(value), ifNull(toFloat64OrNull(max), 0)])) "
    "FROM system.settings WHERE name = 'max_execution_time'"
)
GRACE_SECONDS = 5  # the server's own limit comes first, and says so
_CONNECT_SECONDS = 10
_MOST_AT_ONCE = 100
_OVERFLOWS = ("timeout", "read", "result", "group_by", "sort", "set", "join", "distinct", "transfer")
# With any other value an answer may be cut, or be one of the past.
EXACT = {
    **{f"{limit}_overflow_mode": "throw" for limit in _OVERFLOWS},
    "timeout_overflow_mode_leaf": "throw",
    "read_overflow_mode_leaf": "throw",
    "partial_result_on_first_cancel": "0",
    "skip_unavailable_shards": "0",
    "optimize_trivial_approximate_count_query": "0",
    "use_query_cache": "0",
    "limit": "0",
    "offset": "0",
}


class AsyncClickHouse:
    """One user of one server, for questions that change nothing. Connects on first use, in the event loop of that use.

    What the user's profile does not say already and lets the user say, is sent with every query: the deadline, that
    a query ends when its connection does, and that an answer comes whole or not at all.
    """

    def __init__(self, url: str, *, deadline_seconds: int) -> None:
        self._options = connection_options(url)
        self._deadline = deadline_seconds
        self._connecting = asyncio.Lock()
        self._client: AsyncClient | None = None
        self._longest = 0.0

    async def rows(
        self,
        query: CompiledQuery,
        settings: Mapping[str, Any] | None = None,
        *,
        deadline_seconds: int | None = None,
    ) -> list[tuple[Any, ...]]:
        """All rows of a small result: texts as the bytes that are stored, moments with their offset.

        UserError query_too_heavy past the deadline: the client's own where none is given, what the profile allows where
        that is less. Cancelling the task that waits ends the query on the server.
        """
        client = await self._connected()
        deadline = self._allowed(deadline_seconds or self._deadline)
        sent = settings_to_send(client.server_settings, deadline)
        async with _errors_within(_patience(client.server_settings, sent, deadline), QUERY_TOO_HEAVY):
            result = await client.query(
                query.sql,
                parameters=dict(query.parameters),
                # the answer is sent when it is complete, so an error in the middle is an error and no short answer
                settings={"wait_end_of_query": "1", **sent, **(settings or {})},
                query_formats={"String": "bytes"},
                tz_mode="aware",
            )
            return [tuple(row) for row in result.result_rows]

    async def close(self) -> None:
        async with self._connecting:
            if self._client is not None:
                await self._client.close()
                self._client = None

    async def _connected(self) -> AsyncClient:
        async with self._connecting:
            if self._client is None:
                async with _errors_within(_CONNECT_SECONDS, CLICKHOUSE_UNAVAILABLE):
                    client = await clickhouse_connect.get_async_client(
                        **self._options,
                        send_receive_timeout=MOST_DEADLINE_SECONDS + 2 * GRACE_SECONDS,
                        connector_limit=_MOST_AT_ONCE,
                        connector_limit_per_host=_MOST_AT_ONCE,
                    )
                try:
                    settings_to_send(client.server_settings, self._deadline)
                    async with _errors_within(_CONNECT_SECONDS, CLICKHOUSE_UNAVAILABLE):
                        [[self._longest]] = (await client.query(LONGEST_QUERY.sql)).result_rows
                except BaseException:
                    await client.close()
                    raise
                self._client = client
            return self._client

    def _allowed(self, deadline_seconds: float) -> float:
        """A longer one than the profile allows is refused by the server with the query."""
        return min(deadline_seconds, self._longest) if self._longest else deadline_seconds


@asynccontextmanager
async def _errors_within(seconds: float, too_late: ProblemKind) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise too_late.error() from error
    except (ClickHouseError, aiohttp.ClientError, OSError) as error:
        raise mapped_error(error) from error


def settings_to_send(profile: Mapping[str, SettingDef], deadline_seconds: float) -> dict[str, str]:
    """What to send with every query to a user of this profile, `system.settings` as that user sees it.

    UserError answers_may_be_cut where the profile allows that and the user cannot change it.
    """
    sent = {name: wanted for name, wanted in EXACT.items() if name in profile and profile[name].value != wanted}
    for name, wanted in sent.items():
        if profile[name].readonly:
            raise ANSWERS_MAY_BE_CUT.error(setting=name, value=profile[name].value, wanted=wanted)
    if profile["readonly"].value == "0":
        sent["readonly"] = "2"
    if not _ends_in_time(profile, deadline_seconds):
        sent["max_execution_time"] = f"{deadline_seconds:g}"
    # ClickHouse looks whether the client is still there only where the query may not write.
    sent["cancel_http_readonly_queries_on_client_close"] = "1"
    return {name: value for name, value in sent.items() if not profile[name].readonly}


def _ends_in_time(profile: Mapping[str, SettingDef], deadline_seconds: float) -> bool:
    """Whether the server ends the queries of this profile by itself."""
    return 0 < float(profile["max_execution_time"].value) <= deadline_seconds


def _patience(profile: Mapping[str, SettingDef], sent: Mapping[str, str], deadline_seconds: float) -> float:
    """How long to wait for an answer: longer than the deadline only where the server knows that too."""
    server_knows = "max_execution_time" in sent or _ends_in_time(profile, deadline_seconds)
    return deadline_seconds + (GRACE_SECONDS if server_knows else 0)
