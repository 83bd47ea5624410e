"""What is the same for every request: hosts, origins, headers, bodies, addresses, the access log."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from segmentator_dagster.api.callers import address_key, client_address, networks
from segmentator_dagster.api.http_protocol import HEAD_BYTES
from segmentator_dagster.api.middleware.around import SECURE_HEADERS
from tests.api.surroundings import PUBLIC, PUBLIC_HOST, said, surrounded

THINGS = "/api/v1/things"
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def local() -> Iterator[httpx.Client]:
    with surrounded() as client:
        yield client


@pytest.fixture(scope="module")
def deployed() -> Iterator[httpx.Client]:
    """Behind a proxy on this machine, under its public name."""
    with surrounded(public_url=PUBLIC, trusted_proxies=("127.0.0.0/8", "10.0.0.0/8")) as client:
        yield client


@pytest.mark.parametrize("host", ["segments.example.ru", "SEGMENTS.example.ru:443"])
def test_the_public_name_is_known(deployed: httpx.Client, host: str) -> None:
    assert deployed.get(f"{THINGS}/1", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["localhost", "127.0.0.1:8000", "[::1]", "evil.example", "segments.example.ru.evil", "evil/x?", "", "10.0.0.1"],
)
def test_any_other_name_is_refused_and_told_the_right_one(deployed: httpx.Client, host: str) -> None:
    answer = deployed.get(f"{THINGS}/1", headers={"Host": host})
    assert (answer.status_code, answer.json()["code"]) == (400, "unknown_host")
    assert PUBLIC in answer.json()["hint"]


def test_two_host_headers_are_refused(deployed: httpx.Client) -> None:
    request = b"GET /api/v1/things/1 HTTP/1.1\r\nHost: segments.example.ru\r\nHost: evil.example\r\n\r\n"
    assert b" 400 " in _raw(deployed, request, b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")[:20]


def test_a_probe_is_answered_under_any_name(deployed: httpx.Client) -> None:
    assert deployed.get("/health", headers={"Host": "10.1.2.3:8000"}).status_code == 200


CROSS = [
    ({"Sec-Fetch-Site": "cross-site"}, 403),
    ({"Sec-Fetch-Site": "same-site"}, 403),
    ({"Sec-Fetch-Site": "same-origin"}, 200),
    ({"Sec-Fetch-Site": "none"}, 200),
    ({"Sec-Fetch-Site": "same-origin", "Origin": "https://evil.example"}, 200),  # no page can say the first
    ({"Sec-Fetch-Site": "cross-site", "Origin": PUBLIC}, 403),
    ({"Origin": PUBLIC}, 200),
    ({"Origin": PUBLIC.upper()}, 200),
    ({"Origin": "http://segments.example.ru"}, 403),
    ({"Origin": f"{PUBLIC}:8443"}, 403),
    ({"Origin": f"{PUBLIC}.evil.example"}, 403),
    ({"Origin": "http://localhost"}, 403),
    ({"Origin": "null"}, 403),
    ({}, 200),
]


@pytest.mark.parametrize(("headers", "status"), CROSS)
def test_only_our_own_pages_and_programs_change_things(
    deployed: httpx.Client, headers: dict[str, str], status: int
) -> None:
    answer = deployed.post(THINGS, json={}, headers=headers | PUBLIC_HOST)
    assert answer.status_code == status
    read = deployed.get(f"{THINGS}/1", headers=headers | PUBLIC_HOST)
    assert read.status_code == 200  # reading is what links are for


def test_on_this_machine_every_name_of_it_may_be_the_page(local: httpx.Client) -> None:
    for name in ("localhost:5000", "127.0.0.1:5000", "[::1]:5000"):
        own = {"Host": name, "Origin": f"http://{name}"}
        assert local.post(THINGS, json={}, headers=own).status_code == 200
    assert local.post(THINGS, json={}, headers={**own, "Origin": "http://localhost:5001"}).status_code == 403


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Host": "evil.example"}]
)
def test_a_socket_of_another_site_is_not_opened(local: httpx.Client, headers: dict[str, str]) -> None:
    address = str(local.base_url).replace("http", "ws").rstrip("/") + "/socket"
    with connect(address, additional_headers={"X-Request-Id": "mine"}) as socket:
        assert socket.recv() == "mine"
    with pytest.raises(InvalidStatus) as refused, connect(address, additional_headers=headers):
        pass
    assert refused.value.response.status_code in (400, 403)


def test_data_carries_every_secure_header_and_a_page_its_own_policy(
    local: httpx.Client, deployed: httpx.Client
) -> None:
    answer = local.get(f"{THINGS}/1")
    assert {name: answer.headers.get(name) for name in SECURE_HEADERS} == SECURE_HEADERS
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "strict-transport-security" not in answer.headers
    assert local.get("/api/v1/page").headers["content-security-policy"] == "default-src 'self'"
    assert "max-age" in deployed.get("/nowhere", headers=PUBLIC_HOST).headers["strict-transport-security"]


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("127.0.0.1", ["5.6.7.8"], "5.6.7.8"),
        ("127.0.0.1", ["1.1.1.1, 5.6.7.8, 10.9.9.9"], "5.6.7.8"),
        ("127.0.0.1", ["1.1.1.1", "5.6.7.8"], "5.6.7.8"),
        ("127.0.0.1", ["10.0.0.1, 10.0.0.2"], "10.0.0.1"),
        ("127.0.0.1", ["5.6.7.8, <script>"], "127.0.0.1"),
        ("127.0.0.1", ["5.6.7.8:4711"], "5.6.7.8"),
        ("127.0.0.1", ["[2001:db8::7]:4711"], "2001:db8::7"),
        ("::ffff:127.0.0.1", ["5.6.7.8"], "5.6.7.8"),
        ("127.0.0.1", [], "127.0.0.1"),
        ("9.9.9.9", ["5.6.7.8"], "9.9.9.9"),
        (None, ["5.6.7.8"], "unknown"),
    ],
)
def test_the_address_is_the_rightmost_no_trusted_proxy_has(
    peer: str | None, forwarded: list[str], address: str
) -> None:
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    scope = {"type": "http", "client": peer and (peer, 1), "headers": headers}
    assert client_address(scope, networks(["127.0.0.0/8", "10.0.0.0/8"])) == address


def test_addresses_of_one_ipv6_network_are_one_caller() -> None:
    def key(address: str) -> str:
        return address_key({"state": {"address": address}})

    assert key("2001:db8::1") == key("2001:db8::ffff:1") != key("2001:db8:0:1::1")
    assert key("5.6.7.8") != key("5.6.7.9")


def test_forwarded_headers_count_only_from_trusted_proxies(local: httpx.Client, deployed: httpx.Client) -> None:
    headers = {"X-Forwarded-For": "5.6.7.8", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example"}
    assert local.get(f"{THINGS}/1", headers=headers).json() == {"address": "127.0.0.1", "scheme": "http"}
    answer = deployed.get(f"{THINGS}/1", headers=headers | PUBLIC_HOST)
    assert answer.json() == {"address": "5.6.7.8", "scheme": "http"}


def test_a_body_that_does_not_come_is_refused_in_time() -> None:
    for path in (THINGS, "/api/v1/uploads"):
        with surrounded(seconds=0.3) as client:
            head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n".encode()
            answer = _raw(client, head + b"Content-Length: 100\r\n\r\n{")
            assert answer.startswith(b"HTTP/1.1 408 ")
            assert b'"code": "body_too_slow"' in answer


def test_a_body_that_comes_byte_by_byte_is_refused_and_a_slow_upload_goes_on() -> None:
    with surrounded(seconds=0.5) as client:
        head = b"Host: localhost\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: 10\r\n\r\n"
        slow = _raw(client, b"POST /api/v1/things HTTP/1.1\r\n" + head, *[b" "] * 10, pause=0.1)
        assert slow.startswith(b"HTTP/1.1 408 ")
        upload = _raw(client, b"POST /api/v1/uploads HTTP/1.1\r\n" + head, *[b" "] * 10, pause=0.1)
        assert upload.startswith(b"HTTP/1.1 200 ")


def test_a_chunked_body_is_bounded_and_the_connection_closed(local: httpx.Client) -> None:
    answer = local.post(THINGS, content=(b" " * (1 << 20) for _ in range(11)), headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize("content", [b"PK\x03\x04" + b"\0" * 100, b"{}"])
def test_an_archive_is_no_json(local: httpx.Client, content: bytes) -> None:
    headers = {"Content-Type": "application/zip"}
    assert local.post(THINGS, content=content, headers=headers).status_code == 415


@pytest.mark.parametrize(
    "headers",
    [{f"x-{number}": "1" for number in range(101)}, {"Cookie": "a" * (33 << 10)}],
)
def test_too_many_or_too_long_headers_are_refused(local: httpx.Client, headers: dict[str, str]) -> None:
    answer = local.get("/health", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (431, "headers_too_large")


def test_a_long_address_is_refused(local: httpx.Client) -> None:
    assert local.get(f"{THINGS}/1?{'a' * (33 << 10)}").status_code == 431


def test_headers_without_an_end_are_not_kept(local: httpx.Client) -> None:
    endless = b"GET /health HTTP/1.1\r\nX: " + b"a" * HEAD_BYTES
    assert _raw(local, endless, b"a" * 100, pause=0.05).startswith(b"HTTP/1.1 400 ")


def test_headers_that_do_not_come_end_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segmentator_dagster.api.http_protocol.HEAD_SECONDS", 0.2)
    with surrounded() as client:
        assert _raw(client, b"GET /health HTTP/1.1\r\nHost: local") == b""
        assert _raw(client) == b""
        assert client.get("/health").status_code == 200


def test_the_access_log_has_the_route_the_person_and_the_address(
    deployed: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "segmentator.api.access"):
        headers = PUBLIC_HOST | {"X-Request-Id": "r-1", "X-Forwarded-For": "5.6.7.8"}
        deployed.get(f"{THINGS}/token-of-a-link", headers=headers)
        deployed.head(f"{THINGS}/token-of-a-link", headers=headers)
        deployed.get("/nowhere", headers=headers)
    lines: list[dict[str, Any]] = [vars(record) for record in caplog.records if record.msg == "request"]
    shown = [(line["method"], line["path"], line["status"], line["person"], line["address"]) for line in lines]
    route = f"{THINGS}/{{thing_id}}"
    assert shown == [
        ("GET", route, 200, 17, "5.6.7.8"),
        ("HEAD", route, 200, 17, "5.6.7.8"),
        ("GET", "(unknown)", 404, None, "5.6.7.8"),
    ]
    assert "token-of-a-link" not in str(lines)


def test_a_log_entry_knows_its_own_request_and_nothing_of_the_last(local: httpx.Client) -> None:
    assert local.get(f"{THINGS}/1").status_code == 200  # by a person, on the same connection
    seen = local.get("/api/v1/context", headers={"X-Request-Id": "r-2"}).json()
    assert seen == {"request_id": "r-2", "person": None}


def _raw(client: httpx.Client, *parts: bytes, pause: float = 0) -> bytes:
    return asyncio.run(said(client.base_url.host, client.base_url.port or 80, *parts, pause=pause))
