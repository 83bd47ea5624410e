"""What S3 requests carry: the bucket in path or host, encryption, checksums; seen by a proxy before a server."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from segmentator_dagster.domain.errors import UserError
from segmentator_dagster.settings import Settings, SettingsError
from segmentator_dagster.storage.connections import objects_of
from segmentator_dagster.storage.objects import Objects
from tests.servers.buckets import s3_client
from tests.servers.fault_proxy import FaultProxy, fault_proxy
from tests.servers.radosgw import KMS_KEY
from tests.servers.s3 import DOMAIN
from tests.storage.stores import S3_KINDS, Store, make_store, put

LARGE = [os.urandom(3 << 20) for _ in range(6)]


@pytest.fixture(params=S3_KINDS)
def s3(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return make_store(request.param, request, tmp_path)


@pytest.fixture
def proxy(s3: Store) -> Iterator[FaultProxy]:
    assert s3.server is not None
    with fault_proxy(s3.server.port) as proxy:
        yield proxy


def test_path_style_has_the_bucket_in_the_path(s3: Store, proxy: FaultProxy) -> None:
    put(s3.through(proxy.url).objects, "exports/x", LARGE)
    assert {seen.host for seen in proxy.seen} == {f"127.0.0.1:{proxy.port}"}
    assert {seen.path for seen in proxy.seen} == {f"/{s3.bucket}/some/prefix/exports/x"}


def test_virtual_host_style_has_the_bucket_in_the_host_also_in_links(
    s3: Store, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", proxy.url)  # nobody else knows where <bucket>.s3.test is
    access = replace(s3.access, endpoint=f"http://{DOMAIN}", virtual_host=True)
    virtual = replace(s3, access=access)
    put(virtual.objects, "exports/x", LARGE)
    assert b"".join(virtual.objects.read("exports/x")) == b"".join(LARGE)
    assert list(virtual.uploads.unfinished()) == []
    assert {seen.host for seen in proxy.seen} == {f"{s3.bucket}.{DOMAIN}"}
    assert {seen.path for seen in proxy.seen} == {"/some/prefix/exports/x", "/"}
    assert virtual.objects.signed_url("exports/x", 30).startswith(
        f"http://{s3.bucket}.{DOMAIN}/some/prefix/exports/x?X-Amz-"
    )
    assert s3.objects.size("exports/x") == sum(map(len, LARGE))


def test_virtual_host_style_at_yandex_object_storage() -> None:
    settings = Settings.given(
        object_store_url="s3://my-exports/segmentator",
        object_store_endpoint="https://storage.yandexcloud.net",
        object_store_access_key_id="key",
        object_store_secret_access_key="secret",
        object_store_virtual_host=True,
    )
    link = objects_of(settings).signed_url("exports/x", 60)
    assert link.startswith("https://my-exports.storage.yandexcloud.net/segmentator/exports/x?X-Amz-")
    assert "%2Fru-central1%2Fs3%2F" in link


def test_what_is_signed_of_every_part_is_its_own_digest(s3: Store, proxy: FaultProxy) -> None:
    put(s3.through(proxy.url).objects, "exports/x", LARGE)
    body, part = b"".join(LARGE), 8 << 20
    digests = {hashlib.sha256(body[start : start + part]).hexdigest() for start in range(0, len(body), part)}
    assert {seen.headers["x-amz-content-sha256"] for seen in proxy.seen if seen.step == "part"} == digests


@pytest.mark.parametrize("chunks", [LARGE, [b"small"]])
def test_a_checksum_goes_with_every_part_where_it_is_asked_for(
    s3: Store, proxy: FaultProxy, chunks: list[bytes]
) -> None:
    asking = replace(s3, access=replace(s3.access, endpoint=proxy.url, checksum="SHA256"))
    put(asking.objects, "exports/x", chunks)
    bodies = [seen.headers for seen in proxy.seen if seen.step in ("part", "put")]
    assert len(bodies) == (3 if chunks is LARGE else 1)
    for headers in bodies:
        digest = bytes.fromhex(headers["x-amz-content-sha256"])
        assert headers["x-amz-checksum-sha256"] == base64.b64encode(digest).decode()
    assert b"".join(s3.objects.read("exports/x")) == b"".join(chunks)


def test_no_checksum_header_goes_to_servers_that_may_refuse_it(s3: Store, proxy: FaultProxy) -> None:
    put(s3.through(proxy.url).objects, "exports/x", LARGE)
    assert not any(name.startswith("x-amz-checksum") for seen in proxy.seen for name in seen.headers)


@pytest.mark.parametrize("chunks", [LARGE, [b"small"]])
@pytest.mark.parametrize(("sse", "key_id"), [("AES256", None), ("aws:kms", None), ("aws:kms", KMS_KEY)])
def test_encryption_is_asked_for_with_its_key(
    s3: Store, proxy: FaultProxy, chunks: list[bytes], sse: str, key_id: str | None
) -> None:
    access = replace(s3.access, endpoint=proxy.url, sse=sse, sse_kms_key_id=key_id)
    with suppress(UserError):
        put(Objects(s3.url, access), "exports/x", chunks)
    first = proxy.seen[0]
    assert first.step == ("create" if chunks is LARGE else "put")
    assert first.headers["x-amz-server-side-encryption"] == sse
    assert first.headers.get("x-amz-server-side-encryption-aws-kms-key-id") == key_id


@pytest.mark.parametrize("chunks", [LARGE, [b"small"]])
def test_what_shall_be_encrypted_is_or_is_not_stored_at_all(s3: Store, chunks: list[bytes]) -> None:
    objects = Objects(s3.url, replace(s3.access, sse="aws:kms", sse_kms_key_id=KMS_KEY))
    assert s3.server is not None
    if not s3.server.encrypts:
        with pytest.raises(UserError) as error:
            put(objects, "exports/x", chunks)
        assert error.value.code == "object_store_unavailable"
        assert s3.left() == []
        return
    put(objects, "exports/x", chunks)
    assert b"".join(objects.read("exports/x")) == b"".join(chunks)
    with closing(s3_client(s3.server)) as client:
        head = client.head_object(Bucket=s3.bucket, Key="some/prefix/exports/x")
    assert (head["ServerSideEncryption"], head["SSEKMSKeyId"]) == ("aws:kms", KMS_KEY)


def test_a_key_without_its_kind_of_encryption_stops_the_start() -> None:
    with pytest.raises(SettingsError, match=r"^SEGMENTATOR_OBJECT_STORE_SSE_KMS_KEY_ID: is for .*aws:kms$"):
        Settings.given(object_store_sse="AES256", object_store_sse_kms_key_id="key")
    Settings.given(object_store_sse="aws:kms", object_store_sse_kms_key_id="key")
    with pytest.raises(SettingsError, match=r"^SEGMENTATOR_OBJECT_STORE_SSE: "):
        Settings.given(object_store_sse="rot13")
