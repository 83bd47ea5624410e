"""Dagster run -> a warm worker of the pool on this machine."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from dagster import DagsterInstance, DagsterRun, StringSource
from dagster._config.config_schema import UserConfigSchema
from dagster._core.launcher.base import (
    CheckRunHealthResult,
    LaunchRunContext,
    ResumeRunContext,
    RunLauncher,
    WorkerStatus,
)
from dagster._serdes import ConfigurableClass, ConfigurableClassData

from segmentator_dagster.workers import liveness
from segmentator_dagster.workers.wire import Fate, Order, PoolUnreachableError, Question, ask

# A pool that was killed is back within about three seconds on two cores.
LAUNCH_PATIENCE_SECONDS = 8.0
CLAIM_PATIENCE_SECONDS = 2.0

STATUS = {
    Fate.RUNNING: WorkerStatus.RUNNING,
    Fate.ENDED: WorkerStatus.SUCCESS,
    Fate.DIED: WorkerStatus.FAILED,
    Fate.UNHEARD: WorkerStatus.NOT_FOUND,
}


class WarmRunLauncher(RunLauncher[DagsterInstance], ConfigurableClass):
    """Starts each run in a process of its own that has everything imported already.

    `socket` is where the pool listens, `liveness` the folder in which workers hold their runs.
    """

    def __init__(self, socket: str, liveness: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._socket = socket
        self._liveness = Path(liveness)
        self._inst_data = inst_data
        super().__init__()  # type: ignore[no-untyped-call]

    @property
    def inst_data(self) -> ConfigurableClassData | None:
        return self._inst_data

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        return {"socket": StringSource, "liveness": StringSource}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> Self:
        return cls(inst_data=inst_data, **config_value)

    def capacity(self) -> int:
        """How many runs would start at once; 0 where the pool does not answer."""
        try:
            return ask(self._socket, Question(Order.STATE)).capacity
        except PoolUnreachableError:
            return 0

    def launch_run(self, context: LaunchRunContext) -> None:
        """Hand the run to a worker. PoolUnreachableError fails the run, after some seconds, with its text."""
        self._hand_over(Order.START, context.dagster_run.run_id)

    @property
    def supports_resume_run(self) -> bool:
        return True

    def resume_run(self, context: ResumeRunContext) -> None:
        self._hand_over(Order.RESUME, context.dagster_run.run_id)

    def _hand_over(self, order: Order, run_id: str) -> None:
        ask(self._socket, Question(order, run_id), patience_seconds=LAUNCH_PATIENCE_SECONDS)

    def terminate(self, run_id: str) -> bool:
        """Interrupt the run's worker, whichever pool it came from; False where no process executes the run."""
        run = self._instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            return False
        self._instance.report_run_canceling(run)
        deadline = time.monotonic() + CLAIM_PATIENCE_SECONDS
        while time.monotonic() < deadline:  # a worker claims its run some milliseconds after the launch
            if pid := liveness.holder(self._liveness, run_id):
                os.kill(pid, signal.SIGTERM)
                return True
            time.sleep(0.05)
        return False

    @property
    def supports_check_run_worker_health(self) -> bool:
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """What became of the worker. Raises where that cannot be known: run monitoring then leaves the run alone,
        while it would resume or fail a run whose status is UNKNOWN."""
        if pid := liveness.holder(self._liveness, run.run_id):
            return CheckRunHealthResult(WorkerStatus.RUNNING, run_worker_id=str(pid))
        answer = ask(self._socket, Question(Order.HEALTH, run.run_id))
        return CheckRunHealthResult(STATUS[answer.fate], run_worker_id=str(answer.pid) if answer.pid else None)
