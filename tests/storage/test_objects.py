from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from segmentator_dagster.domain.errors import UserError
from segmentator_dagster.storage import upload_source
from segmentator_dagster.storage.objects import Objects, content_disposition
from tests.storage.stores import KINDS, NO_S3, S3_KINDS, Store, make_store, put

PART = 8 << 20


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return make_store(request.param, request, tmp_path)


@pytest.fixture(params=S3_KINDS)
def s3(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return make_store(request.param, request, tmp_path)


@pytest.mark.parametrize("sizes", [[], [0], [5], [PART], [PART, 1], [PART + 1], [3 << 20] * 7, [1] * 1000])
def test_what_was_put_reads_back_whatever_its_chunks(store: Store, sizes: list[int]) -> None:
    chunks = [os.urandom(size) for size in sizes]
    put(store.objects, "exports/1/a/1/x/csv", chunks)
    assert store.objects.size("exports/1/a/1/x/csv") == sum(sizes)
    assert b"".join(store.objects.read("exports/1/a/1/x/csv")) == b"".join(chunks)
    assert store.left() == ["exports/1/a/1/x/csv"]


@pytest.mark.parametrize("before", [0, 5, PART - 1, 3 * PART])
@pytest.mark.parametrize("error", [KeyError("the query broke"), OSError("the query broke"), KeyboardInterrupt()])
def test_a_source_that_fails_raises_its_own_error_and_leaves_nothing(
    store: Store, before: int, error: BaseException
) -> None:
    def failing() -> Iterator[bytes]:
        for start in range(0, before, 1 << 20):
            yield bytes(min(1 << 20, before - start))
        raise error

    with pytest.raises(type(error)) as raised:
        put(store.objects, "exports/1/a/1/x/csv", failing())
    assert raised.value is error
    assert store.left() == []


def test_more_than_an_object_holds_is_refused_before_the_store_refuses_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert upload_source.MOST_BYTES == 10_000 * PART
    monkeypatch.setattr(upload_source, "MOST_BYTES", 20 << 20)
    put(store.objects, "fits", [bytes(1 << 20)] * 20)
    with pytest.raises(UserError) as error:
        put(store.objects, "exports/1/a/1/x/csv", [bytes(1 << 20)] * 21)
    assert error.value.code == "object_too_large"
    assert store.left() == ["fits"]


def test_a_small_object_has_its_type_and_the_name_of_its_key(s3: Store) -> None:
    s3.objects.put_small("exports/1/a/1/x/manifest.json", b"{}", "application/json")
    answer = httpx.get(s3.objects.signed_url("exports/1/a/1/x/manifest.json", 30))
    assert answer.content == b"{}"
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.headers["content-disposition"] == content_disposition("manifest.json")


def test_objects_are_listed_in_the_order_of_their_keys_batch_by_batch(store: Store) -> None:
    keys = sorted(f"exports/{segment}/{name}/1/x/csv" for segment in (1, 2, 10) for name in ("a", "b", "c"))
    for key in (*reversed(keys), "exportsandmore/x"):
        put(store.objects, key, [b"123"])
    found: list[str] = []
    while batch := store.objects.below("exports", after=found[-1] if found else "", limit=4):
        assert len(batch) <= 4
        found += [one.key for one in batch]
    assert found == keys
    (one,) = store.objects.below("exports/10/a", limit=4)
    assert one.size == 3
    assert abs(datetime.now(UTC) - one.modified_at) < timedelta(minutes=1)


def test_deleting_takes_what_is_there_and_no_more(store: Store) -> None:
    for key in ("exports/1/a/1/x/csv", "exports/1/a/1/x/csv2", "exports/1/b/1/y/csv"):
        put(store.objects, key, [b"1"])
    store.objects.delete(["exports/1/a/1/x/csv", "exports/1/b/1/y/csv", "exports/1/never/was"])
    assert store.left() == ["exports/1/a/1/x/csv2"]


def test_discarding_removes_a_key_or_all_below_it_and_nothing_else(store: Store) -> None:
    for key in ("exports/1/a/1/x/csv", "exports/1/a/2/y/csv", "exports/1/a/10/z/csv", "exports/1/b/1/x/csv"):
        put(store.objects, key, [b"1"])
    store.objects.discard("exports/1/a/1")
    store.objects.discard("exports/1/a/2/y/csv")
    store.objects.discard("exports/9")
    assert sorted(store.left()) == ["exports/1/a/10/z/csv", "exports/1/b/1/x/csv"]


def test_a_folder_store_keeps_no_empty_folders(tmp_path: Path) -> None:
    objects = Objects(f"file://{tmp_path / 'store'}", NO_S3)
    for key in ("exports/1/a/1/x/csv", "exports/1/a/2/y/csv", "exports/2/a/1/x/csv"):
        put(objects, key, [b"1"])
    objects.delete(["exports/1/a/1/x/csv"])
    objects.discard("exports/2/a")
    assert sorted(path.name for path in (tmp_path / "store").rglob("*")) == ["1", "2", "a", "csv", "exports", "y"]


def test_a_missing_object_is_said_to_be_gone(store: Store) -> None:
    for call in (store.objects.size, lambda key: list(store.objects.read(key))):
        with pytest.raises(UserError) as error:
            call("exports/none")
        assert error.value.code == "object_not_found"


def test_a_signed_url_of_s3_gives_the_file_its_name_and_type_and_any_part_of_it(s3: Store) -> None:
    body = os.urandom(PART + 5)
    put(s3.objects, "exports/x", [body])
    url = s3.objects.signed_url("exports/x", 30)
    whole = httpx.get(url)
    assert whole.content == body
    assert whole.headers["content-disposition"] == content_disposition("Отчёт 1.csv")
    assert whole.headers["content-type"].startswith("text/csv")
    for asked, expected in (("bytes=0-9", body[:10]), (f"bytes={PART - 2}-", body[-7:]), ("bytes=-3", body[-3:])):
        part = httpx.get(url, headers={"Range": asked})
        assert part.status_code == 206
        assert part.content == expected
        assert part.headers["content-range"].endswith(f"/{len(body)}")


def test_a_signed_url_is_for_one_object_only_and_keeps_the_secret(s3: Store) -> None:
    put(s3.objects, "exports/x", [b"a,b\r\n"])
    url = s3.objects.signed_url("exports/x", 30)
    assert "X-Amz-Expires=30" in url
    assert httpx.get(url.replace("exports/x", "exports/y")).status_code == 403
    assert httpx.get(url.partition("?")[0]).status_code in (400, 401, 403)
    assert str(s3.access.secret_access_key) not in url


def test_a_store_that_is_not_there_is_unavailable(s3: Store) -> None:
    with pytest.raises(UserError) as error:
        Objects("s3://no-such-bucket-here", s3.access).ping()
    assert error.value.code == "object_store_unavailable"


@pytest.mark.parametrize("name", ["a.csv", "Отчёт «весна».csv", 'q"uote;.csv', "línea\r\nX: 1.csv"])
def test_a_file_name_cannot_leave_its_header(name: str) -> None:
    header = content_disposition(name)
    assert header.isascii()
    assert header.isprintable()
    assert header.count('"') == 2
