from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from segmentator_dagster.compiler.query import CompiledQuery
from segmentator_dagster.domain.errors import InternalError, UserError
from segmentator_dagster.domain.export import ExportRequest, Format, Status
from segmentator_dagster.exports.exporter import Published
from segmentator_dagster.exports.problems import DuplicateRunError, ExportCancelledError
from segmentator_dagster.storage.clickhouse import ClickHouse
from segmentator_dagster.storage.metadata.attempts import Attempts
from segmentator_dagster.storage.metadata.database import DATABASE_UNAVAILABLE
from tests.exports.conftest import Bench

PLAIN = "user_id String, city Nullable(String), day Date"
THREE = (
    "VALUES ('a', 'Омск', '2026-01-01'), ('a', NULL, '2026-01-03'), ('b', 'Уфа', '2026-01-02'), ('в', '', '2026-01-01')"
)


def publish(bench: Bench, request: ExportRequest, format_: Format) -> Published:
    run = bench.run(request)
    claimed = bench.exporter.begin(run)
    bench.exporter.take_audience(claimed)
    return bench.exporter.write_file(claimed, format_, run)


def content(bench: Bench, published: Published) -> bytes:
    assert published.export.object_key is not None
    return (bench.folder / published.export.object_key).read_bytes()


def csv_rows(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode(), newline="")))


def test_a_file_has_each_member_once_with_the_values_of_its_latest_row(bench: Bench) -> None:
    segment = bench.segment(bench.dataset(PLAIN, THREE, "day"))
    published = publish(bench, bench.ask(segment, Format.CSV), Format.CSV)
    assert csv_rows(content(bench, published)) == [
        ["user_id", "city", "day"],
        ["a", "", "2026-01-03"],
        ["b", "Уфа", "2026-01-02"],
        ["в", "", "2026-01-01"],
    ]
    assert content(bench, published).startswith(b'"user_id","city","day"\r\n"a",,2026-01-03\r\n')
    assert published.manifest["rows"] == published.manifest["users"] == published.manifest["snapshot_users"] == 3


def test_an_empty_audience_is_a_file_with_a_header(bench: Bench) -> None:
    rule = {"kind": "everyone", "not": True}
    segment = bench.segment(bench.dataset(PLAIN, THREE), rule)
    request = bench.ask(segment, Format.CSV, Format.XLSX)
    run = bench.run(request)
    claimed = bench.exporter.begin(run)
    assert bench.exporter.take_audience(claimed).snapshot.users == 0
    assert csv_rows(content(bench, bench.exporter.write_file(claimed, Format.CSV, run))) == [["user_id", "city", "day"]]
    workbook = content(bench, bench.exporter.write_file(claimed, Format.XLSX, run))
    assert [c.value for c in openpyxl.load_workbook(io.BytesIO(workbook)).active[1]] == ["user_id", "city", "day"]


def test_every_format_reads_the_same_snapshot_though_the_data_moves_on(bench: Bench) -> None:
    dataset = bench.dataset(PLAIN, THREE)
    request = bench.ask(bench.segment(dataset), Format.CSV, Format.XLSX)
    run = bench.run(request)
    claimed = bench.exporter.begin(run)
    bench.exporter.take_audience(claimed)
    first = bench.exporter.write_file(claimed, Format.CSV, run)
    bench.admin.execute(CompiledQuery(f"INSERT INTO datasets.{dataset} VALUES ('new', 'x', '2026-02-01')"))
    bench.admin.execute(
        CompiledQuery(f"ALTER TABLE datasets.{dataset} DELETE WHERE user_id = 'b' SETTINGS mutations_sync = 1")
    )
    second = bench.exporter.write_file(claimed, Format.XLSX, run)
    ids = [row[0] for row in csv_rows(content(bench, first))[1:]]
    sheet = openpyxl.load_workbook(io.BytesIO(content(bench, second))).active
    assert [cells[0] for cells in sheet.iter_rows(min_row=2, values_only=True)] == ids == ["a", "b", "в"]


def test_text_that_a_cell_cannot_hold_is_replaced_and_counted_by_column(bench: Bench) -> None:
    values = (
        r"VALUES ('a', '=1+1', '2026-01-01'), ('b', 'x\x01y', '2026-01-01'), ('c', repeat('ы', 40000), '2026-01-01')"
    )
    values = "SELECT * FROM VALUES('user_id String, city String, day Date', " + values.removeprefix("VALUES ") + ")"
    segment = bench.segment(bench.dataset(PLAIN, values))
    published = publish(bench, bench.ask(segment, Format.XLSX), Format.XLSX)
    assert published.manifest["replacements"] == {"city": {"illegal_character": 1, "too_long": 1}}
    rows = list(
        openpyxl.load_workbook(io.BytesIO(content(bench, published))).active.iter_rows(min_row=2, values_only=True)
    )
    assert rows[0][1] == "=1+1"
    assert rows[1][1] == "x\ufffdy"
    assert len(rows[2][1]) == 32_767
    assert rows[2][1].endswith("ы…")


