"""Bytes of a connection -> requests, as uvicorn reads them, with an end to waiting for what comes before the body."""

from __future__ import annotations

import asyncio
import uuid

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from segmentator_dagster.api.errors import error_response
from segmentator_dagster.api.http_problems import BAD_REQUEST
from segmentator_dagster.api.middleware.refusal import CLOSING

HEAD_BYTES = 64 << 10
HEAD_SECONDS = 20.0


class BoundedHttp(HttpToolsProtocol):
    """Uvicorn keeps a request line and headers of any length, and waits for their end for ever."""

    _in_head = True
    _head_bytes = 0
    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_arrived()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > HEAD_BYTES and not self.transport.is_closing():
                self.send_400_response("The headers are too large.")

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  uvicorn's signature; it is in its log
        """The one error body. What came is not HTTP, so it says no language either, and no application sees it."""
        answer = error_response([BAD_REQUEST.at()], "ru", uuid.uuid4().hex, headers=CLOSING)
        head = b"".join(name + b": " + value + b"\r\n" for name, value in answer.raw_headers)
        self.transport.write(STATUS_LINE[400] + head + b"\r\n" + bytes(answer.body))
        self.transport.close()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._wait_for_head()

    def on_headers_complete(self) -> None:
        self._head_arrived()
        super().on_headers_complete()

    def _wait_for_head(self) -> None:
        self._head_arrived()
        self._in_head, self._head_bytes = True, 0
        self._patience = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _head_arrived(self) -> None:
        self._in_head = False
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
