from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from segmentator_dagster.api.languages import named_language
from segmentator_dagster.storage.metadata.exports import Exports
from tests.api.conftest import RULE, Stack

JSON = {"Content-Type": "application/json"}
TEXT = {"Content-Type": "text/plain"}
COOKIE = {"Cookie": "sid=x"}  # a token alone is no browser's to send: whoever has it may come from anywhere
REFUSALS: list[tuple[int, str, str, str, dict[str, Any]]] = [
    (404, "unknown_path", "GET", "/nowhere", {}),
    (404, "unknown_path", "GET", "/api/v1/segments/abc", {}),
    (405, "method_not_allowed", "PUT", "/api/v1/segments", {"json": {}}),
    (
        400,
        "malformed_json",
        "POST",
        "/api/v1/segments",
        {"content": b"{", "headers": {"Content-Type": "application/json"}},
    ),
    (415, "unsupported_media_type", "POST", "/api/v1/segments", {"data": {"name": "x"}}),
    (415, "unsupported_media_type", "POST", "/api/v1/segments", {"content": b"{}"}),
    (422, "missing_key", "POST", "/api/v1/segments", {"json": {}}),
    (422, "wrong_json_type", "POST", "/api/v1/segments", {}),
    (422, "unknown_choice", "GET", "/api/v1/segments?sort=x", {}),
    (404, "segment_not_found", "GET", "/api/v1/segments/9", {}),
    (404, "segment_not_found", "PATCH", "/api/v1/segments/9", {"json": {"version": 1, "name": "x"}}),
    (404, "segment_not_found", "DELETE", "/api/v1/segments/9", {}),
    (404, "segment_not_found", "POST", "/api/v1/segments/9/restore", {}),
    (404, "segment_not_found", "POST", "/api/v1/segments/9/copy", {}),
    (404, "segment_not_found", "GET", "/api/v1/segments/9/versions", {}),
    (404, "segment_not_found", "GET", "/api/v1/segments/9/rule-file", {}),
    (422, "not_a_rule_file", "POST", "/api/v1/segments/import", {"json": {}}),
    (404, "segment_not_found", "POST", "/api/v1/segments/9/exports", {"json": {"formats": ["csv"]}}),
    (404, "segment_not_found", "GET", "/api/v1/segments/9/exports", {}),
    (404, "export_not_found", "GET", "/api/v1/exports/9", {}),
    (404, "export_not_found", "POST", "/api/v1/exports/9/cancel", {}),
    (404, "export_not_found", "GET", "/api/v1/exports/9/download", {}),
    (422, "out_of_range", "GET", "/api/v1/exports/9/download?file=0", {}),
    (404, "export_not_found", "GET", "/api/v1/exports/9/manifest", {}),
    (404, "export_not_found", "GET", "/api/v1/exports/9/events", {}),
    (404, "segment_not_found", "GET", "/api/v1/segments/9/snapshots", {}),
    (403, "link_invalid", "GET", "/api/v1/files/9", {}),
    (422, "missing_key", "POST", "/api/v1/rules/count", {"json": {}}),
    (422, "missing_key", "POST", "/api/v1/rules/preview", {"json": {}}),
    (503, "clickhouse_unavailable", "GET", "/api/v1/datasets/x/fields", {}),
    (503, "clickhouse_unavailable", "GET", "/api/v1/datasets", {}),
    (503, "clickhouse_unavailable", "POST", "/api/v1/segments", {"json": {"name": "x", "rule": RULE}}),
    (404, "list_not_found", "GET", "/api/v1/lists/9", {}),
    (404, "list_not_found", "PATCH", "/api/v1/lists/9", {"json": {"name": "x"}}),
    (404, "list_not_found", "DELETE", "/api/v1/lists/9", {}),
    (404, "list_not_found", "POST", "/api/v1/lists/9/restore", {}),
    (404, "list_not_found", "GET", "/api/v1/lists/9/items", {}),
    (404, "list_not_found", "GET", "/api/v1/lists/9/unmatched", {}),
    (404, "list_not_found", "PUT", "/api/v1/lists/9/items?mode=append", {"content": b"1", "headers": TEXT}),
    (422, "missing_key", "PUT", "/api/v1/lists/9/items", {"content": b"1", "headers": TEXT}),
    (422, "unknown_choice", "PUT", "/api/v1/lists/9/items?mode=x", {"content": b"1", "headers": TEXT}),
    (422, "missing_key", "POST", "/api/v1/lists", {"content": b"1", "headers": TEXT}),
    (422, "unknown_key", "POST", "/api/v1/lists?name=x&y=z", {"content": b"1", "headers": TEXT}),
    (422, "empty_name", "POST", "/api/v1/lists?name=%20", {"content": b"1", "headers": TEXT}),
    (503, "clickhouse_unavailable", "POST", "/api/v1/lists?name=x", {"content": b"1", "headers": TEXT}),
    (415, "unsupported_media_type", "PATCH", "/api/v1/lists/9", {"content": b"1", "headers": TEXT}),
    (422, "unknown_choice", "GET", "/api/v1/lists?sort=x", {}),
    (
        403,
        "cross_site",
        "POST",
        "/api/v1/lists?name=x",
        {"content": b"1", "headers": {**TEXT, **COOKIE, "Origin": "null"}},
    ),
    (
        403,
        "cross_site",
        "PUT",
        "/api/v1/lists/9/items?mode=append",
        {"content": b"1", "headers": {**TEXT, **COOKIE, "Sec-Fetch-Site": "cross-site"}},
    ),
    (403, "cross_site", "DELETE", "/api/v1/segments/9", {"headers": {**COOKIE, "Sec-Fetch-Site": "cross-site"}}),
    (403, "cross_site", "DELETE", "/api/v1/segments/9", {"headers": {**COOKIE, "Sec-Fetch-Site": "same-site"}}),
    (403, "cross_site", "DELETE", "/api/v1/segments/9", {"headers": {**COOKIE, "Origin": "https://evil.example"}}),
    (403, "cross_site", "DELETE", "/api/v1/segments/9", {"headers": {**COOKIE, "Origin": "null"}}),
    (400, "unknown_host", "GET", "/api/v1/segments", {"headers": {"Host": "evil.example"}}),
    (400, "unknown_host", "GET", "/api/v1/segments", {"headers": {"Host": "127.0.0.1.evil.example:80"}}),
]


