"""Settings -> the ASGI application: the composition root of the API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from segmentator_dagster.api.analysis import Analysis
from segmentator_dagster.api.dagster import Dagster
from segmentator_dagster.api.datasets import DatasetService
from segmentator_dagster.api.documented import DocumentedApi
from segmentator_dagster.api.errors import error_response, preferred_language
from segmentator_dagster.api.exports import FILES_PATH, ExportService
from segmentator_dagster.api.http_problems import BAD_REQUEST, METHOD_NOT_ALLOWED, UNKNOWN_PATH
from segmentator_dagster.api.links import Links
from segmentator_dagster.api.lists import ListService
from segmentator_dagster.api.middleware import Around, HeadAsGet, SameSite, StrictBody
from segmentator_dagster.api.mirror import DagsterMirror
from segmentator_dagster.api.readiness import Probes
from segmentator_dagster.api.routes import (
    datasets,
    exports,
    health,
    lists,
    operators,
    rule_files,
    rules,
    segments,
    values,
)
from segmentator_dagster.api.rule_files import RuleFileService
from segmentator_dagster.api.rules import Defaults, RuleService
from segmentator_dagster.api.schemas.segments import SegmentOut
from segmentator_dagster.api.segments import SegmentService, SegmentView
from segmentator_dagster.api.services import Services
from segmentator_dagster.api.uploads import Uploads, is_upload
from segmentator_dagster.api.validation import problems_of
from segmentator_dagster.collection.list_upload import ListUploads
from segmentator_dagster.domain.errors import Problem, UserError
from segmentator_dagster.domain.problems import shown
from segmentator_dagster.settings import Settings, secret
from segmentator_dagster.storage.cache import AnswerCache
from segmentator_dagster.storage.catalogue import read_catalogue
from segmentator_dagster.storage.connections import async_reader_of, database_of, objects_of, reader_of, writer_of
from segmentator_dagster.storage.list_items import ListItems
from segmentator_dagster.storage.metadata.datasets import Datasets
from segmentator_dagster.storage.metadata.exports import Exports
from segmentator_dagster.storage.metadata.list_parts import ListParts
from segmentator_dagster.storage.metadata.lists import Lists
from segmentator_dagster.storage.metadata.references import References
from segmentator_dagster.storage.metadata.segments import Segments
from segmentator_dagster.storage.metadata.snapshots import Snapshots
from segmentator_dagster.storage.turns import Turns

_ROUTERS = (
    segments.router,
    rule_files.router,
    lists.router,
    rules.router,
    operators.router,
    exports.router,
    datasets.router,
    values.router,
    health.router,
)
_DESCRIPTION = """Rules over ClickHouse become segments, segments become CSV, XLSX and Parquet.

Every refusal has one body: `code`, `message`, `pointer` (a JSON pointer into the request), `hint`, all `problems`,
`request_id`. Messages are Russian, or English with `Accept-Language: en`. Times are ISO 8601 in UTC."""


def create_app(settings: Settings) -> FastAPI:
    """The API of completed settings. Nothing is connected yet; SettingsError where an address or key is missing."""
    services = _services(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await services.close()

    app = DocumentedApi(
        title="Segmentator",
        summary="Audience segments as Dagster partitions",
        description=_DESCRIPTION,
        version="1",
        openapi_url="/api/v1/openapi.json",
        docs_url="/api/v1/docs",
        redoc_url=None,
        lifespan=lifespan,
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.services = services
    for router in _ROUTERS:
        app.include_router(router, prefix="/api/v1")
    app.include_router(health.router, include_in_schema=False)
    app.add_exception_handler(UserError, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _not_routed)
    app.add_middleware(HeadAsGet, apart_from=FILES_PATH)
    app.add_middleware(StrictBody, apart=is_upload)
    app.add_middleware(SameSite)
    app.add_middleware(Around)  # the last one added is the outermost
    return app


def _services(settings: Settings) -> Services:
    database = database_of(settings)
    reader, async_reader = reader_of(settings), async_reader_of(settings)
    objects = objects_of(settings)
    redis_url = settings.redis_url.get_secret_value() if settings.redis_url else None
    answers = AnswerCache(redis_url)
    dagster = Dagster(settings.dagster_url)
    stored_segments, stored_exports = Segments(database), Exports(database, settings.export_defaults)
    catalogue = partial(read_catalogue, Datasets(database), reader)
    defaults = Defaults(settings.default_dataset, settings.time_zone)
    mirror = DagsterMirror(dagster, stored_exports)
    references, writer = References(database), writer_of(settings)
    rule_service = RuleService(catalogue, references.library, defaults)
    list_items = ListItems(writer, settings.clickhouse_database)
    dataset_service = DatasetService(catalogue)
    analysis = Analysis(
        rule_service,
        dataset_service,
        async_reader,
        answers,
        lists_database=settings.clickhouse_database,
        time_zone=settings.time_zone,
    )
    installation = settings.export_defaults
    segment_service = SegmentService(
        stored_segments, stored_exports, references, rule_service, mirror, installation=installation
    )
    links = Links(secret(settings.secret_key, "secret_key")) if objects.folder is not None else None
    return Services(
        segments=segment_service,
        rule_files=RuleFileService(stored_segments, references, segment_service),
        lists=ListService(
            ListUploads(Lists(database), ListParts(database), list_items), references, catalogue, defaults
        ),
        uploads=Uploads(settings.data_dir / "uploads", settings.upload_megabytes << 20),
        exports=ExportService(
            stored_segments,
            stored_exports,
            Snapshots(database),
            catalogue,
            objects=objects,
            mirror=mirror,
            installation=installation,
            links=links,
            link_seconds=settings.link_seconds,
        ),
        rules=rule_service,
        analysis=analysis,
        turns=Turns(redis_url, longest_seconds=2 * settings.count_deadline_seconds),
        datasets=dataset_service,
        probes=Probes(
            needed={"database": database.ping, "clickhouse": reader.ping, "objects": objects.ping},
            helpful={"dagster": dagster.ping},
            cache=answers.ping if answers.shared else None,
        ),
        dagster_url=settings.dagster_url,
        database=database,
        reader=reader,
        writer=writer,
        async_reader=async_reader,
        answers=answers,
        dagster=dagster,
        mirror=mirror,
    )


async def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, UserError):
        raise error
    return _answer(request, error.problems, _shaped(request, error.extra))


async def _invalid(request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    return _answer(request, problems_of(error.errors(), request.url.path))


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
    return _answer(request, [problem], headers=dict(error.headers or {}))


def _answer(
    request: Request,
    problems: tuple[Problem, ...] | list[Problem],
    extra: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    language = preferred_language(request.headers.get("accept-language", ""))
    return error_response(problems, language, request.state.request_id, extra, headers)


def _shaped(request: Request, extra: dict[str, object]) -> dict[str, Any]:
    language = preferred_language(request.headers.get("accept-language", ""))
    url = request.app.state.services.dagster_url
    return {
        key: SegmentOut.of(value, language, url).model_dump(mode="json") if isinstance(value, SegmentView) else value
        for key, value in extra.items()
    }
