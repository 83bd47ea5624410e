from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import redis

from segmentator_dagster.compiler.query import CompiledQuery
from segmentator_dagster.storage.clickhouse import ClickHouse
from segmentator_dagster.storage.metadata.datasets import RegisteredDataset
from tests.api.conftest import RULE, Stack
from tests.servers.child import free_port
from tests.servers.clickhouse import ClickHouseServer
from tests.servers.valkey import ValkeyServer


def where(field: str, operator: str, value: Any) -> dict[str, Any]:
    return {"combinator": "and", "rules": [{"field": field, "operator": operator, "value": value}]}


@pytest.fixture
def table(admin: ClickHouse) -> str:
    """The name of a new table of two users in the data database."""
    name = f"api_{uuid.uuid4().hex}"
    admin.execute(
        CompiledQuery(f"CREATE TABLE datasets.{name} (user_id String, x UInt8) ENGINE = MergeTree ORDER BY x")
    )
    admin.execute(CompiledQuery(f"INSERT INTO datasets.{name} VALUES ('a', 1), ('b', 1)"))
    return name


def test_count_says_how_many_and_what_the_rule_means(client: httpx.Client) -> None:
    answer = client.post("/api/v1/rules/count", json={"rule": RULE})
    assert answer.status_code == 200
    counted = answer.json()
    assert list(counted) == ["count", "milliseconds", "data_moment", "cached", "sentence"]
    assert counted["count"] == 2
    assert counted["data_moment"].endswith("Z")
    assert "ios" in counted["sentence"]["ru"]
    assert counted["sentence"]["ru"] != counted["sentence"]["en"]


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

    assert count(where("x", "=", 1)) == (2, False)
    assert count(where("x", "=", 1)) == (2, not dead_redis)
    assert count(where("x", "in", [1])) == (2, not dead_redis)  # another spelling of the same audience
    assert count(where("x", "=", 2)) == (0, False)
    admin.execute(CompiledQuery(f"INSERT INTO datasets.{table} VALUES ('c', 1)"))
    assert count(where("x", "=", 1)) == (3, False)
    admin.execute(CompiledQuery(f"ALTER TABLE datasets.{table} DELETE WHERE user_id = 'a'"), {"mutations_sync": 2})
    assert count(where("x", "=", 1)) == (2, False)


def test_a_count_is_shared_through_redis_and_what_is_no_count_there_is_ignored(
    make_stack: Callable[..., Stack], clickhouse_server: ClickHouseServer, table: str, valkey_server: ValkeyServer
) -> None:
    dataset = RegisteredDataset("t", "datasets", table, "user_id")
    settings = {"clickhouse_url": clickhouse_server.reader_url, "redis_url": valkey_server.url}
    first, second = make_stack((dataset,), **settings), make_stack((dataset,), **settings)
    body = {"rule": where("x", "=", 1), "dataset": "t"}

    def count(stack: Stack) -> tuple[int, bool]:
        answer = stack.client.post("/api/v1/rules/count", json=body).json()
        return answer["count"], answer["cached"]

    assert first.client.get("/ready").json()["checks"]["cache"]["status"] == "up"
    with redis.Redis(port=valkey_server.port) as stored:
        before = set(stored.keys("segmentator:count:*"))
    assert [count(first), count(second)] == [(2, False), (2, True)]
    with redis.Redis(port=valkey_server.port) as stored:
        (key,) = set(stored.keys("segmentator:count:*")) - before
        for garbage in (b"{", b"\x80\x04K\x01.", b"7", b'{"count": "2"}', b'{"count": 2, "data_moment": "x"}', b"null"):
            stored.set(key, garbage)
            assert count(first) == (2, False), garbage
            assert count(second) == (2, True)


def test_a_count_over_a_view_is_never_remembered(
    make_stack: Callable[..., Stack], clickhouse_server: ClickHouseServer, admin: ClickHouse, table: str
) -> None:
    admin.execute(CompiledQuery(f"CREATE VIEW datasets.{table}_view AS SELECT * FROM datasets.{table}"))
    dataset = RegisteredDataset("t", "datasets", f"{table}_view", "user_id")
    stack = make_stack((dataset,), clickhouse_url=clickhouse_server.reader_url)
    body = {"rule": where("x", "=", 1), "dataset": "t"}
    answers = [stack.client.post("/api/v1/rules/count", json=body).json() for _ in range(2)]
    assert [(answer["count"], answer["cached"]) for answer in answers] == [(2, False), (2, False)]


def test_preview_shows_the_latest_values_without_loss(client: httpx.Client) -> None:
    answer = client.post("/api/v1/rules/preview", json={"rule": RULE, "limit": 2})
    assert answer.status_code == 200, answer.text
    assert answer.json()["columns"] == [
        {"name": "user_id", "type": "text"},
        {"name": "date", "type": "date"},
        {"name": "platform_main", "type": "text"},
        {"name": "visits", "type": "number"},
        {"name": "money", "type": "number"},
        {"name": "price", "type": "number"},
    ]
    assert answer.json()["rows"] == [
        ["u1", "2026-01-05", "android", 2, 1, "0.10"],
        ["u2", "2026-01-02", "ios", 3, 2, None],
    ]


def test_preview_gives_big_integers_as_text_and_the_columns_asked_for(client: httpx.Client) -> None:
    rule = where("money", "=", 9007199254740993)
    everyone = {"kind": "everyone"}
    answer = client.post("/api/v1/rules/preview", json={"rule": everyone, "columns": ["money"], "limit": 1})
    assert answer.json()["rows"] == [["u1", 1]]
    counted = client.post("/api/v1/rules/count", json={"rule": rule})
    assert counted.json()["count"] == 1


@pytest.mark.parametrize(
    ("route", "body", "code", "pointer"),
    [
        ("count", {"rule": where("nope", "=", 1)}, "unknown_field", "/rule/rules/0/field"),
        ("count", {"rule": where("visits", "=", "many")}, "wrong_value_type", "/rule/rules/0/value"),
        ("count", {"rule": where("visits", "like", 1)}, "unknown_operator", "/rule/rules/0/operator"),
        ("count", {"rule": RULE, "time_zone": "Mars"}, "unknown_time_zone", "/time_zone"),
        ("count", {"rule": RULE, "dataset": "nope"}, "unknown_dataset", "/dataset"),
        ("count", {"rule": RULE, "limit": 1}, "unknown_key", "/limit"),
        ("preview", {"rule": RULE, "limit": 101}, "out_of_range", "/limit"),
        ("preview", {"rule": RULE, "limit": 1.5}, "wrong_json_type", "/limit"),
        ("preview", {"rule": RULE, "columns": ["nope"]}, "unknown_field", "/columns/0"),
    ],
)
def test_what_makes_no_sense_is_422_with_the_place(
    client: httpx.Client, route: str, body: dict[str, Any], code: str, pointer: str
) -> None:
    answer = client.post(f"/api/v1/rules/{route}", json=body)
    assert (answer.status_code, answer.json()["code"], answer.json()["pointer"]) == (422, code, pointer)


@pytest.mark.parametrize("route", ["count", "preview"])
def test_clickhouse_down_is_503_with_retry_after(offline: Stack, route: str) -> None:
    answer = offline.client.post(f"/api/v1/rules/{route}", json={"rule": RULE})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert answer.json()["code"] == "clickhouse_unavailable"


def test_what_is_wrong_already_is_said_though_clickhouse_is_down(offline: Stack) -> None:
    answer = offline.client.post("/api/v1/rules/count", json={"rule": {"combinator": "xor", "rules": []}})
    assert answer.status_code == 422
