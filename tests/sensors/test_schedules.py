from __future__ import annotations

from datetime import timedelta

import dagster as dg
import pytest

from segmentator_dagster.domain.access import Via
from segmentator_dagster.domain.audit import Event, Outcome
from segmentator_dagster.domain.data_access import AccessLayer
from segmentator_dagster.domain.export import Export, Status
from segmentator_dagster.domain.people import Person, Role
from segmentator_dagster.domain.segment import Schedule, Segment
from segmentator_dagster.exports.due_exports import DueExports
from segmentator_dagster.sensors import schedules
from segmentator_dagster.sensors.schedules import segment_schedules_sensor
from segmentator_dagster.storage.metadata.audit import Audit, Search
from segmentator_dagster.storage.metadata.database import Database, now
from segmentator_dagster.storage.metadata.exports import Exports
from segmentator_dagster.storage.metadata.people import People
from segmentator_dagster.storage.metadata.segments import Segments
from tests.api.people import person
from tests.storage.conftest import definition

EVERY_MINUTE = Schedule("* * * * *", ("csv", "xlsx"))


@pytest.fixture
def owner(database: Database) -> Person:
    person(database)  # an administrator stays
    return person(database, "vera", Role.USER)


@pytest.fixture
def segment(segments: Segments, owner: Person, instance: dg.DagsterInstance) -> Segment:
    made = segments.create(definition(schedule=EVERY_MINUTE), "f", owner.id)
    instance.add_dynamic_partitions("segments", [made.partition_key])
    return made


def tick(segments: Segments, due_exports: DueExports, instance: dg.DagsterInstance) -> list[dg.RunRequest]:
    resources = {"segments": segments, "due_exports": due_exports}
    result = segment_schedules_sensor(dg.build_sensor_context(instance=instance, resources=resources))
    return list(result.run_requests or []) if isinstance(result, dg.SensorResult) else []


def refused(exports: Exports, segment: Segment, code: str) -> tuple[Export, ...]:
    found = exports.of_segment(segment.id)
    assert {export.format.value for export in found} == {"csv", "xlsx"}
    for export in found:
        assert (export.status, export.error and export.error.code) == (Status.FAILED, code)
        assert export.finished_at is not None
    return found


@pytest.mark.parametrize("closing", ["block", "delete"])
def test_a_schedule_of_an_owner_who_is_out_is_not_run_and_says_so(
    segments: Segments,
    exports: Exports,
    due_exports: DueExports,
    database: Database,
    instance: dg.DagsterInstance,
    owner: Person,
    segment: Segment,
    monkeypatch: pytest.MonkeyPatch,
    closing: str,
) -> None:
    getattr(People(database), closing)(owner.id)
    later = now() + timedelta(minutes=2)
    monkeypatch.setattr(schedules, "now", lambda: later)
    assert tick(segments, due_exports, instance) == []
    found = refused(exports, segment, "owner_blocked")
    assert {export.requested_by_id for export in found} == {owner.id}
    assert segments.due(later) == ()  # the schedule has moved on
    (entry,) = Audit(database).page(Search(event=Event.EXPORT_REQUEST))
    assert (entry.via, entry.outcome, entry.thing.id) == (Via.SYSTEM, Outcome.REFUSED, str(segment.id))
    assert entry.after is not None
    assert (entry.after["reason"], entry.after["for"]) == ("owner_blocked", owner.id)
    assert set(entry.after["exports"].values()) == {export.id for export in found}


def test_a_schedule_of_an_owner_who_may_not_export_is_not_run_until_they_may(
    segments: Segments,
    exports: Exports,
    due_exports: DueExports,
    database: Database,
    instance: dg.DagsterInstance,
    owner: Person,
    segment: Segment,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    People(database).set_access(owner.id, AccessLayer(may_export=False))
    later = now() + timedelta(minutes=2)
    monkeypatch.setattr(schedules, "now", lambda: later)
    assert tick(segments, due_exports, instance) == []
    refused(exports, segment, "export_not_allowed")
    People(database).set_access(owner.id, AccessLayer())
    later += timedelta(minutes=2)
    (run,) = tick(segments, due_exports, instance)
    assert run.partition_key == segment.partition_key
    entries = Audit(database).page(Search(event=Event.EXPORT_REQUEST))
    assert [entry.outcome for entry in entries] == [Outcome.DONE, Outcome.REFUSED]


def test_a_due_segment_whose_entry_cannot_be_written_stays_due(
    segments: Segments,
    exports: Exports,
    due_exports: DueExports,
    segment: Segment,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    later = now() + timedelta(minutes=2)
    (due,) = segments.due(later)

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the log")

    with monkeypatch.context() as patched:
        patched.setattr(Audit, "write", broken)
        with pytest.raises(RuntimeError):
            due_exports.request(due, later)
    assert exports.of_segment(segment.id) == ()
    assert segments.due(later) == (due,)
