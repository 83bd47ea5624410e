"""What stands around every request: identity, log, last resort, host and origin, size and form of the body, HEAD."""

from __future__ import annotations

import json
import logging
import re
import time
import uuid
from collections.abc import Callable
from urllib.parse import urlsplit

import anyio.to_thread
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from segmentator_dagster.api.body import check_json
from segmentator_dagster.api.errors import error_response, preferred_language
from segmentator_dagster.api.http_problems import (
    BAD_REQUEST,
    BODY_TOO_LARGE,
    CROSS_SITE,
    INTERNAL_ERROR,
    RANGE_NOT_SATISFIABLE,
    UNKNOWN_HOST,
    UNSUPPORTED_MEDIA_TYPE,
)
from segmentator_dagster.domain.errors import Problem, UserError

_log = logging.getLogger("segmentator.api")
_access = logging.getLogger("segmentator.api.access")

MAX_BODY_BYTES = 10 << 20
_LARGE_BODY_BYTES = 64 << 10
HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


async def refuse(problem: Problem, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request with one problem in the one error body."""
    language = preferred_language(Headers(scope=scope).get("accept-language", ""))
    response = error_response([problem], language, scope["state"]["request_id"])
    await response(scope, receive, send)


class Around:
    """The outermost: gives a request its id and its line in the log, an answer its headers and its last-resort form."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        status, started = 0, time.perf_counter()

        async def decorated(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = request_id
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self._app(scope, receive, _only_json_errors(scope, receive, decorated))
        except Exception:
            _log.exception("request %s failed", request_id)
            if status:
                raise
            await refuse(INTERNAL_ERROR.at(), scope, receive, decorated)
        finally:
            _log_access(scope, status, time.perf_counter() - started)


def _only_json_errors(scope: Scope, receive: Receive, send: Send) -> Send:
    """Starlette refuses some things in plain text (a bad Range); those get the one error body too."""
    replaced = False

    async def checked(message: Message) -> None:
        nonlocal replaced
        if message["type"] == "http.response.start":
            kind = Headers(raw=message["headers"]).get("content-type", "")
            if message["status"] >= 400 and not kind.startswith("application/json"):
                replaced = True
                problem = RANGE_NOT_SATISFIABLE if message["status"] == 416 else BAD_REQUEST
                await refuse(problem.at(), scope, receive, send)
        if not replaced:
            await send(message)

    return checked


def _log_access(scope: Scope, status: int, seconds: float) -> None:
    route = scope.get("route")  # its template: a real path may carry a download token
    line = {
        "method": scope["method"],
        "path": getattr(route, "path", None) or "(unknown)",
        "status": status,
        "milliseconds": round(seconds * 1000, 1),
        "request_id": scope["state"]["request_id"],
    }
    _access.info("%s", json.dumps(line))


class SameSite:
    """Only our own names, and nothing changed by a page of another site (Go 1.25's CrossOriginProtection)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            host = headers.get("host", "")
            if _host_name(host) not in HOSTS:
                await refuse(UNKNOWN_HOST.at(), scope, receive, send)
                return
            if scope["method"] not in _SAFE_METHODS and _is_foreign(headers, host):
                await refuse(CROSS_SITE.at(), scope, receive, send)
                return
        await self._app(scope, receive, send)


def _host_name(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdigit() else host).lower()


def _is_foreign(headers: Headers, host: str) -> bool:
    if headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        return True
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc.lower() != host.lower()


class StrictBody:
    """Reads the body before the application does: bounded, JSON by its header, JSON in fact.

    But for requests that are `apart`: their routes read the body themselves.
    """

    def __init__(self, app: ASGIApp, *, apart: Callable[[Scope], bool]) -> None:
        self._app = app
        self._apart = apart

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in _SAFE_METHODS or self._apart(scope):
            await self._app(scope, receive, send)
            return
        try:
            body = await _whole_body(Headers(scope=scope), receive)
            if body is None:
                return
            if body:
                _check_type(Headers(scope=scope).get("content-type", ""))
                if len(body) < _LARGE_BODY_BYTES:
                    check_json(body)
                else:  # seconds of work for the largest: other requests shall not wait for it
                    await anyio.to_thread.run_sync(check_json, body)
        except UserError as error:
            await refuse(error.problems[0], scope, receive, send)
            return
        await self._app(scope, _replayed(body, receive), send)


async def _whole_body(headers: Headers, receive: Receive) -> bytes | None:
    """None where the caller went away."""
    too_large = BODY_TOO_LARGE.error(limit=MAX_BODY_BYTES >> 20)
    declared = headers.get("content-length", "0")
    if not declared.isdigit() or len(declared) > 15 or int(declared) > MAX_BODY_BYTES:
        raise too_large
    chunks, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > MAX_BODY_BYTES:
            raise too_large
        more = message.get("more_body", False)
    return b"".join(chunks)


def _check_type(content_type: str) -> None:
    kind = content_type.partition(";")[0].strip().lower()
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise UNSUPPORTED_MEDIA_TYPE.error()


def _replayed(body: bytes, receive: Receive) -> Receive:
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


class HeadAsGet:
    """Answers HEAD as GET without its body, but for files, which know better how to skip it."""

    def __init__(self, app: ASGIApp, *, apart_from: str) -> None:
        self._app = app
        self._apart_from = apart_from

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD" or scope["path"].startswith(self._apart_from):
            await self._app(scope, receive, send)
            return

        ended = False

        async def without_body(message: Message) -> None:
            nonlocal ended
            if message["type"] != "http.response.body":
                await send(message)
            elif not ended:  # at its first part: a stream may have no last one
                ended = True
                await send({"type": "http.response.body", "body": b""})

        await self._app({**scope, "method": "GET"}, receive, without_body)
