"""HTTP -> the use cases of rules that are being built."""

from __future__ import annotations

from segmentator_dagster.api.analysis_problems import BAD_EDITOR, NO_BREAKDOWN, SUPERSEDED
from segmentator_dagster.api.documented import WITH_BODY, errors
from segmentator_dagster.api.gate import closed_router
from segmentator_dagster.api.problems import OUT_OF_RANGE
from segmentator_dagster.api.routes.caller import Caller, UseCases
from segmentator_dagster.api.routes.waiting import CallerWaits
from segmentator_dagster.api.schemas.analysis import (
    BreakdownIn,
    BreakdownOut,
    CountOut,
    FunnelOut,
    PreviewIn,
    PreviewOut,
)
from segmentator_dagster.api.schemas.rules import MeaningOut, RuleIn
from segmentator_dagster.domain.problems import (
    DUPLICATE_COLUMN,
    EMPTY_GROUP,
    FIELD_MASKED,
    KEY_WANTED,
    UNKNOWN_DATASET,
    UNKNOWN_FIELD,
    UNKNOWN_OPERATOR,
    UNKNOWN_TIME_ZONE,
    WRONG_VALUE_TYPE,
)
from segmentator_dagster.domain.reference_problems import (
    BROKEN_SEGMENT,
    DELETED_SEGMENT,
    UNKNOWN_LIST,
    UNKNOWN_SEGMENT,
)
from segmentator_dagster.storage.clickhouse import (
    CLICKHOUSE_UNAVAILABLE,
    DATASET_CHANGED,
    QUERY_CANCELLED,
    QUERY_TOO_HEAVY,
)
from segmentator_dagster.storage.clickhouse_async import ANSWERS_MAY_BE_CUT

router = closed_router(prefix="/rules", tags=["rules"])

_CHECKED = (
    *WITH_BODY,
    UNKNOWN_DATASET,
    UNKNOWN_TIME_ZONE,
    UNKNOWN_FIELD,
    FIELD_MASKED,
    UNKNOWN_OPERATOR,
    WRONG_VALUE_TYPE,
    EMPTY_GROUP,
    UNKNOWN_SEGMENT,
    DELETED_SEGMENT,
    BROKEN_SEGMENT,
    UNKNOWN_LIST,
    CLICKHOUSE_UNAVAILABLE,
)
ASKED = (BAD_EDITOR, SUPERSEDED, QUERY_TOO_HEAVY, QUERY_CANCELLED, DATASET_CHANGED, ANSWERS_MAY_BE_CUT)


@router.post(
    "/check",
    summary="Check a rule",
    response_description="What the rule means",
    responses=errors(*_CHECKED),
)
def check_rule(body: RuleIn, use: UseCases, caller: Caller) -> MeaningOut:
    """The rule in words and in its explicit form, or all that is wrong with it. Nothing is counted."""
    return MeaningOut.of(use.rules.checked(caller.actor, body.draft()))


@router.post(
    "/count",
    summary="Count the audience of a rule",
    response_description="The number of users, and the rule as a sentence",
    responses=errors(*_CHECKED, *ASKED),
)
async def count_audience(body: RuleIn, use: UseCases, caller: Caller, asker: CallerWaits) -> CountOut:
    """How many users the rule names now, exactly."""
    return CountOut.of(await asker.waits("count", use.analysis.count(caller.actor, body.draft())))


@router.post(
    "/preview",
    summary="Preview the audience of a rule",
    response_description="Its first users",
    responses=errors(*_CHECKED, *ASKED, DUPLICATE_COLUMN, OUT_OF_RANGE),
)
async def preview_audience(body: PreviewIn, use: UseCases, caller: Caller, asker: CallerWaits) -> PreviewOut:
    """The first users by id, with the columns a file of them would have."""
    work = use.analysis.preview(caller.actor, body.draft(), body.columns, body.limit)
    return PreviewOut.of(await asker.waits("preview", work))


@router.post(
    "/breakdown",
    summary="Break the audience of a rule down by a field",
    response_description="The values most members have, compared with all users",
    responses=errors(*_CHECKED, *ASKED, KEY_WANTED, NO_BREAKDOWN, OUT_OF_RANGE),
)
async def break_down_audience(body: BreakdownIn, use: UseCases, caller: Caller, asker: CallerWaits) -> BreakdownOut:
    """Who the members are, by the latest value of a field, and how that differs from everyone."""
    work = use.analysis.breakdown(caller.actor, body.draft(), body.named(), body.limit)
    return BreakdownOut.of(await asker.waits("breakdown", work))


@router.post(
    "/funnel",
    summary="See what each condition of a rule does",
    response_description="The users left after each condition, and those each one keeps alone",
    responses=errors(*_CHECKED, *ASKED),
)
async def explain_audience(body: RuleIn, use: UseCases, caller: Caller, asker: CallerWaits) -> FunnelOut:
    """Why an audience is as small as it is: every condition in turn, and by itself."""
    return FunnelOut.of(await asker.waits("funnel", use.analysis.funnel(caller.actor, body.draft())))
