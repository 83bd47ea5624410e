"""The raw body of a request -> a file on disk, bounded, gone when it has been used."""

from __future__ import annotations

import re
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio.to_thread
from starlette.requests import ClientDisconnect, Request
from starlette.types import Scope

from segmentator_dagster.api.http_problems import BODY_TOO_LARGE
from segmentator_dagster.api.list_problems import NOT_A_LIST_FILE, UPLOAD_BROKEN_OFF, UPLOAD_NOT_STORED
from segmentator_dagster.collection.id_file import FileKind, unpacked
from segmentator_dagster.domain.errors import UserError

CONTENT_TYPES = {
    "text/csv": FileKind.CSV,
    "text/plain": FileKind.TEXT,
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": FileKind.XLSX,
}
_PATHS = re.compile(r"/api/v1/lists(/[^/]+/items)?")
_PREFIX = "upload-"
_BLOCK_BYTES = 1 << 20
_LEFT_AFTER_SECONDS = 86_400


def is_upload(scope: Scope) -> bool:
    """Whether the body of a request, if it may have one, is a file, whose route reads it itself."""
    return _PATHS.fullmatch(scope["path"]) is not None


@dataclass(frozen=True, slots=True)
class SpooledFile:
    path: Path
    kind: FileKind


@dataclass(frozen=True, slots=True)
class Uploads:
    """Keeps bodies in a folder of the data folder: the system's own for temporary files may be in memory."""

    folder: Path
    limit_bytes: int

    @asynccontextmanager
    async def spooled(self, request: Request) -> AsyncIterator[SpooledFile]:
        """The body as a file that lives as long as the block, unpacked where it came gzipped.

        UserError unsupported_media_type, body_too_large, file_unpacks_too_large, upload_broken_off,
        upload_not_stored.
        """
        file_kind = _kind(request)
        declared = request.headers.get("content-length", "0")
        if not declared.isdigit() or len(declared) > 15 or int(declared) > self.limit_bytes:
            raise self._too_large()
        folder = await anyio.to_thread.run_sync(self._new_folder)
        try:
            path = folder / f"body.{file_kind.value}"
            await self._write(request, path)
            yield SpooledFile(await anyio.to_thread.run_sync(self._unpacked, path), file_kind)
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(lambda: shutil.rmtree(folder, ignore_errors=True))

    async def _write(self, request: Request, path: Path) -> None:
        size, block = 0, bytearray()
        try:
            file = await anyio.open_file(path, "wb")
            async with file:
                async for chunk in request.stream():
                    size += len(chunk)
                    if size > self.limit_bytes:
                        raise self._too_large()
                    block += chunk
                    if len(block) >= _BLOCK_BYTES:
                        await file.write(bytes(block))
                        block.clear()
                await file.write(bytes(block))
        except ClientDisconnect as error:
            raise UPLOAD_BROKEN_OFF.error() from error
        except OSError as error:
            raise UPLOAD_NOT_STORED.error() from error

    def _new_folder(self) -> Path:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for left in self.folder.glob(f"{_PREFIX}*"):  # by a process that was killed
                if time.time() - left.stat().st_mtime > _LEFT_AFTER_SECONDS:
                    shutil.rmtree(left, ignore_errors=True)
            return Path(tempfile.mkdtemp(prefix=_PREFIX, dir=self.folder))
        except OSError as error:
            raise UPLOAD_NOT_STORED.error() from error

    def _unpacked(self, path: Path) -> Path:
        try:
            return unpacked(path, self.limit_bytes)
        except OSError as error:
            raise UPLOAD_NOT_STORED.error() from error

    def _too_large(self) -> UserError:
        return BODY_TOO_LARGE.error(limit=self.limit_bytes >> 20)


def _kind(request: Request) -> FileKind:
    named = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if named not in CONTENT_TYPES:
        raise NOT_A_LIST_FILE.error(known=", ".join(f"`{one}`" for one in CONTENT_TYPES))
    return CONTENT_TYPES[named]