def test_numbers_dates_and_long_integers_keep_their_values_in_a_workbook(bench: Bench) -> None:
    columns = (
        "user_id String, n Int64, u UInt64, d Decimal(18, 2), f Nullable(Float64), day Date32, "
        "at DateTime64(3, 'UTC'), ok Bool, tags Array(UInt8)"
    )
    rows = (
        "SELECT 'a', -5, 18446744073709551615, toDecimal64('1234567.89', 2), nan, toDate32('1900-01-01'),"
        " toDateTime64('2025-12-31 22:30:15', 3, 'UTC'), true, [1, 2]"
    )
    published = publish(bench, bench.ask(bench.segment(bench.dataset(columns, rows)), Format.XLSX), Format.XLSX)
    (row,) = openpyxl.load_workbook(io.BytesIO(content(bench, published))).active.iter_rows(min_row=2, values_only=True)
    assert row[1:5] == (-5, "18446744073709551615", 1234567.89, "nan")
    assert [str(value) for value in row[5:7]] == ["1900-01-01 00:00:00", "2026-01-01 01:30:15"]  # Moscow
    assert row[7:] == (True, "[1,2]")


def test_chosen_columns_come_in_their_order_after_the_user_id(bench: Bench) -> None:
    segment = bench.segment(bench.dataset(PLAIN, THREE, "day"), columns=("day", "city"))
    published = publish(bench, bench.ask(segment, Format.CSV), Format.CSV)
    assert csv_rows(content(bench, published))[:2] == [["user_id", "day", "city"], ["a", "2026-01-03", ""]]


def test_a_column_that_disappeared_fails_with_its_name(bench: Bench) -> None:
    dataset = bench.dataset(PLAIN, THREE)
    request = bench.ask(bench.segment(dataset, columns=("city",)), Format.CSV)
    bench.admin.execute(CompiledQuery(f"ALTER TABLE datasets.{dataset} DROP COLUMN city"))
    with pytest.raises(UserError) as error:
        publish(bench, request, Format.CSV)
    assert "city" in str(error.value)
    assert bench.files() == []


def test_a_run_that_is_not_the_owner_gets_nothing(bench: Bench) -> None:
    request = bench.ask(bench.segment(bench.dataset(PLAIN, THREE)), Format.CSV)
    bench.exporter.begin(bench.run(request))
    with pytest.raises(DuplicateRunError):
        bench.exporter.begin(bench.run(request, "run2"))


def test_a_late_launch_of_a_finished_request_does_nothing_but_a_rerun_by_a_person_makes_a_new_one(bench: Bench) -> None:
    request = bench.ask(bench.segment(bench.dataset(PLAIN, THREE)), Format.CSV)
    publish(bench, request, Format.CSV)
    with pytest.raises(DuplicateRunError):
        bench.exporter.begin(bench.run(request, "run2"))
    retried = bench.exporter.begin(bench.run(request, "run3", parent_run_id="run1", automatic_retry=True))
    assert retried.id == request.id
    again = bench.exporter.begin(bench.run(request, "run4", parent_run_id="run1"))
    assert again.id != request.id


