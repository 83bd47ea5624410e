from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from segmentator_dagster.domain.errors import UserError
from segmentator_dagster.storage.uploads import Upload
from tests.servers.child import free_port
from tests.storage.stores import KINDS, S3_KINDS, Store, killable_command, make_store, put

ROOT = Path(__file__).parents[2]


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return make_store(request.param, request, tmp_path)


def kill_in_mid_upload(store: Store, key: str) -> None:
    """kill -9 a process that has sent two parts of an object."""
    with subprocess.Popen(killable_command(store, key, 20), cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.kill()
    assert process.returncode == -9


def test_an_upload_that_was_killed_shows_no_object_and_is_found_and_removed(store: Store) -> None:
    put(store.objects, "exports/1/a/1/x/whole", [b"1"])
    kill_in_mid_upload(store, "exports/1/a/1/x/csv")
    assert [one.key for one in store.objects.below("exports", limit=10)] == ["exports/1/a/1/x/whole"]
    with pytest.raises(UserError):
        store.objects.size("exports/1/a/1/x/csv")
    (upload,) = store.uploads.unfinished()
    assert upload.key.partition("#")[0] == "exports/1/a/1/x/csv"
    assert abs(datetime.now(UTC) - upload.begun_at) < timedelta(minutes=1)
    store.uploads.abort(upload)
    assert store.left() == ["exports/1/a/1/x/whole"]
    store.uploads.abort(upload)


def test_a_whole_object_is_no_upload_whatever_its_name(store: Store) -> None:
    put(store.objects, "exports/1/a/1/x/a#b", [b"1"])
    put(store.objects, "exports/1/a/1/x/large", [bytes(9 << 20)])
    assert list(store.uploads.unfinished()) == []


@pytest.mark.parametrize("kind", S3_KINDS[:1])
def test_a_store_that_is_down_is_unavailable(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    store = make_store(kind, request, tmp_path).through(f"http://127.0.0.1:{free_port()}")
    for call in (lambda: list(store.uploads.unfinished()), lambda: store.uploads.abort(_upload())):
        with pytest.raises(UserError) as error:
            call()
        assert error.value.code == "object_store_unavailable"


def _upload() -> Upload:
    return Upload("exports/1/a/1/x/csv", "id", datetime.now(UTC))
