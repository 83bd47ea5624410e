"""Dagster's pages, files and GraphQL through the proxy, and what it keeps to itself."""

from __future__ import annotations

import re
import time
import tracemalloc
from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tests.api.dagster_ui.conftest import GRAPHQL, assert_refused, bare_app, browser, proxied
from tests.api.dagster_ui.test_gate import by_hand
from tests.api.servers import api_server
from tests.servers.dagster_web import DagsterWeb

MEGABYTE = 1 << 20


def log_of(dagster: DagsterWeb, size: int) -> str:
    """Where the proxy has a run's log of so many bytes."""
    log = dagster.home / "storage" / f"run{size}" / "step.out"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as file:
        file.truncate(size)
    return f"/dagster/logs/run{size}/step/out"


@pytest.mark.parametrize("path", ["/dagster/", "/dagster/runs", "/dagster/assets/segment_audience?view=partitions"])
def test_page_comes_with_every_script_and_style_it_names(page: httpx.Client, path: str) -> None:
    answer = page.get(path, headers={"Accept": "text/html"})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    named = re.findall(r'(?:src|href)="([^"]+)"', answer.text)
    assert len(named) > 8
    assert {name.split("/")[1] for name in named} == {"dagster"}
    assert {name: page.get(urljoin(path, name)).status_code for name in named} == dict.fromkeys(named, 200)


def test_front_page_opens_without_its_last_slash(page: httpx.Client) -> None:
    answer = page.get("/dagster")
    assert (answer.status_code, urlsplit(answer.headers["location"]).path) == (307, "/dagster/")


def test_pages_may_not_be_framed_and_keep_dagsters_own_policy(page: httpx.Client) -> None:
    headers = page.get("/dagster/").headers
    assert headers["x-frame-options"] == "DENY"
    assert headers["content-security-policy"].endswith("; frame-ancestors 'none'")
    assert "script-src 'nonce-" in headers["content-security-policy"]


def test_script_that_the_browser_has_is_not_sent_again(page: httpx.Client) -> None:
    script = re.findall(r'src="([^"]+/main-[^"]+)"', page.get("/dagster/").text)[0]
    first = page.get(script)
    again = page.get(script, headers={"If-None-Match": first.headers["etag"]})
    assert (first.headers["cache-control"], again.status_code, again.content) == ("private, no-cache", 304, b"")


def test_head_has_the_headers_of_get_and_no_body(page: httpx.Client) -> None:
    get, head = page.get("/dagster/favicon.svg"), page.head("/dagster/favicon.svg")
    assert (head.status_code, head.content) == (200, b"")
    for name in ("content-length", "content-type", "etag"):
        assert head.headers[name] == get.headers[name]


def test_part_of_a_file_can_be_asked_for(page: httpx.Client) -> None:
    whole = page.get("/dagster/favicon.svg").content
    part = page.get("/dagster/favicon.svg", headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, whole[10:20])


def test_large_answer_streams_at_the_pace_of_its_reader(dagster: DagsterWeb, page: httpx.Client) -> None:
    path, size = log_of(dagster, 50 * MEGABYTE), 0
    tracemalloc.start()
    try:
        with page.stream("GET", path) as answer:
            chunks = answer.iter_raw(64 << 10)
            size += len(next(chunks))
            time.sleep(1)  # whoever reads ahead has it all by now
            for chunk in chunks:
                size += len(chunk)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (answer.status_code, size) == (200, 50 * MEGABYTE)
    assert peak < 16 * MEGABYTE  # of this client too


def test_broken_off_downloads_give_their_connections_back(dagster: DagsterWeb, page: httpx.Client) -> None:
    path = log_of(dagster, 50 * MEGABYTE)
    for _ in range(70):  # more than the proxy opens at once
        with page.stream("GET", path) as answer:
            next(answer.iter_raw(1))
    assert page.get("/dagster/server_info").status_code == 200


def test_body_over_the_limit_is_refused(page: httpx.Client) -> None:
    answer = page.post(GRAPHQL, content=b" " * (11 * MEGABYTE), headers={"Content-Type": "application/json"})
    assert_refused(answer, 413, "body_too_large")


def test_address_that_is_too_long_once_quoted_is_a_bad_request(url: str) -> None:
    assert by_hand(url, "/dagster/" + '"' * 22_000) == (400, "bad_request")


@pytest.fixture(scope="module")
def beside(url: str) -> Iterator[httpx.Client]:
    """A page of an API behind which something stands that tells what reaches it, and says what Dagster never does."""
    echo = bare_app()

    @echo.api_route("/dagster/echo", methods=["GET", "POST"])
    async def told(request: Request) -> Response:
        body = (await request.body()).decode()
        answer = JSONResponse({"headers": request.headers.items(), "query": request.url.query, "body": body})
        answer.set_cookie("sid", "stolen")
        answer.headers["X-Whatever"] = "1"
        return answer

    @echo.get("/dagster/away")
    async def away(to: str) -> Response:
        return Response(status_code=307, headers={"Location": to})

    with api_server(echo) as echoing, proxied(echoing) as address, browser(address) as client:
        yield client


def test_nothing_that_says_who_asks_reaches_dagster(beside: httpx.Client) -> None:
    given = {
        "Authorization": "Bearer sgm_1_x",
        "X-Forwarded-For": "1.2.3.4",
        "X-Forwarded-Host": "evil.example",
        "Forwarded": "for=1.2.3.4",
        "Accept-Language": "ru",
        "Connection": "keep-alive, x-hop",
        "X-Hop": "1",
    }
    answer = beside.get("/dagster/echo", headers=given)
    names = {name for name, _ in answer.json()["headers"]}
    assert names == {"host", "accept", "accept-encoding", "accept-language", "connection", "user-agent"}
    again = beside.get("/dagster/echo").json()["headers"]
    assert "cookie" not in dict(again)  # the one that was set stays out of the next request too


def test_cookies_and_unknown_headers_of_the_answer_stay_behind(beside: httpx.Client) -> None:
    headers = beside.get("/dagster/echo").headers
    assert "set-cookie" not in headers
    assert "x-whatever" not in headers


def test_query_and_body_arrive_as_they_were_sent(beside: httpx.Client) -> None:
    query, body = "a=%D1%8F+b&a=%2F&c", '{"текст": "' + "я" * 200_000 + '"}'
    told = beside.post(f"/dagster/echo?{query}", content=body, headers={"Content-Type": "application/json"}).json()
    assert (told["query"], told["body"]) == (query, body)


@pytest.mark.parametrize(
    ("to", "shown"),
    [
        ("/dagster/runs?a=1", "/dagster/runs?a=1"),
        ("https://evil.example/dagster/runs", "/dagster/"),
        ("//evil.example/dagster/runs", "/dagster/"),
        ("/api/v1/segments", "/dagster/"),
    ],
)
def test_redirect_is_passed_on_and_stays_inside(beside: httpx.Client, to: str, shown: str) -> None:
    answer = beside.get("/dagster/away", params={"to": to})
    assert (answer.status_code, answer.headers["location"]) == (307, shown)
