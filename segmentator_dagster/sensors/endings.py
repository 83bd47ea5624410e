"""Runs that failed or were cancelled -> the exports they left open get their reason."""

from __future__ import annotations

import dagster as dg

from segmentator_dagster.domain.export import ExportError, Status
from segmentator_dagster.exports.problems import RUN_FAILED
from segmentator_dagster.storage.metadata.attempts import Attempts

_WILL_RETRY_TAG = "dagster/will_retry"


def _end(context: dg.RunStatusSensorContext, attempts: Attempts, status: Status) -> dg.SkipReason | None:
    run = context.dagster_run
    if run.tags.get(_WILL_RETRY_TAG) == "true":
        return dg.SkipReason("Dagster retries this run.")
    lines = (context.dagster_event.message or "").strip().splitlines()
    reason = lines[0][:300] if lines else f"run {run.run_id}"
    ended = attempts.finish_run(run.run_id, status, ExportError.of(RUN_FAILED.at(reason=reason)))
    for export in ended:
        context.log.info(f"export {export.id} is {status}")
    return None if ended else dg.SkipReason("The run left nothing open.")


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.FAILURE,
    name="export_failures_sensor",
    minimum_interval_seconds=5,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Writes the reason to exports whose run failed and will not be retried.",
)
def export_failures_sensor(
    context: dg.RunStatusSensorContext, attempts: dg.ResourceParam[Attempts]
) -> dg.SkipReason | None:
    return _end(context, attempts, Status.FAILED)


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.CANCELED,
    name="export_cancellations_sensor",
    minimum_interval_seconds=5,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Marks exports cancelled whose run was terminated.",
)
def export_cancellations_sensor(
    context: dg.RunStatusSensorContext, attempts: dg.ResourceParam[Attempts]
) -> dg.SkipReason | None:
    return _end(context, attempts, Status.CANCELLED)
