"""Runs that ended -> the exports they left open get their end, and its reason."""

from __future__ import annotations

import time

import dagster as dg
from dagster._core.storage.tags import AUTO_RETRY_RUN_ID_TAG, WILL_RETRY_TAG

from segmentator_dagster.assets.run import AUDIENCE, FILES
from segmentator_dagster.domain.export import ExportError, ExportRequest, Status
from segmentator_dagster.exports.problems import RUN_FAILED
from segmentator_dagster.storage.metadata.attempts import Attempts
from segmentator_dagster.storage.metadata.database import now
from segmentator_dagster.storage.metadata.exports import Exports

_UNDECIDED_SECONDS = 30  # Dagster decides about a retry after it has stored the failure, not with it
_FORGOTTEN_SECONDS = 600  # a run deleted from Dagster, or its storage lost


def ending(status: dg.DagsterRunStatus, will_retry: str | None, seconds_ago: float) -> Status | None:
    """How exports that a run left open end; None while the run goes on, is retried, or nobody knows yet."""
    match status:
        case dg.DagsterRunStatus.CANCELED:
            return Status.CANCELLED
        case dg.DagsterRunStatus.FAILURE if will_retry == "true":
            return None
        case dg.DagsterRunStatus.FAILURE if will_retry == "false" or seconds_ago > _UNDECIDED_SECONDS:
            return Status.FAILED
        case dg.DagsterRunStatus.SUCCESS if seconds_ago > _UNDECIDED_SECONDS:
            return Status.FAILED
        case _:
            return None


@dg.sensor(
    name="export_endings_sensor",
    target=dg.AssetSelection.assets(AUDIENCE, *FILES.values()),
    minimum_interval_seconds=5,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Ends exports whose run failed or was cancelled and is not retried, with the reason.",
)
def export_endings_sensor(
    context: dg.SensorEvaluationContext, exports: dg.ResourceParam[Exports], attempts: dg.ResourceParam[Attempts]
) -> dg.SkipReason:
    # It looks at the state and not at events: a failure event comes before Dagster's decision to retry.
    ended = 0
    for request in exports.in_runs():
        run_id = request.run_id or request.launched_run_id or ""
        status, reason = _end_of(context.instance, request, run_id)
        if status is not None:
            ended += len(attempts.finish_run(run_id, status, ExportError.of(RUN_FAILED.at(reason=reason))))
    return dg.SkipReason(f"{ended} exports ended." if ended else "No run left an export open.")


def _end_of(instance: dg.DagsterInstance, request: ExportRequest, run_id: str) -> tuple[Status | None, str]:
    record = _last_record(instance, run_id)
    if record is None:
        old = (now() - request.created_at).total_seconds() > _FORGOTTEN_SECONDS
        return (Status.FAILED if old else None), f"Dagster no longer knows run {run_id}"
    run = record.dagster_run
    seconds_ago = time.time() - (record.end_time or record.update_timestamp.timestamp())
    status = ending(run.status, run.tags.get(WILL_RETRY_TAG), seconds_ago)
    return status, _reason(instance, run) if status else ""


def _last_record(instance: dg.DagsterInstance, run_id: str) -> dg.RunRecord | None:
    """The record of a run, or of the last of its automatic retries."""
    record = instance.get_run_record_by_id(run_id)
    while record and (retry := record.dagster_run.tags.get(AUTO_RETRY_RUN_ID_TAG)):
        following = instance.get_run_record_by_id(retry)
        if following is None:
            break
        record = following
    return record


def _reason(instance: dg.DagsterInstance, run: dg.DagsterRun) -> str:
    """The first line of what Dagster says of the failure."""
    entries = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.RUN_FAILURE)
    lines = [
        line for entry in entries if entry.dagster_event for line in (entry.dagster_event.message or "").splitlines()
    ]
    return lines[0][:300] if lines else f"run {run.run_id} ended as {run.status.value}"
