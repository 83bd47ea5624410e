from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import redis

from segmentator_dagster.compiler.query import CompiledQuery
from segmentator_dagster.domain.catalogue import Dataset
from segmentator_dagster.storage.cache import AnswerCache, Remembered, answer_key, data_version
from segmentator_dagster.storage.clickhouse import ClickHouse
from segmentator_dagster.storage.clickhouse_async import AsyncClickHouse
from tests.servers.child import free_port
from tests.servers.clickhouse import ClickHouseServer
from tests.servers.valkey import ValkeyServer


class Figures(Remembered):
    figures: tuple[tuple[Any, int], ...]
    share: float


MOMENT = datetime(2026, 1, 31, 10, 0, 0, 123456, tzinfo=UTC)
ANSWER = Figures(
    figures=(("ы\U0001f600", 1), (None, 2), ("9007199254740993", 3), (0.1, 4)), share=1.0, data_moment=MOMENT
)


def there_and_back(url: str | None, answer: Figures) -> Figures | None:
    async def test() -> Figures | None:
        cache, key = AnswerCache(url), uuid.uuid4().hex
        await cache.put(key, answer)
        found = await cache.get(key, Figures)
        await cache.close()
        return found

    return asyncio.run(test())


@pytest.mark.parametrize("shared", [False, True])
def test_an_answer_is_remembered_as_it_was(valkey_server: ValkeyServer, shared: bool) -> None:
    found = there_and_back(valkey_server.url if shared else None, ANSWER)
    assert found == ANSWER
    assert found is not None
    assert found.model_dump_json() == ANSWER.model_dump_json()


def test_a_large_answer_is_not_remembered() -> None:
    assert there_and_back(None, ANSWER.model_copy(update={"figures": (("x" * 200_000, 1),)})) is None


def test_a_dead_redis_remembers_nothing_and_fails_nothing() -> None:
    assert there_and_back(f"redis://127.0.0.1:{free_port()}/0", ANSWER) is None


def found_after(url: str, garbage: Callable[[str], bytes]) -> Figures | None:
    """What the cache makes of what somebody else wrote under a key."""

    async def test() -> Figures | None:
        cache, key = AnswerCache(url), uuid.uuid4().hex
        with redis.Redis.from_url(url) as stored:
            stored.set(f"segmentator:answer:1:{key}", garbage(key))
        found = await cache.get(key, Figures)
        await cache.close()
        return found

    return asyncio.run(test())


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"{",
        b"7",
        b"null",
        b"\x80\x04K\x01.",
        b"cos\nsystem\n(S'true'\ntR.",
        b'{"share": 1.0}',
        b'"{"',
        b'"7"',
        b"[]",
    ],
)
def test_what_somebody_else_put_there_is_no_answer(valkey_server: ValkeyServer, garbage: bytes) -> None:
    assert found_after(valkey_server.url, lambda _: garbage) is None


WELL = '{"figures": [["x", 1]], "share": 1, "data_moment": "2026-01-31T10:00:00Z"}'


def test_what_is_written_as_an_answer_is_one(valkey_server: ValkeyServer) -> None:
    found = found_after(valkey_server.url, lambda key: json.dumps(key + WELL).encode())
    assert found is not None
    assert found.figures == (("x", 1),)


@pytest.mark.parametrize(
    ("well", "wrong"),
    [
        ('"share": 1', '"share": "1"'),
        ('"share": 1', '"share": 1, "more": 1'),
        ('"share": 1, ', ""),
        ('["x", 1]', '["x", "1"]'),
        ('["x", 1]', '["x"]'),
        ("2026-01-31T10:00:00Z", "yesterday"),
    ],
)
def test_an_answer_of_another_shape_is_none(valkey_server: ValkeyServer, well: str, wrong: str) -> None:
    text = WELL.replace(well, wrong)
    assert text != WELL
    assert found_after(valkey_server.url, lambda key: json.dumps(key + text).encode()) is None


def test_the_answer_to_another_question_is_none(valkey_server: ValkeyServer) -> None:
    assert found_after(valkey_server.url, lambda key: json.dumps(key[::-1] + WELL).encode()) is None
    assert found_after(valkey_server.url, lambda _: json.dumps(WELL).encode()) is None


def test_a_key_says_the_whole_question_and_the_data() -> None:
    questions: list[tuple[object, str]] = [
        (["count", "a"], "1"),
        (["count", "a"], "2"),
        (["count", "b"], "1"),
        (["funnel", "a"], "1"),
        (["count", "a", 1], "1"),
        (["count", "a", "1"], "1"),
        (["count", ["a"]], "1"),
    ]
    assert len({answer_key(question, version) for question, version in questions}) == len(questions)


@pytest.fixture
def table(admin: ClickHouse) -> Iterator[str]:
    name = f"version_{uuid.uuid4().hex}"
    admin.execute(CompiledQuery(f"CREATE TABLE datasets.{name} (u String, x UInt8) ENGINE = MergeTree ORDER BY u"))
    admin.execute(CompiledQuery(f"INSERT INTO datasets.{name} VALUES ('a', 1), ('b', 1)"))
    yield name
    admin.execute(CompiledQuery(f"DROP TABLE datasets.{name}"))


def versions(server: ClickHouseServer, admin: ClickHouse, tables: list[str], statements: list[str]) -> list[str | None]:
    """The version before the statements and after each of them."""

    async def test() -> list[str | None]:
        client = AsyncClickHouse(server.reader_url, deadline_seconds=20)
        datasets = [Dataset(name, "datasets", name, "u", None, ()) for name in tables]
        found = [await data_version(client, datasets)]
        for statement in statements:
            admin.execute(CompiledQuery(statement), {"mutations_sync": 2})
            found.append(await data_version(client, datasets))
        await client.close()
        return found

    return asyncio.run(test())


def test_whatever_changes_the_rows_changes_the_version(
    clickhouse_server: ClickHouseServer, admin: ClickHouse, table: str
) -> None:
    statements = [
        f"INSERT INTO datasets.{table} VALUES ('c', 1)",
        f"ALTER TABLE datasets.{table} UPDATE x = 2 WHERE u = 'a'",
        f"DELETE FROM datasets.{table} WHERE u = 'b'",
        f"ALTER TABLE datasets.{table} ADD COLUMN y UInt8 DEFAULT 1",
        f"ALTER TABLE datasets.{table} MODIFY COLUMN y UInt8 DEFAULT 2",
        f"TRUNCATE TABLE datasets.{table}",
    ]
    found = versions(clickhouse_server, admin, [table], statements)
    assert None not in found
    assert len(set(found)) == len(found)


def test_nothing_else_does(clickhouse_server: ClickHouseServer, admin: ClickHouse, table: str) -> None:
    found = versions(clickhouse_server, admin, [table], ["SELECT 1", f"SELECT count() FROM datasets.{table}"])
    assert len(set(found)) == 1


def test_what_has_no_parts_has_no_version(clickhouse_server: ClickHouseServer, admin: ClickHouse, table: str) -> None:
    admin.execute(CompiledQuery(f"CREATE VIEW datasets.{table}_view AS SELECT * FROM datasets.{table}"))
    assert versions(clickhouse_server, admin, [f"{table}_view"], []) == [None]
    assert versions(clickhouse_server, admin, [table, f"{table}_view"], []) == [None]
    assert versions(clickhouse_server, admin, ["no_such_table"], []) == [None]
    admin.execute(CompiledQuery(f"DROP VIEW datasets.{table}_view"))
