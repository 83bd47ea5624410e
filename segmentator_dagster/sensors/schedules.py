"""Segments whose schedule has come -> export requests and their runs."""

from __future__ import annotations

import dagster as dg

from segmentator_dagster.assets.partitions import SEGMENTS
from segmentator_dagster.assets.run import AUDIENCE, FILES
from segmentator_dagster.exports.due_exports import DueExports
from segmentator_dagster.sensors.requests import run_request
from segmentator_dagster.storage.metadata.database import now
from segmentator_dagster.storage.metadata.segments import Segments


@dg.sensor(
    name="segment_schedules_sensor",
    target=dg.AssetSelection.assets(AUDIENCE, *FILES.values()),
    minimum_interval_seconds=10,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Exports each segment when the cron line in its record comes due, in the segment's time zone.",
)
def segment_schedules_sensor(
    context: dg.SensorEvaluationContext,
    segments: dg.ResourceParam[Segments],
    due_exports: dg.ResourceParam[DueExports],
) -> dg.SensorResult | dg.SkipReason:
    # One transaction makes the request and moves the schedule on; a tick that dies after it leaves a request
    # without a run, which export_requests_sensor launches under the same run key. It has failed already where its
    # owner may not have it.
    moment = now()
    requests = [due_exports.request(due, moment) for due in segments.due(moment)]
    wanted = [request for request in requests if request and not request.final]
    partitions = set(context.instance.get_dynamic_partitions(SEGMENTS))
    runs = [run_request(request) for request in wanted if str(request.segment_id) in partitions]
    return dg.SensorResult(run_requests=runs) if runs else dg.SkipReason("No segment is due.")
