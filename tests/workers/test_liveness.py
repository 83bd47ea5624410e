"""Locks told apart by real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from segmentator_dagster.workers import liveness

HOLD = """
import sys
from pathlib import Path
from segmentator_dagster.workers.liveness import claimed
with claimed(Path(sys.argv[1]), sys.argv[2]):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def held_by_another_process(folder: Path, run_id: str) -> Iterator[subprocess.Popen[str]]:
    argv = [sys.executable, "-c", HOLD, str(folder), run_id]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        yield process


def test_held_run_names_its_process_and_is_refused_to_others(tmp_path: Path) -> None:
    with held_by_another_process(tmp_path, "r1") as process:
        assert liveness.holders(tmp_path) == {"r1": process.pid}
        with pytest.raises(liveness.AlreadyExecutingError), liveness.claimed(tmp_path, "r1"):
            pass
    assert liveness.holder(tmp_path, "r1") is None
    assert list(tmp_path.iterdir()) == []


def test_killed_holder_is_nobody_and_what_it_left_is_swept(tmp_path: Path) -> None:
    with held_by_another_process(tmp_path, "killed") as process, held_by_another_process(tmp_path, "lives"):
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert liveness.holder(tmp_path, "killed") is None
        liveness.sweep(tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == ["lives.lock"]


def test_claim_after_release_succeeds_and_names_this_process(tmp_path: Path) -> None:
    with held_by_another_process(tmp_path, "r1"):
        pass
    with liveness.claimed(tmp_path, "r1"):
        assert liveness.holder(tmp_path, "r1") == os.getpid()
