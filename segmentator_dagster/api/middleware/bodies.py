"""The body of a request: bounded in size and time, JSON by its header, JSON in fact, before a route sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import anyio.to_thread
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from segmentator_dagster.api.body import check_json
from segmentator_dagster.api.http_problems import BODY_TOO_LARGE, BODY_TOO_SLOW, UNSUPPORTED_MEDIA_TYPE
from segmentator_dagster.api.middleware.refusal import CLOSING, SAFE_METHODS, refuse
from segmentator_dagster.domain.errors import UserError

MAX_BODY_BYTES = 10 << 20
BODY_SECONDS = 30.0
_LARGE_BODY_BYTES = 64 << 10


class StrictBody:
    """Reads the body before the application does.

    But for requests that are `apart`: their routes read the body themselves, and only its pauses are bounded here.
    """

    def __init__(self, app: ASGIApp, *, apart: Callable[[Scope], bool], seconds: float = BODY_SECONDS) -> None:
        self._app = app
        self._apart = apart
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in SAFE_METHODS:
            await self._app(scope, receive, send)
            return
        if self._apart(scope):
            await self._app(scope, _impatient(receive, self._seconds), send)
            return
        headers = Headers(scope=scope)
        try:
            body = await self._whole(headers, receive)
        except UserError as error:
            await refuse(error.problems[0], scope, receive, send, CLOSING)
            return
        if body is None:
            return
        try:
            if body:
                _check_type(headers.get("content-type", ""))
                if len(body) < _LARGE_BODY_BYTES:
                    check_json(body)
                else:  # seconds of work for the largest: other requests shall not wait for it
                    await anyio.to_thread.run_sync(check_json, body)
        except UserError as error:
            await refuse(error.problems[0], scope, receive, send)
            return
        await self._app(scope, _replayed(body, receive), send)

    async def _whole(self, headers: Headers, receive: Receive) -> bytes | None:
        """None where the caller went away; UserError body_too_large, body_too_slow."""
        declared = headers.get("content-length", "0")
        if not declared.isdecimal() or len(declared) > 15 or int(declared) > MAX_BODY_BYTES:
            raise BODY_TOO_LARGE.error(limit=MAX_BODY_BYTES >> 20)
        try:
            async with asyncio.timeout(self._seconds):
                return await _read(receive)
        except TimeoutError as error:
            raise _too_slow(self._seconds) from error


async def _read(receive: Receive) -> bytes | None:
    chunks, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > MAX_BODY_BYTES:
            raise BODY_TOO_LARGE.error(limit=MAX_BODY_BYTES >> 20)
        more = message.get("more_body", False)
    return b"".join(chunks)


def _too_slow(seconds: float) -> UserError:
    return BODY_TOO_SLOW.error(limit=f"{seconds:g}")


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


def _impatient(receive: Receive, seconds: float) -> Receive:
    """Raises UserError body_too_slow where nothing comes for so long; once all is there, it waits for ever."""
    more = True

    async def next_part() -> Message:
        nonlocal more
        if not more:
            return await receive()
        try:
            async with asyncio.timeout(seconds):
                message = await receive()
        except TimeoutError as error:
            raise _too_slow(seconds) from error
        more = message.get("more_body", False)
        return message

    return next_part
