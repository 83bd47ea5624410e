"""Fault -> the answer of a server that is not itself. Tests plant them; the process of its own has none."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum
from typing import Any

import anyio
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import Receive, Scope, Send

HANG_SECONDS = 30.0
_LOOK_EVERY_SECONDS = 0.05

Answering = Callable[[], Awaitable[Response]]


class Fault(StrEnum):
    """What becomes of a request to `/token` or `/info`. Where there is a "good answer", the work is done as well."""

    TOO_MANY = "429 with Retry-After"
    SERVER_ERROR = "500 with a page"
    UNAVAILABLE = "503 without a body"
    HTML = "200 with a page"
    LIST = "200 with a list"
    EMPTY = "200 without a body"
    UNAUTHORIZED = "401"
    HANG = "the good answer, thirty seconds late"
    CUT = "the good answer, cut in the middle"
    WITHOUT_TOKEN = "the good answer without access_token"  # noqa: S105  says what is missing
    WORDY_EXPIRY = "the good answer with expires_in in words"
    WITHOUT_ID = "the good answer without id"
    FOREIGN_CLIENT = "the good answer with another application's client_id"


_PAGE = "<!doctype html><title>Яндекс</title><h1>Сервис временно недоступен</h1>"

_INSTEAD: Mapping[Fault, Callable[[], Response]] = {
    Fault.TOO_MANY: lambda: JSONResponse({"error": "too_many_requests"}, 429, {"Retry-After": "60"}),
    Fault.SERVER_ERROR: lambda: HTMLResponse(_PAGE, 500),
    Fault.UNAVAILABLE: lambda: Response(status_code=503),
    Fault.HTML: lambda: HTMLResponse(_PAGE),
    Fault.LIST: lambda: JSONResponse([]),
    Fault.EMPTY: Response,
    Fault.UNAUTHORIZED: lambda: Response(status_code=401),
}

_CHANGES: Mapping[Fault, Callable[[dict[str, Any]], object]] = {
    Fault.WITHOUT_TOKEN: lambda document: document.pop("access_token", None),
    Fault.WORDY_EXPIRY: lambda document: document.update(expires_in="a year"),
    Fault.WITHOUT_ID: lambda document: document.pop("id", None),
    Fault.FOREIGN_CLIENT: lambda document: document.update(client_id="somebody-else"),
}


async def answered(request: Request, fault: Fault | None, good: Answering) -> Response:
    """The good answer as the fault leaves it, or what comes instead."""
    if fault is None:
        return await good()
    if instead := _INSTEAD.get(fault):
        return instead()
    if fault is Fault.HANG:
        await _hang(request)
    answer = await good()
    if fault is Fault.CUT:
        return _Cut(answer)
    change = _CHANGES.get(fault)
    if change is None or answer.status_code != 200:
        return answer
    document = json.loads(bytes(answer.body))
    change(document)
    return JSONResponse(document)


async def _hang(request: Request) -> None:
    """Until the time is up or nobody waits any more."""
    end = time.monotonic() + HANG_SECONDS
    while time.monotonic() < end and not await request.is_disconnected():
        await anyio.sleep(_LOOK_EVERY_SECONDS)


class _Cut(Response):
    """The headers and the first half of the body; then the server, which sees an unfinished answer, hangs up."""

    def __init__(self, whole: Response) -> None:
        super().__init__(bytes(whole.body), whole.status_code, dict(whole.headers))

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        half = bytes(self.body[: len(self.body) // 2])
        await send({"type": "http.response.body", "body": half, "more_body": True})
