"""The progress of an export as events, by the graphql-sse protocol."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx

from tests.api.conftest import Stack
from tests.api.exporting import ask as ask_for
from tests.api.exporting import publish, started
from tests.graphql.conftest import code

QUERY = "subscription ($id: String!) { exportProgress(id: $id) { id status rows } }"
STREAM = {"Accept": "text/event-stream"}


def events(answer: httpx.Response) -> Iterator[tuple[str, Any]]:
    name = ""
    for line in answer.iter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data:"):
            text = line.removeprefix("data:").strip()
            yield name, json.loads(text) if text else None


def watch(stack: Stack, query: str = QUERY, **variables: Any) -> Any:
    body = {"query": query, "variables": variables}
    return stack.client.stream("POST", "/graphql", json=body, headers=STREAM)


def requested(stack: Stack) -> str:
    found: str = ask_for(stack, stack.segment()["id"], ["csv"]).json()["items"][0]["id"]
    return found


def test_an_export_is_watched_until_it_has_ended(stack: Stack) -> None:
    export = requested(stack)

    def run() -> None:
        time.sleep(0.6)
        started(stack, export)
        time.sleep(0.6)
        publish(stack, export)

    runner = threading.Thread(target=run)
    with watch(stack, id=export) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        runner.start()
        *seen, last = list(events(answer))
    runner.join()
    assert last == ("complete", None)
    assert {name for name, _ in seen} == {"next"}
    states = [result["data"]["exportProgress"] for _, result in seen]
    assert list(dict.fromkeys(one["status"] for one in states)) == ["requested", "running", "published"]
    assert states[-1] == {"id": export, "status": "published", "rows": 2}


def test_an_export_that_is_not_there_is_refused_in_the_stream(stack: Stack) -> None:
    with watch(stack, id="nothing") as answer:
        (name, result), end = events(answer)
    assert (name, end) == ("next", ("complete", None))
    assert result["data"] is None
    assert [one["extensions"]["code"] for one in result["errors"]] == ["export_not_found"]


def test_a_subscription_that_does_not_fit_the_schema_is_no_stream(stack: Stack) -> None:
    with watch(stack, "subscription { nothing }") as answer:
        answer.read()
    assert code(answer) == (400, "graphql_invalid")
    with watch(stack) as answer:
        answer.read()
    assert code(answer) == (400, "graphql_invalid")


def test_a_query_is_answered_as_a_stream_where_that_is_asked_for(stack: Stack) -> None:
    with watch(stack, "{ me { name } }") as answer:
        assert list(events(answer)) == [("next", {"data": {"me": {"name": "Admin"}}}), ("complete", None)]


def test_whoever_goes_away_is_not_watched_for_any_longer(stack: Stack) -> None:
    export = requested(stack)
    with watch(stack, id=export) as answer:
        assert next(events(answer))[0] == "next"
    assert stack.client.get("/api/v1/me").status_code == 200
