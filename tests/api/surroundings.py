"""A few routes with all that stands around the requests of the API, under our server."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import httpx
from fastapi import FastAPI, Request, Response, WebSocket
from fastapi.responses import HTMLResponse
from structlog.contextvars import get_contextvars

from segmentator_dagster.api.callers import remember_person
from segmentator_dagster.api.errors import error_response
from segmentator_dagster.api.middleware import Around, HeadAsGet, SameSite, StrictBody
from segmentator_dagster.api.rate_limits import Limit, RateLimits, TooManyRequestsError
from segmentator_dagster.domain.errors import UserError
from tests.api.servers import api_server

LOCAL = "http://127.0.0.1:8000"
PUBLIC = "https://segments.example.ru"
PUBLIC_HOST = {"Host": "segments.example.ru"}


def surrounded_app(
    *,
    public_url: str = LOCAL,
    trusted_proxies: tuple[str, ...] = (),
    seconds: float = 30,
    limits: RateLimits | None = None,
) -> FastAPI:
    app = FastAPI(docs_url=None, openapi_url="/api/v1/openapi.json")
    app.state.services = SimpleNamespace(stopping=threading.Event())

    @app.get("/health")
    async def health() -> None: ...

    @app.get("/api/v1/things/{thing_id}")
    async def get_thing(thing_id: str, request: Request) -> dict[str, Any]:
        remember_person(request.scope, 17)
        return {"address": request.state.address, "scheme": request.url.scheme}

    @app.get("/api/v1/context")
    async def context() -> dict[str, Any]:
        return get_contextvars()

    @app.post("/api/v1/things")
    async def create_thing(request: Request) -> int:
        return len(await request.body())

    @app.post("/api/v1/uploads")
    async def upload(request: Request) -> int:
        return len(await request.body())

    @app.get("/api/v1/page")
    async def page() -> Response:
        return HTMLResponse("page", headers={"Content-Security-Policy": "default-src 'self'"})

    @app.get("/sign-in")
    async def sign_in(request: Request) -> str:
        assert limits is not None
        await limits.check(Limit.SIGN_IN, f"address:{request.state.address}")
        return "go on"

    @app.websocket("/socket")
    async def talk(socket: WebSocket) -> None:
        await socket.accept()
        await socket.send_text(socket.state.request_id)
        await socket.close()

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, UserError)
        headers = error.headers if isinstance(error, TooManyRequestsError) else None
        return error_response(error.problems, "ru", request.state.request_id, error.extra, headers)

    app.add_exception_handler(UserError, refused)
    app.add_middleware(HeadAsGet, apart_from="/api/v1/files/")
    app.add_middleware(StrictBody, apart=lambda scope: scope["path"] == "/api/v1/uploads", seconds=seconds)
    app.add_middleware(SameSite, public_url=public_url)
    app.add_middleware(Around, public_url=public_url, trusted_proxies=trusted_proxies)
    return app


@contextmanager
def surrounded(**options: Any) -> Iterator[httpx.Client]:
    with (
        api_server(surrounded_app(**options)) as url,
        httpx.Client(base_url=url, timeout=20, trust_env=False) as client,
    ):
        yield client


async def said(host: str, port: int, *parts: bytes, pause: float = 0) -> bytes:
    """What the server answers to these bytes, sent one after the other, until it closes the connection."""
    reader, writer = await asyncio.open_connection(host, port)
    answer = asyncio.create_task(reader.read())
    try:
        for part in parts:
            if answer.done():
                break
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause)
        return await asyncio.wait_for(answer, 10)
    finally:
        writer.close()
