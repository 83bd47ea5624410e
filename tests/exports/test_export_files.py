"""What a request says of its files -> the files: formats that agree, parts, comparisons, presets, manifests."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
from typing import Any

import openpyxl
import pyarrow.parquet as pq
import pytest

from segmentator_dagster.compiler.query import CompiledQuery
from segmentator_dagster.domain.errors import UserError
from segmentator_dagster.domain.export import Comparison, Format, Kept, Snapshot, Status
from segmentator_dagster.domain.export_options import ExportOptions
from segmentator_dagster.exports.exporter import Published
from segmentator_dagster.exports.problems import ExportCancelledError
from tests.exports.conftest import Bench

COLUMNS = "user_id String, city Nullable(String), n UInt64"
FIVE = "VALUES ('a', 'Омск', 1), ('b', NULL, 2), ('c', 'Уфа', 3), ('d', 'Омск', 4), ('e', '', 5)"


def rows_of(text: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text.decode("utf-8-sig"), newline="")))


def published(bench: Bench, format_: Format, options: dict[str, Any], values: str = FIVE) -> Published:
    segment = bench.segment(bench.dataset(COLUMNS, values))
    return bench.publish(bench.ask(segment, format_, export=ExportOptions.model_validate(options)), format_)


def test_every_format_has_the_same_values_though_the_data_moves_on(bench: Bench) -> None:
    dataset = bench.dataset(COLUMNS, FIVE)
    request = bench.ask(bench.segment(dataset), *Format)
    run = bench.run(request)
    claimed = bench.exporter.begin(run)
    bench.exporter.take_audience(claimed)
    made = {Format.CSV: bench.exporter.write_file(claimed, Format.CSV, run)}
    moved = f"ALTER TABLE datasets.{dataset} UPDATE city = 'Москва', n = 0 WHERE 1 SETTINGS mutations_sync = 1"
    bench.admin.execute(CompiledQuery(moved))
    assert len(bench.extracts(request)) == 1
    made |= {format_: bench.exporter.write_file(claimed, format_, run) for format_ in (Format.XLSX, Format.PARQUET)}
    assert bench.extracts(request) == []
    _, *as_csv = rows_of(bench.content(made[Format.CSV]))
    sheet = openpyxl.load_workbook(io.BytesIO(bench.content(made[Format.XLSX])))["Data"]
    as_xlsx = [[user, city or "", str(n)] for user, city, n in sheet.iter_rows(min_row=2, values_only=True)]
    table = pq.read_table(io.BytesIO(bench.content(made[Format.PARQUET]))).to_pylist()
    as_parquet = [[row["user_id"], row["city"] or "", str(row["n"])] for row in table]
    assert as_csv == as_xlsx == as_parquet
    assert as_csv[0] == ["a", "Омск", "1"]


def test_a_retry_uses_the_extract_that_the_first_attempt_made(bench: Bench) -> None:
    dataset = bench.dataset(COLUMNS, FIVE)
    request = bench.ask(bench.segment(dataset), Format.CSV, Format.PARQUET)
    run = bench.run(request)
    claimed = bench.exporter.begin(run)
    bench.exporter.take_audience(claimed)
    bench.exporter.write_file(claimed, Format.CSV, run)
    bench.admin.execute(CompiledQuery(f"TRUNCATE TABLE datasets.{dataset}"))
    retry = bench.run(request, "run2", parent_run_id="run1", automatic_retry=True, takes_audience=False)
    again = bench.exporter.write_file(bench.exporter.begin(retry), Format.PARQUET, retry)
    assert pq.read_table(io.BytesIO(bench.content(again))).column("n").to_pylist() == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("split", "expected"),
    [
        ({"rows": 2}, [("1", ["a", "b"]), ("2", ["c", "d"]), ("3", ["e"])]),
        ({"field": "city"}, [("__", ["e"]), ("Омск", ["a", "d"]), ("Уфа", ["c"]), ("NULL", ["b"])]),
    ],
)
def test_a_split_is_several_files_that_add_up(bench: Bench, split: dict[str, Any], expected: Any) -> None:
    made = published(bench, Format.CSV, {"split": split})
    files = made.export.files
    found = [[row[0] for row in rows_of(bench.content(made, n + 1))[1:]] for n in range(len(files))]
    assert found == [users for _, users in expected]
    assert [file.rows for file in files] == [len(users) for users in found]
    names = [file.file_name.rsplit(" ", 1)[1] for file in files]
    assert names == [f"{name.replace('__', chr(39) * 2)}.csv" for name, _ in expected]
    assert made.manifest["rows"] == sum(file.rows for file in files) == 5
    assert made.manifest["sha256"] is None
    assert [file["sha256"] for file in made.manifest["files"]] == [
        hashlib.sha256(bench.content(made, n + 1)).hexdigest() for n in range(len(files))
    ]


def test_a_split_of_an_unlikely_number_of_files_fails_and_stores_nothing(bench: Bench) -> None:
    with pytest.raises(UserError) as refused:
        published(bench, Format.CSV, {"split": {"rows": 1}}, "SELECT toString(number), 'x', 1 FROM numbers(1001)")
    assert refused.value.code == "too_many_files"
    assert bench.files() == []


def test_the_manifest_lies_beside_the_file_and_says_what_it_is(bench: Bench) -> None:
    made = published(bench, Format.CSV, {"csv": {"profile": "excel-ru"}, "headers": "none"})
    [file] = bench.files()
    assert json.loads((file.parent / "manifest.json").read_text()) == made.manifest
    assert made.manifest["bytes"] == file.stat().st_size
    assert made.manifest["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert made.manifest["options"]["csv"]["delimiter"] == ";"
    assert made.manifest["sentence"] == {"ru": made.manifest["sentence"]["ru"], "en": "all users"}
    assert [column["name"] for column in made.manifest["columns"]] == ["user_id", "city", "n"]


def test_a_compressed_file_is_called_so(bench: Bench) -> None:
    made = published(bench, Format.CSV, {"csv": {"compression": "gzip"}})
    assert made.export.files[0].file_name.endswith(".csv.gz")
    assert len(rows_of(gzip.decompress(bench.content(made)))) == 6


def test_formula_guards_are_counted_by_column(bench: Bench) -> None:
    made = published(bench, Format.CSV, {"csv": {"profile": "excel-ru"}}, "VALUES ('=a', '+1', 1), ('b', '-', 2)")
    assert made.manifest["replacements"] == {"user_id": {"formula_guard": 1}, "city": {"formula_guard": 2}}


def two_snapshots(bench: Bench) -> tuple[Any, Snapshot, Snapshot]:
    """A segment whose users were a, b, c and are b, c, d; its two snapshots."""
    dataset = bench.dataset(COLUMNS, "VALUES ('a', 'x', 1), ('b', 'x', 2), ('c', 'x', 3)")
    segment = bench.segment(dataset)
    first = bench.publish(bench.ask(segment, Format.CSV), Format.CSV)
    delete = f"ALTER TABLE datasets.{dataset} DELETE WHERE user_id = 'a' SETTINGS mutations_sync = 1"
    bench.admin.execute(CompiledQuery(delete))
    bench.admin.execute(CompiledQuery(f"INSERT INTO datasets.{dataset} VALUES ('d', 'y', 4)"))
    second = bench.publish(bench.ask(segment, Format.CSV), Format.CSV)
    snapshots = [bench.exporter.snapshots.get(made.export.snapshot_id or "") for made in (first, second)]
    assert snapshots[0] is not None
    assert snapshots[1] is not None
    return segment, snapshots[0], snapshots[1]


@pytest.mark.parametrize(
    ("keep", "expected"),
    [
        (Kept.ADDED, [["d", "y", "4"]]),
        (Kept.REMOVED, [["a", "", ""]]),
        (Kept.STAYED, [["b", "x", "2"], ["c", "x", "3"]]),
    ],
)
def test_the_difference_of_two_snapshots_is_exported_in_every_format(
    bench: Bench, keep: Kept, expected: list[list[str]]
) -> None:
    segment, first, second = two_snapshots(bench)
    compare = Comparison(first.id, second.id, keep)
    request = bench.ask(segment, *Format, snapshot=second, compare=compare)
    run = bench.run(request, "run9", takes_audience=False)
    claimed = bench.exporter.begin(run)
    assert not claimed.takes_audience
    made = {format_: bench.exporter.write_file(claimed, format_, run) for format_ in Format}
    assert rows_of(bench.content(made[Format.CSV]))[1:] == expected
    sheet = openpyxl.load_workbook(io.BytesIO(bench.content(made[Format.XLSX])))["Data"]
    assert [[str(v or "") for v in row] for row in sheet.iter_rows(min_row=2, values_only=True)] == expected
    assert pq.read_table(io.BytesIO(bench.content(made[Format.PARQUET]))).num_rows == len(expected)
    said = made[Format.CSV].manifest
    assert said["compare"] == compare.as_json()
    assert (said["users"], said["snapshot_users"]) == (len(expected), 3)


def test_an_earlier_snapshot_is_exported_again(bench: Bench) -> None:
    segment, first, _ = two_snapshots(bench)
    made = bench.publish(bench.ask(segment, Format.PARQUET, snapshot=first), Format.PARQUET)
    assert made.export.snapshot_id == first.id
    assert pq.read_table(io.BytesIO(bench.content(made))).column("user_id").to_pylist() == ["a", "b", "c"]


def test_yandex_audience_takes_those_who_can_be_reached_and_the_manifest_says_who_is_not(bench: Bench) -> None:
    contact = "if(number % 10 = 0, NULL, concat('U', toString(number), '@Ya.ru'))"
    rows = f"SELECT toString(number), {contact}, number FROM numbers(200)"
    segment = bench.segment(bench.dataset(COLUMNS, rows), columns=("n",))  # contacts need not be among the columns
    options = ExportOptions.model_validate({"yandex_audience": {"email": "city", "external_id": True}})
    made = bench.publish(bench.ask(segment, Format.CSV, export=options), Format.CSV)
    header, *lines = rows_of(bench.content(made))
    assert header == ["external_id", "email"]
    assert lines[0] == ["1", "u1@ya.ru"]
    assert (len(lines), made.export.rows) == (180, 180)
    assert (made.manifest["users"], made.manifest["skipped"]["no_contact"]) == (200, 20)


def test_an_audience_too_small_for_yandex_is_refused_before_anything_is_stored(bench: Bench) -> None:
    with pytest.raises(UserError) as refused:
        published(bench, Format.CSV, {"yandex_audience": {"email": "city"}})
    assert refused.value.code == "audience_too_small"
    assert bench.files() == []


def test_a_cancelled_export_stores_nothing_and_its_extract_goes_with_the_request(bench: Bench) -> None:
    request = bench.ask(bench.segment(bench.dataset(COLUMNS, FIVE)), Format.CSV, Format.XLSX)
    run = bench.run(request)
    claimed = bench.exporter.begin(run)
    bench.exporter.take_audience(claimed)
    by_format = {export.format: export.id for export in request.exports}
    bench.exporter.exports.cancel(by_format[Format.CSV])
    with pytest.raises(ExportCancelledError):
        bench.exporter.write_file(claimed, Format.CSV, run)
    assert bench.files() == []
    assert bench.exporter.write_file(claimed, Format.XLSX, run).export.status is Status.PUBLISHED
    assert bench.extracts(request) == []


def test_options_that_make_no_sense_with_the_data_fail_with_their_place(bench: Bench) -> None:
    with pytest.raises(UserError) as refused:
        published(bench, Format.CSV, {"split": {"field": "citi"}})
    assert [(one.code, one.pointer) for one in refused.value.problems] == [
        ("split_field_not_exported", "/export/split/field")
    ]
    assert bench.files() == []


def test_a_split_by_a_field_called_like_the_user_id_is_by_that_field(bench: Bench) -> None:
    name = bench.dataset("id String, user_id String", "VALUES ('a', 'x'), ('b', 'y'), ('c', 'x')", user_key="id")
    options = ExportOptions.model_validate({"split": {"field": "user_id"}})
    made = bench.publish(bench.ask(bench.segment(name), Format.CSV, export=options), Format.CSV)
    assert [(file.value, file.rows) for file in made.export.files] == [("x", 2), ("y", 1)]


def test_five_hundred_columns_are_a_file_in_every_format(bench: Bench) -> None:
    names = [f"column_{n}_with_a_long_name" for n in range(499)]
    columns = ", ".join(["user_id String", *(f"{name} Nullable(String)" for name in names)])
    values = ", ".join(["'u'", *(f"'{n} = x'" for n in range(498)), "NULL"])
    request = bench.ask(bench.segment(bench.dataset(columns, f"VALUES ({values})")), *Format)
    run = bench.run(request)
    claimed = bench.exporter.begin(run)
    bench.exporter.take_audience(claimed)
    made = {format_: bench.exporter.write_file(claimed, format_, run) for format_ in Format}
    expected = ["u", *(f"{n} = x" for n in range(498)), ""]
    assert rows_of(bench.content(made[Format.CSV])) == [["user_id", *names], expected]
    sheet = openpyxl.load_workbook(io.BytesIO(bench.content(made[Format.XLSX])))["Data"]
    assert [value or "" for value in next(sheet.iter_rows(min_row=2, values_only=True))] == expected
    [row] = pq.read_table(io.BytesIO(bench.content(made[Format.PARQUET]))).to_pylist()
    assert [value or "" for value in row.values()] == expected
