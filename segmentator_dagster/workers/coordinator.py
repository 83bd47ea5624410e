"""Submitted run -> launched at once when a person waits for it and a worker is free, else queued."""

from __future__ import annotations

from dagster import DagsterInstance, DagsterRun, DagsterRunStatus
from dagster._core.run_coordinator.base import SubmitRunContext
from dagster._core.run_coordinator.queued_run_coordinator import QueuedRunCoordinator

from segmentator_dagster.domain.tags import INTERACTIVE, LANE_TAG
from segmentator_dagster.workers.launcher import WarmRunLauncher


class FastLaneRunCoordinator(QueuedRunCoordinator[DagsterInstance]):
    """The queue of Dagster with a lane beside it for runs tagged `segmentator/lane=interactive`.

    A run in the lane never becomes QUEUED, so the daemon cannot launch it a second time, and it starts while the daemon
    is down; the daemon counts it among the runs in progress.
    """

    def submit_run(self, context: SubmitRunContext) -> DagsterRun:
        run = context.dagster_run
        if run.status is DagsterRunStatus.NOT_STARTED and run.tags.get(LANE_TAG) == INTERACTIVE and self._free():
            return self._instance.launch_run(run.run_id, context.workspace)
        return super().submit_run(context)

    def _free(self) -> bool:
        launcher = self._instance.run_launcher
        return isinstance(launcher, WarmRunLauncher) and launcher.capacity() > 0
