from __future__ import annotations

import re
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest
import redis

from segmentator_dagster.compiler.query import CompiledQuery
from segmentator_dagster.storage.clickhouse import ClickHouse
from segmentator_dagster.storage.metadata.datasets import RegisteredDataset
from tests.api.conftest import Stack
from tests.api.servers import eventually
from tests.api.shop import EVERYONE, Shop, city, create_shop, rows
from tests.servers.child import free_port
from tests.servers.clickhouse import ClickHouseServer
from tests.servers.valkey import ValkeyServer

ANSWERS: list[tuple[str, dict[str, Any] | None]] = [
    ("/api/v1/rules/count", {"rule": rows(city("Москва"))}),
    ("/api/v1/rules/preview", {"rule": EVERYONE}),
    ("/api/v1/rules/breakdown", {"rule": rows(city("Москва")), "field": "big"}),
    ("/api/v1/rules/breakdown", {"rule": EVERYONE, "field": "score"}),
    ("/api/v1/rules/funnel", {"rule": rows(city("Москва"), city("Минск"))}),
    ("/api/v1/datasets/shop/fields/score/values", None),
    ("/api/v1/datasets/shop/fields/raw/values", None),
]


def x_is(value: int) -> dict[str, Any]:
    return rows({"field": "x", "operator": "=", "value": value})


@pytest.fixture
def table(admin: ClickHouse) -> str:
    """The name of a new table of two users in the data database."""
    name = f"api_{uuid.uuid4().hex}"
    admin.execute(
        CompiledQuery(f"CREATE TABLE datasets.{name} (user_id String, x UInt8) ENGINE = MergeTree ORDER BY x")
    )
    admin.execute(CompiledQuery(f"INSERT INTO datasets.{name} VALUES ('a', 1), ('b', 1)"))
    return name


@pytest.mark.parametrize("dead_redis", [False, True])
def test_a_count_is_remembered_until_its_data_changes_and_a_dead_redis_does_not_matter(
    make_stack: Callable[..., Stack],
    clickhouse_server: ClickHouseServer,
    admin: ClickHouse,
    table: str,
    dead_redis: bool,
) -> None:
    dataset = RegisteredDataset("t", "datasets", table, "user_id")
    changes = {"redis_url": f"redis://127.0.0.1:{free_port()}/0"} if dead_redis else {}
    stack = make_stack((dataset,), clickhouse_url=clickhouse_server.reader_url, **changes)

    def count(rule: dict[str, Any]) -> tuple[int, bool]:
        answer = stack.client.post("/api/v1/rules/count", json={"rule": rule, "dataset": "t"})
        assert answer.status_code == 200, answer.text
        return answer.json()["count"], answer.json()["cached"]

    assert count(x_is(1)) == (2, False)
    assert count(x_is(1)) == (2, not dead_redis)
    assert count(rows({"field": "x", "operator": "in", "value": [1]})) == (
        2,
        not dead_redis,
    )  # another spelling of the same audience
    assert count(x_is(2)) == (0, False)
    admin.execute(CompiledQuery(f"INSERT INTO datasets.{table} VALUES ('c', 1)"))
    assert count(x_is(1)) == (3, False)
    admin.execute(CompiledQuery(f"ALTER TABLE datasets.{table} DELETE WHERE user_id = 'a'"), {"mutations_sync": 2})
    assert count(x_is(1)) == (2, False)


def test_a_count_is_shared_through_redis_and_what_is_no_count_there_is_ignored(
    make_stack: Callable[..., Stack], clickhouse_server: ClickHouseServer, table: str, valkey_server: ValkeyServer
) -> None:
    dataset = RegisteredDataset("t", "datasets", table, "user_id")
    settings = {"clickhouse_url": clickhouse_server.reader_url, "redis_url": valkey_server.url}
    first, second = make_stack((dataset,), **settings), make_stack((dataset,), **settings)
    body = {"rule": x_is(1), "dataset": "t"}

    def count(stack: Stack) -> tuple[int, bool]:
        answer = stack.client.post("/api/v1/rules/count", json=body).json()
        return answer["count"], answer["cached"]

    assert first.client.get("/ready").json()["checks"]["cache"]["status"] == "up"
    with redis.Redis(port=valkey_server.port) as stored:
        before = set(stored.keys("segmentator:answer:*"))
        assert [count(first), count(second)] == [(2, False), (2, True)]
        (key,) = set(stored.keys("segmentator:answer:*")) - before
        for garbage in (
            b"{",
            b"\x80\x04K\x01.",
            b"7",
            b'{"count": 2}',
            rb'"{\"count\": 2, \"data_moment\": \"x\"}"',
            b"null",
        ):
            stored.set(key, garbage)
            assert count(first) == (2, False), garbage
            assert count(second) == (2, True)


def test_a_count_over_a_view_is_never_remembered(
    make_stack: Callable[..., Stack], clickhouse_server: ClickHouseServer, admin: ClickHouse, table: str
) -> None:
    admin.execute(CompiledQuery(f"CREATE VIEW datasets.{table}_view AS SELECT * FROM datasets.{table}"))
    dataset = RegisteredDataset("t", "datasets", f"{table}_view", "user_id")
    stack = make_stack((dataset,), clickhouse_url=clickhouse_server.reader_url)
    body = {"rule": x_is(1), "dataset": "t"}
    answers = [stack.client.post("/api/v1/rules/count", json=body).json() for _ in range(2)]
    assert [(answer["count"], answer["cached"]) for answer in answers] == [(2, False), (2, False)]


