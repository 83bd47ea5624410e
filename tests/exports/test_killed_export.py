"""kill -9 of an export at every named point: the retry publishes it once and whole, and nothing stays behind."""

from __future__ import annotations

import csv
import io
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from segmentator_dagster.domain.export import Format, Status
from segmentator_dagster.exports import retention
from segmentator_dagster.exports.exporter import Published
from segmentator_dagster.exports.retention import Retention
from segmentator_dagster.storage.metadata.database import now
from segmentator_dagster.storage.uploads import Uploads
from tests.exports.conftest import Bench
from tests.exports.killed_export import POINTS
from tests.servers.clickhouse import ClickHouseServer

ROOT = Path(__file__).parents[2]
USERS = 250_000
COLUMNS = "user_id String, a String, b String, n UInt64"
ROWS = f"SELECT toString(number), hex(sipHash128(number)), hex(sipHash128(number + 1)), number FROM numbers({USERS})"


def start(
    bench: Bench, server: ClickHouseServer, request_id: str, segment_id: int, point: str
) -> subprocess.Popen[str]:
    database = bench.exporter.exports._database.url.render_as_string(hide_password=False)
    arguments = [database, server.writer_url, str(bench.folder), request_id, str(segment_id), "csv", point]
    command = [sys.executable, "-m", "tests.exports.killed_export", *arguments]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)


def until_it_stands_still(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == "still\n"


def rows_of(bench: Bench, published: Published) -> int:
    text = bench.content(published).decode()
    users = [row[0] for row in csv.reader(io.StringIO(text, newline=""))][1:]
    assert users == sorted({str(n) for n in range(USERS)})
    return len(users)


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_export_is_published_once_and_whole_by_its_retry(
    bench: Bench, clickhouse_server: ClickHouseServer, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    segment = bench.segment(bench.dataset(COLUMNS, ROWS))
    request = bench.ask(segment, Format.CSV)
    process = start(bench, clickhouse_server, request.id, segment.id, point)
    until_it_stands_still(process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    published_before = bench.exporter.exports.get(request.exports[0].id).status is Status.PUBLISHED
    assert published_before == (point == "after publishing")
    retry = bench.run(request, "run2", parent_run_id="run1", automatic_retry=True)
    claimed = bench.exporter.begin(retry)
    if not published_before:
        bench.exporter.take_audience(claimed)
    published = bench.exporter.write_file(claimed, Format.CSV, retry)
    assert rows_of(bench, published) == published.export.rows == USERS
    assert published.export.attempt == (1 if published_before else 2)
    monkeypatch.setattr(retention, "SAFE_AGE", timedelta(seconds=-1))
    swept = Retention(
        bench.exporter.exports,
        bench.exporter.objects,
        Uploads(bench.exporter.objects),
        bench.exporter.writer,
        bench.exporter.members_database,
    )
    swept.remove_leftovers(now(), "")
    swept.abort_uploads(now())
    swept.drop_extracts()
    assert [str(path.relative_to(bench.folder)) for path in bench.files()] == [published.export.object_key]
    assert bench.extracts(request) == []


def test_a_worker_that_wakes_after_its_successor_publishes_nothing_and_removes_nothing(
    bench: Bench, clickhouse_server: ClickHouseServer
) -> None:
    segment = bench.segment(bench.dataset(COLUMNS, ROWS))
    request = bench.ask(segment, Format.CSV)
    zombie = start(bench, clickhouse_server, request.id, segment.id, "in the middle of the bytes")
    until_it_stands_still(zombie)
    retry = bench.run(request, "run2", parent_run_id="run1", automatic_retry=True)
    claimed = bench.exporter.begin(retry)
    bench.exporter.take_audience(claimed)
    published = bench.exporter.write_file(claimed, Format.CSV, retry)
    assert zombie.communicate("wake up\n", 20) == ("", None)  # it was not "done", nor waited for the server's 30 s
    assert zombie.returncode != 0
    assert rows_of(bench, published) == USERS
    assert [str(path.relative_to(bench.folder)) for path in bench.files()] == [published.export.object_key]
