"""S3 fails during real exports: each is published whole in the end, or failed with the reason; never half visible."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pytest

from tests.acceptance.stack import Stack
from tests.servers.buckets import new_bucket, s3_client
from tests.servers.fault_proxy import Fault, FaultProxy, fault_proxy
from tests.servers.s3 import S3Server

pytestmark = pytest.mark.acceptance

Json = dict[str, Any]
EVERYONE = {"kind": "everyone"}
FORMATS = ("csv", "xlsx")


@dataclass(frozen=True)
class Faulty:
    """An installation that reaches its bucket through a proxy."""

    stack: Stack
    proxy: FaultProxy
    server: S3Server
    bucket: str

    def exported(self) -> list[Json]:
        segment = self.stack.create(f"faults {uuid.uuid4().hex[:6]}", EVERYONE)
        exports = self.stack.export(segment["id"], *FORMATS)
        return [self.stack.ended(export["id"], 90) for export in exports]

    def keys(self, export: Json) -> list[str]:
        """What the bucket has of an export, seen from outside."""
        prefix = f"exports/{export['segment_id']}/{export['id']}/"
        with closing(s3_client(self.server)) as client:
            return [one["Key"] for one in client.list_objects_v2(Bucket=self.bucket, Prefix=prefix).get("Contents", [])]


@pytest.fixture(scope="module")
def installation(s3_server: S3Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Faulty]:
    bucket = new_bucket(s3_server)
    with fault_proxy(s3_server.port) as proxy:
        stack = Stack(
            tmp_path_factory.mktemp("store_faults") / "data",
            {
                "SEGMENTATOR_OBJECT_STORE_URL": f"s3://{bucket}",
                "SEGMENTATOR_OBJECT_STORE_ENDPOINT": proxy.url,
                "SEGMENTATOR_OBJECT_STORE_REGION": s3_server.region,
                "SEGMENTATOR_OBJECT_STORE_ACCESS_KEY_ID": s3_server.access_key,
                "SEGMENTATOR_OBJECT_STORE_SECRET_ACCESS_KEY": s3_server.secret_key,
            },
        )
        stack.start()
        yield Faulty(stack, proxy, s3_server, bucket)
        proxy.fault_of = lambda _number, _seen: None
        stack.stop()


@pytest.fixture
def faulty(installation: Faulty) -> Faulty:
    installation.proxy.fault_of = lambda _number, _seen: None
    return installation


@pytest.mark.parametrize("fault", [Fault.SLOW_DOWN, Fault.RESET, Fault.CUT, Fault.LOST, Fault.SLOW])
def test_exports_are_whole_though_every_second_request_to_s3_fails(faulty: Faulty, fault: Fault) -> None:
    faulty.proxy.fault_of = lambda number, _seen: fault if number % 2 else None
    exports = faulty.exported()
    faulty.proxy.fault_of = lambda _number, _seen: None
    for export in exports:
        assert export["status"] == "published", export
        assert len(faulty.stack.file_of(export)) == export["bytes"]
        assert export["manifest"]["rows"] == export["rows"] == export["manifest"]["snapshot_users"]


def test_exports_fail_with_the_reason_while_s3_is_down_and_succeed_once_it_is_back(faulty: Faulty) -> None:
    faulty.proxy.fault_of = lambda _number, _seen: Fault.RESET
    for export in faulty.exported():
        assert export["status"] == "failed", export
        assert export["error"]["code"] == "object_store_unavailable"
        refused = faulty.stack.call("GET", f"/exports/{export['id']}/download", 409)
        assert refused["code"] == "export_not_published"
        assert faulty.keys(export) == []
    faulty.proxy.fault_of = lambda _number, _seen: None
    for export in faulty.exported():
        assert len(faulty.stack.file_of(export)) == export["bytes"]


def test_exports_say_that_the_store_is_full(faulty: Faulty) -> None:
    faulty.proxy.fault_of = lambda _number, seen: Fault.FULL if seen.step in ("part", "put") else None
    for export in faulty.exported():
        assert export["status"] == "failed", export
        assert export["error"]["code"] == "object_store_full"
        assert faulty.keys(export) == []
