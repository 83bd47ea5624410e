"""A worker pool in processes of its own, and a Dagster instance that launches into it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.reconstruct import ReconstructableRepository
from dagster._core.launcher import LaunchRunContext
from dagster._core.remote_origin import GrpcServerCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin

from segmentator_dagster.embedded.instance import DagsterHome
from segmentator_dagster.workers import lifeline
from segmentator_dagster.workers.preload import definitions_pointer
from segmentator_dagster.workers.wire import Answer, Order, PoolUnreachableError, Question, ask

MODULE = "sample_definitions"
LOCATION = GrpcServerCodeLocationOrigin(host="localhost", socket="/none", location_name="segmentator")
HERE = Path(__file__).parent


def eventually(condition: Callable[[], Any], seconds: float = 10.0, what: str = "") -> Any:
    """The first true value of the condition; a failed test where there is none in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.02)
    pytest.fail(f"not within {seconds} s: {what or condition}")


def alive(pid: int) -> bool:
    """Whether a process runs; one that only waits to be reaped does not."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(state.strip()) and not state.startswith("Z")


@dataclass
class Pool:
    """The pool under test. `keep` holds its lifeline; `release` ends it the way a killed supervisor does."""

    home: DagsterHome
    variables: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None
    keeper: int = -1

    def start(self, module: str = MODULE, spares: int = 2, limit: int = 4) -> None:
        reading, self.keeper = os.pipe()
        argv = [sys.executable, "-m", "segmentator_dagster.workers.pool", "--socket", str(self.home.pool_socket)]
        argv += ["--liveness", str(self.home.liveness), "--module", module]
        argv += ["--spares", str(spares), "--limit", str(limit)]
        with (self.home.folder / "pool.log").open("ab") as log:
            self.process = subprocess.Popen(
                argv,
                env={**self.variables, lifeline.VARIABLE: str(reading)},
                cwd=HERE,
                pass_fds=(reading,),
                stdout=log,
                stderr=log,
            )
        os.close(reading)

    def wait_until_ready(self) -> None:
        eventually(lambda: self.state() is not None and self.state().idle, 20, self.log())

    def state(self) -> Answer | None:
        try:
            return ask(str(self.home.pool_socket), Question(Order.STATE))
        except PoolUnreachableError:
            return None

    def log(self) -> str:
        return (self.home.folder / "pool.log").read_text()

    def children(self) -> list[int]:
        assert self.process
        listed = subprocess.run(
            ["ps", "-A", "-ww", "-o", "pid=,ppid="], capture_output=True, text=True, check=True
        ).stdout
        rows = [tuple(map(int, line.split())) for line in listed.splitlines()]
        return [pid for pid, parent in rows if parent == self.process.pid]

    def kill(self) -> None:
        assert self.process
        self.process.kill()
        self.process.wait()

    def release(self) -> None:
        os.close(self.keeper)
        self.keeper = -1

    def stop(self) -> None:
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(10)
        if self.keeper >= 0:
            self.release()


@dataclass
class Runs:
    """Runs of the sample definitions in the instance under test."""

    instance: dg.DagsterInstance

    def create(
        self, asset: str, config: Mapping[str, Any] | None = None, tags: Mapping[str, str] | None = None
    ) -> dg.DagsterRun:
        repository = ReconstructableRepository(definitions_pointer(MODULE))
        key = dg.AssetKey(asset)
        job = repository.get_definition().get_implicit_job_def_for_assets([key])
        assert job
        return self.instance.create_run_for_job(
            job,
            run_config={"ops": {asset: {"config": dict(config)}}} if config else {},
            tags=dict(tags or {}),
            asset_selection=frozenset({key}),
            remote_job_origin=RemoteJobOrigin(RemoteRepositoryOrigin(LOCATION, "__repository__"), job.name),
            job_code_origin=repository.get_reconstructable_job(job.name).get_python_origin(),
        )

    def launch(self, asset: str, config: Mapping[str, Any] | None = None, tags: Mapping[str, str] | None = None) -> str:
        run = self.create(asset, config, tags)
        self.instance.run_launcher.launch_run(LaunchRunContext(run, None))
        return run.run_id

    def status(self, run_id: str) -> str:
        run = self.instance.get_run_by_id(run_id)
        assert run
        return run.status.value

    def ends(self, run_id: str, seconds: float = 10.0) -> str:
        eventually(lambda: self.instance.get_run_by_id(run_id).is_finished, seconds, "the run's end")
        return self.status(run_id)

    def messages(self, run_id: str) -> Sequence[str]:
        return [event.message for event in self.instance.all_logs(run_id)]
