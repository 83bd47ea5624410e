from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from segmentator_dagster.domain.errors import UserError
from segmentator_dagster.domain.export import (
    ExportError,
    Format,
    Progress,
    Snapshot,
    Status,
    Trigger,
)
from segmentator_dagster.domain.export_options import ExportOptions, SplitOptions
from segmentator_dagster.domain.segment import Schedule, Segment
from segmentator_dagster.storage.metadata.attempts import Attempts
from segmentator_dagster.storage.metadata.exports import Exports
from segmentator_dagster.storage.metadata.segments import Segments
from segmentator_dagster.storage.metadata.snapshots import Snapshots
from tests.storage.conftest import definition
from tests.storage.exporting import BOTH, ask, publish

REASON = ExportError("run_failed", "по-русски", "in English")


@pytest.fixture
def segment(segments: Segments) -> Segment:
    return segments.create(definition(), "f", None)


def test_a_request_waits_with_one_export_per_format(exports: Exports, segment: Segment) -> None:
    request = ask(exports, segment)
    assert [(e.format, e.status, e.version) for e in request.exports] == [
        (Format.CSV, Status.REQUESTED, 1),
        (Format.XLSX, Status.REQUESTED, 1),
    ]
    assert exports.of_request(request.id) == request
    assert exports.get(request.exports[0].id) == request.exports[0]


def test_the_same_key_and_content_is_the_same_request(exports: Exports, segment: Segment) -> None:
    first = ask(exports, segment, BOTH, "key")
    assert ask(exports, segment, BOTH[::-1], "key") == first
    with pytest.raises(UserError) as error:
        ask(exports, segment, [Format.CSV], "key")
    assert error.value.code == "idempotency_key_reused"


