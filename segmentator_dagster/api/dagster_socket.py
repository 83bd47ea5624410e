"""A browser's WebSocket <-> Dagster's, for as long as the one who opened it may."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio
from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Subprotocol

ASK_AGAIN_SECONDS = 10.0
_OPEN_SECONDS = 5.0
_PROTOCOL = Subprotocol("graphql-ws")  # the only one Dagster speaks
_NOT_ALLOWED, _RESTARTING = 1008, 1012


class SocketUnavailableError(Exception):
    """Dagster does not take the WebSocket; the browser's is not accepted yet."""


async def relay(browser: WebSocket, url: str, may: Callable[[], Awaitable[bool]]) -> None:
    """Carry messages both ways until one side ends or `may`, asked every few seconds, says no."""
    try:
        # proxy: one of the environment is not for a loopback address. max_size: a run's log may be long.
        dagster = await connect(
            url, subprotocols=[_PROTOCOL], compression=None, proxy=None, max_size=None, open_timeout=_OPEN_SECONDS
        )
    except (OSError, InvalidHandshake, TimeoutError) as error:
        raise SocketUnavailableError from error
    async with dagster:
        await browser.accept(_PROTOCOL)
        await _carry(browser, dagster, may)


async def _carry(browser: WebSocket, dagster: ClientConnection, may: Callable[[], Awaitable[bool]]) -> None:
    closing: int | None = None

    async with anyio.create_task_group() as group:

        async def to_dagster() -> None:
            while (message := await browser.receive())["type"] == "websocket.receive":
                text = message.get("text")
                try:
                    await dagster.send(message["bytes"] if text is None else text)
                except ConnectionClosed:
                    return  # `to_browser` sees it too, and says so
            group.cancel_scope.cancel()

        async def to_browser() -> None:
            nonlocal closing
            try:
                async for message in dagster:
                    await (browser.send_text(message) if isinstance(message, str) else browser.send_bytes(message))
            except WebSocketDisconnect:
                return  # `to_dagster` sees it too
            except ConnectionClosed:
                pass
            closing = _RESTARTING
            group.cancel_scope.cancel()

        async def watch() -> None:
            nonlocal closing
            while await may():
                await anyio.sleep(ASK_AGAIN_SECONDS)
            closing = _NOT_ALLOWED
            group.cancel_scope.cancel()

        for task in (to_dagster, to_browser, watch):
            group.start_soon(task)
    if closing is not None:
        await browser.close(closing)
