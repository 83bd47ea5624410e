"""Segments as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field

from segmentator_dagster.api.drafts import SegmentChanges, SegmentDraft
from segmentator_dagster.api.schemas import examples
from segmentator_dagster.api.schemas.broken import BrokenOut, UsedByOut
from segmentator_dagster.api.schemas.export_options import EXAMPLE_LAYER, Layer
from segmentator_dagster.api.schemas.exports import EXAMPLE_EXPORT, ExportOut
from segmentator_dagster.api.schemas.queries import PageQuery, Plain
from segmentator_dagster.api.schemas.sharing import EXAMPLE_PERSON, NamedOut, VisibilityOf
from segmentator_dagster.api.segments import SegmentView, VersionView
from segmentator_dagster.domain.dagster_pages import dagster_partition_url
from segmentator_dagster.domain.errors import Language
from segmentator_dagster.domain.rule_json import rule_json
from segmentator_dagster.domain.segment import Schedule, Visibility
from segmentator_dagster.storage.metadata.pages import Page

_EXAMPLE_DRAFT: dict[str, Any] = {
    "name": "iOS, мартовская когорта",
    "rule": examples.RULE,
    "tags": ["ios"],
    "columns": ["platform_main", "cohort"],
    "schedule": {"cron": "0 6 * * 1", "formats": ["csv"]},
    "export": EXAMPLE_LAYER,
}
_EXAMPLE_SEGMENT: dict[str, Any] = {
    "id": 17,
    "name": "iOS, мартовская когорта",
    "description": "",
    "tags": ["ios"],
    "dataset": "user_activity",
    "rule": rule_json(examples.CHECKED.rule),
    "columns": ["platform_main", "cohort"],
    "time_zone": "Europe/Moscow",
    "schedule": {"cron": "0 6 * * 1", "formats": ["csv"]},
    "export": EXAMPLE_LAYER,
    "version": 3,
    "owner": EXAMPLE_PERSON,
    "visibility": "team",
    "created_at": "2026-01-30T09:00:00.000000Z",
    "updated_at": "2026-01-31T09:59:00.000000Z",
    "last_export": EXAMPLE_EXPORT,
    "broken": None,
    "used_by": [{"id": 21, "name": "iOS, вернувшиеся"}],
    "links": {"dagster": "http://127.0.0.1:8000/dagster/assets/segment_audience?view=partitions&partition=17"},
}
_EXAMPLE_VERSION: dict[str, Any] = {
    **{
        key: _EXAMPLE_SEGMENT[key]
        for key in ("name", "description", "tags", "dataset", "rule", "columns", "time_zone", "schedule", "export")
    },
    "segment_id": 17,
    "version": 3,
    "created_by": EXAMPLE_PERSON,
    "created_at": "2026-01-31T09:59:00.000000Z",
}

Texts = Annotated[list[str], Field(fail_fast=True)]  # ten megabytes of wrong items are one problem
Rule = Annotated[Any, Field(description="the rule: who belongs to the audience")]
Name = Annotated[str, Field(description="1 to 50 characters, unique among live segments whatever the case")]
Description = Annotated[str, Field(description="at most 2000 characters")]
Tags = Annotated[Texts, Field(description="at most 20 of at most 50 characters; case does not make a difference")]
DatasetName = Annotated[str | None, Field(description="base dataset; null: the installation's default")]
Columns = Annotated[
    Texts | None, Field(description="fields of the dataset in the files, after the user id; null: all of them")
]
TimeZone = Annotated[
    str | None, Field(description="IANA name; the schedule and moments in rules are read in it; null: the default")
]


class _In(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")


class ScheduleIn(_In):
    cron: str = Field(description="five fields, in the segment's time zone", examples=["0 6 * * 1"])
    formats: Texts | None = Field(
        None, description="`csv`, `xlsx`, `parquet`, each at most once; null: those of the settings when it is time"
    )

    def schedule(self) -> Schedule:
        return Schedule(self.cron, None if self.formats is None else tuple(self.formats))


class SegmentIn(_In):
    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE_DRAFT]})

    name: Name
    rule: Rule
    description: Description = ""
    tags: Tags = Field(default_factory=list)
    dataset: DatasetName = None
    columns: Columns = None
    time_zone: TimeZone = None
    schedule: ScheduleIn | None = Field(None, description="null: exported on demand only")
    export: Layer = None
    visibility: VisibilityOf = Visibility.PRIVATE

    def draft(self) -> SegmentDraft:
        return SegmentDraft(
            name=self.name,
            rule=self.rule,
            description=self.description,
            tags=tuple(self.tags),
            dataset=self.dataset,
            columns=None if self.columns is None else tuple(self.columns),
            time_zone=self.time_zone,
            schedule=self.schedule.schedule() if self.schedule else None,
            export=self.export,
        )


class SegmentPatch(_In):
    """The keys that shall change. Those that are not there stay as they are."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"version": 3, "name": "iOS, март", "schedule": None}]})

    version: int = Field(description="the version this change is based on")
    name: Name = Field(default_factory=str)
    rule: Rule = None
    description: Description = Field(default_factory=str)
    tags: Tags = Field(default_factory=list)
    dataset: DatasetName = None
    columns: Columns = None
    time_zone: TimeZone = None
    schedule: ScheduleIn | None = None
    export: Layer = None

    def changes(self) -> SegmentChanges:
        made: SegmentChanges = {}
        given = self.model_fields_set
        if "name" in given:
            made["name"] = self.name
        if "rule" in given:
            made["rule"] = self.rule
        if "description" in given:
            made["description"] = self.description
        if "tags" in given:
            made["tags"] = tuple(self.tags)
        if "dataset" in given:
            made["dataset"] = self.dataset
        if "columns" in given:
            made["columns"] = None if self.columns is None else tuple(self.columns)
        if "time_zone" in given:
            made["time_zone"] = self.time_zone
        if "schedule" in given:
            made["schedule"] = self.schedule.schedule() if self.schedule else None
        if "export" in given:
            made["export"] = self.export
        return made