def assert_shape(answer: httpx.Response) -> None:
    body = answer.json()
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert list(body)[:6] == ["code", "message", "pointer", "hint", "problems", "request_id"]
    assert body["request_id"] == answer.headers["x-request-id"]
    assert {key: body[key] for key in ("code", "message", "pointer", "hint")} == body["problems"][0]
    for problem in body["problems"]:
        assert list(problem) == ["code", "message", "pointer", "hint"]
        assert problem["code"]
        assert problem["message"]
    assert "Traceback" not in answer.text
    assert ("retry-after" in answer.headers) == (answer.status_code == 503)


@pytest.mark.parametrize(("status", "code", "method", "path", "more"), REFUSALS)
def test_every_refusal_has_the_one_body(
    offline: Stack, status: int, code: str, method: str, path: str, more: dict[str, Any]
) -> None:
    answer = offline.client.request(method, path, **more)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert_shape(answer)


def test_our_own_fault_is_500_without_a_trace(
    offline: Stack, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any) -> Any:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(Exports, "get", broken)
    answer = offline.client.get("/api/v1/exports/00000000-0000-4000-8000-000000000000")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert_shape(answer)
    assert "secret detail" not in answer.text
    assert answer.json()["request_id"] in caplog.text
    assert "secret detail" in caplog.text


def test_messages_are_russian_unless_english_is_preferred(offline: Stack) -> None:
    def message(**headers: str) -> str:
        text: str = offline.client.get("/api/v1/segments/9", headers=headers).json()["message"]
        return text

    assert message() == "Сегмента 9 нет."
    assert message(**{"Accept-Language": "en-US,en;q=0.9"}) == "There is no segment 9."


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", None),
        ("*", None),
        ("de", None),
        ("en, ru", None),
        ("en", "en"),
        ("ru;q=0.5, en-GB;q=0.8", "en"),
        ("en;q=0.5, ru;q=0.8", "ru"),
        ("en;q=x", None),
        ("en;q=nan", None),
        (",,;;=", None),
    ],
)
def test_language_follows_the_weights(header: str, language: str | None) -> None:
    assert named_language(header) == language


