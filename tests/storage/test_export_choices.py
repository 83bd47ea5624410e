from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from segmentator_dagster.domain.errors import UserError
from segmentator_dagster.domain.export import (
    Comparison,
    File,
    Format,
    Kept,
    Progress,
    Snapshot,
    Status,
    Trigger,
)
from segmentator_dagster.domain.export_options import CsvOptions, ExportOptions, Headers, XlsxOptions, resolved
from segmentator_dagster.domain.installation import EffectiveSettings
from segmentator_dagster.domain.segment import Schedule, Segment
from segmentator_dagster.storage.metadata.attempts import Attempts
from segmentator_dagster.storage.metadata.database import Database
from segmentator_dagster.storage.metadata.exports import Exports
from segmentator_dagster.storage.metadata.segments import Segments
from segmentator_dagster.storage.metadata.snapshots import Snapshots
from tests.storage.conftest import definition
from tests.storage.exporting import BOTH, FILE, MANIFEST, ask, publish


@pytest.fixture
def segment(segments: Segments) -> Segment:
    return segments.create(definition(), "f", None)


def test_a_request_gets_what_installation_segment_and_it_itself_say(database: Database, segments: Segments) -> None:
    settings = EffectiveSettings(export=ExportOptions(headers=Headers.RU, xlsx=XlsxOptions(about=False)))
    exports = Exports(database, lambda: settings)
    own = ExportOptions(csv=CsvOptions(delimiter="|"), xlsx=XlsxOptions(about=True))
    segment = segments.create(definition(export=own), "f", None)
    said = ExportOptions(csv=CsvOptions(null_text="-"))
    request = exports.request(segment, BOTH, trigger=Trigger.API, requested_by_id=None, export=said)
    assert request.options == resolved(ExportOptions(headers=Headers.RU), own, said)
    assert request.options.csv is not None
    assert (request.options.csv.delimiter, request.options.csv.null_text) == ("|", "-")
    assert exports.get(request.exports[0].id).options == request.options
    plain = segments.update(1, 1, replace(segment.definition, export=None), "f", None)
    assert ask(exports, plain).options == resolved(ExportOptions(headers=Headers.RU, xlsx=XlsxOptions(about=False)))
    assert exports.of_request(request.id) == request


def test_requests_of_schedules_and_of_runs_resolve_the_same_way(database: Database, segments: Segments) -> None:
    installation, own = ExportOptions(headers=Headers.RU), ExportOptions(csv=CsvOptions(delimiter="|"))
    settings = EffectiveSettings(export=installation)
    segment = segments.create(definition(export=own, schedule=Schedule("0 6 * * *", ("csv",))), "f", None)
    moment = datetime(2100, 1, 1, 12, tzinfo=UTC)
    (due,) = segments.due(moment)
    scheduled = Exports(database, lambda: settings).request_due(due, moment)
    assert scheduled is not None
    of_run = Attempts(database, lambda: settings).request_of_run(segment, BOTH, "run1", None)
    assert scheduled.options == of_run.options == resolved(installation, own)


def test_a_schedule_without_formats_takes_those_that_are_set_when_it_is_due(
    database: Database, segments: Segments
) -> None:
    created = segments.create(definition(schedule=Schedule("0 6 * * *", None)), "f", None)
    assert segments.get(created.id).definition.schedule == Schedule("0 6 * * *", None)
    settings = EffectiveSettings(formats=(Format.PARQUET, Format.CSV))
    moment = datetime(2100, 1, 1, 12, tzinfo=UTC)
    (due,) = segments.due(moment)
    request = Exports(database, lambda: settings).request_due(due, moment)
    assert request is not None
    assert {export.format for export in request.exports} == {Format.PARQUET, Format.CSV}


def snapshot_of(exports: Exports, attempts: Attempts, snapshots: Snapshots, segment: Segment) -> Snapshot:
    """As a run of the segment takes it."""
    request = ask(exports, segment)
    attempts.claim(request.id, f"run-{request.id}"[:60], None)
    snapshot = Snapshot(str(uuid.uuid4()), segment.id, segment.version, 3, datetime(2026, 1, 1, tzinfo=UTC))
    assert snapshots.record(snapshot, request.id, 1)
    return snapshot


def test_a_request_for_a_snapshot_has_its_version_and_takes_no_audience(
    exports: Exports, attempts: Attempts, snapshots: Snapshots, segments: Segments
) -> None:
    first = segments.create(definition(export=ExportOptions(headers=Headers.EN)), "f", None)
    snapshot = snapshot_of(exports, attempts, snapshots, first)
    second = segments.update(1, 1, replace(first.definition, description="x", export=None), "f", None)
    later = snapshot_of(exports, attempts, snapshots, second)
    assert snapshots.of_segment(first.id, 5) == (later, snapshot)
    assert snapshots.of_segment(first.id, 1) == (later,)
    assert snapshots.latest(first.id) == later
    assert snapshots.latest(999) is None
    again = exports.request(second, BOTH, trigger=Trigger.API, requested_by_id=None, snapshot=snapshot)
    assert (again.version, again.snapshot_id, again.takes_audience) == (1, snapshot.id, False)
    assert again.options.headers is Headers.EN
    assert ask(exports, second).takes_audience
    of_run = attempts.request_of_run(second, BOTH, "run1", None, snapshot)
    assert (of_run.version, of_run.snapshot_id, of_run.options) == (1, snapshot.id, again.options)


