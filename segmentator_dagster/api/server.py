"""The application under uvicorn, told when the server stops."""

from __future__ import annotations

import socket
from typing import Any

import uvicorn
from fastapi import FastAPI

from segmentator_dagster.api.services import Services


class Server(uvicorn.Server):
    """Uvicorn waits for open answers before it ends the application's life; a stream must know that it shall end."""

    def __init__(self, app: FastAPI, **config: Any) -> None:
        # the access log would write the tokens of download links; our own log has the route instead
        super().__init__(uvicorn.Config(app, access_log=False, server_header=False, ws="none", **config))
        self._services: Services = app.state.services

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._services.stopping.set()
        await super().shutdown(sockets)
