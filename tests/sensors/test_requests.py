from __future__ import annotations

import uuid
from datetime import timedelta

import dagster as dg
import pytest

from segmentator_dagster.domain.export import Format, Snapshot, Trigger
from segmentator_dagster.domain.segment import Schedule
from segmentator_dagster.exports.due_exports import DueExports
from segmentator_dagster.sensors import requests
from segmentator_dagster.sensors.requests import export_requests_sensor
from segmentator_dagster.sensors.schedules import segment_schedules_sensor
from segmentator_dagster.storage.metadata.attempts import Attempts
from segmentator_dagster.storage.metadata.database import Database, now
from segmentator_dagster.storage.metadata.exports import Exports
from segmentator_dagster.storage.metadata.segments import Segments
from segmentator_dagster.storage.metadata.snapshots import Snapshots
from tests.storage.conftest import definition

BOTH = [Format.CSV, Format.XLSX]


@pytest.fixture(autouse=True)
def no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "_GRACE", timedelta(0))


def tick(exports: Exports, instance: dg.DagsterInstance) -> list[dg.RunRequest]:
    result = export_requests_sensor(dg.build_sensor_context(instance=instance, resources={"exports": exports}))
    return list(result.run_requests or []) if isinstance(result, dg.SensorResult) else []


def test_a_request_without_a_run_gets_one_with_its_formats_and_tags(
    segments: Segments, exports: Exports, instance: dg.DagsterInstance
) -> None:
    segment = segments.create(definition(), "f", None)
    request = exports.request(segment, BOTH, trigger=Trigger.API, requested_by_id=None)
    assert tick(exports, instance) == []  # its partition is not there yet
    instance.add_dynamic_partitions("segments", [segment.partition_key])
    (run,) = tick(exports, instance)
    assert run.run_key == f"request:{request.id}"
    assert run.partition_key == segment.partition_key
    assert {key.to_user_string() for key in run.asset_selection or ()} == {
        "segment_audience",
        "segment_csv",
        "segment_xlsx",
    }
    assert run.tags["segmentator/request_id"] == request.id
    assert run.tags["segmentator/lane"] == "interactive"


def test_a_request_that_has_its_audience_gets_a_run_for_its_files_alone(
    segments: Segments, exports: Exports, attempts: Attempts, database: Database, instance: dg.DagsterInstance
) -> None:
    segment = segments.create(definition(), "f", None)
    instance.add_dynamic_partitions("segments", [segment.partition_key])
    first = exports.request(segment, BOTH, trigger=Trigger.API, requested_by_id=None)
    attempts.claim(first.id, "run1", None)
    snapshot = Snapshot(str(uuid.uuid4()), segment.id, 1, 3, now())
    assert Snapshots(database).record(snapshot, first.id, 1)
    exports.request(segment, [Format.PARQUET], trigger=Trigger.API, requested_by_id=None, snapshot=snapshot)
    (run,) = tick(exports, instance)
    assert [key.to_user_string() for key in run.asset_selection or ()] == ["segment_parquet"]


def test_a_run_whose_launch_was_not_noted_is_found_by_its_tag_and_not_repeated(
    segments: Segments, exports: Exports, instance: dg.DagsterInstance
) -> None:
    segment = segments.create(definition(), "f", None)
    instance.add_dynamic_partitions("segments", [segment.partition_key])
    request = exports.request(segment, BOTH, trigger=Trigger.API, requested_by_id=None)
    run = instance.create_run_for_job(_job(), tags={"segmentator/request_id": request.id})
    assert tick(exports, instance) == []
    noted = exports.of_request(request.id)
    assert noted is not None
    assert noted.launched_run_id == run.run_id


def _job() -> dg.JobDefinition:
    @dg.job
    def empty() -> None: ...

    return empty


def test_a_claimed_request_is_left_alone(
    segments: Segments, exports: Exports, attempts: Attempts, instance: dg.DagsterInstance
) -> None:
    segment = segments.create(definition(), "f", None)
    instance.add_dynamic_partitions("segments", [segment.partition_key])
    request = exports.request(segment, BOTH, trigger=Trigger.API, requested_by_id=None)
    attempts.claim(request.id, "run1", None)
    assert tick(exports, instance) == []


def test_a_due_segment_is_requested_once_and_its_run_key_is_that_of_the_request(
    segments: Segments,
    exports: Exports,
    due_exports: DueExports,
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from segmentator_dagster.sensors import schedules  # noqa: PLC0415

    segment = segments.create(definition(schedule=Schedule("* * * * *", ("csv",))), "f", None)
    instance.add_dynamic_partitions("segments", [segment.partition_key])
    later = now() + timedelta(minutes=2)
    monkeypatch.setattr(schedules, "now", lambda: later)
    resources = {"segments": segments, "due_exports": due_exports}

    def schedule_tick() -> list[dg.RunRequest]:
        result = segment_schedules_sensor(dg.build_sensor_context(instance=instance, resources=resources))
        return list(result.run_requests or []) if isinstance(result, dg.SensorResult) else []

    (run,) = schedule_tick()
    assert schedule_tick() == []
    (export,) = exports.of_segment(segment.id)
    assert run.run_key == f"request:{export.request_id}"
    assert run.tags["segmentator/lane"] == "batch"
    # a tick that died after its transaction: the requests sensor launches the same request under the same key
    assert [again.run_key for again in tick(exports, instance)] == [run.run_key]
