"""A real pool of real processes: what becomes of a run, whoever is killed."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import dagster as dg

from segmentator_dagster.workers import liveness
from segmentator_dagster.workers.wire import Fate, Order, Question, ask
from tests.workers.warm_pool import Pool, Runs, alive, eventually


def test_run_executes_in_a_worker_that_was_warmed_up_and_ends_with_it(pool: Pool, runs: Runs) -> None:
    waiting = eventually(lambda: len(pool.children()) == 2 and pool.children())
    runs.instance.add_dynamic_partitions("segments", ["s1"])
    run_id = runs.launch("trivial", tags={"dagster/partition": "s1"})
    assert runs.ends(run_id) == "SUCCESS"
    (record,) = runs.instance.fetch_materializations(dg.AssetKey("trivial"), limit=1).records
    metadata = record.asset_materialization.metadata
    assert metadata["warmed_up_here"].value is True
    assert metadata["pid"].value in waiting
    eventually(lambda: not alive(metadata["pid"].value), 5, "the worker's end")
    eventually(lambda: not list(pool.home.liveness.iterdir()), 5, "the lock file's removal")
    eventually(lambda: ask(str(pool.home.pool_socket), Question(Order.HEALTH, run_id)).fate is Fate.ENDED)


def test_worker_whose_warm_up_failed_executes_runs_and_reports_deaths(
    stopped_pool: Pool, runs: Runs, tmp_path: Path
) -> None:
    stopped_pool.variables = {**stopped_pool.variables, "SAMPLE_WARM_UP": "fails"}
    stopped_pool.start()
    stopped_pool.wait_until_ready()
    runs.instance.add_dynamic_partitions("segments", ["s1"])
    assert runs.ends(runs.launch("trivial", tags={"dagster/partition": "s1"})) == "SUCCESS"
    assert runs.ends(runs.launch("dies_once", {"marker": str(tmp_path / "marker")})) == "FAILURE"
    assert "nothing to connect to" in stopped_pool.log()


def test_failing_asset_fails_its_run_and_not_its_worker(pool: Pool, runs: Runs) -> None:
    run_id = runs.launch("fails")
    assert runs.ends(run_id) == "FAILURE"
    eventually(lambda: ask(str(pool.home.pool_socket), Question(Order.HEALTH, run_id)).fate is Fate.ENDED)


def test_killed_worker_is_reported_as_failure_of_its_run_within_a_second(
    pool: Pool, runs: Runs, tmp_path: Path
) -> None:
    run_id = runs.launch("dies_once", {"marker": str(tmp_path / "marker")})
    eventually((tmp_path / "marker").exists)
    assert runs.ends(run_id, 2.0) == "FAILURE"
    assert any("The run's process died: signal 9" in message for message in runs.messages(run_id))
    eventually(lambda: ask(str(pool.home.pool_socket), Question(Order.HEALTH, run_id)).fate is Fate.DIED)


def test_run_outlives_a_killed_pool_and_idle_workers_do_not(pool: Pool, runs: Runs, tmp_path: Path) -> None:
    started = tmp_path / "started"
    run_id = runs.launch("stays", {"started": str(started), "seconds": 3.0})
    worker = int(eventually(lambda: started.exists() and started.read_text()))
    spares = [pid for pid in pool.children() if pid != worker]
    keeper = pool.keeper
    pool.kill()
    eventually(lambda: not any(alive(pid) for pid in spares), 5, "the end of idle workers")
    assert liveness.holder(pool.home.liveness, run_id) == worker
    assert runs.ends(run_id) == "SUCCESS"
    os.close(keeper)
    pool.keeper = -1


def test_stopped_pool_ends_busy_workers_of_its_own_and_of_an_earlier_pool(
    pool: Pool, runs: Runs, tmp_path: Path
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    lost = runs.launch("stays", {"started": str(first)})
    orphan = int(eventually(lambda: first.exists() and first.read_text()))
    keeper = pool.keeper
    pool.kill()
    pool.start()
    pool.wait_until_ready()
    own = runs.launch("stays", {"started": str(second)})
    child = int(eventually(lambda: second.exists() and second.read_text()))
    assert alive(orphan)
    pool.stop()
    os.close(keeper)
    assert not alive(orphan)
    assert not alive(child)
    assert runs.status(lost) == runs.status(own) == "FAILURE"


def test_pool_and_workers_end_when_their_keeper_is_gone(pool: Pool, runs: Runs, tmp_path: Path) -> None:
    started = tmp_path / "started"
    runs.launch("stays", {"started": str(started)})
    eventually(lambda: started.exists() and started.read_text())
    eventually(lambda: len(pool.children()) == 3)
    processes = [*pool.children(), pool.process.pid]
    pool.release()
    pool.process.wait(5)
    eventually(lambda: not any(alive(pid) for pid in processes), 5, "the end of every process")


def test_run_that_executes_already_is_not_executed_twice(pool: Pool, runs: Runs, tmp_path: Path) -> None:
    started = tmp_path / "started"
    run_id = runs.launch("stays", {"started": str(started), "seconds": 2.0})
    eventually(lambda: started.exists() and started.read_text())
    started.unlink()
    ask(str(pool.home.pool_socket), Question(Order.START, run_id))
    assert runs.ends(run_id) == "SUCCESS"
    assert not started.exists()
    assert "executes already" in pool.log()


def test_capacity_ends_where_runs_in_progress_reach_the_limit(stopped_pool: Pool, tmp_path: Path) -> None:
    stopped_pool.start(limit=1)
    stopped_pool.wait_until_ready()
    assert stopped_pool.state().capacity == 1
    run = ask(str(stopped_pool.home.pool_socket), Question(Order.START, "no such run"))
    assert run.fate is Fate.RUNNING
    assert stopped_pool.state().capacity == 0
    eventually(lambda: stopped_pool.state().capacity == 1)


def test_module_that_starts_a_thread_is_refused_by_name(stopped_pool: Pool, tmp_path: Path) -> None:
    if sys.platform != "linux":
        return
    (tmp_path / "threaded_definitions.py").write_text(
        "import threading, time\n"
        "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
        "from sample_definitions import defs\n"
    )
    stopped_pool.variables = {
        **stopped_pool.variables,
        "PYTHONPATH": f"{tmp_path}{os.pathsep}{stopped_pool.variables['PYTHONPATH']}",
    }
    stopped_pool.start("threaded_definitions")
    assert stopped_pool.process.wait(20) == 1
    assert "2 threads run after loading threaded_definitions" in stopped_pool.log()
    stopped_pool.process = None
