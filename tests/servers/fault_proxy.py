"""A proxy before an HTTP server that remembers every request and lets some of them fail in a chosen way."""

from __future__ import annotations

import http.client
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from tests.servers.child import LOOPBACK


class Fault(Enum):
    """What becomes of a request; those that say "lost" have reached the server and done their work there."""

    ERROR_500 = "500"
    SLOW_DOWN = "503"
    FULL = "507"
    RESET = "connection reset before anything was read"
    CUT = "connection cut in the middle of the answer's headers"
    LOST = "the answer is lost"
    SLOW = "half a second late"


_CODES = {Fault.ERROR_500: "InternalError", Fault.SLOW_DOWN: "SlowDown", Fault.FULL: "XMinioStorageFull"}


@dataclass(frozen=True, slots=True)
class Seen:
    """A request as it came. `headers` have lower-case names; `path` has no query."""

    method: str
    path: str
    query: str
    host: str
    headers: dict[str, str]

    @property
    def step(self) -> str:
        """What the request is of an upload in S3."""
        if self.method == "POST":
            return "create" if self.query.startswith("uploads") else "complete" if "uploadId=" in self.query else "post"
        return "part" if self.method == "PUT" and "partNumber=" in self.query else self.method.lower()


@dataclass
class FaultProxy:
    """`fault_of` decides about each request, given its number from 1; assign another one at any time."""

    port: int
    seen: list[Seen] = field(default_factory=list)
    fault_of: Callable[[int, Seen], Fault | None] = lambda _number, _seen: None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    def decide(self, seen: Seen) -> Fault | None:
        with self._lock:
            self.seen.append(seen)
            return self.fault_of(len(self.seen), seen)

    def forget(self) -> None:
        with self._lock:
            self.seen.clear()


@contextmanager
def fault_proxy(port: int) -> Iterator[FaultProxy]:
    """A proxy before the server on a port of loopback. Clients that take it for an HTTP proxy are served too."""
    proxy = FaultProxy(0)

    class Handler(_Handler):
        upstream = port
        faults = proxy

    server = _Server((LOOPBACK, 0), Handler)
    proxy.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients go when they like."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    upstream: int
    faults: FaultProxy

    def log_message(self, *_: object) -> None:
        """Nothing: `seen` is the log."""

    def _pass(self) -> None:
        split = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        seen = Seen(self.command, split.path, split.query, headers["host"], headers)
        fault = self.faults.decide(seen)
        if fault is Fault.RESET:
            self._reset()
            return
        body = self.rfile.read(int(headers.get("content-length", 0)))
        if fault in _CODES:
            self._answer(int(fault.value), {"content-type": "application/xml"}, _error(_CODES[fault]))
            return
        if fault is Fault.SLOW:
            time.sleep(0.5)
        status, answer_headers, answer = self._forward(split.path + (f"?{split.query}" if split.query else ""), body)
        if fault is Fault.LOST:
            self._reset()
        elif fault is Fault.CUT:
            self.connection.sendall(f"HTTP/1.1 {status} OK\r\ncontent-le".encode())
            self._close()
        else:
            self._answer(status, answer_headers, answer)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _pass  # noqa: N815  what the base class calls

    def _forward(self, target: str, body: bytes) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection(LOOPBACK, self.upstream, timeout=60)
        connection.putrequest(self.command, target, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in ("connection", "expect", "proxy-connection"):
                connection.putheader(name, value)
        connection.endheaders(body or None)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        hop = ("connection", "transfer-encoding", "keep-alive", "date", "server")
        headers = {name: value for name, value in answer.getheaders() if name.lower() not in hop}
        return answer.status, headers, content

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        if self.command != "HEAD" and status != 204:
            headers = {name: value for name, value in headers.items() if name.lower() != "content-length"}
            headers["Content-Length"] = str(len(body))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._close()

    def _close(self) -> None:
        self.close_connection = True
        self.connection.close()


def _error(code: str) -> bytes:
    return (
        f"<?xml version='1.0' encoding='UTF-8'?><Error><Code>{code}</Code><Message>planted</Message></Error>".encode()
    )
