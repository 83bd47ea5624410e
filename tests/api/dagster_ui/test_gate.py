"""What reaches Dagster's own web server, asked as a browser and as an attacker's page would."""

from __future__ import annotations

import contextlib
import http.client
import json
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest

from tests.api.dagster_ui.conftest import GRAPHQL, assert_refused, browser
from tests.servers.dagster_web import DagsterWeb

LIMIT = "mutation($key: String!) {setConcurrencyLimit(concurrencyKey: $key, limit: 3)}"
LIMITS = "{instance{concurrencyLimits{concurrencyKey}}}"
LINK = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
JSON = {"Content-Type": "application/json"}


def limits(page: httpx.Client) -> set[str]:
    answer = page.post(GRAPHQL, json={"query": LIMITS})
    assert answer.status_code == 200, answer.text
    return {limit["concurrencyKey"] for limit in answer.json()["data"]["instance"]["concurrencyLimits"]}


def setting(key: str) -> dict[str, Any]:
    return {"query": LIMIT, "variables": {"key": key}}


def by_hand(url: str, path: str) -> tuple[int, str]:
    """Status and code of a GET whose address no client tidies."""
    with contextlib.closing(http.client.HTTPConnection(urlsplit(url).netloc)) as connection:
        connection.request("GET", path, headers={"Cookie": "who=administrator"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())["code"]


@pytest.mark.parametrize("site", [{}, {"Sec-Fetch-Site": "same-origin"}])
def test_administrators_mutation_by_json_post_of_this_site_is_done(page: httpx.Client, site: dict[str, str]) -> None:
    key = f"wanted{len(site)}"
    assert page.post(GRAPHQL, json=setting(key), headers=site).json() == {"data": {"setConcurrencyLimit": True}}
    assert key in limits(page)


def test_dagster_alone_runs_a_mutation_that_comes_by_get(dagster: DagsterWeb, page: httpx.Client) -> None:
    """Why all this is here; if it fails, Dagster has become stricter."""
    parameters = {"query": LIMIT, "variables": json.dumps({"key": "by-get"})}
    httpx.get(dagster.url + GRAPHQL, params=parameters, trust_env=False)
    assert "by-get" in limits(page)


@pytest.mark.parametrize("path", [GRAPHQL, GRAPHQL + "/", "/dagster/%67raphql"])
@pytest.mark.parametrize("site", [{}, LINK])
def test_query_in_the_address_is_refused_and_not_run(page: httpx.Client, path: str, site: dict[str, str]) -> None:
    parameters = {"query": LIMIT, "variables": json.dumps({"key": "address"})}
    assert_refused(page.get(path, params=parameters, headers=site), 403, "query_in_address")
    assert page.head(path, params=parameters, headers=site).status_code == 403
    assert page.post(path, params=parameters, headers=JSON | site).status_code == 403
    assert "address" not in limits(page)


def test_query_hidden_in_the_path_is_not_run(page: httpx.Client) -> None:
    mutation = 'mutation{setConcurrencyLimit(concurrencyKey:"hidden",limit:3)}'
    assert page.get(f"{GRAPHQL}%3Fquery={quote(mutation)}").headers["content-type"].startswith("text/html")
    assert "hidden" not in limits(page)


@pytest.mark.parametrize("kind", ["text/plain", "application/graphql", "text/plain; application/json", "a/x+json", ""])
def test_post_that_is_not_json_is_refused_and_not_run(page: httpx.Client, kind: str) -> None:
    answer = page.post(GRAPHQL, content=json.dumps(setting("not-json")), headers={"Content-Type": kind})
    assert_refused(answer, 415, "unsupported_media_type")
    assert "not-json" not in limits(page)


def test_media_type_in_capitals_is_json_for_dagster_too(page: httpx.Client) -> None:
    answer = page.post(GRAPHQL, content='{"query": "{version}"}', headers={"Content-Type": "Application/JSON"})
    assert answer.json()["data"]["version"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://["},
        LINK,
    ],
)
def test_mutation_from_a_page_of_another_site_is_refused_and_not_run(
    page: httpx.Client, headers: dict[str, str]
) -> None:
    assert_refused(page.post(GRAPHQL, json=setting("foreign"), headers=headers), 403, "cross_site")
    assert "foreign" not in limits(page)


def test_mutation_by_a_cookie_without_a_browsers_word_is_refused_and_not_run(url: str, page: httpx.Client) -> None:
    answer = httpx.post(url + GRAPHQL, json=setting("bare"), headers={"Cookie": "who=administrator"}, trust_env=False)
    assert_refused(answer, 403, "linked_only")
    assert "bare" not in limits(page)


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize(("mode", "dest"), [("no-cors", "image"), ("no-cors", "script"), ("navigate", "iframe")])
def test_page_of_another_site_can_embed_nothing(page: httpx.Client, site: str, mode: str, dest: str) -> None:
    headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": dest}
    assert_refused(page.get("/dagster/", headers=headers), 403, "linked_only")


def test_link_from_another_site_opens_the_page(page: httpx.Client) -> None:
    assert page.get("/dagster/runs", headers=LINK).status_code == 200


@pytest.mark.parametrize(
    ("who", "status", "code"),
    [("", 401, "not_signed_in"), ("user", 403, "administrators_only"), ("token", 403, "session_only")],
)
@pytest.mark.parametrize("path", ["/dagster/", GRAPHQL, "/dagster/server_info", "/dagster/favicon.svg"])
def test_others_than_an_administrator_in_a_session_get_nothing(
    url: str, who: str, status: int, code: str, path: str
) -> None:
    with browser(url, who) as client:
        assert_refused(client.get(path), status, code)
        assert_refused(client.post(path, json={"query": "{version}"}), status, code)
        assert client.head(path).status_code == status


def test_bad_token_is_refused_whatever_the_cookie_says(page: httpx.Client) -> None:
    assert_refused(page.get("/dagster/", headers={"Authorization": "Bearer bad"}), 401, "invalid_token")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS"])
def test_other_methods_are_refused(page: httpx.Client, method: str) -> None:
    assert_refused(page.request(method, GRAPHQL), 405, "method_not_allowed")


@pytest.mark.parametrize("path", ["/dagster//graphql", "/dagster/a/%2e%2e/graphql", "/dagster/%2e/runs", "/dagster/.."])
def test_path_that_servers_read_differently_is_refused(url: str, path: str) -> None:
    assert by_hand(url, path) == (404, "unknown_path")
