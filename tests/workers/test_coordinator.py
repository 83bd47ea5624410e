"""Lane or queue, decided against a real pool."""

from __future__ import annotations

import dagster as dg
from dagster._core.run_coordinator import SubmitRunContext

from segmentator_dagster.domain.tags import INTERACTIVE, LANE_TAG
from segmentator_dagster.workers.coordinator import FastLaneRunCoordinator
from tests.workers.warm_pool import Pool, Runs


def submit(runs: Runs, tags: dict[str, str]) -> dg.DagsterRun:
    coordinator = runs.instance.run_coordinator
    assert isinstance(coordinator, FastLaneRunCoordinator)
    run = runs.create("fails", tags=tags)
    return coordinator.submit_run(SubmitRunContext(run, workspace=None))


def test_interactive_run_starts_without_the_daemon_and_any_other_is_queued(pool: Pool, runs: Runs) -> None:
    interactive = submit(runs, {LANE_TAG: INTERACTIVE})
    assert interactive.status is dg.DagsterRunStatus.STARTING
    assert runs.ends(interactive.run_id) == "FAILURE"
    for tags in ({}, {LANE_TAG: "batch"}):
        assert submit(runs, tags).status is dg.DagsterRunStatus.QUEUED


def test_interactive_run_is_queued_while_no_worker_is_free(runs: Runs) -> None:
    assert submit(runs, {LANE_TAG: INTERACTIVE}).status is dg.DagsterRunStatus.QUEUED
