"""Chunks of bytes -> an object that appears whole or not at all, in S3 or in a folder."""

from __future__ import annotations

import errno
import heapq
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, S3Store

from segmentator_dagster.domain.errors import Category, ProblemKind, UserError
from segmentator_dagster.storage.folder_files import prune, write_whole
from segmentator_dagster.storage.upload_source import PART_BYTES, UploadSource

if TYPE_CHECKING:
    from obstore.store import S3Config

OBJECT_STORE_UNAVAILABLE = ProblemKind(
    "object_store_unavailable",
    Category.UNAVAILABLE,
    en="The object store does not answer.",
    ru="Хранилище файлов не отвечает.",
    hint_en="Try again in a few seconds; if it lasts, see `/ready`.",
    hint_ru="Повторите через несколько секунд; если не проходит, смотрите `/ready`.",
)
OBJECT_STORE_FULL = ProblemKind(
    "object_store_full",
    Category.UNAVAILABLE,
    en="There is no room left in the object store.",
    ru="В хранилище файлов не осталось места.",
    hint_en="Make room, or keep exports for fewer days (`SEGMENTATOR_EXPORT_DAYS`), and export again.",
    hint_ru="Освободите место или храните выгрузки меньше дней (`SEGMENTATOR_EXPORT_DAYS`) и повторите выгрузку.",
)
OBJECT_NOT_FOUND = ProblemKind(
    "object_not_found",
    Category.GONE,
    en="The file is no longer in the object store.",
    ru="Файла больше нет в хранилище.",
    hint_en="Export the segment again.",
    hint_ru="Выгрузите сегмент ещё раз.",
)

_CONCURRENT_PARTS = 3  # with the part being filled, 32 MiB of memory at most
_FULL = re.compile(r"507 Insufficient Storage|<Code>QuotaExceeded</Code>")


@dataclass(frozen=True, slots=True)
class S3Access:
    """How to reach an S3 bucket; None keys mean the environment's own credentials (a role, a profile).

    `sse` is the `x-amz-server-side-encryption` of new objects; `checksum` the algorithm of their `x-amz-checksum-…`,
    beside the SHA-256 of each request that its signature always carries.
    """

    endpoint: str | None
    region: str
    access_key_id: str | None
    secret_access_key: str | None
    virtual_host: bool
    sse: str | None = None
    sse_kms_key_id: str | None = None
    checksum: str | None = None


@dataclass(frozen=True, slots=True)
class StoredObject:
    key: str
    size: int
    modified_at: datetime


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise OBJECT_NOT_FOUND.error() from error
    except (BaseError, OSError) as error:
        raise OBJECT_STORE_UNAVAILABLE.error() from error


