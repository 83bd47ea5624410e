"""The WebSocket over which Dagster's pages follow the log of a run."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from segmentator_dagster.api import dagster_socket
from tests.api.conftest import Stack
from tests.api.dagster_ui.conftest import (
    GRAPHQL,
    Doorkeeper,
    assert_refused,
    browser,
    proxied,
)
from tests.servers.dagster_web import DagsterWeb, dagster_web

LOGS = """subscription($id: ID!) {pipelineRunLogs(runId: $id) {__typename
  ... on PipelineRunLogsSubscriptionFailure {message}}}"""


def socket(
    url: str, who: str = "administrator", origin: str | None = None, path: str = GRAPHQL, **headers: str
) -> ClientConnection:
    return connect(
        url.replace("http", "ws") + path,
        origin=Origin(origin or url),
        subprotocols=[Subprotocol("graphql-ws")],
        additional_headers={"Cookie": f"who={who}", **headers},
        proxy=None,
    )


def status_of(url: str, who: str = "administrator", origin: str | None = None, path: str = GRAPHQL) -> int:
    """That a WebSocket is refused with, in the one error body."""
    with pytest.raises(InvalidStatus) as refused, socket(url, who, origin, path):
        pass
    response = refused.value.response
    assert json.loads(response.body)["request_id"] == response.headers["x-request-id"]
    return response.status_code


def test_socket_carries_a_subscription(url: str) -> None:
    with socket(url) as page:
        assert page.subprotocol == "graphql-ws"
        page.send(json.dumps({"type": "connection_init"}))
        assert json.loads(page.recv(10)) == {"type": "connection_ack"}
        start = {"type": "start", "id": "1", "payload": {"query": LOGS, "variables": {"id": "no-such-run"}}}
        page.send(json.dumps(start))
        answer = json.loads(page.recv(10))
    assert answer["payload"]["data"]["pipelineRunLogs"]["__typename"] == "PipelineRunLogsSubscriptionFailure"


def test_mutation_over_the_socket_is_not_run_by_dagster(url: str) -> None:
    mutation = 'mutation{setConcurrencyLimit(concurrencyKey: "by-socket", limit: 3)}'
    with socket(url) as page:
        page.send(json.dumps({"type": "start", "id": "1", "payload": {"query": mutation}}))
        assert json.loads(page.recv(10))["type"] == "error"


@pytest.mark.parametrize(
    ("who", "origin", "status"),
    [
        ("nobody", None, 401),
        ("user", None, 403),
        ("token", None, 403),
        ("administrator", "https://evil.example", 403),
        ("administrator", "null", 403),
    ],
)
def test_socket_of_others_or_of_another_site_is_refused(url: str, who: str, origin: str | None, status: int) -> None:
    assert status_of(url, who, origin) == status


def test_socket_with_a_bad_token_is_refused_whatever_the_cookie_says(url: str) -> None:
    with pytest.raises(InvalidStatus) as refused, socket(url, Authorization="Bearer bad"):
        pass
    assert refused.value.response.status_code == 401


def test_socket_without_an_origin_is_refused(url: str) -> None:
    cookie = {"Cookie": "who=administrator"}
    with (
        pytest.raises(InvalidStatus) as refused,
        connect(url.replace("http", "ws") + GRAPHQL, additional_headers=cookie, proxy=None),
    ):
        pass
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize("path", ["/dagster/", "/dagster/runs", GRAPHQL + "/"])
def test_socket_elsewhere_in_dagster_is_refused(url: str, path: str) -> None:
    assert status_of(url, path=path) == 404


def test_dagster_that_stops_ends_the_socket_and_is_503_from_then_on(tmp_path: Path) -> None:
    with ExitStack() as running:
        web = running.enter_context(dagster_web(tmp_path))
        with proxied(web.url) as url, browser(url) as client:
            assert client.get("/dagster/server_info").status_code == 200
            with socket(url) as page:
                running.close()
                with pytest.raises(ConnectionClosed) as closed:
                    page.recv(10)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1012
            answer = client.get("/dagster/")
            assert_refused(answer, 503, "dagster_down")
            assert int(answer.headers["retry-after"]) > 0
            assert status_of(url) == 503


def test_open_socket_ends_when_its_administrator_is_one_no_more(
    dagster: DagsterWeb, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dagster_socket, "ASK_AGAIN_SECONDS", 0.05)
    doorkeeper = Doorkeeper()
    with proxied(dagster.url, doorkeeper) as url, socket(url) as page:
        page.send(json.dumps({"type": "connection_init"}))
        page.recv(10)
        doorkeeper.people["administrator"] = doorkeeper.people["user"]
        with pytest.raises(ConnectionClosed) as closed:
            page.recv(10)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1008


@pytest.mark.parametrize("path", ["/", "/ready", "/api/v1/segments", "/graphql", "/dagster"])
def test_nothing_else_of_the_api_takes_a_socket(offline: Stack, path: str) -> None:
    address = str(offline.client.base_url).rstrip("/")
    with (
        pytest.raises(InvalidStatus) as refused,
        connect(address.replace("http", "ws") + path, origin=Origin(address), proxy=None),
    ):
        pass
    assert refused.value.response.status_code == 403
