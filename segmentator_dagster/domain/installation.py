"""What administrators set for everybody, over what the environment says -> what is in force."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, Strict

from segmentator_dagster.domain.errors import Language
from segmentator_dagster.domain.export import Format
from segmentator_dagster.domain.export_options import ExportOptions, layered

MOST_EXPORT_DAYS = 36_500
MOST_LINK_SECONDS = 60
MOST_DEADLINE_SECONDS = 3600

ExportDays = Annotated[int, Strict(), Field(ge=1, le=MOST_EXPORT_DAYS)]
LinkSeconds = Annotated[int, Strict(), Field(ge=1, le=MOST_LINK_SECONDS)]
DeadlineSeconds = Annotated[int, Strict(), Field(ge=1, le=MOST_DEADLINE_SECONDS)]
FormatNames = Annotated[tuple[str, ...], Field(fail_fast=True)]


class ReportSchedule(BaseModel):
    """When reports are made, and as what."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cron: str = Field(description="five fields, in the time zone of these settings", examples=["0 7 * * 1"])
    formats: FormatNames = Field(description="`csv`, `xlsx`, `parquet`; each at most once")


class InstallationSettings(BaseModel):
    """JSON of what is set; a key that is missing or null says nothing. Unknown keys and wrong types are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    export: ExportOptions | None = Field(
        None, description="how files look where segment and request say nothing: one layer of `export`"
    )
    formats: FormatNames | None = Field(
        None, description="what is exported where a request or a schedule names no formats"
    )
    export_days: ExportDays | None = Field(
        None, description="how long files are kept, days; those that are there already keep their day"
    )
    link_seconds: LinkSeconds | None = Field(None, description="how long a download link lives, seconds")
    report_schedule: ReportSchedule | None = Field(
        None, description="when reports are made; kept for the reports to come, nothing is made by it yet"
    )
    time_zone: str | None = Field(
        None, description="IANA name: of segments and rules that name none; saved segments keep theirs"
    )
    language: Language | None = Field(
        None,
        description="of messages where a request names none in `Accept-Language`; of the sheet about a workbook where "
        "`headers` names none",
    )
    count_deadline_seconds: DeadlineSeconds | None = Field(
        None, description="longest count or preview, seconds; not longer than the profile of ClickHouse allows"
    )

    def as_json(self) -> dict[str, Any]:
        """What is said and no more."""
        return self.model_dump(mode="json", exclude_none=True)


@dataclass(frozen=True, slots=True)
class EffectiveSettings:
    """What holds. The values here are those of an installation that says nothing."""

    export: ExportOptions | None = None
    formats: tuple[Format, ...] = (Format.CSV, Format.XLSX)
    export_days: int = 30
    link_seconds: int = MOST_LINK_SECONDS
    report_schedule: ReportSchedule | None = None
    time_zone: str = "Europe/Moscow"
    language: Language = "ru"
    count_deadline_seconds: int = 30

    def under(self, said: InstallationSettings) -> EffectiveSettings:
        """What is said where it is said, this where not; ValueError where a format is none of ours."""
        made = {name: value for name in type(said).model_fields if (value := getattr(said, name)) is not None}
        if said.export is not None:
            made["export"] = layered(self.export, said.export)
        if said.formats is not None:
            made["formats"] = tuple(Format(name) for name in said.formats)
        return replace(self, **made)
