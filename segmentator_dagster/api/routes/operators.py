"""HTTP -> the rule language itself."""

from __future__ import annotations

from fastapi import Response
from fastapi.responses import JSONResponse

from segmentator_dagster.api.documented import ANY, errors
from segmentator_dagster.api.gate import closed_router
from segmentator_dagster.api.schemas.operators import OperatorsOut
from segmentator_dagster.domain.rule_schema import rule_schema

router = closed_router(tags=["rules"])

_SCHEMA = "application/schema+json"


@router.get(
    "/operators",
    summary="List what rules may say",
    response_description="Operators, aggregates, periods, units, shapes of values, limits",
    responses=errors(*ANY),
)
async def list_operators() -> OperatorsOut:
    """The tables of the rule language, with Russian and English labels: the same for every dataset."""
    return OperatorsOut.whole()


@router.get(
    "/rules/schema",
    summary="Get the JSON Schema of rules",
    response_description="A JSON Schema of draft 2020-12",
    response_class=Response,
    responses={200: {"content": {_SCHEMA: {"schema": {"type": "object"}}}}, **errors(*ANY)},
)
async def get_rule_schema() -> Response:
    """For editors that check while one types; the same file is published as `docs/rule-schema.v2.json`."""
    return JSONResponse(rule_schema(), media_type=_SCHEMA)
