from __future__ import annotations

import dagster as dg
import pytest

from segmentator_dagster.domain.export import Format, Status, Trigger
from segmentator_dagster.sensors.endings import export_cancellations_sensor, export_failures_sensor
from segmentator_dagster.storage.metadata.attempts import Attempts
from segmentator_dagster.storage.metadata.exports import Exports
from segmentator_dagster.storage.metadata.segments import Segments
from tests.storage.conftest import definition


def failed_run(instance: dg.DagsterInstance, tags: dict[str, str]) -> tuple[dg.DagsterRun, dg.DagsterEvent]:
    @dg.op
    def fails() -> None:
        raise dg.Failure("secret\nsecond line")

    @dg.job(tags=tags)
    def job() -> None:
        fails()

    result = job.execute_in_process(instance=instance, raise_on_error=False)
    (event,) = (e for e in result.all_events if e.event_type_value == "PIPELINE_FAILURE")
    return result.dagster_run, event


@pytest.mark.parametrize(("tags", "status"), [({}, Status.FAILED), ({"dagster/will_retry": "true"}, Status.REQUESTED)])
def test_what_a_failed_run_left_open_fails_unless_dagster_retries_it(
    segments: Segments,
    exports: Exports,
    attempts: Attempts,
    instance: dg.DagsterInstance,
    tags: dict[str, str],
    status: Status,
) -> None:
    run, event = failed_run(instance, tags)
    request = exports.request(
        segments.create(definition(), "f", "me"), [Format.CSV], trigger=Trigger.API, requested_by="me"
    )
    attempts.claim(request.id, run.run_id, None)
    context = dg.build_run_status_sensor_context(
        "export_failures_sensor",
        dagster_instance=instance,
        dagster_run=run,
        dagster_event=event,
        resources={"attempts": attempts},
    )
    export_failures_sensor(context)
    export = exports.get(request.exports[0].id)
    assert export.status is status
    assert (export.error is not None) == (status is Status.FAILED)
    if export.error:
        assert export.error.code == "run_failed"
        assert "second line" not in export.error.message_en


def test_what_a_terminated_run_left_open_is_cancelled(
    segments: Segments, exports: Exports, attempts: Attempts, instance: dg.DagsterInstance
) -> None:
    run, event = failed_run(instance, {})
    request = exports.request(
        segments.create(definition(), "f", "me"), [Format.CSV], trigger=Trigger.API, requested_by="me"
    )
    attempts.claim(request.id, run.run_id, None)
    context = dg.build_run_status_sensor_context(
        "export_cancellations_sensor",
        dagster_instance=instance,
        dagster_run=run,
        dagster_event=event,
        resources={"attempts": attempts},
    )
    export_cancellations_sensor(context)
    export = exports.get(request.exports[0].id)
    assert (export.status, export.error) == (Status.CANCELLED, None)
