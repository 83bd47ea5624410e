"""Settings -> the ASGI application: the composition root of the API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Route

from segmentator_dagster.api.authentication import Cookie
from segmentator_dagster.api.composition import services_of
from segmentator_dagster.api.dagster_gate import is_proxied
from segmentator_dagster.api.dagster_proxy import DagsterProxy
from segmentator_dagster.api.documented import DocumentedApi
from segmentator_dagster.api.errors import error_response
from segmentator_dagster.api.exports import FILES_PATH
from segmentator_dagster.api.extras import shown_extra
from segmentator_dagster.api.gate import admitted
from segmentator_dagster.api.graphql.app import GRAPHQL_PATH, GraphQL
from segmentator_dagster.api.http_problems import BAD_REQUEST, METHOD_NOT_ALLOWED, UNKNOWN_PATH
from segmentator_dagster.api.languages import default_language_of, language_of
from segmentator_dagster.api.middleware import Around, HeadAsGet, SameSite, StrictBody
from segmentator_dagster.api.rate_limits import TooManyRequestsError
from segmentator_dagster.api.routes import (
    audit,
    datasets,
    docs,
    exports,
    health,
    installation,
    lists,
    me,
    operators,
    people,
    rule_files,
    rules,
    segments,
    values,
)
from segmentator_dagster.api.services import Services
from segmentator_dagster.api.sign_in_pages import sign_in_routes
from segmentator_dagster.api.uploads import is_upload
from segmentator_dagster.api.validation import problems_of
from segmentator_dagster.api.yandex_login import YandexLogin
from segmentator_dagster.domain.access import Action, Actor
from segmentator_dagster.domain.dagster_pages import DAGSTER_PATH
from segmentator_dagster.domain.errors import Problem, UserError
from segmentator_dagster.domain.problems import shown
from segmentator_dagster.settings import Settings, secret

_ROUTERS = (
    segments.router,
    rule_files.router,
    lists.router,
    rules.router,
    operators.router,
    exports.router,
    datasets.router,
    values.router,
    me.router,
    people.router,
    installation.router,
    audit.router,
    docs.router,
    health.router,
)
_DESCRIPTION = """Rules over ClickHouse become segments, segments become CSV, XLSX and Parquet.

Every refusal has one body: `code`, `message`, `pointer` (a JSON pointer into the request), `hint`, all `problems`,
`request_id`. Messages are Russian, or English with `Accept-Language: en`. Times are ISO 8601 in UTC."""


def create_app(settings: Settings) -> FastAPI:
    """The API of completed settings. Nothing is connected yet; SettingsError where an address or key is missing."""
    services = services_of(settings)

    dagster = DagsterProxy(settings.dagster_url, partial(admitted, services, action=Action.DAGSTER, name="dagster"))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await dagster.close()
        await services.close()

    app = DocumentedApi(
        title="Segmentator",
        summary="Audience segments as Dagster partitions",
        description=_DESCRIPTION,
        version="1",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.services = services
    for router in _ROUTERS:
        app.include_router(router, prefix="/api/v1")
    app.include_router(health.router, include_in_schema=False)
    public_url = str(settings.public_url)
    app.router.routes.append(Route(GRAPHQL_PATH, GraphQL(services, public_url=public_url)))
    app.mount(DAGSTER_PATH, dagster)
    app.router.routes.extend(
        sign_in_routes(
            YandexLogin(settings),
            services.sign_in,
            services.authentication,
            limits=services.limits,
            cookie=Cookie.of(public_url),
            secret_key=secret(settings.secret_key, "secret_key"),
        )
    )
    app.add_exception_handler(UserError, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _not_routed)
    app.add_middleware(HeadAsGet, apart_from=(FILES_PATH, f"{DAGSTER_PATH}/"))
    app.add_middleware(StrictBody, apart=lambda scope: is_upload(scope) or is_proxied(scope))
    app.add_middleware(SameSite, public_url=public_url)
    # the last one added is the outermost
    app.add_middleware(
        Around,
        public_url=public_url,
        trusted_proxies=settings.trusted_proxies,
        default_language=default_language_of(services.current),
    )
    _put_together(app)
    return app


def _put_together(app: FastAPI) -> None:
    """FastAPI builds the routes it includes when the first request passes them, which would wait for it, and all others
    with it."""
    nowhere = {"type": "http", "method": "GET", "path": "/", "root_path": "", "headers": []}
    for route in app.routes:
        route.matches(nowhere)


async def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, UserError):
        raise error
    headers = error.headers if isinstance(error, TooManyRequestsError) else None
    return await _answer(request, error.problems, await _shaped(request, error.extra), headers)


async def _invalid(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    return await _answer(request, problems_of(error.errors(), request.url.path))


async def _not_routed(request: Request, error: Exception) -> Response:
    """What FastAPI and Starlette refuse by themselves: no such path, not with this method."""
    if not isinstance(error, HTTPException):
        raise error
    match error.status_code:
        case 404:
            problem = UNKNOWN_PATH.at(path=shown(request.url.path))
        case 405:
            problem = METHOD_NOT_ALLOWED.at(method=shown(request.method))
        case _:
            problem = BAD_REQUEST.at()
    return await _answer(request, [problem], headers=dict(error.headers or {}))


async def _answer(
    request: Request,
    problems: tuple[Problem, ...] | list[Problem],
    extra: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    return error_response(problems, await language_of(request.scope), request.state.request_id, extra, headers)


async def _shaped(request: Request, extra: dict[str, object]) -> dict[str, Any]:
    language = await language_of(request.scope)
    actor: Actor | None = getattr(request.state, "actor", None)
    services: Services = request.app.state.services
    return shown_extra(extra, language, services.dagster_for(actor))
