"""HTTP -> the use cases of exports."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated

from fastapi import Depends, Header, Query
from fastapi.responses import FileResponse, RedirectResponse, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from segmentator_dagster.api.documented import CHANGING, STORED, WITH_BODY, errors
from segmentator_dagster.api.export_events import states
from segmentator_dagster.api.exports import FILES_PATH
from segmentator_dagster.api.gate import closed_router
from segmentator_dagster.api.http_problems import RANGE_NOT_SATISFIABLE, UNKNOWN_PATH
from segmentator_dagster.api.problems import (
    BAD_IDEMPOTENCY_KEY,
    DUPLICATE_VALUE,
    EXPORT_NOT_PUBLISHED,
    FILE_EXPIRED,
    FILE_NOT_ALLOWED,
    FILE_NOT_FOUND,
    LINK_EXPIRED,
    LINK_INVALID,
    OUT_OF_RANGE,
    SEVERAL_FILES,
    SNAPSHOT_NOT_FOUND,
    SNAPSHOT_OR_COMPARE,
    UNKNOWN_CHOICE,
    UNKNOWN_FORMAT,
    WRONG_VALUE,
)
from segmentator_dagster.api.routes.caller import Caller, UseCases
from segmentator_dagster.api.schemas.export_options import ExportChoicesOut
from segmentator_dagster.api.schemas.exports import (
    EXAMPLE_EXPORT,
    ExportDetailOut,
    ExportOut,
    ExportsIn,
    ExportsOut,
    ManifestOut,
    SnapshotOut,
    SnapshotsOut,
)
from segmentator_dagster.domain.export import Export
from segmentator_dagster.domain.export_checking import (
    AUDIENCE_IS_CSV,
    AUDIENCE_IS_ONE_FILE,
    BOM_NOT_HERE,
    NO_CONTACTS,
    SPLIT_FIELD_NOT_EXPORTED,
    TWO_SPLITS,
    UNENCODABLE_TEXT,
)
from segmentator_dagster.domain.problems import EMPTY_LIST, FIELD_MASKED, UNKNOWN_FIELD
from segmentator_dagster.exports.problems import DATASET_NOT_ALLOWED, TOO_MANY_ROWS
from segmentator_dagster.storage.clickhouse import CLICKHOUSE_UNAVAILABLE
from segmentator_dagster.storage.metadata.exports import EXPORT_FINISHED, EXPORT_NOT_FOUND, IDEMPOTENCY_KEY_REUSED
from segmentator_dagster.storage.metadata.segment_problems import SEGMENT_DELETED, SEGMENT_NOT_FOUND
from segmentator_dagster.storage.objects import OBJECT_NOT_FOUND, OBJECT_STORE_UNAVAILABLE, content_disposition

router = closed_router(tags=["exports"])

OPTIONS = (
    UNKNOWN_CHOICE,
    OUT_OF_RANGE,
    WRONG_VALUE,
    BOM_NOT_HERE,
    UNENCODABLE_TEXT,
    TWO_SPLITS,
    SPLIT_FIELD_NOT_EXPORTED,
    NO_CONTACTS,
    AUDIENCE_IS_CSV,
    AUDIENCE_IS_ONE_FILE,
    UNKNOWN_FIELD,
    FIELD_MASKED,
    CLICKHOUSE_UNAVAILABLE,
)
_FILE = (EXPORT_NOT_FOUND, EXPORT_NOT_PUBLISHED, FILE_EXPIRED, OBJECT_NOT_FOUND, OBJECT_STORE_UNAVAILABLE)
_KEPT_BACK = (FILE_NOT_ALLOWED, TOO_MANY_ROWS, CLICKHOUSE_UNAVAILABLE)
_RETRY_MILLISECONDS = 1000
_EVENTS = (
    f"event: progress\ndata: {json.dumps(EXAMPLE_EXPORT, ensure_ascii=False)}\nid: 1\nretry: {_RETRY_MILLISECONDS}\n\n"
)
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
        *OPTIONS,
        SNAPSHOT_NOT_FOUND,
        SNAPSHOT_OR_COMPARE,
        DATASET_NOT_ALLOWED,
        BAD_IDEMPOTENCY_KEY,
        IDEMPOTENCY_KEY_REUSED,
    ),
)
def request_exports(
    segment_id: int,
    body: ExportsIn,
    use: UseCases,
    caller: Caller,
    idempotency_key: Annotated[
        str | None,
        Header(description="1 to 200 visible ASCII characters; the same key again gives the same exports"),
    ] = None,
) -> ExportsOut:
    """The request is written down before the answer, and run as soon as Dagster can, also where Dagster is down now.
    All formats are files of one snapshot of the audience: of the one that is taken now, or with `snapshot_id` of an
    earlier one; with `compare` they have the users that came, went or stayed between two of them. `export` goes over
    what the segment and the installation say; an empty object for `split` or `yandex_audience` switches theirs off."""
    return _listed(use.exports.request(caller.actor, segment_id, body.draft(), idempotency_key), caller)


@router.get(
    "/segments/{segment_id}/exports",
    summary="List the exports of a segment",
    response_description="Newest first",
    responses=errors(*STORED, SEGMENT_NOT_FOUND, UNKNOWN_PATH, OUT_OF_RANGE),
)
def list_exports(
    segment_id: int,
    use: UseCases,
    caller: Caller,
    limit: Annotated[int, Query(ge=1, le=200, description="most exports")] = 100,
) -> ExportsOut:
    """Also of a deleted segment."""
    return _listed(use.exports.of_segment(caller.actor, segment_id, limit), caller)


@router.get(
    "/export-options",
    summary="Describe the options of exports",
    response_description="Formats, profiles, defaults and every option",
    responses=errors(*STORED),
)
def export_options(use: UseCases, caller: Caller) -> ExportChoicesOut:
    """What `export` of a segment or of a request may say, in words for people, and what holds where nothing is said
    here."""
    return ExportChoicesOut.of(use.exports.defaults(caller.actor))


@router.get(
    "/segments/{segment_id}/snapshots",
    summary="List the snapshots of a segment",
    response_description="Newest first",
    responses=errors(*STORED, SEGMENT_NOT_FOUND, UNKNOWN_PATH, OUT_OF_RANGE),
)
def list_snapshots(
    segment_id: int,
    use: UseCases,
    caller: Caller,
    limit: Annotated[int, Query(ge=1, le=200, description="most snapshots")] = 100,
) -> SnapshotsOut:
    """The audiences that were taken, each at one moment; they can be exported again and compared. Also of a deleted
    segment."""
    return SnapshotsOut(
        items=[SnapshotOut.of(snapshot) for snapshot in use.exports.snapshots(caller.actor, segment_id, limit)]
    )


@router.get(
    "/exports/{export_id}",
    summary="Read an export",
    response_description="The export with its manifest",
    responses=errors(*STORED, EXPORT_NOT_FOUND),
)
def get_export(export_id: str, use: UseCases, caller: Caller) -> ExportDetailOut:
    """Its state, how far it is, and, once published, what the file says of itself."""
    return ExportDetailOut.of(use.exports.get(caller.actor, export_id), caller.language, caller.dagster_url)


def _existing(export_id: str, use: UseCases, caller: Caller) -> Export:
    return use.exports.get(caller.actor, export_id)


@router.get(
    "/exports/{export_id}/events",
    response_class=EventSourceResponse,
    summary="Watch an export",
    response_description="Events `progress` with the export, at last one `end`",
    responses={
        200: {"content": {"text/event-stream": {"example": _EVENTS}}},
        **errors(*STORED, EXPORT_NOT_FOUND),
    },
)
async def watch_export(
    export: Annotated[Export, Depends(_existing)], use: UseCases, caller: Caller
) -> AsyncIterator[ServerSentEvent]:
    """Server-Sent Events: `progress` whenever the export changes and four times a second while it runs; `end` when it
    is final, and then the stream ends. The data is what `GET /segments/{id}/exports` has in its list."""
    number = 0
    async for state in states(partial(use.exports.get, caller.actor, export.id), use.stopping):
        number += 1
        yield ServerSentEvent(
            event="end" if state.status.final else "progress",
            data=ExportOut.of(state, caller.language, caller.dagster_url),
            id=str(number),
            retry=_RETRY_MILLISECONDS,
        )


@router.post(
    "/exports/{export_id}/cancel",
    summary="Cancel an export",
    response_description="The cancelled export",
    responses=errors(*CHANGING, EXPORT_NOT_FOUND, EXPORT_FINISHED),
)
def cancel_export(export_id: str, use: UseCases, caller: Caller) -> ExportOut:
    """Cancelling twice changes nothing. The run is stopped once nothing of its request is wanted any more."""
    return ExportOut.of(use.exports.cancel(caller.actor, export_id), caller.language, caller.dagster_url)


@router.get(
    "/exports/{export_id}/download",
    status_code=307,
    response_class=RedirectResponse,
    summary="Download the file of an export",
    response_description="Go to `Location`; the link lives for a minute at most",
    responses=errors(*STORED, *_FILE, *_KEPT_BACK, SEVERAL_FILES, FILE_NOT_FOUND, OUT_OF_RANGE),
)
def download_export(
    export_id: str,
    use: UseCases,
    caller: Caller,
    file: Annotated[int | None, Query(ge=1, description="which one of several, from 1")] = None,
) -> RedirectResponse:
    """Redirects to a link made for this request: of S3, or of this API where files are in a folder. Who asked for the
    files decided what they show: whoever may see less of the data, or fewer rows, does not get them."""
    return RedirectResponse(use.exports.download_url(caller.actor, export_id, file), 307)


@router.get(
    "/exports/{export_id}/manifest",
    response_model=ManifestOut,
    summary="Download the manifest of an export",
    response_description="What its files say of themselves",
    responses=errors(*STORED, EXPORT_NOT_FOUND, EXPORT_NOT_PUBLISHED),
)
def download_manifest(export_id: str, use: UseCases, caller: Caller) -> Response:
    """Segment, rule, version, snapshot and options, rows, bytes and SHA-256 of every file, and which values a format
    could not carry as they are. It stays when the files are deleted."""
    download = use.exports.manifest(caller.actor, export_id)
    return Response(
        json.dumps(download.document, ensure_ascii=False, indent=2) + "\n",
        media_type="application/json",
        headers={"Content-Disposition": content_disposition(download.file_name)},
    )


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


def _listed(exports: tuple[Export, ...], caller: Caller) -> ExportsOut:
    return ExportsOut(items=[ExportOut.of(export, caller.language, caller.dagster_url) for export in exports])
