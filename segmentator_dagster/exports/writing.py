"""Parts of an extract -> files in the object store, each counted and hashed as its bytes go by."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field

from segmentator_dagster.domain.export import File, Progress
from segmentator_dagster.exports.problems import FILE_INCOMPLETE
from segmentator_dagster.exports.source import Renderer
from segmentator_dagster.exports.split import Part
from segmentator_dagster.exports.watch import Watch
from segmentator_dagster.storage.clickhouse import ClickHouse
from segmentator_dagster.storage.objects import Objects


@dataclass
class Meter:
    """How far an export is: the files that are whole, and the one in the making."""

    phase: str
    total_rows: int | None = None
    _files: list[File] = field(default_factory=list)
    _renderer: Renderer | None = None
    _bytes: int = 0

    def progress(self) -> Progress:
        rows = sum(file.rows for file in self._files) + (self._renderer.rows if self._renderer else 0)
        return Progress(self.phase, rows, self.total_rows, sum(file.bytes for file in self._files) + self._bytes)

    def begin(self, renderer: Renderer) -> None:
        self._renderer, self._bytes = renderer, 0

    def passed(self, size: int) -> None:
        self._bytes += size

    def end(self, file: File) -> None:
        self._renderer, self._bytes = None, 0
        self._files.append(file)


@dataclass(frozen=True, slots=True)
class Written:
    """Files that are whole in the store, below one folder that no other attempt uses."""

    folder: str
    files: Sequence[File]


@dataclass(frozen=True, slots=True)
class FileWriter:
    clickhouse: ClickHouse
    objects: Objects
    meter: Meter
    watch: Watch

    def write(
        self,
        folder: str,
        parts: Sequence[Part],
        names: Sequence[str],
        renderer_of: Callable[[Part, str], Renderer],
        *,
        suffix: str,
        content_type: str,
    ) -> Written:
        """Render and store every part. After an exception nothing is left below the folder.

        UserError file_incomplete where a file has not the rows of its part, or the store not the bytes of the file.
        """
        own = f"{folder}/{uuid.uuid4().hex[:8]}"
        try:
            files = []
            for number, (part, name) in enumerate(zip(parts, names, strict=True), start=1):
                key = f"{own}/{number:04}{suffix}"
                files.append(self._file(key, part, name, renderer_of(part, name), content_type))
                self.meter.end(files[-1])
        except BaseException:
            self.objects.forget(own)
            raise
        return Written(own, files)

    def _file(self, key: str, part: Part, name: str, renderer: Renderer, content_type: str) -> File:
        self.meter.begin(renderer)
        # Closed at once also after an exception, which keeps it alive: who kills the query waits for its reader.
        with closing(renderer.stream(self.clickhouse, {"query_id": self.watch.query_id()})) as chunks:
            stored = store(self.objects, key, self._passing(chunks), content_type=content_type, file_name=name)
        if renderer.rows != part.rows or self.objects.size(key) != stored.bytes:
            raise FILE_INCOMPLETE.error(rows=renderer.rows, users=part.rows, bytes=stored.bytes)
        return File(key, name, renderer.rows, stored.bytes, stored.sha256, part.value)

    def _passing(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            self.watch.check()
            self.meter.passed(len(chunk))
            yield chunk


@dataclass(frozen=True, slots=True)
class Stored:
    bytes: int
    sha256: str


def store(objects: Objects, key: str, chunks: Iterable[bytes], *, content_type: str, file_name: str) -> Stored:
    """Put chunks into a new object, hashed as they go by."""
    digest = hashlib.sha256()
    size = 0

    def hashed() -> Iterator[bytes]:
        nonlocal size
        for chunk in chunks:
            size += len(chunk)
            digest.update(chunk)
            yield chunk

    objects.put(key, hashed(), content_type=content_type, file_name=file_name)
    return Stored(size, digest.hexdigest())
