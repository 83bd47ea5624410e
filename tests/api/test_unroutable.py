"""Requests that meet no route, or no HTTP; what the fuzzers found here stays found."""

from __future__ import annotations

import json
import socket

import httpx
import pytest

from tests.api.conftest import Stack


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("OPTIONS", "/api/v1/segments", "GET, HEAD, POST"),
        ("PUT", "/api/v1/segments/1", "GET, HEAD, PATCH, DELETE"),
        ("OPTIONS", "/api/v1/files/x", "GET, HEAD"),
        ("DELETE", "/health", "GET, HEAD"),
        ("GET", "/auth/logout", "POST"),
        ("DELETE", "/graphql", "POST"),
    ],
)
def test_a_wrong_method_is_told_all_the_right_ones(offline: Stack, method: str, path: str, allowed: str) -> None:
    answer = offline.client.request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)


@pytest.mark.parametrize("path", ["/api/v1/lists", "/api/v1/lists/1/items"])
def test_a_file_sent_with_a_wrong_method_is_refused_for_the_method(offline: Stack, path: str) -> None:
    answer = offline.client.patch(path, content="u1\n", headers={"Content-Type": "text/csv"})
    assert answer.status_code == 405


def test_bytes_that_are_no_http_get_the_one_error_body(offline: Stack) -> None:
    url = httpx.URL(offline.client.base_url)
    with socket.create_connection((url.host, url.port or 0), timeout=5) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: sid=\0\r\n\r\n")
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"content-type: application/json" in head
    assert json.loads(body)["code"] == "bad_request"


@pytest.mark.parametrize(
    "moment", ["5", "0.5", "-1e3", "nan", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "yesterday"]
)
def test_a_moment_that_is_none_is_refused(offline: Stack, moment: str) -> None:
    answer = offline.client.get("/api/v1/audit", params={"since": moment})
    assert (answer.status_code, answer.json()["pointer"]) == (422, "/since")


def test_moments_with_and_without_an_offset_are_taken(offline: Stack) -> None:
    for moment in ("2026-01-01", "2026-01-01T00:00:00", "2026-01-01T03:00:00+03:00"):
        assert offline.client.get("/api/v1/audit", params={"since": moment}).status_code == 200
