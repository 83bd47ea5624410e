from __future__ import annotations

from collections.abc import Callable

import dagster as dg
import pytest

from segmentator_dagster.domain.export import Export, Format, Status, Trigger
from segmentator_dagster.sensors import endings
from segmentator_dagster.sensors.endings import ending, export_endings_sensor
from segmentator_dagster.storage.metadata.attempts import Attempts
from segmentator_dagster.storage.metadata.exports import Exports
from segmentator_dagster.storage.metadata.segments import Segments
from tests.storage.conftest import definition

Run = dg.DagsterRunStatus
Ended = Callable[..., Export]


@pytest.mark.parametrize(
    ("status", "will_retry", "seconds_ago", "expected"),
    [
        (Run.STARTED, None, 999, None),
        (Run.QUEUED, None, 999, None),
        (Run.CANCELING, None, 999, None),
        (Run.CANCELED, None, 0, Status.CANCELLED),
        (Run.FAILURE, "true", 999, None),
        (Run.FAILURE, "false", 0, Status.FAILED),
        (Run.FAILURE, None, 1, None),
        (Run.FAILURE, None, 31, Status.FAILED),
        (Run.SUCCESS, None, 1, None),
        (Run.SUCCESS, None, 31, Status.FAILED),
    ],
)
def test_open_exports_end_when_their_run_has_ended_for_good(
    status: Run, will_retry: str | None, seconds_ago: float, expected: Status | None
) -> None:
    assert ending(status, will_retry, seconds_ago) is expected


def failing_run(instance: dg.DagsterInstance, **tags: str) -> str:
    @dg.op
    def fails() -> None:
        raise dg.Failure("the reason\nsecond line")

    @dg.job
    def job() -> None:
        fails()

    return job.execute_in_process(instance=instance, raise_on_error=False, tags=tags).run_id


@pytest.fixture
def ended(segments: Segments, exports: Exports, attempts: Attempts, instance: dg.DagsterInstance) -> Ended:
    """What becomes of an export that this run has, when the sensor looks."""

    def look(run_id: str, *, claimed: bool = True) -> Export:
        segment = segments.create(definition(run_id), "f", None)
        request = exports.request(segment, [Format.CSV], trigger=Trigger.API, requested_by_id=None)
        exports.launched(request.id, run_id)
        if claimed:
            attempts.claim(request.id, run_id, None)
        resources = {"exports": exports, "attempts": attempts}
        export_endings_sensor(dg.build_sensor_context(instance=instance, resources=resources))
        return exports.get(request.exports[0].id)

    return look


@pytest.mark.parametrize("claimed", [True, False])
def test_a_failed_run_that_is_not_retried_fails_its_export_with_one_line_of_reason(
    ended: Ended, instance: dg.DagsterInstance, claimed: bool
) -> None:
    export = ended(failing_run(instance, **{"dagster/will_retry": "false"}), claimed=claimed)
    assert export.status is Status.FAILED
    assert export.error is not None
    assert export.error.code == "run_failed"
    assert "\n" not in export.error.message_en


def test_nothing_ends_while_dagster_has_not_decided_or_retries(ended: Ended, instance: dg.DagsterInstance) -> None:
    assert ended(failing_run(instance)).status is Status.REQUESTED


def test_a_retry_that_failed_before_it_took_the_request_ends_it(ended: Ended, instance: dg.DagsterInstance) -> None:
    retry = failing_run(instance, **{"dagster/will_retry": "false"})
    first = failing_run(instance, **{"dagster/will_retry": "true", "dagster/auto_retry_run_id": retry})
    assert ended(first).status is Status.FAILED


def test_a_retry_to_come_keeps_the_export_open(ended: Ended, instance: dg.DagsterInstance) -> None:
    assert ended(failing_run(instance, **{"dagster/will_retry": "true"})).status is Status.REQUESTED


def test_a_run_that_dagster_has_forgotten_ends_its_export_after_a_while(
    ended: Ended, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ended("no-such-run").status is Status.REQUESTED
    monkeypatch.setattr(endings, "_FORGOTTEN_SECONDS", -1)
    export = ended("no-such-run-either")
    assert export.status is Status.FAILED
    assert export.error is not None
    assert "no-such-run-either" in export.error.message_en
