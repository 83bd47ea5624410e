"""Export requests that no run has taken -> runs."""

from __future__ import annotations

from datetime import timedelta

import dagster as dg

from segmentator_dagster.assets.partitions import SEGMENTS
from segmentator_dagster.assets.run import AUDIENCE, FILES
from segmentator_dagster.domain.export import ExportRequest, Trigger
from segmentator_dagster.domain.tags import BATCH, INTERACTIVE, LANE_TAG, REQUEST_TAG
from segmentator_dagster.storage.metadata.exports import Exports

_GRACE = timedelta(seconds=10)  # the API launches at once; this is for what it could not launch


def run_request(request: ExportRequest) -> dg.RunRequest:
    """The run of a request: its audience unless it has one, then its files. The key makes asking twice one run."""
    audience = [AUDIENCE] if request.takes_audience else []
    return dg.RunRequest(
        run_key=f"request:{request.id}",
        partition_key=str(request.segment_id),
        asset_selection=[*audience, *(FILES[export.format] for export in request.exports)],
        tags={
            REQUEST_TAG: request.id,
            LANE_TAG: BATCH if request.trigger is Trigger.SCHEDULE else INTERACTIVE,
        },
    )


@dg.sensor(
    name="export_requests_sensor",
    target=dg.AssetSelection.assets(AUDIENCE, *FILES.values()),
    minimum_interval_seconds=5,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Launches export requests that nobody launched, for example those made while Dagster was down.",
)
def export_requests_sensor(
    context: dg.SensorEvaluationContext, exports: dg.ResourceParam[Exports]
) -> dg.SensorResult | dg.SkipReason:
    partitions = set(context.instance.get_dynamic_partitions(SEGMENTS))
    runs = []
    for request in exports.waiting(_GRACE):
        started = context.instance.get_runs(dg.RunsFilter(tags={REQUEST_TAG: request.id}), limit=1)
        if started:
            exports.launched(request.id, started[0].run_id)
        elif str(request.segment_id) in partitions:  # the mirror adds it first where it is missing
            runs.append(run_request(request))
    return dg.SensorResult(run_requests=runs) if runs else dg.SkipReason("Every request has its run.")
