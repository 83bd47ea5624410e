"""HTTP -> the use cases of the audit log."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Query
from fastapi.responses import StreamingResponse

from segmentator_dagster.api.documented import STORED, errors
from segmentator_dagster.api.gate import closed_router
from segmentator_dagster.api.problems import OUT_OF_RANGE, TOO_LONG, UNKNOWN_CHOICE
from segmentator_dagster.api.routes.caller import Caller, UseCases
from segmentator_dagster.api.schemas.audit import AuditPageOut, AuditQuery, AuditSearch
from segmentator_dagster.domain.problems import UNKNOWN_KEY
from segmentator_dagster.storage.objects import content_disposition

router = closed_router(tags=["audit"])

_SEARCHING = (UNKNOWN_CHOICE, OUT_OF_RANGE, TOO_LONG, UNKNOWN_KEY)
_CSV: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}}


@router.get(
    "/audit",
    summary="Search the audit log",
    response_description="Newest first",
    responses=errors(*STORED, *_SEARCHING),
)
def list_audit(filters: Annotated[AuditQuery, Query()], use: UseCases, caller: Caller) -> AuditPageOut:
    """Who did what to which object, when and from where. Of rules it has what they ask, not the values: those stand in
    the versions."""
    entries = use.audit.page(caller.actor, filters.wanted(), filters.before, filters.limit)
    return AuditPageOut.of(entries, filters.limit)


@router.get(
    "/audit.csv",
    response_class=StreamingResponse,
    summary="Download the audit log",
    response_description="CSV, newest first",
    responses={**_CSV, **errors(*STORED, *_SEARCHING)},
)
def download_audit(filters: Annotated[AuditSearch, Query()], use: UseCases, caller: Caller) -> StreamingResponse:
    """All entries of a search."""
    name = f"audit {datetime.now(UTC):%Y-%m-%d}.csv"
    headers = {"Content-Disposition": content_disposition(name)}
    return StreamingResponse(use.audit.as_csv(caller.actor, filters.wanted()), media_type="text/csv", headers=headers)
