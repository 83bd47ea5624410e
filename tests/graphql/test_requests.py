"""What a request to /graphql must look like, and what is answered where it does not."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import closing
from typing import Any

import httpx
import pytest

from tests.api.conftest import RULE, Stack
from tests.graphql.conftest import USER, ask, code, codes, data, database_of

Browser = Callable[..., httpx.Client]
ME = {"query": "{ me { name } }"}


def test_a_program_with_a_token_is_answered(online: Stack) -> None:
    assert data(online.client, "{ me { name via } }") == {"me": {"name": "Admin", "via": "TOKEN"}}
    answer = ask(online.client, "{ me { name } }")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_only_post_is_answered(online: Stack, browser: Browser, method: str) -> None:
    for client in (online.client, browser(online)):
        answer = client.request(method, "/graphql", params=ME)
        assert answer.status_code == 405
        assert method == "HEAD" or answer.json()["code"] == "method_not_allowed"
        assert answer.headers["allow"] == "POST"


def test_who_is_not_signed_in_is_refused_before_the_query_is_read(online: Stack) -> None:
    with httpx.Client(base_url=online.client.base_url, trust_env=False) as nobody:
        for query in ("{ me { name } }", "{ __typename }", "nonsense"):
            answer = ask(nobody, query)
            assert code(answer) == (401, "not_signed_in")
            assert answer.headers["www-authenticate"] == "Bearer"
        bad = nobody.post("/graphql", json=ME, headers={"Authorization": "Bearer sgm_no_token"})
        assert code(bad) == (401, "invalid_token")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", (400, "malformed_json")),
        (b"{", (400, "malformed_json")),
        (b"[]", (400, "one_operation")),
        (b'[{"query": "{ me { name } }"}, {"query": "{ me { name } }"}]', (400, "one_operation")),
        (b"7", (422, "wrong_json_type")),
        (b"null", (422, "wrong_json_type")),
        (b"{}", (422, "missing_key")),
        (b'{"query": 7}', (422, "wrong_json_type")),
        (b'{"query": "{ me { name } }", "variables": []}', (422, "wrong_json_type")),
        (b'{"query": "{ me { name } }", "extensions": {}}', (422, "unknown_key")),
        (b'{"query": "{ me { name } }", "operation_name": "A"}', (422, "unknown_key")),
        (b'{"query": "{ me { name } }", "query": "{ me { id } }"}', (400, "duplicate_key")),
        (b'{"query": "{ me { name } }", "operationName": "Other"}', (400, "graphql_invalid")),
        (b'{"query": ""}', (400, "graphql_syntax")),
        (b'{"query": "type A { a: Int }"}', (400, "one_operation")),
        (b'{"query": "{ me { name } } type A { a: Int }"}', (400, "graphql_invalid")),
        (b'{"query": "{ me { nothing } }"}', (400, "graphql_invalid")),
        (b'{"query": "{ people(first: 1, sort: 2) { nextCursor } }"}', (400, "graphql_invalid")),
        (b'{"query": "query ($id: Int!) { segment(id: $id) { id } }"}', (400, "graphql_invalid")),
        (
            b'{"query": "query ($id: Int!) { segment(id: $id) { id } }", "variables": {"id": "x"}}',
            (400, "graphql_invalid"),
        ),
        (b'{"query": "subscription { exportProgress(id: \\"a\\") { id } }"}', (400, "stream_wanted")),
    ],
)
def test_a_body_that_is_no_request_is_refused_in_the_one_error_body(
    online: Stack, content: bytes, expected: tuple[int, str]
) -> None:
    answer = online.client.post("/graphql", content=content, headers={"Content-Type": "application/json"})
    assert code(answer) == expected
    assert answer.json().keys() >= {"code", "message", "pointer", "hint", "problems", "request_id"}


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_17_nothing_but_json_is_read(online: Stack, browser: Browser, kind: str) -> None:
    content = b'{"query": "mutation { endSessions }"}'
    answer = browser(online).post("/graphql", content=content, headers={"Content-Type": kind})
    assert code(answer) == (415, "unsupported_media_type")


@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"}]
)
def test_17_a_page_of_another_site_is_refused_whoever_it_speaks_for(
    online: Stack, browser: Browser, method: str, headers: dict[str, str]
) -> None:
    for client in (browser(online, "carla"), online.client):
        answer = client.request(method, "/graphql", json={"query": "mutation { endSessions }"}, headers=headers)
        assert code(answer) == (403, "cross_site")


def test_17_a_cookie_does_not_count_where_no_browser_says_where_it_comes_from(online: Stack, browser: Browser) -> None:
    client = browser(online, "carla")
    del client.headers["Origin"]
    assert code(ask(client, "{ me { name } }")) == (403, "cross_site")


def test_refusals_of_fields_speak_the_language_of_the_caller(online: Stack) -> None:
    russian, english = (
        online.client.post(
            "/graphql", json={"query": "{ segment(id: 7) { id } }"}, headers={"Accept-Language": language}
        ).json()
        for language in ("ru", "en")
    )
    assert russian["data"] == english["data"] == {"segment": None}
    (problem,), (translated,) = russian["errors"], english["errors"]
    assert problem["message"] == "Сегмента 7 нет."
    assert translated["message"] == "There is no segment 7."
    said = translated["extensions"]
    assert said.keys() == {"code", "pointer", "hint", "problems", "request_id"}
    assert (said["code"], translated["path"], translated["locations"]) == (
        "segment_not_found",
        ["segment"],
        [{"line": 1, "column": 3}],
    )


def test_mutations_are_made_one_after_the_other(stack: Stack) -> None:
    made = stack.segment()
    query = (
        "mutation ($id: Int!) { "
        + " ".join(
            f'n{n}: updateSegment(id: $id, input: {{version: {n}, name: "имя {n}"}}) {{ version }}' for n in range(1, 9)
        )
        + " }"
    )
    answer = data(stack.client, query, id=made["id"])
    assert [one["version"] for one in answer.values()] == list(range(2, 10))
    late = ask(stack.client, query, id=made["id"])
    assert codes(late) == {f"n{n}": "version_conflict" for n in range(1, 9)}
    assert late.json()["errors"][0]["extensions"]["current"]["version"] == 9


def test_an_error_of_ours_is_masked_and_logged_with_the_id_of_the_request(
    stack: Stack, caplog: pytest.LogCaptureFixture
) -> None:
    made = stack.segment()
    with closing(database_of(stack)) as database, database.writing() as session:
        session.connection().exec_driver_sql("UPDATE segments SET schedule = '{\"corn\": 1}'")
    with caplog.at_level(logging.ERROR):
        answer = ask(stack.client, "query ($id: Int!) { segment(id: $id) { id } me { name } }", id=made["id"])
    said = answer.json()
    assert (answer.status_code, said["data"]) == (200, {"segment": None, "me": {"name": "Admin"}})
    (problem,) = said["errors"]
    assert problem["extensions"]["code"] == "internal_error"
    assert problem["path"] == ["segment"]
    for secret in ("Traceback", "KeyError", "cron", ".py", "schedule"):
        assert secret not in answer.text
    logged = [one for one in caplog.records if answer.headers["x-request-id"] in one.getMessage()]
    assert any(one.exc_info and one.exc_info[0] is KeyError for one in logged)


def test_a_refusal_is_not_logged_as_an_error(online: Stack, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        assert codes(ask(online.client, "{ segment(id: 7) { id } }")) == {"segment": "segment_not_found"}
    assert not caplog.records


@pytest.mark.parametrize("first", ["", "(first: null)", "(first: 0)", "(first: -1)", "(first: 201)"])
@pytest.mark.parametrize(
    "field",
    [
        *(
            "segments %s { nextCursor }",
            "lists %s { nextCursor }",
            "people %s { nextCursor }",
            "audit %s { nextCursor }",
        ),
        *("invites %s { id }", "mySessions %s { id }", "myTokens %s { id }"),
    ],
)
def test_28_a_list_without_an_end_is_out_of_range(online: Stack, browser: Browser, field: str, first: str) -> None:
    answer = ask(browser(online), f"{{ {field % first} }}")
    (problem,) = answer.json()["errors"]
    assert (problem["extensions"]["code"], problem["extensions"]["pointer"]) == ("out_of_range", "/first")


@pytest.mark.parametrize("name", ["versions { version }", "exports { id }", "snapshots { id }"])
def test_28_a_list_in_a_list_without_an_end_is_out_of_range_for_each(stack: Stack, name: str) -> None:
    stack.segment("a")
    stack.segment("b")
    inner = name.replace(" ", "(first: 500) ", 1)
    answer = ask(stack.client, f"{{ segments(first: 9) {{ items {{ name {name} over: {inner} }} }} }}")
    assert set(codes(answer).values()) == {"out_of_range"}
    assert [one["name"] for one in answer.json()["data"]["segments"]["items"]] == ["b", "a"]


def test_a_person_may_ask_so_often_and_no_more(make_stack: Callable[..., Stack], browser: Browser) -> None:
    stack = make_stack((), rate_limits=True)
    client = browser(stack)
    statuses = [ask(client, "{ __typename }").status_code for _ in range(301)]
    assert statuses == [200] * 300 + [429]
    last = ask(client, "{ __typename }")
    assert code(last) == (429, "too_many_requests")
    assert 0 < int(last.headers["retry-after"]) <= 60
    assert ask(browser(stack, USER), "{ __typename }").status_code == 200


def test_requests_for_exports_count_as_those_of_rest_do(make_stack: Callable[..., Stack], browser: Browser) -> None:
    stack = make_stack((), rate_limits=True)
    calls = " ".join(f'a{n}: requestExports(segmentId: {n}, input: {{formats: ["csv"]}}) {{ id }}' for n in range(31))
    found = codes(ask(browser(stack), f"mutation {{ {calls} }}"))
    assert [found[f"a{n}"] for n in range(31)] == ["segment_not_found"] * 30 + ["too_many_requests"]


def test_moments_numbers_and_json_are_written_as_in_rest(stack: Stack) -> None:
    made = stack.segment(export={"csv": {"profile": "excel-ru"}})
    query = "query ($id: Int!) { segment(id: $id) { createdAt rule export schedule { cron } } }"
    answer: dict[str, Any] = data(stack.client, query, id=made["id"])["segment"]
    expected = {"createdAt": made["created_at"], "rule": made["rule"], "export": made["export"], "schedule": None}
    assert answer == expected
    since = data(
        stack.client, "query ($at: DateTime) { audit(first: 5, since: $at) { items { event } } }", at=made["created_at"]
    )
    assert since["audit"]["items"] == [{"event": "SEGMENT_CREATE"}]


def test_a_rule_may_be_written_in_the_query_too(online: Stack) -> None:
    rule = '{combinator: "and", rules: [{field: "platform_main", operator: "=", value: "ios"}]}'
    assert data(online.client, f"{{ count(input: {{rule: {rule}}}) {{ count }} }}") == {"count": {"count": 2}}
    by_variable = "query ($rule: JSON!) { count(input: {rule: $rule}) { count } }"
    assert data(online.client, by_variable, rule=RULE) == {"count": {"count": 2}}
