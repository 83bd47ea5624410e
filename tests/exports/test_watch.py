from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from segmentator_dagster.compiler.query import CompiledQuery
from segmentator_dagster.domain.export import Export, Format, Progress
from segmentator_dagster.exports.problems import ExportCancelledError
from segmentator_dagster.exports.watch import Watch
from tests.exports.conftest import Bench

# Half a minute of work that can be interrupted at any block of ten rows.
SLOW = "SELECT count() FROM numbers(1000) WHERE NOT ignore(sleepEachRow(0.03)) SETTINGS max_block_size = 10"


@pytest.fixture
def running(bench: Bench) -> Export:
    return started(bench)


def started(bench: Bench) -> Export:
    request = bench.ask(bench.segment(bench.dataset("user_id String", "VALUES ('a')")), Format.CSV)
    claimed = bench.exporter.begin(bench.run(request))
    [export] = claimed.exports
    assert bench.exporter.attempts.start(export.id, claimed.attempt)
    return bench.exporter.exports.get(export.id)


def watch(bench: Bench, export: Export, progress: Progress) -> Watch:
    return Watch(bench.exporter.attempts, bench.exporter.writer, [export.id], export.attempt, lambda: progress)


def checked_for_seconds(watched: Watch, seconds: float) -> None:
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        watched.check()
        time.sleep(0.01)


def test_rows_of_the_block_are_soon_on_the_export(bench: Bench, running: Export) -> None:
    with watch(bench, running, Progress("writing", 7, 10, 99)):
        time.sleep(0.5)
        assert bench.exporter.exports.get(running.id).progress == Progress("writing", 7, 10, 99)


def test_before_the_first_row_clickhouse_says_how_much_it_has_read(bench: Bench, running: Export) -> None:
    with watch(bench, running, Progress("audience")) as watched:
        sql = SLOW.replace("0.03", "0.01")
        bench.exporter.writer.rows(CompiledQuery(sql.replace("1000", "100")), {"query_id": watched.query_id()})
        seen = bench.exporter.exports.get(running.id).progress
    assert seen.phase == "audience"
    assert 0 < seen.read_rows <= 100


def test_cancelling_ends_the_query_long_before_its_end(bench: Bench, running: Export) -> None:
    def cancelled() -> None:
        with watch(bench, running, Progress("audience")) as watched:
            bench.exporter.exports.cancel(running.id)
            bench.exporter.writer.rows(CompiledQuery(SLOW), {"query_id": watched.query_id()})

    began = time.monotonic()
    with pytest.raises(ExportCancelledError):
        cancelled()
    assert time.monotonic() - began < 10


def seconds_to_stop(bench: Bench) -> float:
    """From the database saying cancelled to ClickHouse having no query of the export."""
    export = started(bench)
    processes = "SELECT count() FROM system.processes WHERE startsWith(query_id, {id:String})"
    queries = CompiledQuery(processes, {"id": export.id})
    slow = CompiledQuery(SLOW.replace("0.03", "0.002").replace("1000", "10000"))
    with (
        ThreadPoolExecutor(1) as thread,
        suppress(ExportCancelledError),
        watch(bench, export, Progress("writing", 1)) as watched,
    ):
        thread.submit(bench.exporter.writer.rows, slow, {"query_id": watched.query_id()})
        while not bench.admin.scalar(queries):
            time.sleep(0.005)
        bench.exporter.exports.cancel(export.id)
        began = time.monotonic()
        while bench.admin.scalar(queries):
            assert time.monotonic() - began < 10
            time.sleep(0.005)
        return time.monotonic() - began


def test_cancelling_stops_the_query_within_a_second(bench: Bench) -> None:
    # A busy machine may hold any one of them up; a watch that looks less than once a second holds up all.
    assert min(seconds_to_stop(bench) for _ in range(3)) < 1


def test_work_that_is_cancelled_between_queries_stops_at_the_next_check(bench: Bench, running: Export) -> None:
    with watch(bench, running, Progress("writing", 1)) as watched:
        watched.check()
        bench.exporter.exports.cancel(running.id)
        with pytest.raises(ExportCancelledError):
            checked_for_seconds(watched, 10)


def test_an_attempt_that_was_taken_over_does_not_begin(bench: Bench, running: Export) -> None:
    assert bench.exporter.attempts.start(running.id, running.attempt + 1)
    with pytest.raises(ExportCancelledError), watch(bench, running, Progress("writing")):
        pytest.fail("it began")


def test_queries_of_another_block_are_left_alone(bench: Bench, running: Export) -> None:
    with watch(bench, running, Progress("writing", 1)):
        bench.exporter.exports.cancel(running.id)
        other = {"query_id": f"{running.id}-9-other"}
        assert bench.exporter.writer.scalar(CompiledQuery(SLOW.replace("1000", "20")), other) == 20


def test_an_exception_in_the_block_kills_its_statement(bench: Bench, running: Export) -> None:
    processes = "SELECT count() FROM system.processes WHERE startsWith(query_id, {id:String})"
    left = CompiledQuery(processes, {"id": running.id})
    rows = f"SELECT generateUUIDv4(), '' FROM ({SLOW.replace('count()', 'number')})"
    insert = CompiledQuery(f"INSERT INTO segmentator.segment_members (snapshot_id, user_id) {rows}")

    def interrupted() -> None:
        with ThreadPoolExecutor(1) as thread, watch(bench, running, Progress("audience")) as watched:
            thread.submit(bench.exporter.writer.execute, insert, {"query_id": watched.query_id()})
            while not bench.admin.scalar(left):
                time.sleep(0.01)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    began = time.monotonic()
    while bench.admin.scalar(left):
        assert time.monotonic() - began < 10