def test_a_comparison_is_kept_with_the_request(
    exports: Exports, attempts: Attempts, snapshots: Snapshots, segment: Segment
) -> None:
    one, two = (snapshot_of(exports, attempts, snapshots, segment) for _ in range(2))
    compare = Comparison(one.id, two.id, Kept.REMOVED)
    more: dict[str, Any] = {"trigger": Trigger.API, "requested_by_id": None}
    request = exports.request(segment, BOTH, snapshot=two, compare=compare, **more)
    assert (request.compare, request.takes_audience) == (compare, False)
    assert exports.get(request.exports[0].id).compare == compare
    with_the_next = exports.request(segment, BOTH, compare=Comparison(one.id, None, Kept.ADDED), **more)
    assert with_the_next.takes_audience


def test_one_key_is_one_request_only_for_the_same_options_snapshot_and_comparison(
    exports: Exports, attempts: Attempts, snapshots: Snapshots, segments: Segments, segment: Segment
) -> None:
    snapshot = snapshot_of(exports, attempts, snapshots, segment)
    csv = ExportOptions(csv=CsvOptions(delimiter=";"))
    says: list[dict[str, Any]] = [
        {},
        {"export": csv},
        {"snapshot": snapshot},
        {"snapshot": snapshot, "compare": Comparison(snapshot.id, snapshot.id, Kept.STAYED)},
        {"compare": Comparison(snapshot.id, None, Kept.STAYED)},
    ]
    more: dict[str, Any] = {"trigger": Trigger.API, "requested_by_id": None}
    made = [exports.request(segment, BOTH, idempotency_key=f"k{n}", **say, **more) for n, say in enumerate(says)]
    changed = segments.update(1, 1, replace(segment.definition, export=csv), "f", None)
    for number, request in enumerate(made):
        for other, say in enumerate(says):
            if other == number:
                assert exports.request(changed, BOTH, idempotency_key=f"k{number}", **say, **more) == request
                continue
            with pytest.raises(UserError) as error:
                exports.request(changed, BOTH, idempotency_key=f"k{number}", **say, **more)
            assert error.value.code == "idempotency_key_reused"


def test_several_files_are_summed_up(exports: Exports, attempts: Attempts, segment: Segment) -> None:
    export = ask(exports, segment).exports[0].id
    attempts.start(export, 1)
    files = (FILE, File("k2", "n2.csv", 4, 10, "b" * 64, "Омск"))
    assert attempts.publish(export, 1, files=files, manifest=MANIFEST)
    published = exports.get(export)
    assert published.files == files
    assert (published.rows, published.bytes, published.sha256) == (7, 19, None)
    assert published.progress == Progress("done", 7, 7, 19)


def test_a_phase_begins_once_and_its_figures_are_those_of_the_engine(
    exports: Exports, attempts: Attempts, segment: Segment
) -> None:
    export = ask(exports, segment).exports[0].id
    attempts.start(export, 1)
    reading = Progress("audience", read_rows=50, total_read_rows=200)
    attempts.advance(export, 1, reading)
    first = exports.get(export)
    assert first.progress == reading
    attempts.advance(export, 1, replace(reading, read_rows=100))
    second = exports.get(export)
    attempts.advance(export, 1, Progress("writing", 1, 4, 9))
    third = exports.get(export)
    assert first.started_at is not None
    assert first.phase_started_at == first.progress_at
    assert second.phase_started_at == first.phase_started_at
    assert second.progress_at is not None
    assert first.progress_at is not None
    assert second.progress_at > first.progress_at
    assert third.phase_started_at == third.progress_at
    assert third.progress.read_rows == 0
    publish(attempts, export, 1)
    assert exports.get(export).phase_started_at == third.phase_started_at
    assert exports.get(export).rate is not None


def test_a_new_attempt_begins_from_nothing(exports: Exports, attempts: Attempts, segment: Segment) -> None:
    export = ask(exports, segment).exports[0].id
    attempts.start(export, 1)
    attempts.advance(export, 1, Progress("writing", 5, 9, 9, 3, 4))
    before = exports.get(export)
    attempts.start(export, 2)
    after = exports.get(export)
    assert (after.progress.rows, after.progress.bytes, after.progress.read_rows) == (0, 0, 0)
    assert after.progress.total_read_rows is None
    assert before.progress_at is not None
    assert after.phase_started_at is not None
    assert after.phase_started_at > before.progress_at


def test_files_expire_after_their_days_and_are_deleted_once(
    database: Database, exports: Exports, segment: Segment
) -> None:
    attempts = Attempts(database, lambda: EffectiveSettings(export_days=2))
    ids = []
    for _ in range(3):
        ids.append(ask(exports, segment, [Format.CSV]).exports[0].id)
        attempts.start(ids[-1], 1)
    for id_ in ids[:2]:
        publish(attempts, id_, 1)
    published = exports.get(ids[0])
    assert published.finished_at is not None
    due = published.finished_at + timedelta(days=2)
    assert published.expires_at == due
    assert exports.expired(due - timedelta(seconds=1)) == ()
    much_later = due + timedelta(days=1)
    assert [one.id for one in exports.expired(much_later)] == ids[:2]
    assert [one.id for one in exports.expired(much_later, limit=1)] == ids[:1]
    exports.files_deleted(ids[0])
    gone = exports.get(ids[0])
    assert gone.deleted_at is not None
    assert (gone.status, gone.files) == (Status.PUBLISHED, published.files)
    exports.files_deleted(ids[0])
    assert exports.get(ids[0]).deleted_at == gone.deleted_at
    exports.files_deleted(ids[2])
    assert exports.get(ids[2]).deleted_at is None  # it has none yet
    assert [one.id for one in exports.expired(much_later)] == [ids[1]]


def test_the_owner_of_objects_is_known_or_there_is_none(exports: Exports, segment: Segment) -> None:
    export = ask(exports, segment).exports[0]
    assert exports.owner_of(export.id) == export
    assert exports.owner_of("x") is None
