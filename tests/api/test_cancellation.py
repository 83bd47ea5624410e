"""Nobody waits for an answer any more -> its query is gone from the server."""

from __future__ import annotations

import json
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from segmentator_dagster.compiler.query import CompiledQuery
from segmentator_dagster.storage.clickhouse import ClickHouse
from segmentator_dagster.storage.metadata.datasets import RegisteredDataset
from tests.api.conftest import RULE, Stack
from tests.api.servers import eventually
from tests.servers.clickhouse import ClickHouseServer
from tests.servers.valkey import ValkeyServer

SLOW = {"dataset": "slow", "rule": {"combinator": "and", "rules": [{"field": "x", "operator": "=", "value": 1}]}}
QUESTIONS: list[tuple[str, str, dict[str, Any] | None]] = [
    ("POST", "/api/v1/rules/count", SLOW),
    ("POST", "/api/v1/rules/preview", SLOW),
    ("POST", "/api/v1/rules/breakdown", {**SLOW, "field": "x"}),
    ("POST", "/api/v1/rules/funnel", SLOW),
    ("GET", "/api/v1/datasets/slow/fields/x/values", None),
]


class Running:
    """The queries of one slow table that are running on the server."""

    def __init__(self, admin: ClickHouse, view: str) -> None:
        self.admin = admin
        self.view = view

    def count(self) -> int:
        sql = "SELECT count() FROM system.processes WHERE user = 'reader' AND position(query, {view:String}) > 0"
        found: int = self.admin.scalar(CompiledQuery(sql, {"view": self.view}))
        return found

    def begins(self) -> bool:
        return eventually(lambda: self.count() > 0)

    def milliseconds_to_end(self) -> float:
        started = time.perf_counter()
        assert eventually(lambda: self.count() == 0), "the query goes on"
        return (time.perf_counter() - started) * 1000


@pytest.fixture
def running(admin: ClickHouse) -> Iterator[Running]:
    """A dataset of ten users whose every question takes minutes."""
    view = f"slow_{uuid.uuid4().hex}"
    rows = "SELECT toString(number % 10) AS user_id, toUInt8(number % 3) AS x FROM numbers(100000000000)"
    admin.execute(CompiledQuery(f"CREATE VIEW datasets.{view} AS {rows}"))
    yield Running(admin, view)
    admin.execute(CompiledQuery(f"DROP VIEW datasets.{view}"))


@pytest.fixture
def slow_stack(
    make_stack: Callable[..., Stack], clickhouse_server: ClickHouseServer, visits: RegisteredDataset, running: Running
) -> Callable[..., Stack]:
    slow = RegisteredDataset("slow", "datasets", running.view, "user_id")

    def make(**changes: Any) -> Stack:
        return make_stack((visits, slow), clickhouse_url=clickhouse_server.reader_url, **changes)

    return make


class Asked:
    """A question on its way in a thread of its own."""

    def __init__(self, stack: Stack, method: str, path: str, body: dict[str, Any] | None, editor: str) -> None:
        self.answer: httpx.Response | None = None
        self._ask = lambda: stack.client.request(method, path, json=body, headers={"X-Editor": editor})
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        self.answer = self._ask()

    def result(self) -> tuple[int, str | None]:
        self._thread.join(20)
        assert self.answer is not None, "no answer came"
        return self.answer.status_code, self.answer.json().get("code")


@pytest.mark.parametrize(("method", "path", "body"), QUESTIONS)
def test_a_caller_who_goes_away_ends_the_query(
    slow_stack: Callable[..., Stack], running: Running, method: str, path: str, body: dict[str, Any] | None
) -> None:
    client = slow_stack().client
    url, token = client.base_url, client.headers["Authorization"]
    content = b"" if body is None else json.dumps(body).encode()
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {token}\r\nContent-Length: {len(content)}\r\n"
    )
    with socket.create_connection((url.host, url.port)) as connection:
        connection.sendall(f"{head}Content-Type: application/json\r\n\r\n".encode() + content)
        assert running.begins()
    print(f"{path}: the query ended {running.milliseconds_to_end():.0f} ms after the connection")


