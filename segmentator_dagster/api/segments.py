"""The use cases of segments: write, read, change, copy, delete, restore."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
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
from segmentator_dagster.api.export_access import as_seen
from segmentator_dagster.api.mirror import DagsterMirror
from segmentator_dagster.api.ownership import Named, named, sharing_entry, wanted_sharing
from segmentator_dagster.api.rules import RuleDraft, RuleService
from segmentator_dagster.domain.access import Action, Actor, require
from segmentator_dagster.domain.audit import Event, Thing, changed, definition_entry
from segmentator_dagster.domain.errors import Problem, UserError
from segmentator_dagster.domain.export import Export
from segmentator_dagster.domain.export_checking import option_problems
from segmentator_dagster.domain.export_options import resolved
from segmentator_dagster.domain.installation import EffectiveSettings
from segmentator_dagster.domain.rule_json import rule_json
from segmentator_dagster.domain.segment import NAME_LENGTH, Definition, Segment, Version, Visibility
from segmentator_dagster.storage.metadata.audit import Audit
from segmentator_dagster.storage.metadata.exports import Exports
from segmentator_dagster.storage.metadata.pages import Page
from segmentator_dagster.storage.metadata.people import People
from segmentator_dagster.storage.metadata.references import Dependent, Kind, References
from segmentator_dagster.storage.metadata.segment_problems import NAME_TAKEN
from segmentator_dagster.storage.metadata.segments import Segments

_COPIES = 1000


@dataclass(frozen=True, slots=True)
class SegmentView:
    """A segment as it is shown: whose it is, its newest export and the segments that use it."""

    segment: Segment
    last_export: Export | None
    owner: Named | None = None
    used_by: tuple[Dependent, ...] = ()


@dataclass(frozen=True, slots=True)
class VersionView:
    version: Version
    created_by: Named | None


class SegmentService:
    def __init__(
        self,
        segments: Segments,
        exports: Exports,
        references: References,
        rules: RuleService,
        *,
        people: People,
        audit: Audit,
        mirror: DagsterMirror,
        settings_now: Callable[[], EffectiveSettings],
    ) -> None:
        self._segments = segments
        self._exports = exports
        self._references = references
        self._rules = rules
        self._people = people
        self._audit = audit
        self._mirror = mirror
        self._settings_now = settings_now

    def create(
        self,
        actor: Actor,
        draft: SegmentDraft,
        beside: Sequence[Problem] = (),
        visibility: Visibility = Visibility.PRIVATE,
    ) -> SegmentView:
        """UserError with every problem of the draft at once, after those `beside`; or name_taken."""
        require(actor, Action.SEGMENTS_CHANGE)
        definition, fingerprint = self._definition(actor, draft, beside)
        return self._made(actor, definition, fingerprint, visibility)

    def get(self, actor: Actor, segment_id: int) -> SegmentView:
        require(actor, Action.SEGMENTS_READ)
        return self._view(actor, self._segments.get(segment_id, actor.viewer))

    def update(self, actor: Actor, segment_id: int, based_on: int, changes: SegmentChanges) -> SegmentView:
        """Change the given keys. The data is asked only where the change has to do with it.

        UserError version_conflict with the current SegmentView as `extra["current"]`.
        """
        current = self._own(actor, segment_id)
        draft = replace(_draft(current.definition), **changes)
        names_fields = "export" in changes and draft.export is not None and draft.export.names_fields
        if names_fields or {"rule", "dataset", "columns", "time_zone"} & changes.keys():
            definition, fingerprint = self._definition(actor, draft, segment_id=segment_id)
        else:
            definition, fingerprint = self._unchecked(draft, current), current.fingerprint
        try:
            with self._audit.doing(actor, Event.SEGMENT_CHANGE) as note:
                segment = self._segments.update(segment_id, based_on, definition, fingerprint, actor.person_id)
                note.thing, note.skip = _thing(segment), segment.version == current.version
                before = definition_entry(current.definition, current.version)
                note.before, note.after = changed(before, definition_entry(definition, segment.version))
        except UserError as error:
            raise UserError(*error.problems, extra=self._viewed(actor, error.extra)) from error
        return self._view(actor, segment)

    def share(self, actor: Actor, segment_id: int, visibility: Visibility | None, owner_id: int | None) -> SegmentView:
        """Say who sees it, and whose it is; UserError as of `wanted_sharing`."""
        current = self._own(actor, segment_id)
        wanted = wanted_sharing(actor, current, visibility, owner_id, self._people)
        with self._audit.doing(actor, Event.SEGMENT_SHARE) as note:
            segment = self._segments.share(segment_id, *wanted)
            note.thing = _thing(segment)
            note.before, note.after = sharing_entry(current), sharing_entry(segment)
        return self._view(actor, segment)

    def delete(self, actor: Actor, segment_id: int) -> None:
        """UserError segment_in_use where a live segment refers to it."""
        segment = self._own(actor, segment_id)
        with self._audit.doing(actor, Event.SEGMENT_DELETE) as note:
            self._segments.delete(segment_id, actor.viewer)
            note.thing, note.before = _thing(segment), definition_entry(segment.definition, segment.version)
        self._mirror.remove(segment)

    def restore(self, actor: Actor, segment_id: int) -> SegmentView:
        before = self._own(actor, segment_id, with_deleted=True)
        with self._audit.doing(actor, Event.SEGMENT_RESTORE) as note:
            segment = self._segments.restore(segment_id)
            note.thing, note.skip = _thing(segment), before.deleted_at is None
        self._mirror.add(segment)
        return self._view(actor, segment)

    def copy(self, actor: Actor, segment_id: int, name: str | None) -> SegmentView:
        """A new segment of the same definition, without its schedule. No name: the old one marked as a copy."""
        require(actor, Action.SEGMENTS_CHANGE)
        original = self._segments.get(segment_id, actor.viewer)
        definition = replace(original.definition, schedule=None)
        if name is None:
            return self._first_free(actor, definition, original.fingerprint)
        if problems := list(name_problems(name)):
            raise UserError(*problems)
        named = replace(definition, name=clean_name(name))
        return self._made(actor, named, original.fingerprint, Visibility.PRIVATE)

    def versions(self, actor: Actor, segment_id: int) -> tuple[VersionView, ...]:
        """Newest first, also of a deleted segment."""
        require(actor, Action.SEGMENTS_READ)
        self._segments.get(segment_id, actor.viewer, with_deleted=True)
        versions = self._segments.versions(segment_id)
        names = self._people.names({version.created_by_id for version in versions})
        return tuple(VersionView(version, named(version.created_by_id, names)) for version in versions)

    def page(self, actor: Actor, **filters: Any) -> Page[SegmentView]:
        """The filters are those of `Segments.page`."""
        require(actor, Action.SEGMENTS_READ)
        with self._segments.at_one_moment():
            page = self._segments.page(**filters, viewer=actor.viewer)
            return Page(self._views(actor, page.items), page.next_cursor)

    def _own(self, actor: Actor, segment_id: int, *, with_deleted: bool = False) -> Segment:
        """A segment that the actor may change."""
        segment = self._segments.get(segment_id, actor.viewer, with_deleted=with_deleted)
        require(actor, Action.SEGMENTS_CHANGE, segment)
        return segment

    def _made(self, actor: Actor, definition: Definition, fingerprint: str, visibility: Visibility) -> SegmentView:
        with self._audit.doing(actor, Event.SEGMENT_CREATE) as note:
            segment = self._segments.create(definition, fingerprint, actor.person_id, visibility)
            note.thing = _thing(segment)
            note.after = {**definition_entry(definition, segment.version), "visibility": visibility.value}
        self._mirror.add(segment)
        return self._view(actor, segment)

    def _definition(
        self, actor: Actor, draft: SegmentDraft, beside: Sequence[Problem] = (), *, segment_id: int | None = None
    ) -> tuple[Definition, str]:
        checked = self._rules.checked(
            actor,
            RuleDraft(draft.rule, draft.dataset, draft.time_zone),
            draft.columns,
            beside=[*beside, *self._draft_problems(draft)],
            export=draft.export and resolved(self._settings_now().export, draft.export),
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
            settings, formats = self._settings_now(), draft.schedule.formats if draft.schedule else ()
            options = resolved(settings.export, draft.export)
            found += option_problems(options, settings.formats if formats is None else formats, "/schedule/formats")
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

    def _first_free(self, actor: Actor, definition: Definition, fingerprint: str) -> SegmentView:
        for number in range(1, _COPIES):
            suffix = " (копия)" if number == 1 else f" (копия {number})"
            name = definition.name[: NAME_LENGTH - len(suffix)].rstrip() + suffix
            try:
                return self._made(actor, replace(definition, name=name), fingerprint, Visibility.PRIVATE)
            except UserError as error:
                if error.code != NAME_TAKEN.code:
                    raise
        raise NAME_TAKEN.error("/name", name=definition.name)

    def _view(self, actor: Actor, segment: Segment) -> SegmentView:
        return self._views(actor, [segment])[0]

    def _views(self, actor: Actor, segments: Iterable[Segment]) -> tuple[SegmentView, ...]:
        shown = tuple(segments)
        ids = [segment.id for segment in shown]
        newest = {id_: as_seen(export, actor.access) for id_, export in self._exports.latest_of_segments(ids).items()}
        dependents = self._references.dependents(Kind.SEGMENT, ids, actor.viewer)
        names = self._people.names({segment.owner_id for segment in shown})
        return tuple(
            SegmentView(segment, newest.get(segment.id), named(segment.owner_id, names), dependents.get(segment.id, ()))
            for segment in shown
        )

    def _viewed(self, actor: Actor, extra: dict[str, object]) -> dict[str, object]:
        return {key: self._view(actor, value) if isinstance(value, Segment) else value for key, value in extra.items()}


def _thing(segment: Segment) -> Thing:
    return Thing("segment", str(segment.id), segment.definition.name)


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
