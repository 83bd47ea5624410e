"""An object store -> the uploads that somebody began and did not end, which no listing of objects shows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from segmentator_dagster.storage.objects import OBJECT_STORE_UNAVAILABLE, Objects

_PART_OF_FILE = re.compile(r"#\d+$")  # how obstore names a file of a folder store until it is whole


@dataclass(frozen=True, slots=True)
class Upload:
    """An upload of the object `key`; of a folder store, a file that is not whole, touched last at `begun_at`."""

    key: str
    id: str
    begun_at: datetime


class Uploads:
    """Of the store that `objects` are in. Connects on first use.

    boto3 and not obstore, which neither lists uploads nor ends those it did not begin.
    """

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def unfinished(self) -> Iterator[Upload]:
        """Every one there is. UserError object_store_unavailable."""
        with _errors():
            if (folder := self._objects.folder) is not None:
                for path in folder.rglob("*#*"):
                    if _PART_OF_FILE.search(path.name) and path.is_file():
                        key = path.relative_to(folder).as_posix()
                        yield Upload(key, "", datetime.fromtimestamp(path.stat().st_mtime, UTC))
                return
            pages = self._client.get_paginator("list_multipart_uploads")
            for page in pages.paginate(Bucket=self._objects.url.netloc, Prefix=self._prefix):
                for one in page.get("Uploads", []):
                    yield Upload(one["Key"].removeprefix(self._prefix), one["UploadId"], one["Initiated"])

    def abort(self, upload: Upload) -> None:
        """Remove what it has sent; one that ended meanwhile is fine. UserError object_store_unavailable."""
        if self._objects.folder is not None:
            self._objects.delete([upload.key])
            return
        with _errors():
            try:
                self._client.abort_multipart_upload(
                    Bucket=self._objects.url.netloc, Key=self._prefix + upload.key, UploadId=upload.id
                )
            except self._client.exceptions.NoSuchUpload:
                return

    @property
    def _prefix(self) -> str:
        path = self._objects.url.path.strip("/")
        return path + "/" if path else ""

    @cached_property
    def _client(self) -> Any:
        access = self._objects.access
        return boto3.client(
            "s3",
            endpoint_url=access.endpoint,
            region_name=access.region,
            aws_access_key_id=access.access_key_id,
            aws_secret_access_key=access.secret_access_key,
            config=Config(
                s3={"addressing_style": "virtual" if access.virtual_host else "path"},
                connect_timeout=5,
                read_timeout=30,
                retries={"mode": "standard", "total_max_attempts": 4},
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ClientError, OSError) as error:
        raise OBJECT_STORE_UNAVAILABLE.error() from error
