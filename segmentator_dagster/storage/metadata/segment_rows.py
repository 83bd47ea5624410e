"""Rows of segments and their versions <-> the domain's own records."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from segmentator_dagster.domain.export_options import ExportOptions
from segmentator_dagster.domain.schedule import next_due
from segmentator_dagster.domain.segment import (
    Broken,
    Definition,
    Fault,
    Schedule,
    Segment,
    Version,
    Visibility,
    search_key,
)
from segmentator_dagster.storage.metadata.models import SegmentRow, SegmentTagRow, SegmentVersionRow


def due_after(definition: Definition, moment: datetime) -> datetime | None:
    if definition.schedule is None:
        return None
    return next_due(definition.schedule.cron, definition.time_zone, moment)


def write_row(row: SegmentRow, definition: Definition, fingerprint: str, moment: datetime) -> None:
    rescheduled = row.schedule != _schedule_json(definition.schedule) or row.time_zone != definition.time_zone
    row.name = definition.name
    row.name_key = search_key(definition.name)
    row.search_text = search_key("\n".join([definition.name, definition.description, *definition.tags]))
    row.description = definition.description
    row.dataset = definition.dataset
    row.rule = dict(definition.rule)
    row.rule_version = definition.rule_version
    row.columns = list(definition.columns) if definition.columns is not None else None
    row.time_zone = definition.time_zone
    row.schedule = _schedule_json(definition.schedule)
    row.export_options = definition.export.as_json() if definition.export is not None else None
    row.fingerprint = fingerprint
    row.updated_at = moment
    if rescheduled:
        row.next_due_at = due_after(definition, moment)
    kept = {tag.tag_key: tag for tag in row.tags}
    row.tags = [
        _placed(kept.get(search_key(tag)) or SegmentTagRow(tag_key=search_key(tag)), tag, position)
        for position, tag in enumerate(definition.tags)
    ]


def _placed(row: SegmentTagRow, tag: str, position: int) -> SegmentTagRow:
    row.tag = tag
    row.position = position
    return row


def version_row(row: SegmentRow, definition: Definition, author_id: int | None, moment: datetime) -> SegmentVersionRow:
    return SegmentVersionRow(
        segment_id=row.id,
        version=row.version,
        name=row.name,
        description=row.description,
        tags=list(definition.tags),
        dataset=row.dataset,
        rule=row.rule,
        rule_version=row.rule_version,
        columns=row.columns,
        time_zone=row.time_zone,
        schedule=row.schedule,
        export_options=row.export_options,
        fingerprint=row.fingerprint,
        created_by_id=author_id,
        created_at=moment,
    )


def definition_of(row: SegmentRow | SegmentVersionRow) -> Definition:
    tags = tuple(tag.tag if isinstance(tag, SegmentTagRow) else tag for tag in row.tags)
    return Definition(
        name=row.name,
        rule=row.rule,
        dataset=row.dataset,
        time_zone=row.time_zone,
        description=row.description,
        tags=tags,
        columns=tuple(row.columns) if row.columns is not None else None,
        schedule=_schedule(row.schedule),
        export=ExportOptions.model_validate(row.export_options) if row.export_options is not None else None,
        rule_version=row.rule_version,
    )


def _schedule(value: Mapping[str, Any] | None) -> Schedule | None:
    if not value:
        return None
    return Schedule(value["cron"], None if value["formats"] is None else tuple(value["formats"]))


def _schedule_json(schedule: Schedule | None) -> dict[str, Any] | None:
    if schedule is None:
        return None
    return {"cron": schedule.cron, "formats": None if schedule.formats is None else list(schedule.formats)}


def segment_of(row: SegmentRow) -> Segment:
    return Segment(
        id=row.id,
        version=row.version,
        definition=definition_of(row),
        fingerprint=row.fingerprint,
        owner_id=row.owner_id,
        created_at=row.created_at,
        updated_at=row.updated_at,
        deleted_at=row.deleted_at,
        broken=_broken(row),
        visibility=Visibility(row.visibility),
    )


def _broken(row: SegmentRow) -> Broken | None:
    if row.broken is None or row.broken_since is None:
        return None
    return Broken(row.broken_since, tuple(Fault(**fault) for fault in row.broken))


def version_of(row: SegmentVersionRow) -> Version:
    return Version(row.segment_id, row.version, definition_of(row), row.fingerprint, row.created_by_id, row.created_at)
