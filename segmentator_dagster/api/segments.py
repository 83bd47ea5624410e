"""The use cases of segments: write, read, change, copy, delete, restore."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from segmentator_dagster.api.drafts import (
    SegmentChanges,
    SegmentDraft,
    clean_name,
    clean_tags,
    draft_problems,
    name_problems,
)
from segmentator_dagster.api.mirror import DagsterMirror
from segmentator_dagster.api.rules import RuleDraft, RuleService
from segmentator_dagster.domain.errors import Problem, UserError
from segmentator_dagster.domain.export import Export
from segmentator_dagster.domain.export_checking import option_problems
from segmentator_dagster.domain.export_options import ExportOptions, resolved
from segmentator_dagster.domain.rule_json import rule_json
from segmentator_dagster.domain.segment import NAME_LENGTH, Definition, Segment, Version
from segmentator_dagster.storage.metadata.exports import Exports
from segmentator_dagster.storage.metadata.pages import Page
from segmentator_dagster.storage.metadata.references import Dependent, Kind, References
from segmentator_dagster.storage.metadata.segments import NAME_TAKEN, Segments

OWNER = "local"  # until login exists
_COPIES = 1000


@dataclass(frozen=True, slots=True)
class SegmentView:
    """A segment as it is shown: with its newest export and the segments that use it."""

    segment: Segment
    last_export: Export | None
    used_by: tuple[Dependent, ...] = ()


class SegmentService:
    def __init__(
        self,
        segments: Segments,
        exports: Exports,
        references: References,
        rules: RuleService,
        mirror: DagsterMirror,
        *,
        installation: ExportOptions | None,
    ) -> None:
        self._segments = segments
        self._exports = exports
        self._references = references
        self._rules = rules
        self._mirror = mirror
        self._installation = installation

    def create(self, draft: SegmentDraft, beside: Sequence[Problem] = ()) -> SegmentView:
        """UserError with every problem of the draft at once, after those `beside`; or name_taken."""
        definition, fingerprint = self._definition(draft, beside)
        segment = self._segments.create(definition, fingerprint, OWNER)
        self._mirror.add(segment)
        return SegmentView(segment, None)

    def get(self, segment_id: int) -> SegmentView:
        return self._view(self._segments.get(segment_id))

    def update(self, segment_id: int, based_on: int, changes: SegmentChanges) -> SegmentView:
        """Change the given keys. The data is asked only where the change has to do with it.

        UserError version_conflict with the current SegmentView as `extra["current"]`.
        """
        current = self._segments.get(segment_id)
        draft = replace(_draft(current.definition), **changes)
        names_fields = "export" in changes and draft.export is not None and draft.export.names_fields
        if names_fields or {"rule", "dataset", "columns", "time_zone"} & changes.keys():
            definition, fingerprint = self._definition(draft, segment_id=segment_id)
        else:
            definition, fingerprint = self._unchecked(draft, current), current.fingerprint
        try:
            return self._view(self._segments.update(segment_id, based_on, definition, fingerprint, OWNER))
        except UserError as error:
            raise UserError(*error.problems, extra=self._viewed(error.extra)) from error

    def delete(self, segment_id: int) -> None:
        """UserError segment_in_use where a live segment refers to it."""
        segment = self._segments.get(segment_id)
        self._segments.delete(segment_id)
        self._mirror.remove(segment)

    def restore(self, segment_id: int) -> SegmentView:
        segment = self._segments.restore(segment_id)
        self._mirror.add(segment)
        return self._view(segment)

    def copy(self, segment_id: int, name: str | None) -> SegmentView:
        """A new segment of the same definition, without its schedule. No name: the old one marked as a copy."""
        original = self._segments.get(segment_id)
        definition = replace(original.definition, schedule=None)
        if name is not None:
            if problems := list(name_problems(name)):
                raise UserError(*problems)
            segment = self._segments.create(replace(definition, name=clean_name(name)), original.fingerprint, OWNER)
        else:
            segment = self._first_free(definition, original.fingerprint)
        self._mirror.add(segment)
        return SegmentView(segment, None)

    def versions(self, segment_id: int) -> tuple[Version, ...]:
        return self._segments.versions(segment_id)

    def page(self, **filters: Any) -> Page[SegmentView]:
        """The filters are those of `Segments.page`."""
        page = self._segments.page(**filters)
        return Page(self._views(page.items), page.next_cursor)

    def _definition(
        self, draft: SegmentDraft, beside: Sequence[Problem] = (), *, segment_id: int | None = None
    ) -> tuple[Definition, str]:
        checked = self._rules.checked(
            RuleDraft(draft.rule, draft.dataset, draft.time_zone),
            draft.columns,
            beside=[*beside, *self._draft_problems(draft)],
            export=draft.export and resolved(self._installation, draft.export),
            segment_id=segment_id,
        )
        definition = Definition(
            name=clean_name(draft.name),
            rule=rule_json(checked.rule),
            dataset=checked.dataset.name,
            time_zone=checked.time_zone,
            description=draft.description,
            tags=clean_tags(draft.tags),
            columns=draft.columns,
            schedule=draft.schedule,
            export=draft.export,
        )
        return definition, checked.fingerprint

    def _draft_problems(self, draft: SegmentDraft) -> list[Problem]:
        """Everything that can be wrong without looking at the data."""
        found = list(draft_problems(draft))
        if draft.export is not None:
            formats = draft.schedule.formats if draft.schedule else ()
            found += option_problems(resolved(self._installation, draft.export), formats, "/schedule/formats")
        return found

    def _unchecked(self, draft: SegmentDraft, current: Segment) -> Definition:
        if problems := self._draft_problems(draft):
            raise UserError(*problems)
        return replace(
            current.definition,
            name=clean_name(draft.name),
            description=draft.description,
            tags=clean_tags(draft.tags),
            schedule=draft.schedule,
            export=draft.export,
        )

    def _first_free(self, definition: Definition, fingerprint: str) -> Segment:
        for number in range(1, _COPIES):
            suffix = " (копия)" if number == 1 else f" (копия {number})"
            name = definition.name[: NAME_LENGTH - len(suffix)].rstrip() + suffix
            try:
                return self._segments.create(replace(definition, name=name), fingerprint, OWNER)
            except UserError as error:
                if error.code != NAME_TAKEN.code:
                    raise
        raise NAME_TAKEN.error("/name", name=definition.name)

    def _view(self, segment: Segment) -> SegmentView:
        return self._views([segment])[0]

    def _views(self, segments: Iterable[Segment]) -> tuple[SegmentView, ...]:
        shown = tuple(segments)
        ids = [segment.id for segment in shown]
        newest = self._exports.latest_of_segments(ids)
        dependents = self._references.dependents(Kind.SEGMENT, ids)
        return tuple(SegmentView(segment, newest.get(segment.id), dependents.get(segment.id, ())) for segment in shown)

    def _viewed(self, extra: dict[str, object]) -> dict[str, object]:
        return {key: self._view(value) if isinstance(value, Segment) else value for key, value in extra.items()}


def _draft(definition: Definition) -> SegmentDraft:
    return SegmentDraft(
        name=definition.name,
        rule=definition.rule,
        description=definition.description,
        tags=definition.tags,
        dataset=definition.dataset,
        columns=definition.columns,
        time_zone=definition.time_zone,
        schedule=definition.schedule,
        export=definition.export,
    )