@pytest.mark.parametrize(("method", "path", "body"), QUESTIONS)
def test_a_newer_question_of_the_editor_ends_the_query_of_the_older(
    slow_stack: Callable[..., Stack], running: Running, method: str, path: str, body: dict[str, Any] | None
) -> None:
    stack = slow_stack()
    older = Asked(stack, method, path, body, "ed-1")
    assert running.begins()
    newer = {**(body or {}), "dataset": "visits", "rule": RULE} if body else None
    if newer and "field" in newer:
        newer["field"] = "visits"
    answer = stack.client.request(
        method, path.replace("slow/fields/x", "visits/fields/visits"), json=newer, headers={"X-Editor": "ed-1"}
    )
    assert answer.status_code == 200, answer.text
    print(f"{path}: the query ended {running.milliseconds_to_end():.0f} ms after the newer answer")
    assert older.result() == (409, "superseded")


def test_other_editors_and_other_kinds_of_questions_go_on(slow_stack: Callable[..., Stack], running: Running) -> None:
    stack = slow_stack(count_deadline_seconds=2)
    older = Asked(stack, "POST", "/api/v1/rules/count", SLOW, "ed-1")
    assert running.begins()
    body = {"rule": RULE}
    for path, headers in (
        ("count", {"X-Editor": "ed-2"}),
        ("count", {}),
        ("funnel", {"X-Editor": "ed-1"}),
        ("check", {"X-Editor": "ed-1"}),
    ):
        answer = stack.client.post(f"/api/v1/rules/{path}", json=body, headers=headers)
        assert answer.status_code == 200, answer.text
    assert running.count() == 1
    assert older.result() == (422, "query_too_heavy")


def test_an_editor_is_known_in_every_replica(
    slow_stack: Callable[..., Stack], running: Running, valkey_server: ValkeyServer
) -> None:
    first, second = slow_stack(redis_url=valkey_server.url), slow_stack(redis_url=valkey_server.url)
    older = Asked(first, "POST", "/api/v1/rules/count", SLOW, "everywhere")
    assert running.begins()
    answer = second.client.post("/api/v1/rules/count", json={"rule": RULE}, headers={"X-Editor": "everywhere"})
    assert answer.status_code == 200, answer.text
    print(f"the query ended {running.milliseconds_to_end():.0f} ms after the answer of the other replica")
    assert older.result() == (409, "superseded")


@pytest.mark.parametrize("shared", [False, True])
def test_of_a_burst_of_questions_one_query_is_left(
    slow_stack: Callable[..., Stack], running: Running, valkey_server: ValkeyServer, shared: bool
) -> None:
    changes = {"redis_url": valkey_server.url} if shared else {}
    stacks = [slow_stack(**changes)] if not shared else [slow_stack(**changes), slow_stack(**changes)]
    older = []
    for index in range(12):
        older.append(Asked(stacks[index % len(stacks)], "POST", "/api/v1/rules/count", SLOW, f"burst-{shared}"))
        time.sleep(0.05)
    assert eventually(lambda: [asked.answer for asked in older].count(None) == running.count() == 1, 20)
    answer = stacks[0].client.post("/api/v1/rules/count", json={"rule": RULE}, headers={"X-Editor": f"burst-{shared}"})
    assert answer.status_code == 200, answer.text
    assert {asked.result() for asked in older} == {(409, "superseded")}
    assert running.count() == 0


def test_a_question_past_the_deadline_is_refused_and_gone(slow_stack: Callable[..., Stack], running: Running) -> None:
    """The server of the tests allows 30 seconds; ours ends it before."""
    stack = slow_stack(count_deadline_seconds=1)
    asked = Asked(stack, "POST", "/api/v1/rules/count", SLOW, "ed-1")
    assert running.begins()
    assert asked.result() == (422, "query_too_heavy")
    assert eventually(lambda: running.count() == 0)


@pytest.mark.parametrize("editor", ["", "a b", "x" * 65, "é", "a/b", "a\tb", "ed%20", "*"])
def test_an_editor_of_other_characters_is_refused(online: Stack, editor: str) -> None:
    answer = online.client.post(
        "/api/v1/rules/count", json={"rule": RULE}, headers={"X-Editor": editor.encode("latin-1")}
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_editor")


@pytest.mark.parametrize("editor", ["a", "Z9._-", "x" * 64])
def test_an_editor_may_be_any_word(online: Stack, editor: str) -> None:
    answer = online.client.post("/api/v1/rules/count", json={"rule": RULE}, headers={"X-Editor": editor})
    assert answer.status_code == 200
