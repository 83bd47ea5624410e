"""A segment -> its rule file, for another installation; a rule file -> a segment of this one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from segmentator_dagster.api.drafts import SegmentDraft
from segmentator_dagster.api.segments import SegmentService, SegmentView
from segmentator_dagster.domain.access import Action, Actor, require
from segmentator_dagster.domain.definition import saved_rule
from segmentator_dagster.domain.rule_file import read_rule_file, rule_file
from segmentator_dagster.exports.titles import on_disk
from segmentator_dagster.storage.metadata.references import Kind, References
from segmentator_dagster.storage.metadata.segments import Segments


@dataclass(frozen=True, slots=True)
class RuleFileDownload:
    file_name: str
    document: dict[str, Any]


class RuleFileService:
    def __init__(self, stored: Segments, references: References, segments: SegmentService) -> None:
        self._stored = stored
        self._references = references
        self._segments = segments

    def download(self, actor: Actor, segment_id: int, version: int | None) -> RuleFileDownload:
        """The rule of a version of a live segment, the present one for None. The data are not asked.

        UserError version_not_found; rule_too_new or broken_segment where the rule, or one it refers to, cannot be read.
        """
        require(actor, Action.SEGMENTS_READ)
        segment = self._stored.get(segment_id, actor.viewer)
        number = segment.version if version is None else version
        definition = self._stored.version(segment_id, number).definition
        rule = saved_rule(definition)
        library = self._references.library(rule)
        document = rule_file(definition.name, definition.dataset, definition.time_zone, rule, library)
        return RuleFileDownload(f"{on_disk(definition.name)} v{number}.rule.json", document)

    def load(self, actor: Actor, document: object, name: str | None) -> SegmentView:
        """A new segment of any JSON that is a rule file; None: called as the file says.

        UserError with every problem of the file at once, each with a pointer into it; or name_taken.
        """
        require(actor, Action.SEGMENTS_CHANGE)
        segments, lists = (self._references.ids_by_name(kind, actor.viewer) for kind in (Kind.SEGMENT, Kind.LIST))
        file = read_rule_file(document, segments, lists)
        draft = SegmentDraft(
            name=file.name if name is None else name, rule=file.rule, dataset=file.dataset, time_zone=file.time_zone
        )
        return self._segments.create(actor, draft, beside=file.problems)
