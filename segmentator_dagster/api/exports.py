"""The use cases of exports: ask for files, watch them, cancel them, fetch them."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from segmentator_dagster.api.drafts import format_problems
from segmentator_dagster.api.export_access import as_seen, refuse_unseen
from segmentator_dagster.api.links import Links
from segmentator_dagster.api.mirror import DagsterMirror
from segmentator_dagster.api.problems import (
    BAD_IDEMPOTENCY_KEY,
    EXPORT_NOT_PUBLISHED,
    FILE_EXPIRED,
    FILE_NOT_FOUND,
    SEVERAL_FILES,
    SNAPSHOT_NOT_FOUND,
    SNAPSHOT_OR_COMPARE,
)
from segmentator_dagster.domain.access import Action, Actor, Owned, require
from segmentator_dagster.domain.audit import Event, Thing, request_entry
from segmentator_dagster.domain.catalogue import Catalogue
from segmentator_dagster.domain.data_access import UNLIMITED, narrowed
from segmentator_dagster.domain.errors import InternalError, Problem, UserError
from segmentator_dagster.domain.export import Comparison, Export, File, Format, Snapshot, Status, Trigger, file_kind
from segmentator_dagster.domain.export_checking import field_problems, option_problems
from segmentator_dagster.domain.export_options import ExportOptions, resolved
from segmentator_dagster.domain.installation import EffectiveSettings
from segmentator_dagster.domain.problems import shown
from segmentator_dagster.domain.segment import Segment
from segmentator_dagster.exports.columns import require_dataset
from segmentator_dagster.exports.titles import on_disk
from segmentator_dagster.storage.metadata.audit import Audit
from segmentator_dagster.storage.metadata.exports import EXPORT_NOT_FOUND, Exports
from segmentator_dagster.storage.metadata.segment_problems import SEGMENT_NOT_FOUND
from segmentator_dagster.storage.metadata.segments import Segments
from segmentator_dagster.storage.metadata.snapshots import Snapshots
from segmentator_dagster.storage.objects import OBJECT_NOT_FOUND, Objects

FILES_PATH = "/api/v1/files/"
_KEY_LENGTH = 200


@dataclass(frozen=True, slots=True)
class ExportDraft:
    """What is asked for, types checked and nothing else. No formats: those of the settings."""

    formats: Sequence[str] | None
    export: ExportOptions | None = None
    snapshot_id: str | None = None
    compare: Comparison | None = None


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A published file of the folder store."""

    path: Path
    stat: os.stat_result
    content_type: str
    file_name: str


@dataclass(frozen=True, slots=True)
class ManifestDownload:
    file_name: str
    document: Mapping[str, Any]


