from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from clickhouse_connect.driver.models import SettingDef

from segmentator_dagster.compiler.query import CompiledQuery
from segmentator_dagster.domain.errors import InternalError, UserError
from segmentator_dagster.embedded.clickhouse_config import ServerFolders
from segmentator_dagster.storage.clickhouse import ClickHouse
from segmentator_dagster.storage.clickhouse_async import EXACT, LONGEST_QUERY, AsyncClickHouse, settings_to_send
from tests.servers.child import free_port
from tests.servers.clickhouse import ClickHouseServer, clickhouse

ENDLESS = "SELECT sum(cityHash64(number)) FROM numbers(100000000000)"
AT_MOST_A_SECOND = """<clickhouse><profiles><reader>
<readonly>2</readonly><max_execution_time>0</max_execution_time>
<constraints><max_execution_time><max>1</max></max_execution_time></constraints>
</reader></profiles></clickhouse>"""
RUNNING = "SELECT count() FROM system.processes WHERE query_id = {id:String}"


def query(sql: str, **parameters: object) -> CompiledQuery:
    return CompiledQuery(sql, parameters)


@asynccontextmanager
async def connected(url: str, deadline_seconds: int = 20) -> AsyncIterator[AsyncClickHouse]:
    client = AsyncClickHouse(url, deadline_seconds=deadline_seconds)
    try:
        yield client
    finally:
        await client.close()