@pytest.mark.parametrize("shared", [False, True])
def test_a_remembered_answer_is_the_same_to_the_byte(
    make_stack: Callable[..., Stack],
    clickhouse_server: ClickHouseServer,
    admin: ClickHouse,
    valkey_server: ValkeyServer,
    shared: bool,
) -> None:
    name = f"api_shop_{uuid.uuid4().hex}"  # nobody has asked about it yet
    dataset = create_shop(admin, f"datasets.{name}")
    changes = {"redis_url": valkey_server.url} if shared else {}
    stack = make_stack((dataset,), clickhouse_url=clickhouse_server.reader_url, default_dataset="shop", **changes)

    def answer(path: str, body: dict[str, Any] | None) -> tuple[bool, bytes]:
        got = stack.client.request("GET" if body is None else "POST", path, json=body)
        assert got.status_code == 200, got.text
        cached: bool = got.json()["cached"]
        said = re.sub(rb'"(milliseconds|cached)":[^,}]*', b"", got.content)
        return cached, said

    for path, body in ANSWERS:
        (first, fresh), (second, remembered) = answer(path, body), answer(path, body)
        assert (first, second) == (False, True), path
        assert fresh == remembered
    admin.execute(CompiledQuery(f"INSERT INTO datasets.{name} SELECT * FROM datasets.{name} LIMIT 1"))
    assert not any(answer(path, body)[0] for path, body in ANSWERS)


def test_an_answer_is_remembered_for_its_question_only(new_shop: Shop) -> None:
    rule = rows(city("Москва"))
    for question, more in (
        ("count", {}),
        ("preview", {}),
        ("preview", {"limit": 1}),
        ("preview", {"columns": ["at"]}),
        ("preview", {"columns": ["at"], "time_zone": "UTC"}),
        ("breakdown", {"field": "city"}),
        ("breakdown", {"field": "city", "limit": 1}),
        ("breakdown", {"field": "price"}),
        ("breakdown", {"field": "props", "key": "n"}),
        ("breakdown", {"field": "props", "key": "n", "as": "number"}),
        ("breakdown", {"field": "props", "key": "utm"}),
        ("funnel", {}),
    ):
        assert [new_shop.ask(question, rule, **more)["cached"] for _ in range(2)] == [False, True], (question, more)


def test_a_relative_count_is_remembered_while_its_dates_stay_the_same(new_shop: Shop) -> None:
    def last(days: int) -> Any:
        return rows({"field": "cohort", "operator": "inLast", "value": {"count": days, "unit": "day"}})

    by_days = rows({"field": "date", "operator": "inLast", "value": {"count": 7, "unit": "day"}})
    by_hours = rows({"field": "at", "operator": "inLast", "value": {"count": 7, "unit": "hour"}})
    assert [new_shop.ask("count", by_days, dataset="visits")["cached"] for _ in range(2)] == [False, True]
    assert [new_shop.ask("count", by_hours)["cached"] for _ in range(2)] == [
        False,
        False,
    ]  # it depends on the microsecond


def test_an_answer_taken_while_the_data_change_is_not_remembered(
    make_stack: Callable[..., Stack],
    clickhouse_server: ClickHouseServer,
    admin: ClickHouse,
    valkey_server: ValkeyServer,
) -> None:
    """A row comes in while the query runs, which takes a second."""
    name = f"api_{uuid.uuid4().hex}"
    columns = "user_id String, x UInt8, y UInt8 ALIAS x + sleepEachRow(0.2)"
    admin.execute(CompiledQuery(f"CREATE TABLE datasets.{name} ({columns}) ENGINE = MergeTree ORDER BY user_id"))
    admin.execute(CompiledQuery(f"INSERT INTO datasets.{name} (user_id, x) SELECT toString(number), 1 FROM numbers(5)"))
    dataset = RegisteredDataset("t", "datasets", name, "user_id")
    stack = make_stack((dataset,), clickhouse_url=clickhouse_server.reader_url, redis_url=valkey_server.url)
    body = {"dataset": "t", "rule": rows({"field": "y", "operator": "=", "value": 1})}
    insert = CompiledQuery(f"INSERT INTO datasets.{name} (user_id, x) VALUES ('late', 1)")

    def count() -> tuple[int, int]:
        """How many, and how many answers were remembered in doing so."""
        with redis.Redis(port=valkey_server.port) as stored:
            before = len(stored.keys("segmentator:answer:*"))
            answer = stack.client.post("/api/v1/rules/count", json=body)
            assert answer.status_code == 200, answer.text
            return answer.json()["count"], len(stored.keys("segmentator:answer:*")) - before

    def insert_while_it_runs() -> None:
        running = f"SELECT count() FROM system.processes WHERE query LIKE '%{name}%' AND query NOT LIKE '%processes%'"
        assert eventually(lambda: admin.scalar(CompiledQuery(running)) > 0)
        time.sleep(0.3)  # it has its parts of the table
        admin.execute(insert)

    meanwhile = threading.Thread(target=insert_while_it_runs)
    meanwhile.start()
    first = count()
    meanwhile.join()
    assert first == (5, 0)
    assert count() == (6, 1)


def test_a_count_through_a_segment_is_forgotten_when_the_segment_changes(new_shop: Shop) -> None:
    segment = new_shop.client.post("/api/v1/segments", json={"name": "s", "rule": rows(city("Минск"))}).json()
    rule = {"kind": "segment", "segment_id": segment["id"]}
    assert [(new_shop.ask("count", rule)["count"], new_shop.ask("count", rule)["cached"])] == [(1, True)]
    changed = {"version": segment["version"], "rule": rows(city("Москва"))}
    assert new_shop.client.patch(f"/api/v1/segments/{segment['id']}", json=changed).status_code == 200
    assert (new_shop.ask("count", rule)["count"], new_shop.ask("funnel", rule)["steps"][-1]["remaining"]) == (2, 2)
