from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import httpx
import pytest

from segmentator_dagster.api.app import create_app
from segmentator_dagster.domain.export import ExportError, Progress
from segmentator_dagster.storage.metadata.database import DATABASE_UNAVAILABLE
from segmentator_dagster.storage.metadata.exports import Exports
from tests.api.conftest import Stack
from tests.api.exporting import ask, publish, started
from tests.api.servers import api_server, eventually

Event = dict[str, Any]


def events_of(lines: Iterator[str]) -> Iterator[Event]:
    """The events of a stream as they come, their data read."""
    event: Event = {}
    for line in lines:
        if not line and event:
            yield {**event, "data": json.loads(event["data"]), "at": time.monotonic()}
            event = {}
        elif line and not line.startswith(":"):
            key, _, value = line.partition(": ")
            event[key] = value


def path_of(export_id: str) -> str:
    return f"/api/v1/exports/{export_id}/events"


@contextmanager
def watched(client: httpx.Client, export_id: str) -> Iterator[Iterator[Event]]:
    with client.stream("GET", path_of(export_id)) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield events_of(answer.iter_lines())


@pytest.fixture
def export_id(stack: Stack) -> str:
    made: str = ask(stack, stack.segment()["id"], ["csv"]).json()["items"][0]["id"]
    return made


def test_an_export_is_seen_from_its_request_to_its_end(stack: Stack, export_id: str) -> None:
    with watched(stack.client, export_id) as events:
        first = next(events)
        assert (first["event"], first["id"], first["retry"]) == ("progress", "1", "1000")
        assert first["data"] == stack.client.get("/api/v1/segments/1/exports").json()["items"][0]
        started(stack, export_id)
        stack.attempts.advance(export_id, 1, Progress("audience", read_rows=5, total_read_rows=10))
        reading = next(event for event in events if event["data"]["progress"]["read_rows"])
        assert (reading["data"]["status"], reading["data"]["progress"]["phase"]) == ("running", "audience")
        stack.attempts.advance(export_id, 1, Progress("writing", 0, 4, 0))
        stack.attempts.advance(export_id, 1, Progress("writing", 1, 4, 9))
        writing = next(event for event in events if event["data"]["progress"]["rows"])["data"]["progress"]
        assert (writing["total_rows"], writing["bytes"]) == (4, 9)
        assert writing["rate"] > 0
        assert writing["eta_seconds"] == pytest.approx(3 / writing["rate"], abs=0.1)
        publish(stack, export_id)
        *_, last = events
    assert (last["event"], last["data"]["status"]) == ("end", "published")
    assert last["data"] == stack.client.get("/api/v1/segments/1/exports").json()["items"][0]


def test_a_running_export_is_told_at_least_twice_a_second(stack: Stack, export_id: str) -> None:
    started(stack, export_id)
    with watched(stack.client, export_id) as events:
        moments = [next(events)["at"] for _ in range(9)]
    gaps = sorted(later - earlier for earlier, later in pairwise(moments))
    assert gaps[len(gaps) // 2] < 0.5
    assert moments[-1] - moments[0] < 0.5 * len(gaps)


def test_a_waiting_export_is_told_when_it_changes_and_not_before(stack: Stack, export_id: str) -> None:
    with watched(stack.client, export_id) as events:
        next(events)
        threading.Timer(1.2, stack.exports.cancel, [export_id]).start()
        following = next(events)
    assert (following["event"], following["data"]["status"], following["id"]) == ("end", "cancelled", "2")


def test_an_export_that_has_ended_is_told_once(stack: Stack, export_id: str) -> None:
    stack.exports.cancel(export_id)
    with watched(stack.client, export_id) as events:
        (only,) = events
    assert (only["event"], only["data"]["status"]) == ("end", "cancelled")


def test_an_unknown_export_is_refused_before_the_stream(offline: Stack) -> None:
    answer = offline.client.get(path_of("00000000-0000-4000-8000-000000000000"))
    assert (answer.status_code, answer.json()["code"]) == (404, "export_not_found")


def test_the_words_are_in_the_language_of_the_caller(stack: Stack, export_id: str) -> None:
    started(stack, export_id)
    stack.attempts.fail(export_id, 1, ExportError("x", "по-русски", "in English"))
    for language, message in (("ru", "по-русски"), ("en", "in English")):
        text = stack.client.get(path_of(export_id), headers={"Accept-Language": language}).text
        assert message in text


def test_head_has_no_stream(stack: Stack, export_id: str) -> None:
    answer = stack.client.head(path_of(export_id), timeout=5)
    assert (answer.status_code, answer.content) == (200, b"")
    assert stack.client.head("/api/v1/segments").status_code == 200


def reads(monkeypatch: pytest.MonkeyPatch, break_at: range = range(0)) -> list[float]:
    """The moments at which exports are read; those of these numbers find no database."""
    moments: list[float] = []
    real = Exports.get

    def get(self: Exports, export_id: str) -> Any:
        moments.append(time.monotonic())
        if len(moments) in break_at:
            raise DATABASE_UNAVAILABLE.error()
        return real(self, export_id)

    monkeypatch.setattr(Exports, "get", get)
    return moments


def test_nobody_asks_the_database_for_a_client_that_is_gone(
    stack: Stack, export_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    started(stack, export_id)
    moments = reads(monkeypatch)
    with watched(stack.client, export_id) as events:
        next(events)
    assert eventually(lambda: time.monotonic() - moments[-1] > 1, seconds=5)


def test_the_stream_outlives_a_database_that_is_down_for_a_moment(
    stack: Stack, export_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    moments = reads(monkeypatch, range(3, 6))
    started(stack, export_id)
    with watched(stack.client, export_id) as events:
        seen = [next(events)["data"]["status"] for _ in range(5)]
    assert seen == ["running"] * 5
    assert len(moments) > 6


def test_other_requests_are_answered_while_many_watch(stack: Stack, export_id: str) -> None:
    started(stack, export_id)
    barrier, ended = threading.Barrier(9), list[str]()

    def watch() -> None:
        client = httpx.Client(base_url=stack.client.base_url, trust_env=False, headers=stack.client.headers)
        with client, watched(client, export_id) as events:
            next(events)
            barrier.wait(20)
            *_, last = events
            ended.append(last["event"])

    threads = [threading.Thread(target=watch) for _ in range(8)]
    for thread in threads:
        thread.start()
    barrier.wait(20)
    begin = time.monotonic()
    assert stack.client.get("/api/v1/operators").status_code == 200
    assert time.monotonic() - begin < 2
    stack.exports.cancel(export_id)
    for thread in threads:
        thread.join(10)
    assert ended == ["end"] * 8


def test_a_server_that_stops_ends_its_streams(stack: Stack, export_id: str) -> None:
    started(stack, export_id)
    events: list[Event] = []
    with api_server(create_app(stack.settings)) as url:

        def watch() -> None:
            client = httpx.Client(base_url=url, trust_env=False, headers=stack.client.headers)
            with client, watched(client, export_id) as coming:
                for event in coming:
                    events.append(event)

        thread = threading.Thread(target=watch)
        thread.start()
        assert eventually(lambda: bool(events), seconds=10)
        late = threading.Timer(10, stack.exports.cancel, [export_id])
        late.start()
        begin = time.monotonic()
    # the server has stopped here: it waits for streams that are open
    assert time.monotonic() - begin < 3
    late.cancel()
    thread.join(5)
    assert not thread.is_alive()
    assert {event["event"] for event in events} == {"progress"}
