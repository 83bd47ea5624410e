"""Chunks of bytes -> an object that appears whole or not at all, in S3 or in a folder."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, S3Store

from segmentator_dagster.domain.errors import Category, ProblemKind

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
OBJECT_NOT_FOUND = ProblemKind(
    "object_not_found",
    Category.GONE,
    en="The file is no longer in the object store.",
    ru="Файла больше нет в хранилище.",
    hint_en="Export the segment again.",
    hint_ru="Выгрузите сегмент ещё раз.",
)

_PART_BYTES = 8 << 20  # S3 allows 10 000 parts: up to 80 GB an object
_CONCURRENT_PARTS = 3


@dataclass(frozen=True, slots=True)
class S3Access:
    """How to reach an S3 bucket; None keys mean the environment's own credentials (a role, a profile)."""

    endpoint: str | None
    region: str
    access_key_id: str | None
    secret_access_key: str | None
    virtual_host: bool


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
        self._url = urlsplit(url)
        self._s3 = s3

    @property
    def folder(self) -> Path | None:
        """The folder of a `file://` store, None on S3."""
        return Path(unquote(self._url.path)) if self._url.scheme == "file" else None

    @cached_property
    def _store(self) -> LocalStore | S3Store:
        if self.folder is not None:
            return LocalStore(self.folder, mkdir=True)
        access = self._s3
        return S3Store(
            self._url.netloc,
            prefix=self._url.path.strip("/") or None,
            endpoint=access.endpoint,
            region=access.region,
            virtual_hosted_style_request=access.virtual_host,
            client_options={
                "allow_http": bool(access.endpoint and access.endpoint.startswith("http://")),
                "connect_timeout": timedelta(seconds=5),
                "timeout": timedelta(seconds=120),
            },
            retry_config={"max_retries": 4, "retry_timeout": timedelta(seconds=60)},
            config=_credentials(access),
        )

    def put(self, key: str, chunks: Iterable[bytes], *, content_type: str, file_name: str) -> None:
        """Stream chunks into a new object. An exception out of `chunks` passes through and leaves no object."""
        failure: list[BaseException] = []

        def guarded() -> Iterator[bytes]:
            try:
                yield from chunks
            except BaseException as error:
                failure.append(error)
                raise

        attributes = (
            {"Content-Type": content_type, "Content-Disposition": content_disposition(file_name)}
            if self.folder is None
            else None
        )
        try:
            obstore.put(
                self._store,
                key,
                guarded(),
                attributes=attributes,
                use_multipart=True,
                chunk_size=_PART_BYTES,
                max_concurrency=_CONCURRENT_PARTS,
            )
        except (BaseError, OSError) as error:
            if failure:
                raise failure[0] from error
            raise OBJECT_STORE_UNAVAILABLE.error() from error

    def size(self, key: str) -> int:
        """Bytes of an object; UserError object_not_found."""
        with _errors():
            return int(obstore.head(self._store, key)["size"])

    def read(self, key: str) -> Iterator[bytes]:
        """The object's bytes in chunks; UserError object_not_found."""
        with _errors():
            for chunk in obstore.get(self._store, key).stream(min_chunk_size=1 << 20):
                yield bytes(chunk)

    def discard(self, prefix: str) -> None:
        """Delete a key or all below it, half-written files of a folder store too; nothing there is fine."""
        with _errors():
            if self.folder is not None:
                path = self.folder / prefix
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink(missing_ok=True)
                return
            for page in obstore.list(self._store, prefix):
                obstore.delete(self._store, [entry["path"] for entry in page])
            obstore.delete(self._store, prefix)

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


def _credentials(access: S3Access) -> S3Config:
    if access.access_key_id and access.secret_access_key:
        return {"access_key_id": access.access_key_id, "secret_access_key": access.secret_access_key}
    return {}


def content_disposition(file_name: str) -> str:
    """`attachment` with the name for every browser: ASCII fallback and RFC 5987 UTF-8 form."""
    fallback = "".join(c if c.isascii() and (c.isalnum() or c in "-_. ") else "_" for c in file_name)
    return f"attachment; filename=\"{fallback}\"; filename*=UTF-8''{quote(file_name, safe='')}"
