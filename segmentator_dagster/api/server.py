"""The application under uvicorn, told when the server stops."""

from __future__ import annotations

import socket
from typing import Any

import uvicorn
from fastapi import FastAPI

from segmentator_dagster.api.http_protocol import BoundedHttp
from segmentator_dagster.api.services import Services

_MESSAGE_BYTES = 1 << 20  # a browser asks in these; answers to it may be longer


class Server(uvicorn.Server):
    """Uvicorn waits for open answers before it ends the application's life; a stream must know that it shall end."""

    def __init__(self, app: FastAPI, **config: Any) -> None:
        # the access log would write the tokens of download links; our own log has the route instead
        super().__init__(
            uvicorn.Config(
                app,
                http=BoundedHttp,
                ws="websockets-sansio",
                ws_max_size=_MESSAGE_BYTES,
                access_log=False,
                server_header=False,
                proxy_headers=False,  # it would believe any process of this machine; `callers` reads them
                **config,
            )
        )
        self._services: Services = app.state.services

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._services.stopping.set()
        await super().shutdown(sockets)
