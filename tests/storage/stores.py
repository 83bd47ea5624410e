"""The object stores that tests run on: a folder and real S3 servers. Run as a module, an upload that can be killed."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pytest

from segmentator_dagster.storage.objects import Objects, S3Access
from segmentator_dagster.storage.uploads import Uploads
from tests.servers.buckets import new_bucket, s3_client
from tests.servers.radosgw import VARIABLE
from tests.servers.s3 import S3Server

S3_KINDS = ["s3_server", "radosgw_server"] if os.environ.get(VARIABLE) else ["s3_server"]
KINDS = ["folder", *S3_KINDS]
NO_S3 = S3Access(None, "x", None, None, virtual_host=False)


@dataclass(frozen=True)
class Store:
    """An empty store of one's own. `server` and `bucket` are those of an S3 store."""

    url: str
    access: S3Access
    server: S3Server | None = None
    bucket: str = ""

    @property
    def objects(self) -> Objects:
        return Objects(self.url, self.access)

    @property
    def uploads(self) -> Uploads:
        return Uploads(self.objects)

    def through(self, endpoint: str) -> Store:
        """The same store at another address."""
        return replace(self, access=replace(self.access, endpoint=endpoint))

    def left(self) -> list[str]:
        """All that is in it, seen from outside: objects, half-written files, unfinished uploads."""
        if self.server is None:
            folder = self.objects.folder or Path()
            return [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
        with closing(s3_client(self.server)) as client:
            kept = [entry["Key"] for entry in client.list_objects_v2(Bucket=self.bucket).get("Contents", [])]
            uploads = client.list_multipart_uploads(Bucket=self.bucket).get("Uploads", [])
        return [key.removeprefix("some/prefix/") for key in (*kept, *(entry["Key"] for entry in uploads))]


def make_store(kind: str, request: pytest.FixtureRequest, folder: Path) -> Store:
    """A store of one of the `KINDS`."""
    if kind == "folder":
        return Store(f"file://{folder / 'объекты'}", NO_S3)
    server: S3Server = request.getfixturevalue(kind)
    bucket = new_bucket(server)
    access = S3Access(server.url, server.region, server.access_key, server.secret_key, virtual_host=False)
    return Store(f"s3://{bucket}/some/prefix", access, server, bucket)


def put(objects: Objects, key: str, chunks: Iterator[bytes] | Sequence[bytes]) -> None:
    objects.put(key, chunks, content_type="text/csv", file_name="Отчёт 1.csv")


def killable_command(store: Store, key: str, megabytes: int) -> list[str]:
    """A process that says "ready" in mid-upload and never ends it."""
    said = json.dumps({"url": store.url, "access": asdict(store.access), "key": key, "megabytes": megabytes})
    return [sys.executable, "-m", "tests.storage.stores", said]


def main(url: str, access: dict[str, str], key: str, megabytes: int) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(megabytes):
            yield bytes(1 << 20)
        time.sleep(1)  # what is on its way to the server arrives
        print("ready", flush=True)
        while True:
            time.sleep(1)
            yield b"."

    put(Objects(url, S3Access(**access)), key, endless())  # type: ignore[arg-type]


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
