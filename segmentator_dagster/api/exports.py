"""The use cases of exports: ask for files, watch them, cancel them, fetch them."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from segmentator_dagster.api.drafts import format_problems
from segmentator_dagster.api.links import Links
from segmentator_dagster.api.mirror import DagsterMirror
from segmentator_dagster.api.problems import BAD_IDEMPOTENCY_KEY, EXPORT_NOT_PUBLISHED
from segmentator_dagster.api.segments import OWNER
from segmentator_dagster.domain.errors import InternalError, UserError
from segmentator_dagster.domain.export import Export, Format, Status, Trigger
from segmentator_dagster.domain.problems import shown
from segmentator_dagster.storage.metadata.exports import EXPORT_NOT_FOUND, Exports
from segmentator_dagster.storage.metadata.segments import Segments
from segmentator_dagster.storage.objects import OBJECT_NOT_FOUND, Objects

FILES_PATH = "/api/v1/files/"
_KEY_LENGTH = 200


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A published file of the folder store."""

    path: Path
    stat: os.stat_result
    content_type: str
    file_name: str


class ExportService:
    """`links` is None on S3, which signs links itself."""

    def __init__(
        self,
        segments: Segments,
        exports: Exports,
        objects: Objects,
        mirror: DagsterMirror,
        *,
        links: Links | None,
        link_seconds: int,
    ) -> None:
        self._segments = segments
        self._exports = exports
        self._objects = objects
        self._mirror = mirror
        self._links = links
        self._link_seconds = link_seconds

    def request(self, segment_id: int, formats: Sequence[str], idempotency_key: str | None) -> tuple[Export, ...]:
        """Ask for a file per format; it is written down when this returns, and made as soon as Dagster can.

        The same key and content again gives the first request and starts nothing.
        """
        problems = list(format_problems(formats))
        if idempotency_key is not None and not _is_key(idempotency_key):
            problems.append(BAD_IDEMPOTENCY_KEY.at())
        if problems:
            raise UserError(*problems)
        segment = self._segments.get(segment_id)
        wanted = [Format(name) for name in formats]
        new_id = str(uuid.uuid4())
        request = self._exports.request(
            segment,
            wanted,
            trigger=Trigger.API,
            requested_by=OWNER,
            idempotency_key=idempotency_key,
            request_id=new_id,
        )
        if request.id == new_id:
            self._mirror.launch(request)
        return request.exports

    def of_segment(self, segment_id: int, limit: int) -> tuple[Export, ...]:
        """Newest first, also of a deleted segment."""
        self._segments.get(segment_id, with_deleted=True)
        return self._exports.of_segment(segment_id, limit)

    def get(self, export_id: str) -> Export:
        try:
            return self._exports.get(str(uuid.UUID(export_id)))
        except ValueError as error:
            raise EXPORT_NOT_FOUND.error(id=shown(export_id)) from error

    def cancel(self, export_id: str) -> Export:
        """The run is stopped once nothing of its request is wanted any more."""
        export = self.get(export_id)
        request = self._exports.cancel(export.id)
        if request.final:
            self._mirror.terminate(request)
        return self.get(export.id)

    def download_url(self, export_id: str) -> str:
        """A link to the file that lives for the configured seconds: of S3, or a path of this API."""
        export, key = self._published(export_id)
        self._objects.size(key)
        if self._links is None:
            return self._objects.signed_url(key, self._link_seconds)
        return FILES_PATH + self._links.token(export.id, time.time() + self._link_seconds)

    def file(self, token: str) -> StoredFile:
        """The file behind a link of this API."""
        if self._links is None or self._objects.folder is None:
            raise OBJECT_NOT_FOUND.error()
        export, key = self._published(self._links.export_id(token, time.time()))
        folder = self._objects.folder.resolve()
        path = (folder / key).resolve()
        if not path.is_relative_to(folder):
            raise InternalError(f"the object key of export {export.id} leads out of the store")
        try:
            stat = path.stat()
        except OSError as error:
            raise OBJECT_NOT_FOUND.error() from error
        return StoredFile(path, stat, export.format.content_type, export.file_name or path.name)

    def _published(self, export_id: str) -> tuple[Export, str]:
        export = self.get(export_id)
        if export.status is not Status.PUBLISHED or export.object_key is None:
            raise EXPORT_NOT_PUBLISHED.error(status=export.status.value, id=export.id)
        return export, export.object_key


def _is_key(text: str) -> bool:
    return 0 < len(text) <= _KEY_LENGTH and all("!" <= character <= "~" for character in text)
