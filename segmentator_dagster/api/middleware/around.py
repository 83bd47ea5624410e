"""The outermost: a request gets its id and its line in the log, an answer its headers and its last-resort form."""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Iterable

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars

from segmentator_dagster.api.callers import client_address, networks
from segmentator_dagster.api.dagster_gate import is_proxied
from segmentator_dagster.api.http_problems import (
    BAD_REQUEST,
    HEADERS_TOO_LARGE,
    INTERNAL_ERROR,
    RANGE_NOT_SATISFIABLE,
)
from segmentator_dagster.api.languages import DefaultLanguage, russian
from segmentator_dagster.api.middleware.methods import allowed_methods
from segmentator_dagster.api.middleware.refusal import CLOSING, refuse
from segmentator_dagster.domain.dagster_pages import DAGSTER_PATH

_log = logging.getLogger("segmentator.api")
_access = logging.getLogger("segmentator.api.access")

MOST_HEADERS = 100
MOST_HEADER_BYTES = 32 << 10  # with the address
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
# For answers that are data. A page says its own policy, which then holds.
SECURE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_ONLY_HTTPS = {"Strict-Transport-Security": "max-age=31536000"}


class Around:
    """`public_url` says whether people come by https; proxies that are not trusted cannot say whose request it is."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        public_url: str = "http://127.0.0.1:8000",
        trusted_proxies: Iterable[str] = (),
        default_language: DefaultLanguage = russian,
    ) -> None:
        self._app = app
        self._headers = SECURE_HEADERS | (_ONLY_HTTPS if public_url.startswith("https://") else {})
        self._trusted = networks(trusted_proxies)
        self._default_language = default_language

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        address = client_address(scope, self._trusted)
        scope.setdefault("state", {}).update(
            request_id=request_id, address=address, default_language=self._default_language
        )
        # person: a connection's next request begins with what the last one left bound
        with bound_contextvars(request_id=request_id, person=None):
            await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        status, started = 0, time.perf_counter()

        async def decorated(message: Message) -> None:
            nonlocal status
            match message["type"]:
                case "http.response.start" | "websocket.http.response.start":
                    status = message["status"]
                    headers = MutableHeaders(scope=message)
                    headers["X-Request-Id"] = scope["state"]["request_id"]
                    for name, value in self._headers.items():
                        headers.setdefault(name, value)
                    if status == 405 and (methods := allowed_methods(scope)):
                        headers["Allow"] = ", ".join(methods)
                case "websocket.accept":
                    status = 101
                case "websocket.close" if not status:
                    status = 403  # what the server makes of it
            await send(message)

        try:
            if _too_large(scope):
                problem = HEADERS_TOO_LARGE.at(count=MOST_HEADERS, limit=MOST_HEADER_BYTES >> 10)
                await refuse(problem, scope, receive, decorated, CLOSING)
            else:
                await self._app(scope, receive, _only_json_errors(scope, receive, decorated))
        except Exception:
            _log.exception("request %s failed", scope["state"]["request_id"])
            if status:
                raise
            await refuse(INTERNAL_ERROR.at(), scope, receive, decorated)
        finally:
            _log_access(scope, status, time.perf_counter() - started)


def _too_large(scope: Scope) -> bool:
    headers = scope["headers"]
    address = len(scope.get("raw_path") or b"") + len(scope["query_string"])
    return len(headers) > MOST_HEADERS or address + sum(len(n) + len(v) for n, v in headers) > MOST_HEADER_BYTES


def _only_json_errors(scope: Scope, receive: Receive, send: Send) -> Send:
    """Starlette refuses some things in plain text (a bad Range); those get the one error body too."""
    replaced = False

    async def checked(message: Message) -> None:
        nonlocal replaced
        if message["type"] == "http.response.start" and not is_proxied(scope):
            kind = Headers(raw=message["headers"]).get("content-type", "")
            if message["status"] >= 400 and (not kind or kind.startswith("text/plain")):
                replaced = True
                problem = RANGE_NOT_SATISFIABLE if message["status"] == 416 else BAD_REQUEST
                await refuse(problem.at(), scope, receive, send)
        if not replaced:
            await send(message)

    return checked


def _log_access(scope: Scope, status: int, seconds: float) -> None:
    route = scope.get("route")  # its template: a real path may carry a download token
    state = scope["state"]
    line = {
        "method": scope.get("method", "WEBSOCKET"),
        "path": DAGSTER_PATH if is_proxied(scope) else getattr(route, "path", None) or "(unknown)",
        "status": status,
        "milliseconds": round(seconds * 1000, 1),
        "address": state["address"],
        "person": state.get("person_id"),
    }
    _access.info("request", extra=line)
