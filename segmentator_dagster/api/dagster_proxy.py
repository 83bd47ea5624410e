"""Administrator's request under /dagster <-> the Dagster web server, streamed both ways."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from http.cookiejar import CookieJar, DefaultCookiePolicy
from urllib.parse import quote, urlsplit

import httpx
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from segmentator_dagster.api.dagster_gate import GRAPHQL_PATH, is_proxied, refusal
from segmentator_dagster.api.dagster_socket import SocketUnavailableError, relay
from segmentator_dagster.api.http_problems import BAD_REQUEST, BODY_TOO_LARGE
from segmentator_dagster.api.middleware.bodies import MAX_BODY_BYTES
from segmentator_dagster.api.middleware.refusal import CLOSING, refuse
from segmentator_dagster.domain.access import Actor
from segmentator_dagster.domain.dagster_pages import DAGSTER_PATH
from segmentator_dagster.domain.errors import Category, Problem, ProblemKind, UserError

DAGSTER_DOWN = ProblemKind(
    "dagster_down",
    Category.UNAVAILABLE,
    en="Dagster does not answer.",
    ru="Dagster не отвечает.",
    hint_en="Try again in a few seconds; `/ready` says whether it is up.",
    hint_ru="Повторите через несколько секунд; работает ли он, видно по `/ready`.",
)

# What is not named does not pass: no cookie, Authorization or X-Forwarded-* one way, no Set-Cookie the other.
_ASKED = ("accept", "accept-language", "if-modified-since", "if-none-match", "if-range", "range", "user-agent")
_ANSWERED = frozenset(
    {
        *("accept-ranges", "cache-control", "content-disposition", "content-encoding", "content-length"),
        *("content-range", "content-security-policy", "content-type", "etag", "last-modified"),
        *("location", "referrer-policy", "vary", "x-content-type-options"),
    }
)
_UNFRAMED = "frame-ancestors 'none'"
_TIMEOUT = httpx.Timeout(120, connect=2, pool=5)  # the slowest pages of a long history take their time


class DagsterProxy:
    """An ASGI application to be mounted at DAGSTER_PATH. `actor_of` says who asks; its UserError is the answer.

    Dagster serves under the same path, so that nothing in its pages is rewritten.
    """

    def __init__(self, dagster_url: str, actor_of: Callable[[HTTPConnection], Awaitable[Actor | None]]) -> None:
        self._url = dagster_url
        self._actor_of = actor_of
        # trust_env: a proxy of the environment is not for a loopback address. Expiry: the server closes after 5 s.
        self._client = httpx.AsyncClient(
            trust_env=False,
            timeout=_TIMEOUT,
            limits=httpx.Limits(max_connections=64, keepalive_expiry=4),
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),  # one person's would be sent for another
        )

    async def close(self) -> None:
        await self._client.aclose()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if problem := await self._refusal(HTTPConnection(scope)):
            await refuse(problem, scope, receive, send)
            return
        try:
            if scope["type"] == "websocket":
                await self._relay(WebSocket(scope, receive, send))
            else:
                await self._forward(Request(scope, receive), send)
        except UserError as error:
            await refuse(error.problems[0], scope, receive, send, CLOSING)
        except ClientDisconnect:
            return

    async def _refusal(self, connection: HTTPConnection) -> Problem | None:
        try:
            actor = await self._actor_of(connection)
        except UserError as error:
            return error.problems[0]
        return refusal(connection, actor)

    async def _relay(self, browser: WebSocket) -> None:
        async def may() -> bool:
            return await self._refusal(browser) is None

        try:
            await relay(browser, "ws" + self._url.removeprefix("http") + GRAPHQL_PATH, may)
        except SocketUnavailableError as error:
            raise DAGSTER_DOWN.error() from error

    async def _forward(self, request: Request, send: Send) -> None:
        """UserError bad_request, body_too_large, body_too_slow or dagster_down; then nothing has been answered yet."""
        posted = request.method == "POST"
        try:
            asked = self._client.build_request(
                request.method,
                self._target(request.scope),
                headers=_asked_headers(request, posted=posted),
                content=_bounded(request) if posted else None,
            )
            answer = await self._client.send(asked, stream=True)
        except httpx.InvalidURL as error:  # over 64 KiB once quoted
            raise BAD_REQUEST.error() from error
        except httpx.TransportError as error:
            raise DAGSTER_DOWN.error() from error
        try:
            # Taken as it comes: a length that was declared stays true only while nothing is unpacked.
            response = StreamingResponse(answer.aiter_raw(), answer.status_code)
            response.raw_headers = self._answered_headers(answer.headers)
            await response(request.scope, request.receive, send)
        finally:
            await answer.aclose()

    def _target(self, scope: Scope) -> str:
        """Made from the path that was routed here and checked, not from the one that was sent."""
        query = scope["query_string"].decode("latin-1")
        return self._url + quote(scope["path"]) + (f"?{query}" if query else "")

    def _answered_headers(self, given: httpx.Headers) -> list[tuple[bytes, bytes]]:
        headers = httpx.Headers([(name, value) for name, value in given.multi_items() if name in _ANSWERED])
        if location := headers.get("location"):
            headers["location"] = self._inside(location)
        policy = headers.get("content-security-policy", "").rstrip("; ")
        headers["content-security-policy"] = f"{policy}; {_UNFRAMED}" if policy else _UNFRAMED
        # Its scripts are megabytes and come with an ETag: asked for again, not sent again.
        headers.setdefault("cache-control", "private, no-cache")
        return headers.raw

    def _inside(self, location: str) -> str:
        """Where Dagster sends the browser, as a path of ours; its front page for what lies outside."""
        parts = urlsplit(location)
        ours = not parts.netloc or parts.netloc == urlsplit(self._url).netloc
        if not ours or not is_proxied({"path": parts.path}):
            return f"{DAGSTER_PATH}/"
        return parts.path + (f"?{parts.query}" if parts.query else "")


def _asked_headers(request: Request, *, posted: bool) -> dict[str, str]:
    headers = {name: request.headers[name] for name in _ASKED if name in request.headers}
    headers["accept-encoding"] = request.headers.get("accept-encoding", "identity")
    if posted:  # Dagster looks for these letters in it, and takes the query from the address where they differ
        headers["content-type"] = "application/json"
    return headers


async def _bounded(request: Request) -> AsyncIterator[bytes]:
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            raise BODY_TOO_LARGE.error(limit=MAX_BODY_BYTES >> 20)
        yield chunk
