"""HTTP -> whether the process lives and its parts answer."""

from __future__ import annotations

from typing import Any

from fastapi import Response

from segmentator_dagster.api.documented import ANY, errors
from segmentator_dagster.api.gate import closed_router
from segmentator_dagster.api.routes.caller import UseCases
from segmentator_dagster.api.schemas.readiness import HealthOut, ReadyOut

router = closed_router(tags=["health"])

_READY: dict[int | str, dict[str, Any]] = {
    503: {"model": ReadyOut, "description": "Something the API itself needs is down"},
    **errors(*ANY),
}


@router.get("/health", summary="Is the process alive?", response_description="It is", responses=errors(*ANY))
async def health() -> HealthOut:
    """Touches nothing but the process itself."""
    return HealthOut()


@router.get("/ready", summary="Which parts answer?", response_description="Requests can be served", responses=_READY)
async def ready(response: Response, use: UseCases) -> ReadyOut:
    """Asks every part, for two seconds at most. Dagster and the cache may be down: exports wait, counts are not
    remembered, all else works."""
    readiness = await use.probes.readiness()
    response.status_code = 200 if readiness.ready else 503
    return ReadyOut.of(readiness)
