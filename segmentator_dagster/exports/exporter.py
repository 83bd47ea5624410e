"""The main job: a request -> a snapshot of its segment -> files that are whole or not there at all."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from segmentator_dagster.compiler.audience import compile_audience
from segmentator_dagster.compiler.members import member_rows
from segmentator_dagster.compiler.query import CompiledQuery, compile_statement
from segmentator_dagster.domain.catalogue import Catalogue, Dataset
from segmentator_dagster.domain.definition import examined
from segmentator_dagster.domain.describe import describe
from segmentator_dagster.domain.errors import InternalError, Language, Problem, UserError
from segmentator_dagster.domain.export import (
    Export,
    ExportError,
    ExportRequest,
    Format,
    Snapshot,
    Status,
    file_kind,
)
from segmentator_dagster.domain.installation import EffectiveSettings
from segmentator_dagster.domain.references import Library
from segmentator_dagster.domain.rule import Rule
from segmentator_dagster.domain.segment import Version
from segmentator_dagster.exports.columns import base_dataset, columns_of, export_fields, require_dataset
from segmentator_dagster.exports.extract import SPILLING, drop_extracts, extract_name, make_extract
from segmentator_dagster.exports.manifest import manifest
from segmentator_dagster.exports.problems import (
    AUDIENCE_MISSING,
    FILE_INCOMPLETE,
    SEGMENT_BROKEN,
    TOO_MANY_ROWS,
    DuplicateRunError,
    ExportCancelledError,
)
from segmentator_dagster.exports.rendering import Look
from segmentator_dagster.exports.requesters import Requesters
from segmentator_dagster.exports.snapshot import compared, members_of, sample_members, take_snapshot
from segmentator_dagster.exports.source import Source
from segmentator_dagster.exports.split import parts_of
from segmentator_dagster.exports.titles import file_names
from segmentator_dagster.exports.watch import Watch
from segmentator_dagster.exports.writing import FileWriter, Meter, Written
from segmentator_dagster.storage.catalogue import read_catalogue
from segmentator_dagster.storage.clickhouse import ClickHouse
from segmentator_dagster.storage.metadata.attempts import Attempts
from segmentator_dagster.storage.metadata.database import now
from segmentator_dagster.storage.metadata.datasets import Datasets
from segmentator_dagster.storage.metadata.exports import Exports
from segmentator_dagster.storage.metadata.references import References
from segmentator_dagster.storage.metadata.segments import Segments
from segmentator_dagster.storage.metadata.snapshots import Snapshots
from segmentator_dagster.storage.objects import Objects

_SAMPLE = 10
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Run:
    """The Dagster run that works. `request_id` is None for a run that was started in Dagster itself."""

    run_id: str
    parent_run_id: str | None
    automatic_retry: bool
    request_id: str | None
    segment_id: int
    formats: tuple[Format, ...]
    takes_audience: bool


@dataclass(frozen=True, slots=True)
class AudienceTaken:
    """A snapshot and what a person wants to see of it."""

    snapshot: Snapshot
    segment: Version
    sentence: str
    query: CompiledQuery
    sample: Sequence[str]


@dataclass(frozen=True, slots=True)
class Published:
    """A published export: its record and its manifest."""

    export: Export
    manifest: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Exporter:
    segments: Segments
    exports: Exports
    attempts: Attempts
    snapshots: Snapshots
    datasets: Datasets
    references: References
    writer: ClickHouse
    objects: Objects
    members_database: str
    requesters: Requesters
    settings_now: Callable[[], EffectiveSettings] = EffectiveSettings

    def begin(self, run: Run) -> ExportRequest:
        """The request this run works on: the one it was launched for, or a new one for a run made in Dagster.

        DuplicateRunError where another run has the request.
        """
        if run.request_id is None:
            return self._request_of(run)
        if request := self.attempts.claim(run.request_id, run.run_id, run.parent_run_id):
            return request
        request = self.exports.of_request(run.request_id)
        if request is None or not request.final:
            raise DuplicateRunError(run.request_id)
        if request.run_id == run.run_id or run.automatic_retry:
            return request  # everything was finished or cancelled meanwhile: nothing is left to do
        if run.parent_run_id is None:
            raise DuplicateRunError(run.request_id)
        return self._request_of(run)  # a person ran a finished run again

    def take_audience(self, request: ExportRequest) -> AudienceTaken:
        """Run the rule of the requested version and record its snapshot.

        ExportCancelledError where nothing of the request is wanted any more; UserError segment_broken, with the reason,
        where the definition does not go with the data; owner_blocked, export_not_allowed, dataset_not_allowed where who
        asked may no longer have it.
        """
        if request.exports and request.final:
            raise ExportCancelledError("every export of the request has ended")
        definition = self.segments.version(request.segment_id, request.version)
        require_dataset(definition.definition, self.requesters.access(request))
        catalogue = read_catalogue(self.datasets, self.writer)
        rule, library = self._whole(definition, catalogue)
        moment = now()
        audience = compile_audience(
            rule,
            catalogue,
            definition.definition.dataset,
            definition.definition.time_zone,
            moment,
            library=library,
            lists_database=self.members_database,
        )
        open_ = [export.id for export in request.exports if self.attempts.start(export.id, request.attempt)]
        if not open_:
            raise ExportCancelledError("every export of the request has ended, or another attempt has it")
        with Watch(self.attempts, self.writer, open_, request.attempt, Meter("audience").progress) as watch:
            snapshot = take_snapshot(
                self.writer, definition, audience, moment, self.members_database, query_id=watch.query_id()
            )
        if not self.snapshots.record(snapshot, request.id, request.attempt):
            raise DuplicateRunError(request.id)
        return AudienceTaken(
            snapshot,
            definition,
            describe(rule, catalogue, "ru", library),
            compile_statement(audience),
            sample_members(self.writer, snapshot.id, self.members_database, _SAMPLE),
        )

    def write_file(self, request: ExportRequest, format_: Format, run: Run) -> Published:
        """Render one format of the request's snapshot and publish it; what is published already is given as it is.

        It shows what whoever asked may see now. After an exception no object is left, unless the database failed to say
        whether it was published. ExportCancelledError where the export was cancelled or another attempt has it;
        UserError too_many_rows, field_masked, and those of `take_audience`.
        """
        export = next((e for e in request.exports if e.format is format_), None)
        if export and export.status is Status.PUBLISHED and export.manifest:
            return Published(export, export.manifest)
        if export is None or not self.attempts.start(export.id, request.attempt):
            raise ExportCancelledError(f"the {format_} export has ended, or another attempt has it")
        snapshot = self._snapshot(request)
        definition = self.segments.version(snapshot.segment_id, snapshot.version)
        access = self.requesters.access(request)
        catalogue = read_catalogue(self.datasets, self.writer)
        dataset = base_dataset(catalogue, definition.definition, access)
        columns = columns_of(definition.definition, dataset, request.options, format_)
        said = self._sentences(definition, catalogue)
        language = self.settings_now().language
        look = Look(format_, request.options, definition, snapshot, said, language, columns.left_out)
        meter = Meter("extracting", snapshot.users if request.compare is None else None)
        with Watch(self.attempts, self.writer, [export.id], request.attempt, meter.progress) as watch:
            source = self._extract(request, look, dataset, columns.names, most=access.max_rows, watch=watch)
            parts = parts_of(self.writer, source, request.options.split, {"query_id": watch.query_id()})
            suffix, content_type = file_kind(format_, request.options)
            names = file_names(definition, snapshot, [part.name for part in parts], suffix)
            changes = look.changes(self.writer, source, {"query_id": watch.query_id()})
            if changes.skipped:
                parts = [replace(part, skipped=sum(changes.skipped.values())) for part in parts]
            folder = f"exports/{snapshot.segment_id}/{export.id}"
            for earlier in range(1, request.attempt):  # never what a later attempt may have made
                self.objects.discard(f"{folder}/{earlier}")
            meter.phase, meter.total_rows = "writing", source.rows
            writer = FileWriter(self.writer, self.objects, meter, watch)
            written = writer.write(
                f"{folder}/{request.attempt}", parts, names, look.renderer, suffix=suffix, content_type=content_type
            )
        document = manifest(export, look, request, source, written, changes=changes, run_id=run.run_id)
        self._publish(export, request, written, document)
        return Published(self.exports.get(export.id), document)

    def fail(self, request: ExportRequest, exports: Iterable[Export], problem: Problem) -> None:
        """Mark exports of a request failed for a reason; those that are final or taken over stay as they are."""
        for export in exports:
            self.attempts.fail(export.id, request.attempt, ExportError.of(problem))
        self._clear(request)

    def _request_of(self, run: Run) -> ExportRequest:
        segment = self.segments.get(run.segment_id)
        snapshot = None
        if not run.takes_audience:  # only files: they are made from the audience as it was last taken
            snapshot = self.snapshots.latest(run.segment_id)
            if snapshot is None:
                raise AUDIENCE_MISSING.error(id=run.segment_id)
        return self.attempts.request_of_run(segment, run.formats, run.run_id, run.parent_run_id, snapshot)

    def _whole(self, segment: Version, catalogue: Catalogue) -> tuple[Rule, Library]:
        seen = examined(segment.definition, catalogue, self.references.library, segment.segment_id)
        if seen.problems or seen.rule is None:
            reasons = {"reason_en": seen.problems[0].message("en"), "reason_ru": seen.problems[0].message("ru")}
            raise SEGMENT_BROKEN.error(**reasons)
        return seen.rule, seen.library

    def _snapshot(self, request: ExportRequest) -> Snapshot:
        current = self.exports.of_request(request.id)
        snapshot = self.snapshots.get(current.snapshot_id) if current and current.snapshot_id else None
        if snapshot is None:
            raise AUDIENCE_MISSING.error(id=request.segment_id)
        return snapshot

    def _extract(
        self,
        request: ExportRequest,
        look: Look,
        dataset: Dataset,
        names: Sequence[str],
        *,
        most: int | None,
        watch: Watch,
    ) -> Source:
        """The table all files of the request are made of: one row for each user they are about; `most` may be."""
        snapshot_id, users = look.snapshot.id, look.snapshot.users
        members = members_of(snapshot_id, self.members_database)
        if request.compare is not None:
            members = compared(request.compare, snapshot_id, self.members_database)
            count = sa.select(sa.func.count()).select_from(members.subquery("members"))
            users = self.writer.scalar(compile_statement(count), {**SPILLING, "query_id": watch.query_id()})
        if most is not None and users > most:
            raise TOO_MANY_ROWS.error(rows=users, limit=most)
        fields = export_fields(dataset, names)
        source = make_extract(
            self.writer,
            member_rows(dataset, names, members),
            fields,
            database=self.members_database,
            name=extract_name(request.id, snapshot_id, fields),
            time_zone=look.segment.definition.time_zone,
            settings={"query_id": watch.query_id()},
        )
        if source.rows != users:
            drop_extracts(self.writer, self.members_database, request.id)  # the next try reads anew
            raise FILE_INCOMPLETE.error(rows=source.rows, users=users, bytes=0)
        return source

    def _publish(self, export: Export, request: ExportRequest, written: Written, said: Mapping[str, Any]) -> None:
        """One transaction makes the files visible; where it says no, nothing of them stays."""
        try:
            text = json.dumps(said, ensure_ascii=False, indent=2).encode()
            self.objects.put_small(f"{written.folder}/manifest.json", text, "application/json")
        except BaseException:
            self.objects.forget(written.folder)
            raise
        if not self.attempts.publish(export.id, request.attempt, files=written.files, manifest=said):
            self.objects.forget(written.folder)
            raise ExportCancelledError(f"the {export.format} export was cancelled or taken over at its end")
        self._clear(request)

    def _clear(self, request: ExportRequest) -> None:
        """The extract goes with the last export of the request; what is missed here the sweeper finds."""
        try:
            current = self.exports.of_request(request.id)
            if current is not None and current.final:
                drop_extracts(self.writer, self.members_database, request.id)
        except (UserError, InternalError):  # what was published stays published
            _log.warning("the extract of request %s was not dropped", request.id, exc_info=True)

    def _sentences(self, definition: Version, catalogue: Catalogue) -> dict[Language, str]:
        seen = examined(definition.definition, catalogue, self.references.library, definition.segment_id)
        if seen.rule is None:
            return {"ru": "", "en": ""}
        return {language: describe(seen.rule, catalogue, language, seen.library) for language in ("ru", "en")}
