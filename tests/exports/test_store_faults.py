"""Every request of an upload fails once, in every way: the object is whole or not there, and nothing stays behind."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from segmentator_dagster.domain.errors import Category, UserError
from segmentator_dagster.storage.objects import Objects
from tests.servers.fault_proxy import Fault, FaultProxy, Seen, fault_proxy
from tests.storage.stores import NO_S3, S3_KINDS, Store, make_store, put

ROOT = Path(__file__).parents[2]
LARGE = [os.urandom(3 << 20) for _ in range(4)]
SMALL = [b"a,b\r\n"]
KEY = "exports/1/a/1/x/csv"


@pytest.fixture(params=S3_KINDS)
def s3(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return make_store(request.param, request, tmp_path)


@pytest.fixture
def proxy(s3: Store) -> Iterator[FaultProxy]:
    assert s3.server is not None
    with fault_proxy(s3.server.port) as proxy:
        yield proxy


def sweep(store: Store) -> None:
    for upload in store.uploads.unfinished():
        store.uploads.abort(upload)


def whole_or_nothing(store: Store, chunks: list[bytes]) -> bool:
    """Whether the object is there; fails where it is something else, or anything is beside it."""
    sweep(store)
    left = store.left()
    assert left in ([], [KEY])
    if left:
        assert b"".join(store.objects.read(KEY)) == b"".join(chunks)
    return bool(left)


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault is not Fault.FULL])
@pytest.mark.parametrize("chunks", [LARGE, SMALL])
def test_an_upload_whose_nth_request_fails_once_is_whole(
    s3: Store, proxy: FaultProxy, fault: Fault, chunks: list[bytes]
) -> None:
    struck = []
    for n in range(1, 20):
        proxy.forget()
        proxy.fault_of = lambda number, _seen, n=n: fault if number == n else None  # type: ignore[misc]
        put(s3.through(proxy.url).objects, KEY, chunks)
        if len(proxy.seen) < n:
            break
        struck.append(proxy.seen[n - 1].step)
        assert whole_or_nothing(s3, chunks)
        s3.objects.delete([KEY])
    assert struck == (["create", "part", "part", "complete"] if chunks is LARGE else ["put"])


@pytest.mark.parametrize("fault", [Fault.SLOW_DOWN, Fault.RESET, Fault.CUT])
@pytest.mark.parametrize("step", ["create", "part", "complete", "put"])
@pytest.mark.parametrize("s3", S3_KINDS[-1:], indirect=True)
def test_an_upload_of_which_one_step_always_fails_is_an_error_that_may_pass_and_leaves_nothing(
    s3: Store, proxy: FaultProxy, fault: Fault, step: str
) -> None:
    proxy.fault_of = lambda _number, seen: fault if seen.step in (step, "head") else None
    with pytest.raises(UserError) as error:
        put(s3.through(proxy.url).objects, KEY, SMALL if step == "put" else LARGE)
    assert error.value.code == "object_store_unavailable"
    assert error.value.category is Category.UNAVAILABLE
    assert sum(seen.step == step for seen in proxy.seen) <= 2 * 7
    if fault is Fault.CUT and step in ("complete", "put"):
        return  # the server has done it, and nobody could be asked: the attempt discards the key, or the sweeper does
    assert not whole_or_nothing(s3, [])


@pytest.mark.parametrize("fault", [Fault.LOST, Fault.CUT])
@pytest.mark.parametrize(("step", "chunks"), [("complete", LARGE), ("put", SMALL)])
def test_an_upload_whose_last_answer_never_comes_is_looked_for_and_found_whole(
    s3: Store, proxy: FaultProxy, fault: Fault, step: str, chunks: list[bytes]
) -> None:
    proxy.fault_of = lambda _number, seen: fault if seen.step == step else None
    put(s3.through(proxy.url).objects, KEY, chunks)
    assert whole_or_nothing(s3, chunks)


def test_a_store_that_dies_in_mid_upload_leaves_only_what_the_sweeper_finds(s3: Store, proxy: FaultProxy) -> None:
    def dead_after_a_part(_number: int, seen: Seen) -> Fault | None:
        return Fault.RESET if sum(one.step == "part" for one in proxy.seen) > 1 else None

    proxy.fault_of = dead_after_a_part
    with pytest.raises(UserError) as error:
        put(s3.through(proxy.url).objects, KEY, LARGE)
    assert error.value.code == "object_store_unavailable"
    assert s3.left() == [KEY]
    assert s3.objects.below("exports", limit=10) == ()
    assert not whole_or_nothing(s3, [])


def test_a_source_that_fails_while_the_store_is_down_says_its_own_reason(s3: Store, proxy: FaultProxy) -> None:
    def failing() -> Iterator[bytes]:
        yield from LARGE
        proxy.fault_of = lambda _number, _seen: Fault.RESET
        raise KeyError("the query broke")

    with pytest.raises(KeyError, match="the query broke"):
        put(s3.through(proxy.url).objects, KEY, failing())
    assert not whole_or_nothing(s3, [])


def test_a_full_s3_store_says_so(s3: Store, proxy: FaultProxy) -> None:
    proxy.fault_of = lambda _number, seen: Fault.FULL if seen.step == "part" else None
    with pytest.raises(UserError) as error:
        put(s3.through(proxy.url).objects, KEY, LARGE)
    assert error.value.code == "object_store_full"
    assert not whole_or_nothing(s3, [])


@pytest.mark.parametrize("megabytes", [6, 40])
def test_a_full_disk_says_so_and_leaves_no_half_file(tmp_path: Path, megabytes: int) -> None:
    command = [sys.executable, "-m", "tests.exports.test_store_faults", str(tmp_path / "store"), str(megabytes)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "object_store_full\n", done.stderr
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def main(folder: str, megabytes: int) -> None:
    """Say how an upload into a folder ends whose disk takes 5 MB of a file (EFBIG, for want of a small disk)."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5 << 20, 5 << 20))
    try:
        put(Objects(f"file://{folder}", NO_S3), KEY, [bytes(1 << 20)] * megabytes)
    except UserError as error:
        print(error.code)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