def test_a_request_id_of_the_caller_is_kept_where_it_is_sane(offline: Stack) -> None:
    assert offline.client.get("/health", headers={"X-Request-Id": "abc-1"}).headers["x-request-id"] == "abc-1"
    odd = "x" * 65
    assert offline.client.get("/health", headers={"X-Request-Id": odd}).headers["x-request-id"] != odd


def test_our_own_page_may_change_things(offline: Stack) -> None:
    origin = str(offline.client.base_url).rstrip("/")
    headers = {"Origin": origin, "Sec-Fetch-Site": "same-origin"}
    assert offline.client.delete("/api/v1/segments/9", headers=headers).status_code == 404


def test_localhost_is_a_known_host(offline: Stack) -> None:
    for host in ("localhost:8000", "LOCALHOST", "[::1]:8000", "[::1]"):
        assert offline.client.get("/health", headers={"Host": host}).status_code == 200


def test_head_is_get_without_the_body(offline: Stack) -> None:
    answer = offline.client.head("/api/v1/segments")
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) > 0


HOSTILE = {
    "empty": (b"", 422),
    "broken": (b'{"name": "x", "rule"', 400),
    "two documents": (b"{} {}", 400),
    "not UTF-8": (b'{"name": "\xff"}', 400),
    "UTF-16": ('{"name": "x"}'.encode("utf-16"), 400),
    "NaN": (b'{"name": "x", "rule": NaN}', 400),
    "Infinity": (b'{"name": "x", "rule": -Infinity}', 400),
    "overflowing float": (b'{"name": "x", "rule": 1e999}', 400),
    "huge integer": (b'{"name": "x", "rule": ' + b"9" * 100_000 + b"}", 400),
    "duplicate key": (b'{"name": "x", "name": "y", "rule": {}}', 400),
    "lone surrogate": (b'{"name": "\\ud800", "rule": {}}', 422),
    "lone surrogate as a key": (b'{"\\udfff": 1}', 422),
    "NUL": (b'{"name": "a\\u0000b", "rule": {}}', 422),
    "deep": (b'{"name": "x", "rule": ' + b"[" * 100 + b"]" * 100 + b"}", 400),
    "very deep": (b"[" * 1_000_000, 400),
    "deep objects": (b'{"a":' * 200_000 + b"1" + b"}" * 200_000, 400),
    "wide": (json.dumps({str(i): i for i in range(100_000)}).encode(), 400),
    "a million wrong tags": (b'{"name": "x", "rule": {}, "tags": [' + b"1," * 1_000_000 + b"1]}", 422),
    "number": (b"1", 422),
    "null": (b"null", 422),
    "string": (b'"x"', 422),
    "too large": (b'{"name": "' + b"x" * (10 << 20) + b'"}', 413),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("path", ["/api/v1/segments", "/api/v1/segments/import", "/api/v1/rules/count"])
def test_a_hostile_body_is_refused_and_never_our_fault(offline: Stack, name: str, path: str) -> None:
    body, status = HOSTILE[name]
    answer = offline.client.post(path, content=body, headers=JSON)
    assert answer.status_code == status, answer.text[:300]
    assert_shape(answer)
    assert len(answer.content) < 100_000


def test_a_large_body_without_its_length_is_refused_too(offline: Stack) -> None:
    chunks = (b" " * (1 << 20) for _ in range(12))
    answer = offline.client.post("/api/v1/segments", content=chunks, headers=JSON)
    assert answer.status_code == 413
    assert_shape(answer)


def test_a_surrogate_is_shown_with_its_place(offline: Stack) -> None:
    body = b'{"name": "x", "rule": {"rules": [{"value": "\\ud83d"}]}}'
    answer = offline.client.post("/api/v1/segments", content=body, headers=JSON)
    assert (answer.json()["code"], answer.json()["pointer"]) == ("bad_text", "/rule/rules/0/value")
