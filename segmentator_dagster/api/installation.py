"""The use cases of settings: what administrators set for everybody."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from segmentator_dagster.api.drafts import cron_problems, format_problems, time_zone_problems
from segmentator_dagster.api.validation import problems_of
from segmentator_dagster.domain.access import Action, Actor, require
from segmentator_dagster.domain.audit import Event, Thing, changed
from segmentator_dagster.domain.errors import Category, Problem, ProblemKind, UserError
from segmentator_dagster.domain.export_checking import option_problems
from segmentator_dagster.domain.export_options import resolved
from segmentator_dagster.domain.installation import EffectiveSettings, InstallationSettings
from segmentator_dagster.storage.clickhouse import ClickHouse
from segmentator_dagster.storage.clickhouse_async import LONGEST_QUERY
from segmentator_dagster.storage.metadata.audit import Audit
from segmentator_dagster.storage.metadata.current_settings import CurrentSettings
from segmentator_dagster.storage.metadata.installation import SETTINGS_CHANGED, Installation

DEADLINE_OVER_PROFILE = ProblemKind(
    "deadline_over_profile",
    Category.INVALID,
    en="ClickHouse itself ends queries after {limit} s, so a count cannot take {given} s.",
    ru="ClickHouse сам прерывает запросы через {limit} с, поэтому подсчёт не может идти {given} с.",
    hint_en="Raise `max_execution_time` in the profile of the reading user first; the embedded server takes it from "
    "`SEGMENTATOR_COUNT_DEADLINE_SECONDS`.",
    hint_ru="Сначала поднимите `max_execution_time` в профиле читающего пользователя; встроенный сервер берёт его из "
    "`SEGMENTATOR_COUNT_DEADLINE_SECONDS`.",
)

_SETTINGS = Thing("settings", "")


@dataclass(frozen=True, slots=True)
class SettingsView:
    """`said` over `environment` is `effective`; a change is based on `version`."""

    version: int
    said: InstallationSettings
    environment: EffectiveSettings
    effective: EffectiveSettings


class SettingsService:
    def __init__(self, installation: Installation, current: CurrentSettings, audit: Audit, reader: ClickHouse) -> None:
        self._installation = installation
        self._current = current
        self._audit = audit
        self._reader = reader

    def get(self, actor: Actor) -> SettingsView:
        require(actor, Action.SETTINGS_READ)
        return self._view(*self._stored())

    def change(self, actor: Actor, based_on: int, changes: Mapping[str, Any]) -> SettingsView:
        """`changes` are JSON: keys of InstallationSettings with their new values, None takes one back.

        It is in force here when this returns and everywhere within a second. UserError with every problem of the
        settings as they would be; settings_changed where `based_on` is not the present version. ClickHouse is asked
        where the deadline is changed.
        """
        require(actor, Action.SETTINGS_CHANGE)
        before, version = self._stored()
        if version != based_on:
            raise SETTINGS_CHANGED.error("/version", given=based_on, current=version)
        after = _read({**before.as_json(), **changes})
        if problems := [*self._problems(after), *self._deadline_problems(before, after)]:
            raise UserError(*problems)
        if after == before:
            return self._view(before, version)
        with self._audit.doing(actor, Event.SETTINGS_CHANGE) as note:
            version = self._installation.set_settings(after.as_json(), based_on)
            note.thing = _SETTINGS
            note.before, note.after = changed(_entry(before, based_on), _entry(after, version))
        self._current.read()
        return self._view(after, version)

    def _stored(self) -> tuple[InstallationSettings, int]:
        document, version = self._installation.settings()
        return InstallationSettings.model_validate(document), version

    def _view(self, said: InstallationSettings, version: int) -> SettingsView:
        environment = self._current.environment
        return SettingsView(version, said, environment, environment.under(said))

    def _problems(self, said: InstallationSettings) -> Iterator[Problem]:
        """Everything that can be wrong without asking anybody."""
        environment = self._current.environment
        formats: Sequence[str] = environment.formats
        if said.formats is not None:
            formats = said.formats
            yield from format_problems(said.formats)
        yield from option_problems(resolved(environment.export, said.export), formats)
        if said.report_schedule is not None:
            yield from cron_problems(said.report_schedule.cron, "/report_schedule/cron")
            yield from format_problems(said.report_schedule.formats, "/report_schedule/formats")
        yield from time_zone_problems(said.time_zone)

    def _deadline_problems(self, before: InstallationSettings, after: InstallationSettings) -> Iterator[Problem]:
        given = after.count_deadline_seconds
        if given is None or given == before.count_deadline_seconds:
            return
        limit = float(self._reader.scalar(LONGEST_QUERY))
        if 0 < limit < given:
            yield DEADLINE_OVER_PROFILE.at("/count_deadline_seconds", given=given, limit=f"{limit:g}")


def _read(document: Mapping[str, Any]) -> InstallationSettings:
    try:
        return InstallationSettings.model_validate(document)
    except ValidationError as error:
        placed = [{**one, "loc": ("body", *one["loc"])} for one in error.errors()]
        raise UserError(*problems_of(placed, "")) from error


def _entry(said: InstallationSettings, version: int) -> dict[str, Any]:
    """All keys, those that say nothing as None."""
    return {"version": version, **dict.fromkeys(type(said).model_fields), **said.as_json()}
