from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from segmentator_dagster.domain.errors import UserError
from segmentator_dagster.storage.objects import Objects, S3Access, content_disposition
from tests.servers.buckets import new_bucket, s3_client
from tests.servers.s3 import S3Server

PART = 8 << 20
Leftovers = Callable[[], list[str]]


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Objects, Leftovers]:
    """A store, and a look at everything in it: objects, half-written files, unfinished uploads."""
    if request.param == "folder":
        objects = Objects(f"file://{tmp_path / 'объекты'}", S3Access(None, "x", None, None, virtual_host=False))
        return objects, lambda: [str(path) for path in (tmp_path / "объекты").rglob("*") if path.is_file()]
    server: S3Server = request.getfixturevalue("s3_server")
    bucket = new_bucket(server)
    access = S3Access(server.url, server.region, server.access_key, server.secret_key, virtual_host=False)

    def look() -> list[str]:
        client = s3_client(server)
        kept = [entry["Key"] for entry in client.list_objects_v2(Bucket=bucket).get("Contents", [])]
        uploads = [entry["Key"] for entry in client.list_multipart_uploads(Bucket=bucket).get("Uploads", [])]
        client.close()
        return kept + uploads

    return Objects(f"s3://{bucket}/some/prefix", access), look


def put(objects: Objects, key: str, chunks: Iterator[bytes] | list[bytes]) -> None:
    objects.put(key, chunks, content_type="text/csv", file_name="Отчёт 1.csv")


@pytest.mark.parametrize("sizes", [[], [0], [5], [PART], [3 << 20] * 7, [1] * 1000])
def test_what_was_put_reads_back_whatever_its_chunks(store: tuple[Objects, Leftovers], sizes: list[int]) -> None:
    objects, _ = store
    chunks = [os.urandom(size) for size in sizes]
    put(objects, "exports/1/a/1/x/csv", chunks)
    assert objects.size("exports/1/a/1/x/csv") == sum(sizes)
    assert b"".join(objects.read("exports/1/a/1/x/csv")) == b"".join(chunks)


@pytest.mark.parametrize("before", [0, 5, PART - 1, 3 * PART])
def test_a_source_that_fails_raises_its_own_error_and_leaves_nothing(
    store: tuple[Objects, Leftovers], before: int
) -> None:
    objects, left = store

    def failing() -> Iterator[bytes]:
        for start in range(0, before, 1 << 20):
            yield bytes(min(1 << 20, before - start))
        raise KeyError("the query broke")

    with pytest.raises(KeyError, match="the query broke"):
        put(objects, "exports/1/a/1/x/csv", failing())
    assert left() == []


def test_discarding_removes_a_key_or_all_below_it_and_nothing_else(store: tuple[Objects, Leftovers]) -> None:
    objects, left = store
    for key in ("exports/1/a/1/x/csv", "exports/1/a/2/y/csv", "exports/1/a/10/z/csv", "exports/1/b/1/x/csv"):
        put(objects, key, [b"1"])
    objects.discard("exports/1/a/1")
    objects.discard("exports/1/a/2/y/csv")
    objects.discard("exports/9")
    assert sorted(key.partition("exports/")[2] for key in left()) == ["1/a/10/z/csv", "1/b/1/x/csv"]


def test_a_missing_object_is_said_to_be_gone(store: tuple[Objects, Leftovers]) -> None:
    objects, _ = store
    for call in (objects.size, lambda key: list(objects.read(key))):
        with pytest.raises(UserError) as error:
            call("exports/none")
        assert error.value.code == "object_not_found"


def test_a_signed_url_of_s3_gives_the_file_its_name_and_type(s3_server: S3Server) -> None:
    bucket = new_bucket(s3_server)
    access = S3Access(s3_server.url, s3_server.region, s3_server.access_key, s3_server.secret_key, virtual_host=False)
    objects = Objects(f"s3://{bucket}", access)
    put(objects, "exports/x", [b"a,b\r\n"])
    url = objects.signed_url("exports/x", 30)
    answer = httpx.get(url)
    assert answer.content == b"a,b\r\n"
    assert answer.headers["content-disposition"] == content_disposition("Отчёт 1.csv")
    assert answer.headers["content-type"].startswith("text/csv")
    assert httpx.get(url.replace("exports/x", "exports/y")).status_code == 403
    assert httpx.get(url.partition("?")[0]).status_code in (400, 401, 403)
    assert s3_server.secret_key not in url


def test_a_store_that_is_down_or_not_there_is_unavailable(s3_server: S3Server) -> None:
    access = S3Access(s3_server.url, s3_server.region, s3_server.access_key, s3_server.secret_key, virtual_host=False)
    with pytest.raises(UserError) as error:
        Objects("s3://no-such-bucket-here", access).ping()
    assert error.value.code == "object_store_unavailable"


@pytest.mark.parametrize("name", ["a.csv", "Отчёт «весна».csv", 'q"uote;.csv', "línea\r\nX: 1.csv"])
def test_a_file_name_cannot_leave_its_header(name: str) -> None:
    header = content_disposition(name)
    assert header.isascii()
    assert header.isprintable()
    assert header.count('"') == 2