def rows(url: str, sql: CompiledQuery, settings: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
    async def ask() -> list[tuple[Any, ...]]:
        async with connected(url) as client:
            return await client.rows(sql, settings)

    return asyncio.run(ask())


@pytest.fixture(params=["reader", "writer"])
def url(request: pytest.FixtureRequest, clickhouse_server: ClickHouseServer) -> str:
    """A user whose profile says everything and lets nothing be changed, and one whose profile says nothing."""
    found: str = getattr(clickhouse_server, f"{request.param}_url")
    return found


def test_values_come_as_they_are_stored(url: str) -> None:
    sql = "SELECT {t:String}, unhex('ff'), toDecimal64(1.10, 2), toDateTime('2026-01-01 00:00:00', 'UTC'), NULL"
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    assert rows(url, query(sql, t="\\' — 'ы")) == [("\\' — 'ы".encode(), b"\xff", Decimal("1.10"), moment, None)]


def test_a_cancelled_question_ends_on_the_server(url: str, admin: ClickHouse) -> None:
    query_id = f"cancelled-{free_port()}"

    async def ask() -> float:
        async with connected(url) as client:
            asked = asyncio.ensure_future(client.rows(query(ENDLESS), {"query_id": query_id}))
            await until(lambda: asyncio.to_thread(admin.scalar, query(RUNNING, id=query_id)))
            started = time.perf_counter()
            asked.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asked
            await until(lambda: negated(asyncio.to_thread(admin.scalar, query(RUNNING, id=query_id))))
            assert await client.rows(query("SELECT 1")) == [(1,)]
            return time.perf_counter() - started

    seconds = asyncio.run(ask())
    print(f"ended on the server {seconds * 1000:.0f} ms after it was cancelled")
    assert seconds < 2


def test_the_deadline_is_the_servers_where_the_user_may_say_so(clickhouse_server: ClickHouseServer) -> None:
    async def ask() -> float:
        async with connected(clickhouse_server.writer_url, deadline_seconds=1) as client:
            started = time.perf_counter()
            with pytest.raises(UserError) as error:
                await client.rows(query(ENDLESS))
            assert error.value.code == "query_too_heavy"
            return time.perf_counter() - started

    assert asyncio.run(ask()) < 4  # our own limit would come after six seconds


def test_the_deadline_is_ours_where_the_server_knows_none(
    clickhouse_server: ClickHouseServer, admin: ClickHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("segmentator_dagster.storage.clickhouse_async.GRACE_SECONDS", 0.2)
    query_id = f"late-{free_port()}"

    async def ask() -> None:
        async with connected(clickhouse_server.reader_url, deadline_seconds=1) as client:
            with pytest.raises(UserError) as error:
                await client.rows(query(ENDLESS), {"query_id": query_id})
            assert error.value.code == "query_too_heavy"
            await until(lambda: negated(asyncio.to_thread(admin.scalar, query(RUNNING, id=query_id))))

    asyncio.run(ask())


def test_the_deadline_is_what_the_profile_allows_at_most(tmp_path: Path) -> None:
    added = ServerFolders(tmp_path).config / "users.d"
    added.mkdir(parents=True)
    (added / "at_most.xml").write_text(AT_MOST_A_SECOND)

    async def ask(url: str) -> float:
        async with connected(url) as client:
            assert await client.rows(query("SELECT 1")) == [(1,)]
            assert await client.rows(LONGEST_QUERY) == [(1,)]
            started = time.perf_counter()
            with pytest.raises(UserError) as error:
                await client.rows(query(ENDLESS), deadline_seconds=10)
            assert error.value.code == "query_too_heavy"
            return time.perf_counter() - started

    with clickhouse(tmp_path) as server:
        assert asyncio.run(ask(server.reader_url)) < 5


def test_an_error_in_the_middle_of_an_answer_is_an_error(clickhouse_server: ClickHouseServer) -> None:
    sql = query("SELECT throwIf(number = 3000000, 'the reason') FROM numbers(4000000)")
    with pytest.raises(InternalError, match="the reason"):
        rows(clickhouse_server.writer_url, sql, {"max_block_size": 65_536, "max_threads": 1})


@pytest.mark.parametrize(
    ("sql", "settings", "code"),
    [
        ("SELECT count() FROM datasets.no_such_table", {}, "dataset_changed"),
        ("SELECT groupArray(number) FROM numbers(100000000)", {"max_memory_usage": 50_000_000}, "query_too_heavy"),
        ("SELECT count() FROM numbers(1000000)", {"max_rows_to_read": 1000}, "query_too_heavy"),
    ],
)
def test_errors_have_the_same_codes_as_those_of_the_other_client(
    clickhouse_server: ClickHouseServer, sql: str, settings: dict[str, int], code: str
) -> None:
    with pytest.raises(UserError) as error:
        rows(clickhouse_server.writer_url, query(sql), settings)
    assert error.value.code == code


def test_it_changes_nothing(clickhouse_server: ClickHouseServer) -> None:
    with pytest.raises(InternalError, match="readonly"):
        rows(clickhouse_server.writer_url, query("CREATE TABLE segmentator.made (x UInt8) ENGINE = Memory"))


def test_a_server_that_is_not_there_is_unavailable_and_found_when_it_is_back(
    clickhouse_server: ClickHouseServer,
) -> None:
    with pytest.raises(UserError) as error:
        rows(f"http://reader:x@127.0.0.1:{free_port()}", query("SELECT 1"))
    assert error.value.code == "clickhouse_unavailable"
    assert "reader" not in str(error.value)


def test_a_server_that_accepts_and_says_nothing_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segmentator_dagster.storage.clickhouse_async._CONNECT_SECONDS", 0.3)

    async def ask() -> None:
        async def silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await asyncio.sleep(5)
            writer.close()

        server = await asyncio.start_server(silent, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with connected(f"http://reader:x@127.0.0.1:{port}") as client:
            with pytest.raises(UserError) as error:
                await client.rows(query("SELECT 1"))
            assert error.value.code == "clickhouse_unavailable"
        server.close()

    asyncio.run(ask())


def test_an_answer_that_breaks_off_is_no_answer() -> None:
    """A chunk of a Native block, and then the connection is gone."""

    async def ask() -> None:
        async def half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n\x01\x01\x05c\r\n")
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(half, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with connected(f"http://reader:x@127.0.0.1:{port}") as client:
            with pytest.raises((UserError, InternalError)):
                await client.rows(query("SELECT 1"))
        server.close()

    asyncio.run(ask())


def profile(readonly: int = 0, **values: str) -> dict[str, SettingDef]:
    said = {
        "readonly": "0",
        "max_execution_time": "0",
        "timeout_overflow_mode": "throw",
        "cancel_http_readonly_queries_on_client_close": "0",
        **values,
    }
    return {name: SettingDef(name, value, readonly) for name, value in said.items()}


def test_what_may_be_said_is_said_with_every_query() -> None:
    ending = {"readonly": "2", "cancel_http_readonly_queries_on_client_close": "1"}
    assert settings_to_send(profile(), 30) == {**ending, "max_execution_time": "30"}
    assert settings_to_send(profile(max_execution_time="600"), 30) == {**ending, "max_execution_time": "30"}
    assert settings_to_send(profile(max_execution_time="10"), 30) == ending
    assert settings_to_send(profile(read_overflow_mode="break", max_execution_time="10"), 30) == {
        **ending,
        "read_overflow_mode": "throw",
    }


def test_nothing_is_said_where_nothing_may_be() -> None:
    assert settings_to_send(profile(readonly=1), 30) == {}


@pytest.mark.parametrize(
    ("setting", "value"),
    [("timeout_overflow_mode", "break"), ("group_by_overflow_mode", "any"), ("use_query_cache", "1"), ("limit", "5")],
)
def test_a_profile_that_cuts_answers_and_cannot_be_changed_is_refused(setting: str, value: str) -> None:
    with pytest.raises(UserError) as error:
        settings_to_send(profile(readonly=1, **{setting: value}), 30)
    assert error.value.code == "answers_may_be_cut"
    assert f"{setting} = {value}" in error.value.problems[0].message("ru")


def test_the_server_knows_every_setting_that_could_cut_an_answer(admin: ClickHouse) -> None:
    known = dict(admin.rows(query("SELECT name, value FROM system.settings")))
    assert {name: known[name] for name in EXACT} == EXACT


async def until(condition: Callable[[], Coroutine[Any, Any, object]], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.01)


async def negated(answer: Coroutine[Any, Any, object]) -> bool:
    return not await answer
