"""HTTP -> GraphQL: `POST /graphql`, for whoever is signed in; JSON, or a stream of events for a subscription."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from graphql import OperationType
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from strawberry.types import ExecutionResult

from segmentator_dagster.api.callers import address_key, caller_key
from segmentator_dagster.api.graphql.asking import Asking
from segmentator_dagster.api.graphql.cost import document_of, operation_of
from segmentator_dagster.api.graphql.errors import answered, is_of_document, problems_of_document
from segmentator_dagster.api.graphql.problems import GRAPHQL_INVALID, ONE_OPERATION, STREAM_WANTED, TOO_SLOW
from segmentator_dagster.api.graphql.schema import SCHEMA
from segmentator_dagster.api.graphql.stream import EventStream
from segmentator_dagster.api.graphql.types import read
from segmentator_dagster.api.http_problems import CROSS_SITE, MALFORMED_JSON
from segmentator_dagster.api.languages import language_of
from segmentator_dagster.api.origins import is_cross_site
from segmentator_dagster.api.rate_limits import Limit
from segmentator_dagster.api.routes.caller import Calling
from segmentator_dagster.api.routes.waiting import Asker
from segmentator_dagster.api.services import Services
from segmentator_dagster.domain.access import NOT_SIGNED_IN
from segmentator_dagster.domain.errors import UserError
from segmentator_dagster.domain.problems import shown

GRAPHQL_PATH = "/graphql"
_SECONDS = 60.0  # for one answer


class GraphQLIn(BaseModel):
    """The body of a request; one, no list of them."""

    model_config = ConfigDict(strict=True, extra="forbid")

    query: str
    variables: dict[str, Any] | None = None
    operation_name: str | None = Field(None, alias="operationName")


class GraphQL:
    """The body has passed StrictBody: it is JSON. UserErrors are answered by the application as everywhere."""

    def __init__(self, services: Services, *, public_url: str) -> None:
        self._services = services
        self._origin = public_url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"]["actor"] = None
        response = await self._response(Request(scope, receive))
        await response(scope, receive, send)

    async def _response(self, request: Request) -> Response:
        if is_cross_site(request.headers, self._origin):
            raise CROSS_SITE.error()
        if request.method != "POST":
            raise HTTPException(405, headers={"Allow": "POST"})
        calling = await self._calling(request)
        body = _body(await request.body())
        variables = body.variables or {}
        document = document_of(body.query, variables)
        asking = Asking(self._services, calling, request.scope, document)
        streaming = "text/event-stream" in request.headers.get("accept", "")
        operation = operation_of(document)
        if body.operation_name not in (None, operation.name and operation.name.value):
            raise GRAPHQL_INVALID.error(reason=f"Unknown operation named '{shown(body.operation_name)}'.")
        if operation.operation is OperationType.SUBSCRIPTION:
            if not streaming:
                raise STREAM_WANTED.error()
            results = _results(body, asking)
            return EventStream(_from(await anext(results), results))
        work = _executed(body, asking)
        if operation.operation is OperationType.QUERY:  # a change that has begun is made, whoever still waits for it
            work = Asker(request.receive, None, self._services.turns).waits("graphql", work)
        answer = await work
        return EventStream(_from(answer)) if streaming else _json(answer)

    async def _calling(self, request: Request) -> Calling:
        services = self._services
        actor = await services.authentication.actor_of(request)
        if actor is None:
            await services.limits.check(Limit.REQUEST, address_key(request.scope))
            raise NOT_SIGNED_IN.error()
        await services.limits.check(Limit.GRAPHQL, caller_key(request.scope))
        request.state.actor = actor
        return Calling(actor, await language_of(request.scope), services.dagster_for(actor))


def _body(content: bytes) -> GraphQLIn:
    if not content:
        raise MALFORMED_JSON.error(line=1, column=1)
    given = json.loads(content)
    if isinstance(given, list):
        raise ONE_OPERATION.error(count=len(given))
    return read(GraphQLIn, given)


async def _executed(body: GraphQLIn, asking: Asking) -> dict[str, Any]:
    """UserError where nothing was executed, or the answer is not there in time."""
    try:
        async with asyncio.timeout(_SECONDS):
            result = await SCHEMA.execute(body.query, body.variables, asking)
    except TimeoutError as error:
        raise TOO_SLOW.error(limit=f"{_SECONDS:g}") from error
    return _shown(result, asking)


async def _results(body: GraphQLIn, asking: Asking) -> AsyncIterator[dict[str, Any]]:
    stream = await SCHEMA.subscribe(body.query, body.variables, asking)
    async with aclosing(stream):
        async for result in stream:
            yield _shown(result, asking)


async def _from(
    first: dict[str, Any], others: AsyncIterator[dict[str, Any]] | None = None
) -> AsyncIterator[dict[str, Any]]:
    yield first
    if others is not None:
        async for result in others:
            yield result


def _shown(result: ExecutionResult, asking: Asking) -> dict[str, Any]:
    errors = result.errors or []
    if result.data is None and errors and all(is_of_document(error) for error in errors):
        raise UserError(*problems_of_document(errors))
    return {"data": result.data, **({"errors": answered(errors, asking)} if errors else {})}


def _json(answer: dict[str, Any]) -> Response:
    content = json.dumps(answer, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
    return Response(content, media_type="application/json")
