"""HTTP -> the use cases of settings."""

from __future__ import annotations

from segmentator_dagster.api.documented import STORED, WITH_BODY, errors
from segmentator_dagster.api.gate import closed_router
from segmentator_dagster.api.installation import DEADLINE_OVER_PROFILE
from segmentator_dagster.api.problems import (
    DUPLICATE_VALUE,
    OUT_OF_RANGE,
    TOO_LONG,
    UNKNOWN_CHOICE,
    UNKNOWN_FORMAT,
    WRONG_VALUE,
)
from segmentator_dagster.api.routes.caller import Caller, UseCases
from segmentator_dagster.api.schemas.installation import SettingsOut, SettingsPatch
from segmentator_dagster.domain.export_checking import (
    AUDIENCE_IS_CSV,
    AUDIENCE_IS_ONE_FILE,
    BOM_NOT_HERE,
    NO_CONTACTS,
    TWO_SPLITS,
    UNENCODABLE_TEXT,
)
from segmentator_dagster.domain.problems import EMPTY_LIST, UNKNOWN_TIME_ZONE
from segmentator_dagster.domain.schedule import BAD_CRON
from segmentator_dagster.storage.clickhouse import CLICKHOUSE_UNAVAILABLE
from segmentator_dagster.storage.metadata.installation import SETTINGS_CHANGED

router = closed_router(prefix="/settings", tags=["settings"])

_WRONG = (
    BOM_NOT_HERE,
    UNENCODABLE_TEXT,
    TWO_SPLITS,
    NO_CONTACTS,
    AUDIENCE_IS_CSV,
    AUDIENCE_IS_ONE_FILE,
    UNKNOWN_FORMAT,
    DUPLICATE_VALUE,
    EMPTY_LIST,
    BAD_CRON,
    UNKNOWN_TIME_ZONE,
    DEADLINE_OVER_PROFILE,
    UNKNOWN_CHOICE,
    OUT_OF_RANGE,
    TOO_LONG,
    WRONG_VALUE,
)


@router.get("", summary="Read the settings", response_description="What is in force", responses=errors(*STORED))
def get_settings(use: UseCases, caller: Caller) -> SettingsOut:
    """What administrators set for everybody, what the environment says, and what follows. How many rows a file may
    have is `max_rows` of `GET /access`."""
    return SettingsOut.of(use.settings.get(caller.actor))


@router.patch(
    "",
    summary="Change the settings",
    response_description="What is in force now",
    responses=errors(*WITH_BODY, *_WRONG, SETTINGS_CHANGED, CLICKHOUSE_UNAVAILABLE),
)
def change_settings(body: SettingsPatch, use: UseCases, caller: Caller) -> SettingsOut:
    """Only the keys that are given change, `null` takes one back. It is in force everywhere within a second, without a
    restart; requests that were made before keep what held then. `version` is the one the change is based on: where it
    is not the current one, the answer is 409 and nothing is changed."""
    return SettingsOut.of(use.settings.change(caller.actor, body.version, body.changes()))
