"""HTTP -> the use cases of rules."""

from __future__ import annotations

from fastapi import APIRouter

from segmentator_dagster.api.documented import WITH_BODY, errors
from segmentator_dagster.api.problems import OUT_OF_RANGE
from segmentator_dagster.api.routes.caller import UseCases
from segmentator_dagster.api.schemas.rules import CountIn, CountOut, PreviewIn, PreviewOut
from segmentator_dagster.domain.problems import (
    DUPLICATE_COLUMN,
    EMPTY_GROUP,
    UNKNOWN_DATASET,
    UNKNOWN_FIELD,
    UNKNOWN_OPERATOR,
    UNKNOWN_TIME_ZONE,
    WRONG_VALUE_TYPE,
)
from segmentator_dagster.storage.clickhouse import (
    CLICKHOUSE_UNAVAILABLE,
    DATASET_CHANGED,
    QUERY_CANCELLED,
    QUERY_TOO_HEAVY,
)

router = APIRouter(prefix="/rules", tags=["rules"])

_RULES = (
    *WITH_BODY,
    UNKNOWN_DATASET,
    UNKNOWN_FIELD,
    UNKNOWN_OPERATOR,
    WRONG_VALUE_TYPE,
    EMPTY_GROUP,
    QUERY_TOO_HEAVY,
    QUERY_CANCELLED,
    DATASET_CHANGED,
    CLICKHOUSE_UNAVAILABLE,
)


@router.post(
    "/count",
    summary="Count the audience of a rule",
    response_description="The number of users, and the rule as a sentence",
    responses=errors(*_RULES, UNKNOWN_TIME_ZONE),
)
async def count_audience(body: CountIn, use: UseCases) -> CountOut:
    """How many users the rule names now. Remembered until the data changes."""
    return CountOut.of(await use.rules.count(body.rule, body.dataset, body.time_zone))


@router.post(
    "/preview",
    summary="Preview the audience of a rule",
    response_description="Its first users",
    responses=errors(*_RULES, DUPLICATE_COLUMN, OUT_OF_RANGE),
)
def preview_audience(body: PreviewIn, use: UseCases) -> PreviewOut:
    """The first users by id, with the columns a file of them would have."""
    return PreviewOut.of(use.rules.preview(body.rule, body.dataset, body.columns, body.limit))
