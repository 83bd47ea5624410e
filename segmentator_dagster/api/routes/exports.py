"""HTTP -> the use cases of exports."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Query
from fastapi.responses import FileResponse, RedirectResponse

from segmentator_dagster.api.documented import CHANGING, STORED, WITH_BODY, errors
from segmentator_dagster.api.exports import FILES_PATH
from segmentator_dagster.api.http_problems import RANGE_NOT_SATISFIABLE, UNKNOWN_PATH
from segmentator_dagster.api.problems import (
    BAD_IDEMPOTENCY_KEY,
    DUPLICATE_VALUE,
    EXPORT_NOT_PUBLISHED,
    LINK_EXPIRED,
    LINK_INVALID,
    OUT_OF_RANGE,
    UNKNOWN_FORMAT,
)
from segmentator_dagster.api.routes.caller import CallerLanguage, UseCases
from segmentator_dagster.api.schemas.exports import ExportDetailOut, ExportOut, ExportsIn, ExportsOut
from segmentator_dagster.domain.export import Export
from segmentator_dagster.domain.problems import EMPTY_LIST
from segmentator_dagster.storage.metadata.exports import EXPORT_FINISHED, EXPORT_NOT_FOUND, IDEMPOTENCY_KEY_REUSED
from segmentator_dagster.storage.metadata.segments import SEGMENT_DELETED, SEGMENT_NOT_FOUND
from segmentator_dagster.storage.objects import OBJECT_NOT_FOUND, OBJECT_STORE_UNAVAILABLE, content_disposition

router = APIRouter(tags=["exports"])

_FILE = (EXPORT_NOT_FOUND, EXPORT_NOT_PUBLISHED, OBJECT_NOT_FOUND, OBJECT_STORE_UNAVAILABLE)
_BYTES = {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}


@router.post(
    "/segments/{segment_id}/exports",
    status_code=202,
    summary="Export a segment",
    response_description="The exports that were asked for, one per format",
    responses=errors(
        *WITH_BODY,
        SEGMENT_NOT_FOUND,
        SEGMENT_DELETED,
        UNKNOWN_PATH,
        UNKNOWN_FORMAT,
        DUPLICATE_VALUE,
        EMPTY_LIST,
        BAD_IDEMPOTENCY_KEY,
        IDEMPOTENCY_KEY_REUSED,
    ),
)
def request_exports(
    segment_id: int,
    body: ExportsIn,
    use: UseCases,
    language: CallerLanguage,
    idempotency_key: Annotated[
        str | None,
        Header(description="1 to 200 visible ASCII characters; the same key again gives the same exports"),
    ] = None,
) -> ExportsOut:
    """The request is written down before the answer, and run as soon as Dagster can, also where Dagster is down now.
    All formats are files of one snapshot of the audience."""
    return _listed(use.exports.request(segment_id, body.formats, idempotency_key), use, language)


@router.get(
    "/segments/{segment_id}/exports",
    summary="List the exports of a segment",
    response_description="Newest first",
    responses=errors(*STORED, SEGMENT_NOT_FOUND, UNKNOWN_PATH, OUT_OF_RANGE),
)
def list_exports(
    segment_id: int,
    use: UseCases,
    language: CallerLanguage,
    limit: Annotated[int, Query(ge=1, le=200, description="most exports")] = 100,
) -> ExportsOut:
    """Also of a deleted segment."""
    return _listed(use.exports.of_segment(segment_id, limit), use, language)


@router.get(
    "/exports/{export_id}",
    summary="Read an export",
    response_description="The export with its manifest",
    responses=errors(*STORED, EXPORT_NOT_FOUND),
)
def get_export(export_id: str, use: UseCases, language: CallerLanguage) -> ExportDetailOut:
    """Its state, how far it is, and, once published, what the file says of itself."""
    export = use.exports.get(export_id)
    manifest = dict(export.manifest) if export.manifest is not None else None
    return ExportDetailOut.of(export, language, use.dagster_url, manifest=manifest)


@router.post(
    "/exports/{export_id}/cancel",
    summary="Cancel an export",
    response_description="The cancelled export",
    responses=errors(*CHANGING, EXPORT_NOT_FOUND, EXPORT_FINISHED),
)
def cancel_export(export_id: str, use: UseCases, language: CallerLanguage) -> ExportOut:
    """Cancelling twice changes nothing. The run is stopped once nothing of its request is wanted any more."""
    return ExportOut.of(use.exports.cancel(export_id), language, use.dagster_url)


@router.get(
    "/exports/{export_id}/download",
    status_code=307,
    response_class=RedirectResponse,
    summary="Download the file of an export",
    response_description="Go to `Location`; the link lives for a minute at most",
    responses=errors(*STORED, *_FILE),
)
def download_export(export_id: str, use: UseCases) -> RedirectResponse:
    """Redirects to a link made for this request: of S3, or of this API where files are in a folder."""
    return RedirectResponse(use.exports.download_url(export_id), 307)


@router.get(
    FILES_PATH.removeprefix("/api/v1") + "{token}",
    response_class=FileResponse,
    summary="Fetch a file by its link",
    response_description="The file",
    responses={
        200: _BYTES,
        206: {**_BYTES, "description": "A part of the file"},
        **errors(*STORED, *_FILE, LINK_INVALID, LINK_EXPIRED, RANGE_NOT_SATISFIABLE),
    },
)
@router.head(FILES_PATH.removeprefix("/api/v1") + "{token}", include_in_schema=False)
def fetch_file(token: str, use: UseCases) -> FileResponse:
    """The target of a download on the folder store. Takes `Range`."""
    file = use.exports.file(token)
    return FileResponse(
        file.path,
        media_type=file.content_type,
        headers={"Content-Disposition": content_disposition(file.file_name)},
        stat_result=file.stat,
    )


def _listed(exports: tuple[Export, ...], use: UseCases, language: CallerLanguage) -> ExportsOut:
    return ExportsOut(items=[ExportOut.of(export, language, use.dagster_url) for export in exports])
