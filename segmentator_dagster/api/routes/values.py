"""HTTP -> the values of a field, for whoever writes a rule."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from segmentator_dagster.api.documented import STORED, errors
from segmentator_dagster.api.gate import closed_router
from segmentator_dagster.api.problems import OUT_OF_RANGE, TOO_LONG, UNKNOWN_CHOICE
from segmentator_dagster.api.routes.caller import Caller, UseCases
from segmentator_dagster.api.routes.rules import ASKED
from segmentator_dagster.api.routes.waiting import CallerWaits
from segmentator_dagster.api.schemas.analysis import EntryKey, EntryType, ValuesOut, field_named
from segmentator_dagster.domain.problems import FIELD_MASKED, KEY_WANTED, NOT_FILTERABLE, UNKNOWN_FIELD
from segmentator_dagster.storage.catalogue import DATASET_NOT_FOUND
from segmentator_dagster.storage.clickhouse import CLICKHOUSE_UNAVAILABLE

router = closed_router(prefix="/datasets", tags=["datasets"])

_PREFIX_LENGTH = 1000


@router.get(
    "/{name}/fields/{field}/values",
    summary="List the values of a field",
    response_description="The most frequent values that begin so",
    responses=errors(
        *STORED,
        *ASKED,
        DATASET_NOT_FOUND,
        UNKNOWN_FIELD,
        FIELD_MASKED,
        NOT_FILTERABLE,
        KEY_WANTED,
        OUT_OF_RANGE,
        TOO_LONG,
        UNKNOWN_CHOICE,
        CLICKHOUSE_UNAVAILABLE,
    ),
)
async def list_values(
    *,
    name: str,
    field: str,
    use: UseCases,
    caller: Caller,
    asker: CallerWaits,
    prefix: Annotated[
        EntryKey, Query(max_length=_PREFIX_LENGTH, description="how they begin, whatever the case; empty: anyhow")
    ] = "",
    key: Annotated[EntryKey | None, Query(description="the entry of a map, or the path of JSON")] = None,
    read_as: Annotated[
        EntryType | None, Query(alias="as", description="the type a text in a map or JSON is read as")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="most values")] = 20,
) -> ValuesOut:
    """What can be typed into a condition: the values of all rows, of an array those of its elements."""
    work = use.analysis.values(caller.actor, name, field_named(field, key, read_as), prefix, limit)
    return ValuesOut.of(await asker.waits("values", work))
