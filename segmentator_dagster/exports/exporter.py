"""The main job: a request -> a snapshot of its segment -> files that are whole or not there at all."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from segmentator_dagster.compiler.audience import compile_audience
from segmentator_dagster.compiler.members import member_rows, output_columns
from segmentator_dagster.compiler.query import CompiledQuery, compile_statement
from segmentator_dagster.compiler.tables import USER_ID
from segmentator_dagster.domain.catalogue import Catalogue, Dataset, Field, FieldType
from segmentator_dagster.domain.definition import examined
from segmentator_dagster.domain.describe import describe
from segmentator_dagster.domain.errors import Problem
from segmentator_dagster.domain.export import Export, ExportError, ExportRequest, Format, Progress, Snapshot, Status
from segmentator_dagster.domain.references import Library
from segmentator_dagster.domain.rule import Rule
from segmentator_dagster.domain.segment import Version
from segmentator_dagster.exports.manifest import manifest
from segmentator_dagster.exports.problems import (
    AUDIENCE_MISSING,
    DATASET_MISSING,
    FILE_INCOMPLETE,
    SEGMENT_BROKEN,
    DuplicateRunError,
    ExportCancelledError,
)
from segmentator_dagster.exports.rendering import Rendering
from segmentator_dagster.exports.snapshot import members_of, sample_members, take_snapshot
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

_PROGRESS_SECONDS = 0.25
_SAMPLE = 10


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
    """A published export: its record, its manifest and the rows of the snapshot it was made from."""

    export: Export
    manifest: Mapping[str, Any]
    snapshot_users: int


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
        where the definition does not go with the data.
        """
        if request.exports and request.final:
            raise ExportCancelledError("every export of the request has ended")
        definition = self.segments.version(request.segment_id, request.version)
        catalogue = read_catalogue(self.datasets, self.writer)
        rule, library = self._whole(definition, catalogue)
        self._say(request, "audience")
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
        snapshot = take_snapshot(self.writer, definition, audience, moment, self.members_database)
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

        After an exception no object is left, unless the database failed to say whether it was published.
        ExportCancelledError where the export was cancelled or another attempt has it.
        """
        export = next((e for e in request.exports if e.format is format_), None)
        if export and export.status is Status.PUBLISHED and export.manifest:
            return Published(export, export.manifest, export.manifest["snapshot_users"])
        if export is None or not self.attempts.start(export.id, request.attempt):
            raise ExportCancelledError(f"the {format_} export has ended, or another attempt has it")
        snapshot = self._snapshot(request)
        definition = self.segments.version(snapshot.segment_id, snapshot.version)
        rendering = self._rendering(definition, snapshot, format_)
        replacements = rendering.count_replacements(self.writer)
        folder = f"exports/{snapshot.segment_id}/{export.id}"
        for earlier in range(1, request.attempt):  # never what a later attempt may have made
            self.objects.discard(f"{folder}/{earlier}")
        key = f"{folder}/{request.attempt}/{uuid.uuid4().hex[:8]}/{format_.value}"
        name = file_name(definition, snapshot, format_)
        chunks = self._watched(rendering, export, request.attempt, snapshot)
        self.objects.put(key, chunks, content_type=format_.content_type, file_name=name)
        if rendering.rows != snapshot.users or self.objects.size(key) != rendering.size:
            self.objects.discard(key)
            raise FILE_INCOMPLETE.error(rows=rendering.rows, users=snapshot.users, bytes=rendering.size)
        said = manifest(
            export,
            definition,
            snapshot,
            rendering,
            attempt=request.attempt,
            replacements=replacements,
            run_id=run.run_id,
        )
        if not self.attempts.publish(export.id, request.attempt, object_key=key, file_name=name, manifest=said):
            self.objects.discard(key)
            raise ExportCancelledError(f"the {format_} export was cancelled or taken over at its end")
        return Published(self.exports.get(export.id), said, snapshot.users)

    def fail(self, exports: Iterable[Export], attempt: int, problem: Problem) -> None:
        """Mark exports failed for a reason; those that are final or taken over stay as they are."""
        for export in exports:
            self.attempts.fail(export.id, attempt, ExportError.of(problem))

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

    def _rendering(self, definition: Version, snapshot: Snapshot, format_: Format) -> Rendering:
        dataset = _base_dataset(read_catalogue(self.datasets, self.writer), definition)
        columns = definition.definition.columns
        names = [field.name for field in dataset.fields] if columns is None else columns
        rows = member_rows(dataset, names, members_of(snapshot.id, self.members_database))
        return Rendering(format_, rows, export_fields(dataset, names), definition.definition.time_zone)

    def _watched(self, rendering: Rendering, export: Export, attempt: int, snapshot: Snapshot) -> Iterator[bytes]:
        """The file's bytes; says how far it is four times a second, and stops when the export is no longer ours."""
        said = 0.0
        for chunk in rendering.stream(self.writer, query_id=f"{export.id}-{attempt}-{uuid.uuid4().hex[:8]}"):
            if time.monotonic() - said >= _PROGRESS_SECONDS:
                said = time.monotonic()
                progress = Progress("writing", rendering.rows, snapshot.users, rendering.size)
                if not self.attempts.advance(export.id, attempt, progress):
                    raise ExportCancelledError(f"the {export.format} export was cancelled or taken over")
            yield chunk

    def _say(self, request: ExportRequest, phase: str) -> None:
        for export in request.exports:
            if self.attempts.start(export.id, request.attempt):
                self.attempts.advance(export.id, request.attempt, Progress(phase))


def export_fields(dataset: Dataset, names: Sequence[str]) -> tuple[Field, ...]:
    """The columns of a file as `member_rows` gives them: the user id as text, then the named fields."""
    known = {field.name: field for field in dataset.fields}
    key = Field(USER_ID, FieldType.TEXT, "String", nullable=False)
    values = [known[name] for name in names if name != dataset.user_key]
    return tuple(
        replace(field, name=name) for field, name in zip((key, *values), output_columns(dataset, names), strict=True)
    )


def file_name(definition: Version, snapshot: Snapshot, format_: Format) -> str:
    """`<segment> 2026-03-01.csv`: the segment's name less what file systems refuse, and the day of the data (UTC)."""
    return f"{on_disk(definition.definition.name)} {snapshot.data_moment:%Y-%m-%d}.{format_.value}"


def on_disk(name: str) -> str:
    """A name as file systems take it."""
    return "".join("_" if c in '<>:"/\\|?*' or not c.isprintable() else c for c in name).strip(" .") or "_"


def _base_dataset(catalogue: Catalogue, definition: Version) -> Dataset:
    dataset = catalogue.dataset(definition.definition.dataset)
    if dataset is None:
        raise DATASET_MISSING.error(name=definition.definition.dataset)
    return dataset
