"""A matched route x whoever asks -> goes on or is refused, before the route reads anything of the body."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import anyio.to_thread
from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from starlette.requests import HTTPConnection

from segmentator_dagster.api.callers import address_key
from segmentator_dagster.api.permissions import OPEN, ROUTES
from segmentator_dagster.api.rate_limits import Limit
from segmentator_dagster.api.services import Services
from segmentator_dagster.domain.access import NOT_SIGNED_IN, Action, Actor, decide
from segmentator_dagster.domain.audit import Thing
from segmentator_dagster.domain.errors import InternalError

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class Gated(APIRoute):
    """A route that the table of permissions opens; one that is not in it is there for nobody."""

    def get_route_handler(self) -> Handler:
        name = self.name
        if name not in ROUTES:
            raise InternalError(f"the route {name!r} is not in api/permissions.py")
        action, inner = ROUTES[name], super().get_route_handler()

        async def gated(request: Request) -> Response:
            services: Services = request.app.state.services
            if action == OPEN:
                request.state.actor = None
            else:
                request.state.actor = await admitted(services, request, action, name)
            await services.limits.check_route(name, request.scope)
            return await inner(request)

        return gated


async def admitted(services: Services, request: HTTPConnection, action: Action, name: str) -> Actor:
    """Whoever asks, if they may; else UserError, which is written down where it is known who they are."""
    actor = await services.authentication.actor_of(request)
    problem = decide(actor, action)
    if actor is not None and problem is not None:
        await anyio.to_thread.run_sync(services.audit_log.refusal, actor, Thing("route", name))
    if actor is None or problem is not None:
        await services.limits.check(Limit.REQUEST, address_key(request.scope))
        raise (problem or NOT_SIGNED_IN.at()).error()
    return actor


def closed_router(**options: Any) -> APIRouter:
    """A router all of whose routes are gated."""
    return APIRouter(route_class=Gated, **options)