def test_parallel_requests_with_one_key_make_one(exports: Exports, segment: Segment) -> None:
    ids: list[str] = []
    threads = [threading.Thread(target=lambda: ids.append(ask(exports, segment, BOTH, "key").id)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == 8
    assert len(set(ids)) == 1


def test_a_deleted_segment_takes_no_request(exports: Exports, segments: Segments, segment: Segment) -> None:
    segments.delete(segment.id)
    with pytest.raises(UserError) as error:
        ask(exports, segment)
    assert error.value.code == "segment_deleted"


def test_only_one_run_gets_a_request_and_its_retry_takes_over(
    exports: Exports, attempts: Attempts, segment: Segment
) -> None:
    request = ask(exports, segment)
    first = attempts.claim(request.id, "run1", None)
    assert first is not None
    assert first.attempt == 1
    assert attempts.claim(request.id, "run1", None) == first  # the next step of the same run
    assert attempts.claim(request.id, "stranger", None) is None
    retry = attempts.claim(request.id, "run2", "run1")
    assert retry is not None
    assert retry.attempt == 2
    assert attempts.claim(request.id, "run1", None) is None


def test_of_parallel_runs_exactly_one_gets_the_request(exports: Exports, attempts: Attempts, segment: Segment) -> None:
    request = ask(exports, segment)
    got: list[bool] = []

    def claim(run: str) -> None:
        got.append(attempts.claim(request.id, run, None) is not None)

    threads = [threading.Thread(target=claim, args=(f"run{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == [False] * 7 + [True]


def test_a_late_attempt_changes_nothing(exports: Exports, attempts: Attempts, segment: Segment) -> None:
    export = ask(exports, segment).exports[0].id
    assert attempts.start(export, 1)
    assert attempts.start(export, 2)
    assert not attempts.start(export, 1)
    assert not attempts.advance(export, 1, Progress("writing", 1, 3, 4))
    assert not publish(attempts, export, 1)
    assert not attempts.fail(export, 1, REASON)
    assert attempts.advance(export, 2, Progress("writing", 1, 3, 4))
    assert exports.get(export).progress == Progress("writing", 1, 3, 4)
    assert publish(attempts, export, 2)
    assert not publish(attempts, export, 2)
    published = exports.get(export)
    assert (published.status, published.rows, published.bytes, published.sha256) == (Status.PUBLISHED, 3, 9, "a" * 64)
    assert published.finished_at is not None


@pytest.mark.parametrize("started", [False, True])
def test_a_cancelled_export_is_final(exports: Exports, attempts: Attempts, segment: Segment, started: bool) -> None:
    export = ask(exports, segment).exports[0].id
    if started:
        attempts.start(export, 1)
    after = exports.cancel(export)
    assert [e.status for e in after.exports] == [Status.CANCELLED, Status.REQUESTED]
    assert exports.cancel(export) == after
    assert not attempts.start(export, 2)
    assert not publish(attempts, export, 1)
    assert not attempts.fail(export, 9, REASON)


def test_a_published_export_cannot_be_cancelled(exports: Exports, attempts: Attempts, segment: Segment) -> None:
    export = ask(exports, segment).exports[0].id
    attempts.start(export, 1)
    publish(attempts, export, 1)
    with pytest.raises(UserError) as error:
        exports.cancel(export)
    assert error.value.code == "export_finished"


def test_a_failed_run_fails_only_what_it_left_open(exports: Exports, attempts: Attempts, segment: Segment) -> None:
    request = ask(exports, segment)
    attempts.claim(request.id, "run1", None)
    csv, xlsx = (e.id for e in request.exports)
    attempts.start(csv, 1)
    publish(attempts, csv, 1)
    assert attempts.finish_run("stranger", Status.FAILED, REASON) == ()
    (ended,) = attempts.finish_run("run1", Status.FAILED, REASON)
    assert (ended.id, ended.status, ended.error) == (xlsx, Status.FAILED, REASON)
    assert exports.get(csv).status is Status.PUBLISHED
    assert attempts.finish_run("run1", Status.FAILED, REASON) == ()


def test_a_run_that_died_before_it_began_fails_its_request(
    exports: Exports, attempts: Attempts, segment: Segment
) -> None:
    request = ask(exports, segment)
    exports.launched(request.id, "run1")
    assert len(attempts.finish_run("run1", Status.FAILED, REASON)) == 2


def test_requests_wait_until_a_run_takes_them(exports: Exports, attempts: Attempts, segment: Segment) -> None:
    request = ask(exports, segment)
    assert exports.waiting(timedelta(hours=1)) == ()
    assert [r.id for r in exports.waiting(timedelta(0))] == [request.id]
    exports.launched(request.id, "run1")
    assert exports.waiting(timedelta(hours=1)) == ()
    assert len(exports.waiting(timedelta(0))) == 1
    attempts.claim(request.id, "run1", None)
    assert exports.waiting(timedelta(0)) == ()


def test_cancelled_requests_do_not_wait(exports: Exports, segment: Segment) -> None:
    export = ask(exports, segment, [Format.CSV]).exports[0].id
    exports.cancel(export)
    assert exports.waiting(timedelta(0)) == ()


def test_a_due_schedule_makes_one_request_and_moves_on(exports: Exports, segments: Segments) -> None:
    segments.create(definition("s", schedule=Schedule("0 6 * * *", ("xlsx",))), "f", None)
    moment = datetime(2100, 1, 1, 12, tzinfo=UTC)
    (due,) = segments.due(moment)
    request = exports.request_due(due, moment)
    assert request is not None
    assert (request.trigger, [e.format for e in request.exports]) == (Trigger.SCHEDULE, [Format.XLSX])
    assert exports.request_due(due, moment) is None
    assert segments.due(moment) == ()
    assert segments.due(moment + timedelta(days=1))[0].due_at == datetime(2100, 1, 2, 3, tzinfo=UTC)


def test_a_run_made_in_dagster_gets_a_request_once_and_a_retry_takes_it_over(
    exports: Exports, attempts: Attempts, segment: Segment
) -> None:
    request = attempts.request_of_run(segment, BOTH, "run1", None)
    assert (request.trigger, request.run_id, request.attempt) == (Trigger.DAGSTER, "run1", 1)
    assert attempts.request_of_run(segment, BOTH, "run1", None) == request
    retry = attempts.request_of_run(segment, BOTH, "run2", "run1")
    assert (retry.id, retry.run_id, retry.attempt) == (request.id, "run2", 2)
    attempts.finish_run("run2", Status.FAILED, REASON)
    assert attempts.request_of_run(segment, BOTH, "run3", "run2").id != request.id


def test_a_snapshot_of_an_old_attempt_is_not_taken(
    exports: Exports, attempts: Attempts, snapshots: Snapshots, segment: Segment
) -> None:
    request = ask(exports, segment)
    attempts.claim(request.id, "run1", None)
    snapshot = Snapshot("1" * 36, segment.id, 1, 3, datetime(2026, 1, 1, tzinfo=UTC))
    assert snapshots.record(snapshot, request.id, 1)
    attempts.claim(request.id, "run2", "run1")
    late = Snapshot("2" * 36, segment.id, 1, 3, datetime(2026, 1, 1, tzinfo=UTC))
    assert not snapshots.record(late, request.id, 1)
    assert snapshots.get(late.id) is None
    assert snapshots.latest(segment.id) == snapshot
    assert exports.get(request.exports[0].id).snapshot_id == snapshot.id


def test_the_latest_export_of_each_segment_comes_in_one_answer(exports: Exports, segments: Segments) -> None:
    ids = [segments.create(definition(f"s{n}"), "f", None) for n in range(3)]
    ask(exports, ids[0], [Format.CSV])
    latest = [ask(exports, ids[0], [Format.XLSX]), ask(exports, ids[1], [Format.CSV])]
    found = exports.latest_of_segments([s.id for s in ids])
    assert {k: v.id for k, v in found.items()} == {ids[n].id: latest[n].exports[0].id for n in (0, 1)}
    assert [e.format for e in exports.of_segment(ids[0].id)] == [Format.XLSX, Format.CSV]


@pytest.mark.parametrize("split", [None, SplitOptions(field="city")])
def test_the_latest_export_of_a_segment_has_its_manifest_only_where_it_is_split_by_a_field(
    exports: Exports, attempts: Attempts, segment: Segment, split: SplitOptions | None
) -> None:
    options = ExportOptions(split=split)
    request = exports.request(segment, [Format.CSV], trigger=Trigger.API, requested_by_id=None, export=options)
    assert attempts.start(request.exports[0].id, 1)
    assert publish(attempts, request.exports[0].id, 1)
    whole = exports.get(request.exports[0].id)
    assert whole.manifest is not None
    assert exports.latest_of_segments([segment.id]) == {segment.id: whole if split else replace(whole, manifest=None)}


@pytest.mark.parametrize("call", ["get", "cancel"])
def test_an_unknown_export_is_not_found(exports: Exports, call: str) -> None:
    with pytest.raises(UserError) as error:
        getattr(exports, call)("no such id")
    assert error.value.code == "export_not_found"
