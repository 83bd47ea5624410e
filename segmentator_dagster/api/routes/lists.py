"""HTTP -> the use cases of uploaded lists."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

import anyio.to_thread
from fastapi import Query, Request, Response
from fastapi.responses import StreamingResponse

from segmentator_dagster.api.documented import CHANGING, STORED, WITH_BODY, errors
from segmentator_dagster.api.gate import closed_router
from segmentator_dagster.api.http_problems import BODY_TOO_LARGE, BODY_TOO_SLOW, UNKNOWN_PATH
from segmentator_dagster.api.list_problems import (
    FIELD_NOT_COMPARABLE,
    LIST_NOT_COMPARED,
    NOT_A_LIST_FILE,
    UPLOAD_BROKEN_OFF,
    UPLOAD_NOT_STORED,
)
from segmentator_dagster.api.lists import CsvDownload
from segmentator_dagster.api.problems import CONTROL_CHARACTER, EMPTY_NAME, OUT_OF_RANGE, TOO_LONG, UNKNOWN_CHOICE
from segmentator_dagster.api.routes.caller import Caller, UseCases
from segmentator_dagster.api.schemas.lists import (
    FILE_BODY,
    ListItemsQuery,
    ListOut,
    ListPatch,
    ListsPageOut,
    NewListQuery,
)
from segmentator_dagster.api.schemas.queries import PageQuery
from segmentator_dagster.api.schemas.sharing import SharingIn
from segmentator_dagster.collection.list_problems import (
    COLUMN_WANTED,
    LIST_BUSY,
    NO_VALUES,
    UNPACKS_TOO_LARGE,
    VALUE_HAS_NUL,
    VALUE_TOO_LONG,
)
from segmentator_dagster.collection.problems import (
    CELL_ERROR,
    COLUMN_UNKNOWN,
    FILE_EMPTY,
    FILE_UNREADABLE,
    HEADER_INVALID,
    QUOTE_UNCLOSED,
    ROW_FIELD_COUNT,
    TOO_MANY_COLUMNS,
    VALUE_UNDECODABLE,
)
from segmentator_dagster.domain.access import ADMINISTRATORS_ONLY
from segmentator_dagster.domain.problems import FIELD_MASKED, MISSING_KEY, UNKNOWN_DATASET, UNKNOWN_FIELD, UNKNOWN_KEY
from segmentator_dagster.storage.clickhouse import CLICKHOUSE_UNAVAILABLE
from segmentator_dagster.storage.metadata.lists import LIST_DELETED, LIST_IN_USE, LIST_NAME_TAKEN, LIST_NOT_FOUND
from segmentator_dagster.storage.metadata.pages import BAD_CURSOR
from segmentator_dagster.storage.metadata.people_problems import PERSON_NOT_FOUND
from segmentator_dagster.storage.objects import content_disposition

router = closed_router(prefix="/lists", tags=["lists"])

_ABSENT = (LIST_NOT_FOUND, LIST_DELETED, UNKNOWN_PATH)
_NAMING = (LIST_NAME_TAKEN, EMPTY_NAME, TOO_LONG, CONTROL_CHARACTER)
_FILE = (
    NOT_A_LIST_FILE,
    BODY_TOO_LARGE,
    BODY_TOO_SLOW,
    UPLOAD_BROKEN_OFF,
    UPLOAD_NOT_STORED,
    UNPACKS_TOO_LARGE,
    FILE_UNREADABLE,
    FILE_EMPTY,
    HEADER_INVALID,
    TOO_MANY_COLUMNS,
    COLUMN_WANTED,
    COLUMN_UNKNOWN,
    ROW_FIELD_COUNT,
    QUOTE_UNCLOSED,
    VALUE_UNDECODABLE,
    VALUE_HAS_NUL,
    VALUE_TOO_LONG,
    CELL_ERROR,
    NO_VALUES,
    CLICKHOUSE_UNAVAILABLE,
    MISSING_KEY,
    UNKNOWN_KEY,
)
_CSV: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/csv": {"schema": {"type": "string"}, "example": "value\r\nu1\r\nu2\r\n"}}}
}


@router.post(
    "",
    status_code=201,
    summary="Upload a new list",
    response_description="The list and what was found in the file; its address is in `Location`",
    openapi_extra={"requestBody": FILE_BODY},
    responses=errors(*CHANGING, *_FILE, *_NAMING, UNKNOWN_DATASET, UNKNOWN_FIELD, FIELD_MASKED, FIELD_NOT_COMPARABLE),
)
async def create_list(
    request: Request, query: Annotated[NewListQuery, Query()], response: Response, use: UseCases, caller: Caller
) -> ListOut:
    """The body is the file. Ids are texts: `007` is not `7`, white space around them does not count. A file with
    something wrong in it is refused whole, with the lines; nothing of it is left out silently."""
    label = await anyio.to_thread.run_sync(use.lists.label, caller.actor, query.draft())
    async with use.uploads.spooled(request) as file:
        made = partial(use.lists.create, caller.actor, label, file, query.choice(), query.visibility)
        view = await anyio.to_thread.run_sync(made)
    response.headers["Location"] = f"/api/v1/lists/{view.list.id}"
    return ListOut.of(view)


@router.put(
    "/{list_id}/items",
    summary="Upload ids to a list",
    response_description="The list and what was found in the file",
    openapi_extra={"requestBody": FILE_BODY},
    responses=errors(*CHANGING, *_FILE, *_ABSENT, UNKNOWN_CHOICE, LIST_BUSY),
)
async def fill_list(
    list_id: int, request: Request, query: Annotated[ListItemsQuery, Query()], use: UseCases, caller: Caller
) -> ListOut:
    """`mode=replace` or `mode=append`. The list changes in one step once the whole file is read; until then, and where
    the file is refused, it is as it was. Uploads at the same time are put one after the other."""
    await anyio.to_thread.run_sync(use.lists.own, caller.actor, list_id)
    async with use.uploads.spooled(request) as file:
        filled = partial(use.lists.fill, caller.actor, list_id, query.mode, file, query.choice())
        view = await anyio.to_thread.run_sync(filled)
    return ListOut.of(view)


@router.get(
    "",
    summary="List the lists",
    response_description="One page",
    responses=errors(*STORED, BAD_CURSOR, UNKNOWN_CHOICE, OUT_OF_RANGE, TOO_LONG, UNKNOWN_KEY),
)
def list_lists(filters: Annotated[PageQuery, Query()], use: UseCases, caller: Caller) -> ListsPageOut:
    """Searched, filtered, sorted, page by page."""
    return ListsPageOut.of(use.lists.page(caller.actor, **filters.model_dump()))


@router.get(
    "/{list_id}",
    summary="Read a list",
    response_description="The list with the report of its last upload",
    responses=errors(*STORED, *_ABSENT),
)
def get_list(list_id: int, use: UseCases, caller: Caller) -> ListOut:
    """What it is called, how many ids it has, and who uses it."""
    return ListOut.of(use.lists.get(caller.actor, list_id))


@router.patch(
    "/{list_id}",
    summary="Rename a list",
    response_description="The list",
    responses=errors(*WITH_BODY, *_ABSENT, *_NAMING),
)
def rename_list(list_id: int, body: ListPatch, use: UseCases, caller: Caller) -> ListOut:
    """Changes its name or description. Rules refer to its id and stay as they are."""
    return ListOut.of(use.lists.rename(caller.actor, list_id, body.name, body.description))


@router.put(
    "/{list_id}/sharing",
    summary="Share a list",
    response_description="The list",
    responses=errors(*WITH_BODY, *_ABSENT, UNKNOWN_CHOICE, PERSON_NOT_FOUND, ADMINISTRATORS_ONLY),
)
def share_list(list_id: int, body: SharingIn, use: UseCases, caller: Caller) -> ListOut:
    """Says who sees it; for administrators also whose it is."""
    return ListOut.of(use.lists.share(caller.actor, list_id, body.visibility, body.owner_id))


@router.delete(
    "/{list_id}",
    status_code=204,
    summary="Delete a list",
    response_description="It is deleted",
    responses=errors(*CHANGING, *_ABSENT, LIST_IN_USE),
)
def delete_list(list_id: int, use: UseCases, caller: Caller) -> None:
    """Refused while a live segment refers to it; the answer names them as `used_by`. It can be restored."""
    use.lists.delete(caller.actor, list_id)


@router.post(
    "/{list_id}/restore",
    summary="Restore a deleted list",
    response_description="The list; a live one stays as it is",
    responses=errors(*CHANGING, LIST_NOT_FOUND, UNKNOWN_PATH, LIST_NAME_TAKEN),
)
def restore_list(list_id: int, use: UseCases, caller: Caller) -> ListOut:
    """Takes back a deletion. Its name must still be free."""
    return ListOut.of(use.lists.restore(caller.actor, list_id))


@router.get(
    "/{list_id}/items",
    response_class=StreamingResponse,
    summary="Download the ids of a list",
    response_description="CSV with one column",
    responses={**_CSV, **errors(*STORED, *_ABSENT, CLICKHOUSE_UNAVAILABLE)},
)
def download_items(list_id: int, use: UseCases, caller: Caller) -> StreamingResponse:
    """All of them, each once, in their order."""
    return _csv(use.lists.items(caller.actor, list_id))


@router.get(
    "/{list_id}/unmatched",
    response_class=StreamingResponse,
    summary="Download the ids nobody has",
    response_description="CSV with one column",
    responses={**_CSV, **errors(*STORED, *_ABSENT, CLICKHOUSE_UNAVAILABLE, LIST_NOT_COMPARED)},
)
def download_unmatched(list_id: int, use: UseCases, caller: Caller) -> StreamingResponse:
    """Those that are no user of the dataset (or no value of its field) as it is now."""
    return _csv(use.lists.unmatched(caller.actor, list_id))


def _csv(download: CsvDownload) -> StreamingResponse:
    headers = {"Content-Disposition": content_disposition(download.file_name)}
    return StreamingResponse(download.chunks, media_type="text/csv", headers=headers)
