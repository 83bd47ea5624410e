"""HTTP -> the use cases of segments."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Response

from segmentator_dagster.api.documented import CHANGING, STORED, WITH_BODY, errors
from segmentator_dagster.api.gate import closed_router
from segmentator_dagster.api.http_problems import UNKNOWN_PATH
from segmentator_dagster.api.problems import (
    CONTROL_CHARACTER,
    DUPLICATE_VALUE,
    EMPTY_NAME,
    OUT_OF_RANGE,
    TOO_LONG,
    TOO_MANY,
    UNKNOWN_CHOICE,
    UNKNOWN_FORMAT,
)
from segmentator_dagster.api.routes.caller import Caller, UseCases
from segmentator_dagster.api.routes.exports import OPTIONS
from segmentator_dagster.api.schemas.segments import (
    CopyIn,
    SegmentIn,
    SegmentOut,
    SegmentPageOut,
    SegmentPatch,
    SegmentsQuery,
    VersionOut,
    VersionsOut,
)
from segmentator_dagster.api.schemas.sharing import SharingIn
from segmentator_dagster.api.segments import SegmentView
from segmentator_dagster.domain.access import ADMINISTRATORS_ONLY
from segmentator_dagster.domain.problems import (
    DUPLICATE_COLUMN,
    EMPTY_GROUP,
    UNKNOWN_DATASET,
    UNKNOWN_KEY,
    UNKNOWN_TIME_ZONE,
)
from segmentator_dagster.domain.reference_problems import (
    BROKEN_SEGMENT,
    DELETED_SEGMENT,
    SEGMENT_CYCLE,
    UNKNOWN_LIST,
    UNKNOWN_SEGMENT,
)
from segmentator_dagster.domain.schedule import BAD_CRON
from segmentator_dagster.storage.metadata.pages import BAD_CURSOR
from segmentator_dagster.storage.metadata.people_problems import PERSON_NOT_FOUND
from segmentator_dagster.storage.metadata.segment_problems import (
    NAME_TAKEN,
    SEGMENT_DELETED,
    SEGMENT_IN_USE,
    SEGMENT_NOT_FOUND,
    VERSION_CONFLICT,
)

router = closed_router(prefix="/segments", tags=["segments"])

ABSENT = (SEGMENT_NOT_FOUND, SEGMENT_DELETED, UNKNOWN_PATH)
_NAMING = (NAME_TAKEN, EMPTY_NAME, TOO_LONG, CONTROL_CHARACTER)
WRITING = (
    *_NAMING,
    TOO_MANY,
    DUPLICATE_VALUE,
    UNKNOWN_FORMAT,
    UNKNOWN_TIME_ZONE,
    BAD_CRON,
    *OPTIONS,
    UNKNOWN_DATASET,
    DUPLICATE_COLUMN,
    EMPTY_GROUP,
    UNKNOWN_SEGMENT,
    DELETED_SEGMENT,
    BROKEN_SEGMENT,
    SEGMENT_CYCLE,
    UNKNOWN_LIST,
)


@router.post(
    "",
    status_code=201,
    summary="Save a segment",
    response_description="The segment; its address is in `Location`",
    responses=errors(*WITH_BODY, *WRITING),
)
def create_segment(body: SegmentIn, response: Response, use: UseCases, caller: Caller) -> SegmentOut:
    """Checks the rule against the data as it is now, saves the segment, and makes it a partition of the Dagster
    assets. Everything that is wrong is said at once; problems of the rule point below `/rule`."""
    return created(use.segments.create(caller.actor, body.draft(), visibility=body.visibility), response, caller)


@router.get(
    "",
    summary="List segments",
    response_description="One page",
    responses=errors(*STORED, BAD_CURSOR, UNKNOWN_CHOICE, OUT_OF_RANGE, TOO_LONG, UNKNOWN_KEY),
)
def list_segments(filters: Annotated[SegmentsQuery, Query()], use: UseCases, caller: Caller) -> SegmentPageOut:
    """Searched, filtered, sorted, page by page. A segment is on one page only, even while others are added."""
    return SegmentPageOut.of(
        use.segments.page(caller.actor, **filters.model_dump()), caller.language, caller.dagster_url
    )


@router.get(
    "/{segment_id}",
    summary="Read a segment",
    response_description="The segment with its newest export",
    responses=errors(*STORED, *ABSENT),
)
def get_segment(segment_id: int, use: UseCases, caller: Caller) -> SegmentOut:
    """The current version of one segment."""
    return SegmentOut.of(use.segments.get(caller.actor, segment_id), caller.language, caller.dagster_url)


@router.patch(
    "/{segment_id}",
    summary="Change a segment",
    response_description="The new version, or the same where nothing changed",
    responses=errors(*WITH_BODY, *ABSENT, VERSION_CONFLICT, *WRITING),
)
def update_segment(segment_id: int, body: SegmentPatch, use: UseCases, caller: Caller) -> SegmentOut:
    """Changes the given keys and makes the next version. `version` says which one the change is based on; where that is
    not the current one, the answer is 409 with the current segment as `current`. `null` resets `columns`, `schedule`,
    `export`, `dataset` and `time_zone`."""
    view = use.segments.update(caller.actor, segment_id, body.version, body.changes())
    return SegmentOut.of(view, caller.language, caller.dagster_url)


@router.put(
    "/{segment_id}/sharing",
    summary="Share a segment",
    response_description="The segment",
    responses=errors(*WITH_BODY, *ABSENT, UNKNOWN_CHOICE, PERSON_NOT_FOUND, ADMINISTRATORS_ONLY),
)
def share_segment(segment_id: int, body: SharingIn, use: UseCases, caller: Caller) -> SegmentOut:
    """Says who sees it; for administrators also whose it is. The version stays the same."""
    view = use.segments.share(caller.actor, segment_id, body.visibility, body.owner_id)
    return SegmentOut.of(view, caller.language, caller.dagster_url)


@router.delete(
    "/{segment_id}",
    status_code=204,
    summary="Delete a segment",
    response_description="It is deleted",
    responses=errors(*CHANGING, *ABSENT, SEGMENT_IN_USE),
)
def delete_segment(segment_id: int, use: UseCases, caller: Caller) -> None:
    """Its versions and exports stay, its name is free again, and it can be restored. Refused while a live segment
    refers to it; the answer names them as `used_by`."""
    use.segments.delete(caller.actor, segment_id)


@router.post(
    "/{segment_id}/restore",
    summary="Restore a deleted segment",
    response_description="The segment; a live one stays as it is",
    responses=errors(*CHANGING, SEGMENT_NOT_FOUND, UNKNOWN_PATH, NAME_TAKEN, SEGMENT_CYCLE),
)
def restore_segment(segment_id: int, use: UseCases, caller: Caller) -> SegmentOut:
    """Takes back a deletion. Its name must still be free. Where what its rule refers to is gone, it comes back
    broken."""
    return SegmentOut.of(use.segments.restore(caller.actor, segment_id), caller.language, caller.dagster_url)


@router.post(
    "/{segment_id}/copy",
    status_code=201,
    summary="Copy a segment",
    response_description="The copy; its address is in `Location`",
    responses=errors(*WITH_BODY, *ABSENT, *_NAMING),
)
def copy_segment(
    segment_id: int, response: Response, use: UseCases, caller: Caller, body: CopyIn | None = None
) -> SegmentOut:
    """A new segment with the same definition, without the schedule. Without a name it takes the old one and
    «(копия)»."""
    return created(use.segments.copy(caller.actor, segment_id, body.name if body else None), response, caller)


@router.get(
    "/{segment_id}/versions",
    summary="List the versions of a segment",
    response_description="All versions, newest first",
    responses=errors(*STORED, SEGMENT_NOT_FOUND, UNKNOWN_PATH),
)
def list_versions(segment_id: int, use: UseCases, caller: Caller) -> VersionsOut:
    """What the segment was after each change; also of a deleted one."""
    return VersionsOut(items=[VersionOut.of(view) for view in use.segments.versions(caller.actor, segment_id)])


def created(view: SegmentView, response: Response, caller: Caller) -> SegmentOut:
    """The answer of a request that made a segment."""
    response.headers["Location"] = f"/api/v1/segments/{view.segment.id}"
    return SegmentOut.of(view, caller.language, caller.dagster_url)
