"""HTTP -> rule files: a segment's rule out of this installation, another's into it."""

from __future__ import annotations

import json
from typing import Annotated

from fastapi import Query, Response

from segmentator_dagster.api.documented import STORED, WITH_BODY, errors
from segmentator_dagster.api.gate import closed_router
from segmentator_dagster.api.problems import OUT_OF_RANGE
from segmentator_dagster.api.routes.caller import Caller, UseCases
from segmentator_dagster.api.routes.segments import ABSENT, WRITING, created
from segmentator_dagster.api.schemas.rule_files import ImportQuery, RuleFileIn, RuleFileOut
from segmentator_dagster.api.schemas.segments import SegmentOut
from segmentator_dagster.domain.definition import RULE_TOO_NEW
from segmentator_dagster.domain.reference_problems import BROKEN_SEGMENT
from segmentator_dagster.domain.rule_file import (
    LIST_NOT_HERE,
    NOT_A_RULE_FILE,
    NOT_AN_ID,
    SEGMENT_NOT_HERE,
    UNKNOWN_VERSION,
    UNNAMED_LIST,
    UNNAMED_SEGMENT,
)
from segmentator_dagster.storage.metadata.segment_problems import VERSION_NOT_FOUND
from segmentator_dagster.storage.objects import content_disposition

router = closed_router(prefix="/segments", tags=["segments"])

_READING = (NOT_A_RULE_FILE, UNKNOWN_VERSION, RULE_TOO_NEW, NOT_AN_ID)
_RESOLVING = (UNNAMED_SEGMENT, UNNAMED_LIST, SEGMENT_NOT_HERE, LIST_NOT_HERE)


@router.get(
    "/{segment_id}/rule-file",
    response_model=RuleFileOut,
    summary="Download the rule of a segment as a file",
    response_description="A rule file",
    responses=errors(*STORED, *ABSENT, VERSION_NOT_FOUND, OUT_OF_RANGE, RULE_TOO_NEW, BROKEN_SEGMENT),
)
def download_rule_file(
    segment_id: int,
    use: UseCases,
    caller: Caller,
    version: Annotated[int | None, Query(ge=1, description="of the segment; none: the present one")] = None,
) -> Response:
    """The rule with the names of the segments and lists it refers to, for another installation or for keeping. Tags,
    columns and the schedule are no part of it."""
    download = use.rule_files.download(caller.actor, segment_id, version)
    return Response(
        json.dumps(download.document, ensure_ascii=False, indent=2) + "\n",
        media_type="application/json",
        headers={"Content-Disposition": content_disposition(download.file_name)},
    )


@router.post(
    "/import",
    status_code=201,
    summary="Save a segment out of a rule file",
    response_description="The segment; its address is in `Location`",
    responses=errors(*WITH_BODY, *_READING, *_RESOLVING, *WRITING),
)
def import_rule_file(
    body: RuleFileIn,
    query: Annotated[ImportQuery, Query()],
    response: Response,
    use: UseCases,
    caller: Caller,
) -> SegmentOut:
    """The body is the file. Live segments and lists of the names it gives take the place of those it refers to.
    Pointers of problems lead into the file."""
    return created(use.rule_files.load(caller.actor, body.root, query.name), response, caller)
