"""Only requests to our own names, and nothing changed by a page of another site."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from segmentator_dagster.api.http_problems import CROSS_SITE, UNKNOWN_HOST
from segmentator_dagster.api.middleware.refusal import SAFE_METHODS, refuse
from segmentator_dagster.api.origins import is_cross_site, is_known_host

# An orchestrator asks by an address of its own, and these tell nothing that depends on the name.
_PROBES = frozenset({"/health", "/ready"})


class SameSite:
    """`public_url` is the address people open."""

    def __init__(self, app: ASGIApp, *, public_url: str) -> None:
        self._app = app
        self._origin = public_url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            headers = Headers(scope=scope)
            if not is_known_host(headers, self._origin) and scope["path"] not in _PROBES:
                await refuse(UNKNOWN_HOST.at(address=self._origin), scope, receive, send)
                return
            # a socket is opened by GET and changes what it likes afterwards
            safe = scope["type"] == "http" and scope["method"] in SAFE_METHODS
            # a token is no browser's to send by itself; with a cookie beside it nobody knows whose will it was
            by_program = "authorization" in headers and "cookie" not in headers
            if not safe and not by_program and is_cross_site(headers, self._origin):
                await refuse(CROSS_SITE.at(), scope, receive, send)
                return
        await self._app(scope, receive, send)
