"""The launcher against a real pool, and against one that is not there."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest
from dagster._core.launcher import LaunchRunContext, ResumeRunContext

from segmentator_dagster.workers import launcher as launcher_module
from segmentator_dagster.workers.launcher import WarmRunLauncher
from segmentator_dagster.workers.wire import PoolUnreachableError
from tests.workers.warm_pool import Pool, Runs, eventually


def launcher_of(runs: Runs) -> WarmRunLauncher:
    launcher = runs.instance.run_launcher
    assert isinstance(launcher, WarmRunLauncher)
    return launcher


def test_terminated_run_is_canceled_even_after_its_pool_was_killed(pool: Pool, runs: Runs, tmp_path: Path) -> None:
    started = tmp_path / "started"
    run_id = runs.launch("stays", {"started": str(started)})
    eventually(lambda: started.exists() and started.read_text())
    pool.kill()
    run = runs.instance.get_run_by_id(run_id)
    assert launcher_of(runs).check_run_worker_health(run).status.value == "RUNNING"
    assert launcher_of(runs).terminate(run_id)
    assert runs.ends(run_id) == "CANCELED"
    assert not launcher_of(runs).terminate(run_id)


def test_health_raises_while_the_pool_cannot_tell_and_is_not_found_once_it_can(pool: Pool, runs: Runs) -> None:
    run = runs.create("fails")
    assert launcher_of(runs).check_run_worker_health(run).status.value == "NOT_FOUND"
    pool.kill()
    with pytest.raises(PoolUnreachableError):
        launcher_of(runs).check_run_worker_health(run)


def test_launch_waits_for_a_pool_that_starts_again(pool: Pool, runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launcher_module, "LAUNCH_PATIENCE_SECONDS", 60.0)  # a machine full of tests is slow
    runs.instance.add_dynamic_partitions("segments", ["s1"])
    pool.kill()
    pool.release()
    pool.start()
    run_id = runs.launch("trivial", tags={"dagster/partition": "s1"})
    assert runs.ends(run_id) == "SUCCESS"


def test_launch_without_a_pool_fails_with_its_reason(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launcher_module, "LAUNCH_PATIENCE_SECONDS", 0.3)
    began = time.monotonic()
    with pytest.raises(PoolUnreachableError, match="does not answer"):
        launcher_of(runs).launch_run(LaunchRunContext(runs.create("fails"), None))
    assert time.monotonic() - began >= 0.3
    assert launcher_of(runs).capacity() == 0


def test_resumed_run_goes_on_to_success_after_its_worker_was_killed_with_the_pool(
    pool: Pool, runs: Runs, tmp_path: Path
) -> None:
    started = tmp_path / "started"
    run_id = runs.launch("stays", {"started": str(started), "seconds": 1.0})
    worker = int(eventually(lambda: started.exists() and started.read_text()))
    pool.kill()
    os.kill(worker, signal.SIGKILL)
    pool.release()
    assert runs.status(run_id) == "STARTED"
    pool.start()
    pool.wait_until_ready()
    run = runs.instance.get_run_by_id(run_id)
    assert launcher_of(runs).check_run_worker_health(run).status.value == "NOT_FOUND"
    launcher_of(runs).resume_run(ResumeRunContext(run, None))
    assert runs.ends(run_id) == "SUCCESS"