class Objects:
    """Objects below one `file:///folder` or `s3://bucket/prefix`. Connects on first use."""

    def __init__(self, url: str, s3: S3Access) -> None:
        self.url = urlsplit(url)
        self.access = s3

    @property
    def folder(self) -> Path | None:
        """The folder of a `file://` store, None on S3."""
        return Path(unquote(self.url.path)) if self.url.scheme == "file" else None

    @cached_property
    def _store(self) -> LocalStore | S3Store:
        if self.folder is not None:
            return LocalStore(self.folder, mkdir=True)
        access = self.access
        return S3Store(
            self.url.netloc,
            prefix=self.url.path.strip("/") or None,
            endpoint=_endpoint(access, self.url.netloc),
            region=access.region,
            virtual_hosted_style_request=access.virtual_host,
            client_options={
                "allow_http": bool(access.endpoint and access.endpoint.startswith("http://")),
                "connect_timeout": timedelta(seconds=5),
                "timeout": timedelta(seconds=60),  # of one request; a part takes that long at 140 KB/s
            },
            # 5xx, SlowDown, cut connections and timeouts, part by part: pauses of 0.1 s doubled up to 15 s
            retry_config={"max_retries": 6, "retry_timeout": timedelta(seconds=150)},
            config=_config(access),
        )

    def put(self, key: str, chunks: Iterable[bytes], *, content_type: str, file_name: str) -> None:
        """Stream chunks into a new object, whole when this returns; after an exception no reader ever sees it.

        The key must be one that nobody else writes to. An exception out of `chunks` passes through. UserError
        object_store_unavailable, object_store_full, object_too_large. A killed process, or a store that is down at the
        end too, leaves an unfinished upload: `Uploads` finds those.
        """
        source = UploadSource(chunks)
        try:
            if self.folder is not None:
                write_whole(self.folder / key, source.rest())
            else:
                self._upload(key, source, content_type, file_name)
        except (BaseError, OSError) as error:
            if source.failure is not None:
                raise source.failure from error
            if self.folder is None and source.ended and self._arrived(key, source.bytes):
                return  # the store did it all and only its answer was lost
            kind = OBJECT_STORE_FULL if _is_full(error) else OBJECT_STORE_UNAVAILABLE
            raise kind.error() from error

    def put_small(self, key: str, data: bytes, content_type: str) -> None:
        """The same for bytes that are there already; the file's name is the end of the key."""
        self.put(key, (data,), content_type=content_type, file_name=key.rpartition("/")[2])

    def size(self, key: str) -> int:
        """Bytes of an object; UserError object_not_found."""
        with _errors():
            return int(obstore.head(self._store, key)["size"])

    def read(self, key: str) -> Iterator[bytes]:
        """The object's bytes in chunks; UserError object_not_found."""
        with _errors():
            for chunk in obstore.get(self._store, key).stream(min_chunk_size=1 << 20):
                yield bytes(chunk)

    def below(self, prefix: str, *, after: str = "", limit: int) -> Sequence[StoredObject]:
        """The first objects below a folder in the order of their keys, or the first that come after a key."""
        with _errors():
            pages = obstore.list(self._store, prefix, offset=after or None)
            found = (StoredObject(one["path"], one["size"], one["last_modified"]) for page in pages for one in page)
            if self.folder is not None:  # a folder lists its files as the disk has them
                return heapq.nsmallest(limit, found, key=lambda one: one.key)
            return tuple(islice(found, limit))

    def delete(self, keys: Sequence[str]) -> None:
        """Delete objects; those that are not there are fine."""
        with _errors():
            if self.folder is None:
                obstore.delete(self._store, list(keys))
                return
            for key in keys:
                path = self.folder / key
                path.unlink(missing_ok=True)
                prune(path.parent, self.folder)

    def discard(self, prefix: str) -> None:
        """Delete a key or all below it, half-written files of a folder store too; nothing there is fine."""
        if self.folder is None or not (self.folder / prefix).is_dir():
            self.delete([prefix])
        if self.folder is None:
            while page := self.below(prefix, limit=1000):
                self.delete([one.key for one in page])
        elif (path := self.folder / prefix).is_dir():
            with _errors():
                shutil.rmtree(path)
                prune(path.parent, self.folder)

    def forget(self, prefix: str) -> None:
        """Discard what a failure has made useless; where the store is down too, the sweeper finds it."""
        with suppress(UserError):
            self.discard(prefix)

    def signed_url(self, key: str, seconds: int) -> str:
        """A URL that lets its holder read the object for `seconds`. S3 only."""
        store = self._store
        if isinstance(store, LocalStore):
            raise TypeError("a folder has no URLs; the API signs its own links to it")
        with _errors():
            return obstore.sign(store, "GET", key, timedelta(seconds=seconds))

    def ping(self) -> None:
        """UserError object_store_unavailable where the store does not answer or the bucket is not there."""
        with _errors():
            next(iter(obstore.list(self._store, "exports", chunk_size=1)), None)

    def _upload(self, key: str, source: UploadSource, content_type: str, file_name: str) -> None:
        """A single request where all of it fits into a part."""
        first = source.first_part()
        small = source.ended
        obstore.put(
            self._store,
            key,
            b"".join(first) if small else chain(first, source.rest()),
            attributes={"Content-Type": content_type, "Content-Disposition": content_disposition(file_name)},
            use_multipart=not small,
            chunk_size=PART_BYTES,
            max_concurrency=_CONCURRENT_PARTS,
        )

    def _arrived(self, key: str, size: int) -> bool:
        try:
            return self.size(key) == size
        except UserError:
            return False


def _endpoint(access: S3Access, bucket: str) -> str | None:
    """The store's client wants the bucket in the endpoint's host where it shall be in the host."""
    if access.endpoint is None or not access.virtual_host:
        return access.endpoint
    scheme, _, rest = access.endpoint.partition("://")
    return f"{scheme}://{bucket}.{rest}"


def _config(access: S3Access) -> S3Config:
    config: S3Config = {}
    if access.access_key_id and access.secret_access_key:
        config |= {"access_key_id": access.access_key_id, "secret_access_key": access.secret_access_key}
    if access.sse:
        config["server_side_encryption"] = access.sse
    if access.sse_kms_key_id:
        config["sse_kms_key_id"] = access.sse_kms_key_id
    if access.checksum:
        config["checksum_algorithm"] = access.checksum
    return config


def _is_full(error: Exception) -> bool:
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)
    return _FULL.search(str(error)) is not None


def content_disposition(file_name: str) -> str:
    """`attachment` with the name for every browser: ASCII fallback and RFC 5987 UTF-8 form."""
    fallback = "".join(c if c.isascii() and (c.isalnum() or c in "-_. ") else "_" for c in file_name)
    return f"attachment; filename=\"{fallback}\"; filename*=UTF-8''{quote(file_name, safe='')}"