class ExportService:
    """`links` is None on S3, which signs links itself."""

    def __init__(
        self,
        segments: Segments,
        exports: Exports,
        snapshots: Snapshots,
        catalogue: Callable[[], Catalogue],
        *,
        objects: Objects,
        mirror: DagsterMirror,
        audit: Audit,
        settings_now: Callable[[], EffectiveSettings],
        links: Links | None,
    ) -> None:
        self._segments = segments
        self._exports = exports
        self._snapshots = snapshots
        self._catalogue = catalogue
        self._objects = objects
        self._mirror = mirror
        self._audit = audit
        self._settings_now = settings_now
        self._links = links

    def request(
        self, actor: Actor, segment_id: int, draft: ExportDraft, idempotency_key: str | None
    ) -> tuple[Export, ...]:
        """Ask for a file per format; it is written down when this returns, and made as soon as Dagster can.

        The same key and content again gives the first request and starts nothing. The data is asked only where the
        options name fields.
        """
        require(actor, Action.EXPORTS_REQUEST)
        problems = [] if draft.formats is None else list(format_problems(draft.formats))
        if idempotency_key is not None and not _is_key(idempotency_key):
            problems.append(BAD_IDEMPOTENCY_KEY.at())
        if draft.snapshot_id is not None and draft.compare is not None:
            problems.append(SNAPSHOT_OR_COMPARE.at("/snapshot_id"))
        if problems:
            raise UserError(*problems)
        segment = self._segments.get(segment_id, actor.viewer)
        snapshot = self._checked(actor, segment, draft)
        new_id = str(uuid.uuid4())
        with self._audit.doing(actor, Event.EXPORT_REQUEST) as note:
            request = self._exports.request(
                segment,
                None if draft.formats is None else [Format(name) for name in draft.formats],
                trigger=Trigger.API,
                requested_by_id=actor.person_id,
                export=draft.export,
                snapshot=snapshot,
                compare=draft.compare,
                # a key is one person's own: nobody learns of another's
                idempotency_key=None if idempotency_key is None else f"{actor.person_id}:{idempotency_key}",
                request_id=new_id,
            )
            note.thing, note.skip = Thing("segment", str(segment.id), segment.definition.name), request.id != new_id
            note.after = request_entry(request)
        if request.id == new_id:
            self._mirror.launch(request)
        return request.exports

    def defaults(self, actor: Actor) -> ExportOptions:
        """How files look where nobody says anything, everything said."""
        require(actor, Action.DATA_READ)
        return resolved(self._settings_now().export)

    def of_segment(self, actor: Actor, segment_id: int, limit: int) -> tuple[Export, ...]:
        """Newest first, also of a deleted segment; of each what `get` gives."""
        require(actor, Action.EXPORTS_READ)
        self._segments.get(segment_id, actor.viewer, with_deleted=True)
        return tuple(as_seen(export, actor.access) for export in self._exports.of_segment(segment_id, limit))

    def snapshots(self, actor: Actor, segment_id: int, limit: int) -> tuple[Snapshot, ...]:
        """Newest first, also of a deleted segment."""
        require(actor, Action.EXPORTS_READ)
        self._segments.get(segment_id, actor.viewer, with_deleted=True)
        return self._snapshots.of_segment(segment_id, limit)

    def get(self, actor: Actor, export_id: str) -> Export:
        """Without the values of a field that the actor does not see. UserError export_not_found, also where they do not
        see its segment."""
        require(actor, Action.EXPORTS_READ)
        try:
            export = self._exports.get(str(uuid.UUID(export_id)))
            self._segments.get(export.segment_id, actor.viewer, with_deleted=True)
        except ValueError as error:
            raise EXPORT_NOT_FOUND.error(id=shown(export_id)) from error
        except UserError as error:
            if error.code == SEGMENT_NOT_FOUND.code:
                raise EXPORT_NOT_FOUND.error(id=export_id) from error
            raise
        return as_seen(export, actor.access)

    def cancel(self, actor: Actor, export_id: str) -> Export:
        """The run is stopped once nothing of its request is wanted any more. UserError not_yours."""
        export = self.get(actor, export_id)
        require(actor, Action.EXPORTS_CANCEL, Owned(export.requested_by_id))
        with self._audit.doing(actor, Event.EXPORT_CANCEL) as note:
            request = self._exports.cancel(export.id)
            note.thing, note.skip = _thing(export), export.status is Status.CANCELLED
        if request.final:
            self._mirror.terminate(request)
        return self.get(actor, export.id)

    def download_url(self, actor: Actor, export_id: str, number: int | None) -> str:
        """A link to a file that lives for the configured seconds: of S3, or a path of this API.

        `number` is that of the file, from 1; None will do where there is one file only.
        """
        require(actor, Action.EXPORTS_DOWNLOAD)
        export = self.get(actor, export_id)
        file = _file(export, number)
        if actor.access != UNLIMITED:
            dataset = self._segments.version(export.segment_id, export.version).definition.dataset
            refuse_unseen(export, dataset, actor.access, self._catalogue)
        self._objects.size(file.key)
        after = {"file": number or 1, "rows": file.rows}  # its name may have a value that files are split by
        self._audit.write(actor, Event.EXPORT_DOWNLOAD, _thing(export), after=after)
        seconds = self._settings_now().link_seconds
        if self._links is None:
            return self._objects.signed_url(file.key, seconds)
        return FILES_PATH + self._links.token(export.id, number or 1, time.time() + seconds)

    def file(self, token: str) -> StoredFile:
        """The file behind a link of this API."""
        if self._links is None or self._objects.folder is None:
            raise OBJECT_NOT_FOUND.error()
        export_id, number = self._links.file_of(token, time.time())
        export = self._exports.get(export_id)
        file = _file(export, number)
        folder = self._objects.folder.resolve()
        path = (folder / file.key).resolve()
        if not path.is_relative_to(folder):
            raise InternalError(f"the object key of export {export.id} leads out of the store")
        try:
            stat = path.stat()
        except OSError as error:
            raise OBJECT_NOT_FOUND.error() from error
        return StoredFile(path, stat, file_kind(export.format, export.options)[1], file.file_name)

    def manifest(self, actor: Actor, export_id: str) -> ManifestDownload:
        """What the files of a published export say of themselves, also when they are deleted."""
        export = self.get(actor, export_id)
        if export.manifest is None or export.finished_at is None:
            raise _not_published(export)
        name = on_disk(self._segments.version(export.segment_id, export.version).definition.name)
        file_name = f"{name} {export.finished_at:%Y-%m-%d} {export.format.value}.manifest.json"
        return ManifestDownload(file_name, export.manifest)

    def _checked(self, actor: Actor, segment: Segment, draft: ExportDraft) -> Snapshot | None:
        """The snapshot that the files are of, None for one to be taken; UserError where the draft makes no sense."""
        snapshot, problems = self._snapshot(segment.id, draft)
        if problems:
            raise UserError(*problems)
        number = snapshot.version if snapshot else segment.version
        definition = self._segments.version(segment.id, number).definition
        require_dataset(definition, actor.access)
        settings = self._settings_now()
        options = resolved(settings.export, definition.export, draft.export)
        formats = settings.formats if draft.formats is None else draft.formats
        problems = list(option_problems(options, formats))
        if options.names_fields:
            dataset = narrowed(self._catalogue(), actor.access).dataset(definition.dataset)
            problems += field_problems(options, definition.columns, dataset) if dataset else ()
        if problems:
            raise UserError(*problems)
        return snapshot

    def _snapshot(self, segment_id: int, draft: ExportDraft) -> tuple[Snapshot | None, list[Problem]]:
        named = {"/snapshot_id": draft.snapshot_id}
        if draft.compare is not None:
            named["/compare/from_snapshot_id"] = draft.compare.from_snapshot_id
            named["/compare/to_snapshot_id"] = draft.compare.to_snapshot_id
        found, problems = {}, []
        for pointer, snapshot_id in named.items():
            if snapshot_id is None:
                continue
            known = self._snapshots.get(snapshot_id)
            if known is None or known.segment_id != segment_id:
                problems.append(SNAPSHOT_NOT_FOUND.at(pointer, id=segment_id, snapshot=shown(snapshot_id)))
            else:
                found[pointer] = known
        return found.get("/snapshot_id") or found.get("/compare/to_snapshot_id"), problems


def _thing(export: Export) -> Thing:
    return Thing("export", export.id, f"{export.segment_id}.{export.format.value}")


def _file(export: Export, number: int | None) -> File:
    count = len(export.files)
    if export.status is not Status.PUBLISHED or not count:
        raise _not_published(export)
    if export.deleted_at is not None and export.expires_at is not None:
        raise FILE_EXPIRED.error(
            expires_at=f"{export.expires_at:%Y-%m-%d %H:%M} UTC", deleted_at=f"{export.deleted_at:%Y-%m-%d %H:%M} UTC"
        )
    if number is None and count > 1:
        raise SEVERAL_FILES.error("/file", id=export.id, count=count)
    if number is not None and number > count:
        raise FILE_NOT_FOUND.error("/file", file=number, count=count)
    return export.files[(number or 1) - 1]


def _not_published(export: Export) -> UserError:
    return EXPORT_NOT_PUBLISHED.error(status=export.status.value, id=export.id)


def _is_key(text: str) -> bool:
    return 0 < len(text) <= _KEY_LENGTH and all("!" <= character <= "~" for character in text)
