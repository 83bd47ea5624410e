"""Settings in JSON: what is set, what the environment says, what is in force."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, Strict

from segmentator_dagster.api.installation import SettingsView
from segmentator_dagster.api.schemas.export_options import Resolved
from segmentator_dagster.domain.errors import Language
from segmentator_dagster.domain.export import Format
from segmentator_dagster.domain.export_options import resolved
from segmentator_dagster.domain.installation import EffectiveSettings, InstallationSettings, ReportSchedule

_EXAMPLE_PATCH: dict[str, Any] = {
    "version": 4,
    "export": {"csv": {"profile": "excel-ru"}, "headers": "ru"},
    "export_days": 14,
    "report_schedule": {"cron": "0 7 * * 1", "formats": ["xlsx"]},
    "link_seconds": None,
}

_SAID = InstallationSettings.model_validate({key: value for key, value in _EXAMPLE_PATCH.items() if key != "version"})
_EXAMPLE = SettingsView(5, _SAID, EffectiveSettings(), EffectiveSettings().under(_SAID))


class SettingsPatch(InstallationSettings):
    """The keys that shall change. Those that are not there stay as they are; null takes one back."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE_PATCH]})

    version: Annotated[int, Strict()] = Field(description="the version this change is based on")

    def changes(self) -> dict[str, Any]:
        return self.model_dump(mode="json", exclude_unset=True, exclude={"version"})


class EffectiveOut(BaseModel):
    export: Resolved
    formats: list[Format]
    export_days: int
    link_seconds: int
    report_schedule: ReportSchedule | None
    time_zone: str
    language: Language
    count_deadline_seconds: int

    @classmethod
    def of(cls, settings: EffectiveSettings) -> Self:
        return cls(
            export=resolved(settings.export),
            formats=list(settings.formats),
            export_days=settings.export_days,
            link_seconds=settings.link_seconds,
            report_schedule=settings.report_schedule,
            time_zone=settings.time_zone,
            language=settings.language,
            count_deadline_seconds=settings.count_deadline_seconds,
        )


class SettingsOut(BaseModel):
    model_config = ConfigDict(
        json_schema_extra=lambda schema: schema.update(examples=[SettingsOut.of(_EXAMPLE).model_dump(mode="json")])
    )

    version: int = Field(description="give it with a change")
    effective: EffectiveOut = Field(description="what is in force")
    said: Annotated[InstallationSettings, PlainSerializer(lambda settings: settings.as_json())] = Field(
        description="what administrators set; keys that are not there say nothing"
    )
    environment: EffectiveOut = Field(description="what holds where nothing is set: the environment, or our defaults")

    @classmethod
    def of(cls, view: SettingsView) -> Self:
        return cls(
            version=view.version,
            effective=EffectiveOut.of(view.effective),
            said=view.said,
            environment=EffectiveOut.of(view.environment),
        )