def test_cancelling_in_mid_file_leaves_no_object(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    request = bench.ask(bench.segment(bench.dataset(PLAIN, THREE)), Format.CSV)
    run = bench.run(request)
    claimed = bench.exporter.begin(run)
    bench.exporter.take_audience(claimed)
    original = ClickHouse.stream

    def cancelled_meanwhile(self: ClickHouse, *args: object, **kwargs: object) -> Iterator[bytes]:
        bench.exporter.exports.cancel(request.exports[0].id)
        yield from original(self, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(ClickHouse, "stream", cancelled_meanwhile)
    with pytest.raises(ExportCancelledError):
        bench.exporter.write_file(claimed, Format.CSV, run)
    assert bench.files() == []
    assert bench.exporter.exports.get(request.exports[0].id).status is Status.CANCELLED


def test_a_server_that_fails_in_mid_stream_publishes_nothing(bench: Bench) -> None:
    columns = "user_id String, boom UInt8 ALIAS throwIf(toUInt64(user_id) = 150000)"
    dataset = bench.dataset(columns, "(user_id) SELECT leftPad(toString(number), 9, '0') FROM numbers(200000)")
    request = bench.ask(bench.segment(dataset), Format.CSV)
    run = bench.run(request)
    claimed = bench.exporter.begin(run)
    bench.exporter.take_audience(claimed)
    with pytest.raises(InternalError, match="ClickHouse error 395"):
        bench.exporter.write_file(claimed, Format.CSV, run)
    assert bench.files() == []
    assert bench.exporter.exports.get(request.exports[0].id).status is Status.RUNNING


def test_a_zombie_neither_publishes_nor_removes_the_file_of_its_successor(bench: Bench) -> None:
    request = bench.ask(bench.segment(bench.dataset(PLAIN, THREE)), Format.CSV)
    zombie_run = bench.run(request)
    zombie = bench.exporter.begin(zombie_run)
    bench.exporter.take_audience(zombie)
    bench.exporter.attempts.start(request.exports[0].id, zombie.attempt)
    retry_run = bench.run(request, "run2", parent_run_id="run1", automatic_retry=True)
    retry = bench.exporter.begin(retry_run)
    published = bench.exporter.write_file(retry, Format.CSV, retry_run)
    with pytest.raises(ExportCancelledError):
        bench.exporter.write_file(zombie, Format.CSV, zombie_run)
    with pytest.raises(ExportCancelledError):
        bench.exporter.take_audience(zombie)
    assert [path.relative_to(bench.folder) for path in bench.files()] == [Path(published.export.object_key or "")]


def test_a_file_shorter_than_its_snapshot_is_not_published(bench: Bench) -> None:
    dataset = bench.dataset(PLAIN, THREE)
    request = bench.ask(bench.segment(dataset), Format.CSV)
    run = bench.run(request)
    claimed = bench.exporter.begin(run)
    taken = bench.exporter.take_audience(claimed)
    lost = (
        "ALTER TABLE segmentator.segment_members DELETE WHERE snapshot_id = {id:UUID} AND user_id = 'b' "
        "SETTINGS mutations_sync = 1"
    )
    bench.admin.execute(CompiledQuery(lost, {"id": taken.snapshot.id}))
    with pytest.raises(UserError) as error:
        bench.exporter.write_file(claimed, Format.CSV, run)
    assert error.value.code == "file_incomplete"
    assert bench.files() == []
    assert bench.extracts(request) == []


def test_an_object_store_that_refuses_fails_and_publishes_nothing(bench: Bench) -> None:
    request = bench.ask(bench.segment(bench.dataset(PLAIN, THREE)), Format.CSV)
    run = bench.run(request)
    claimed = bench.exporter.begin(run)
    bench.exporter.take_audience(claimed)
    bench.folder.mkdir(exist_ok=True)
    (bench.folder / "exports").write_text("a file where a folder is needed")
    with pytest.raises(UserError) as error:
        bench.exporter.write_file(claimed, Format.CSV, run)
    assert error.value.code == "object_store_unavailable"
    assert bench.exporter.exports.get(request.exports[0].id).status is Status.RUNNING


def test_only_a_file_is_made_from_the_last_audience_with_the_version_it_was_taken_of(bench: Bench) -> None:
    segment = bench.segment(bench.dataset(PLAIN, THREE))
    request = bench.ask(segment, Format.CSV)
    nothing_yet = bench.run(request, "early", request_id=None, takes_audience=False)
    with pytest.raises(UserError) as error:
        bench.exporter.begin(nothing_yet)
    assert error.value.code == "audience_missing"
    first = publish(bench, request, Format.CSV)
    nobody = replace(segment.definition, rule={"kind": "everyone", "not": True})
    bench.exporter.segments.update(segment.id, 1, nobody, "g" * 64, None)
    run = bench.run(request, "later", request_id=None, takes_audience=False)
    again = bench.exporter.write_file(bench.exporter.begin(run), Format.CSV, run)
    assert (again.export.version, again.export.snapshot_id) == (1, first.export.snapshot_id)
    assert content(bench, again) == content(bench, first)


def test_a_request_whose_exports_have_ended_takes_no_other_audience(bench: Bench) -> None:
    request = bench.ask(bench.segment(bench.dataset(PLAIN, THREE)), Format.CSV)
    first = publish(bench, request, Format.CSV)
    retried = bench.exporter.begin(bench.run(request, "run2", parent_run_id="run1", automatic_retry=True))
    with pytest.raises(ExportCancelledError):
        bench.exporter.take_audience(retried)
    assert bench.exporter.exports.get(first.export.id).snapshot_id == first.export.snapshot_id


def test_a_commit_whose_answer_was_lost_is_found_published_by_the_next_try(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = bench.ask(bench.segment(bench.dataset(PLAIN, THREE)), Format.CSV)
    original = Attempts.publish

    def answer_lost(self: Attempts, *args: Any, **kwargs: Any) -> bool:
        assert original(self, *args, **kwargs)
        raise DATABASE_UNAVAILABLE.error()

    with monkeypatch.context() as patched:
        patched.setattr(Attempts, "publish", answer_lost)
        with pytest.raises(UserError):
            publish(bench, request, Format.CSV)
    run = bench.run(request)
    again = bench.exporter.write_file(bench.exporter.begin(run), Format.CSV, run)
    assert again.export.status is Status.PUBLISHED
    assert len(csv_rows(content(bench, again))) == 4
    assert len(bench.files()) == 1


@pytest.mark.parametrize("failure", [DATABASE_UNAVAILABLE.error(), InternalError("a bug of ours")])
def test_an_extract_that_cannot_be_dropped_leaves_the_export_published(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    request = bench.ask(bench.segment(bench.dataset(PLAIN, THREE)), Format.CSV)

    def refused(*_: object) -> None:
        raise failure

    monkeypatch.setattr("segmentator_dagster.exports.exporter.drop_extracts", refused)
    assert publish(bench, request, Format.CSV).export.status is Status.PUBLISHED
    assert len(bench.extracts(request)) == 1
