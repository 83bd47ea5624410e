"""A path that was asked with a wrong method -> the right ones; the router says those of its first route only."""

from __future__ import annotations

from starlette.routing import Match
from starlette.types import Scope

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


def allowed_methods(scope: Scope) -> list[str]:
    """Empty where it was no route's methods that refused: what the path leads to has an answer of its own."""

    def has(method: str) -> bool:
        return any(route.matches({**scope, "method": method})[0] is Match.FULL for route in routes)

    routes = scope["app"].router.routes
    if has(scope["method"]):
        return []
    return [method for method in _METHODS if has("GET" if method == "HEAD" else method)]