class CopyIn(_In):
    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "iOS, апрельская когорта"}]})

    name: str | None = Field(None, description="null: the old name marked as a copy")


class SegmentsQuery(PageQuery):
    tag: Plain | None = Field(None, max_length=50, description="a whole tag; case is ignored")
    owner: int | None = Field(None, ge=1, lt=2**31, description="id of a person: only theirs")
    broken: bool | None = Field(None, description="only those that are broken, or only those that are not")


class ScheduleOut(BaseModel):
    cron: str
    formats: list[str] | None = Field(description="null: those of the settings when it is time")

    @classmethod
    def of(cls, schedule: Schedule | None) -> Self | None:
        if schedule is None:
            return None
        return cls(cron=schedule.cron, formats=None if schedule.formats is None else list(schedule.formats))


class SegmentLinks(BaseModel):
    dagster: str | None = Field(
        description="the segment's partition in the interface of Dagster; null for who may not open it"
    )


class SegmentOut(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE_SEGMENT]})

    id: int
    name: str
    description: str
    tags: list[str]
    dataset: str
    rule: dict[str, Any] = Field(description="the rule with shorthand and defaults written out")
    columns: list[str] | None
    time_zone: str
    schedule: ScheduleOut | None
    export: Layer
    version: int = Field(description="every change makes the next one; a PATCH says which it is based on")
    owner: NamedOut | None = Field(description="null: made before there were people")
    visibility: VisibilityOf
    created_at: datetime
    updated_at: datetime
    last_export: ExportOut | None
    broken: BrokenOut | None = Field(description="why it cannot be computed any more; null: it can")
    used_by: list[UsedByOut] = Field(description="live segments whose rule refers to it")
    links: SegmentLinks

    @classmethod
    def of(cls, view: SegmentView, language: Language, dagster_url: str | None) -> Self:
        segment, definition = view.segment, view.segment.definition
        return cls(
            id=segment.id,
            name=definition.name,
            description=definition.description,
            tags=list(definition.tags),
            dataset=definition.dataset,
            rule=dict(definition.rule),
            columns=None if definition.columns is None else list(definition.columns),
            time_zone=definition.time_zone,
            schedule=ScheduleOut.of(definition.schedule),
            export=definition.export,
            version=segment.version,
            owner=NamedOut.of(view.owner),
            visibility=segment.visibility,
            created_at=segment.created_at,
            updated_at=segment.updated_at,
            last_export=ExportOut.of(view.last_export, language, dagster_url) if view.last_export else None,
            broken=BrokenOut.of(segment.broken, language) if segment.broken else None,
            used_by=[UsedByOut.of(dependent) for dependent in view.used_by],
            links=SegmentLinks(dagster=None if dagster_url is None else dagster_partition_url(dagster_url, segment.id)),
        )


class SegmentPageOut(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [_EXAMPLE_SEGMENT], "next_cursor": None}]})

    items: list[SegmentOut]
    next_cursor: str | None = Field(description="give it as `cursor` for the next page; null: this was the last one")

    @classmethod
    def of(cls, page: Page[SegmentView], language: Language, dagster_url: str | None) -> Self:
        items = [SegmentOut.of(view, language, dagster_url) for view in page.items]
        return cls(items=items, next_cursor=page.next_cursor)


class VersionOut(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE_VERSION]})

    segment_id: int
    version: int
    name: str
    description: str
    tags: list[str]
    dataset: str
    rule: dict[str, Any]
    columns: list[str] | None
    time_zone: str
    schedule: ScheduleOut | None
    export: Layer
    created_by: NamedOut | None
    created_at: datetime

    @classmethod
    def of(cls, view: VersionView) -> Self:
        version = view.version
        definition = version.definition
        return cls(
            segment_id=version.segment_id,
            version=version.version,
            name=definition.name,
            description=definition.description,
            tags=list(definition.tags),
            dataset=definition.dataset,
            rule=dict(definition.rule),
            columns=None if definition.columns is None else list(definition.columns),
            time_zone=definition.time_zone,
            schedule=ScheduleOut.of(definition.schedule),
            export=definition.export,
            created_by=NamedOut.of(view.created_by),
            created_at=version.created_at,
        )


class VersionsOut(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [_EXAMPLE_VERSION]}]})

    items: list[VersionOut]
