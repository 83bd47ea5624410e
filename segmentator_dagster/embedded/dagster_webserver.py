"""Options of `dagster-webserver` -> that server, for programs only: people's browsers come through our API.

It has no login and runs a mutation that comes by GET, so any page open on this machine could start and stop runs.
"""

from __future__ import annotations

from dagster_webserver.cli import main
from dagster_webserver.webserver import DagsterTracedCounterMiddleware, DagsterWebserver
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_NAMES = ["127.0.0.1", "localhost"]  # another that leads here is a page's trick, and comes without a browser's marks
_MARKS = ("sec-fetch-site", "origin")


class NoBrowsers:
    """Refuses whatever a browser has put its marks on."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan" and any(mark in Headers(scope=scope) for mark in _MARKS):
            answer = PlainTextResponse("For programs only. People open /dagster of the API.", 403)
            await answer(scope, receive, send)
            return
        await self._app(scope, receive, send)


def programs_only(_: object) -> list[Middleware]:
    return [
        Middleware(TrustedHostMiddleware, allowed_hosts=_NAMES),
        Middleware(NoBrowsers),
        Middleware(DagsterTracedCounterMiddleware),  # Dagster's own
    ]


if __name__ == "__main__":
    DagsterWebserver.build_middleware = programs_only  # type: ignore[assignment, method-assign]
    main()  # type: ignore[no-untyped-call]
