"""Files show what whoever asked for them may see at the moment they are made."""

from __future__ import annotations

import io
from datetime import date, datetime
from typing import Any

import openpyxl
import pyarrow.parquet as pq
import pytest

from segmentator_dagster.domain.data_access import AccessLayer
from segmentator_dagster.domain.export import Format
from segmentator_dagster.domain.export_options import CsvOptions, ExportOptions, Headers
from segmentator_dagster.domain.people import Person, Role
from segmentator_dagster.storage.metadata.datasets import RegisteredDataset
from tests.api.people import person
from tests.exports.conftest import Bench
from tests.exports.limited import COLUMNS, LIMITED, ROWS, as_csv, limit, published

SEEN = [
    ("a", "a***@mail.ru", "+7*******67", "*******78", "g***", 10.5),
    ("b", None, "", "***", "***", 0.0),
    ("c", "***@x.co", "*******68", "", "g***", 1.0),
]
ALL = (Format.CSV, Format.XLSX, Format.PARQUET)


@pytest.fixture
def dataset(bench: Bench) -> str:
    return bench.dataset(COLUMNS, ROWS)


@pytest.fixture
def vera(bench: Bench) -> Person:
    """A person who sees everything so far; an administrator is there beside them."""
    person(bench.database)
    return person(bench.database, "vera", Role.USER)


def as_xlsx(data: bytes) -> list[tuple[Any, ...]]:
    return list(openpyxl.load_workbook(io.BytesIO(data)).worksheets[0].iter_rows(values_only=True))


def as_parquet(data: bytes) -> list[tuple[Any, ...]]:
    table = pq.read_table(io.BytesIO(data))
    return [tuple(table.column_names), *(tuple(row.values()) for row in table.to_pylist())]


def about(data: bytes) -> dict[str, str]:
    return dict(openpyxl.load_workbook(io.BytesIO(data)).worksheets[-1].iter_rows(values_only=True))


def test_all_formats_of_a_limited_person_have_the_same_masks_and_no_hidden_column(
    bench: Bench, dataset: str, vera: Person
) -> None:
    limit(bench, vera, dataset)
    files = published(bench, bench.ask(bench.segment(dataset), *ALL, requested_by_id=vera.id))
    names = ("user_id", "email", "phone", "card", "level", "spent")
    texts = [tuple("" if cell is None else str(cell) for cell in row[:-1]) for row in SEEN]
    csv_header, *csv_rows = as_csv(bench.content(files[Format.CSV]))
    assert csv_header == names
    assert [row[:-1] for row in csv_rows] == texts
    assert [float(row[-1]) for row in csv_rows] == [row[-1] for row in SEEN]
    xlsx_header, *xlsx_rows = as_xlsx(bench.content(files[Format.XLSX]))
    assert xlsx_header == names
    assert [tuple(cell or "" for cell in row[:-1]) for row in xlsx_rows] == texts
    parquet_header, *parquet_rows = as_parquet(bench.content(files[Format.PARQUET]))
    assert parquet_header == names
    assert [(*row[:-1], float(row[-1])) for row in parquet_rows] == SEEN
    for one in files.values():
        for secret in (b"anna@", b"123-45", b"12345678", b"1990", b"gold"):
            assert secret not in bench.content(one)


def test_the_manifest_and_the_sheet_about_the_file_name_what_is_kept_back(
    bench: Bench, dataset: str, vera: Person
) -> None:
    limit(bench, vera, dataset, {"email": "masked", "born": "hidden", "spent": "hidden"})
    files = published(bench, bench.ask(bench.segment(dataset), *ALL, requested_by_id=vera.id))
    for one in files.values():
        assert one.manifest["left_out_columns"] == ["born", "spent"]
        assert one.manifest["columns"][:3] == [
            {"name": "user_id", "type": "text", "clickhouse_type": "String"},
            {"name": "email", "type": "text", "clickhouse_type": "String", "masked": True},
            {"name": "phone", "type": "text", "clickhouse_type": "LowCardinality(String)"},
        ]
        assert one.manifest["dataset"] == dataset
    lines = about(bench.content(files[Format.XLSX]))
    assert (lines["Под маской"], lines["Скрыты"]) == ("email", "born, spent")


def test_of_the_named_columns_those_that_are_hidden_are_left_out_in_the_titles_of_the_file(
    bench: Bench, dataset: str, vera: Person
) -> None:
    labels = {"born": {"ru": "Дата рождения", "en": "Born"}}
    bench.exporter.datasets.register(RegisteredDataset(dataset, "datasets", dataset, "user_id", field_labels=labels))
    limit(bench, vera, dataset, {"email": "masked", "born": "hidden", "card": "hidden"})
    segment = bench.segment(dataset, columns=("born", "email", "spent"))
    look = ExportOptions(headers=Headers.RU)
    request = bench.ask(segment, Format.XLSX, requested_by_id=vera.id, export=look)
    one = published(bench, request)[Format.XLSX]
    assert as_xlsx(bench.content(one))[0] == ("user_id", "email", "spent")
    assert one.manifest["left_out_columns"] == ["born"]  # the card was not asked for
    assert about(bench.content(one))["Скрыты"] == "Дата рождения"


def test_a_file_of_hidden_columns_alone_has_the_user_ids(bench: Bench, dataset: str, vera: Person) -> None:
    limit(bench, vera, dataset, {"born": "hidden"})
    request = bench.ask(bench.segment(dataset, columns=("born",)), Format.CSV, requested_by_id=vera.id)
    assert as_csv(bench.content(published(bench, request)[Format.CSV])) == [("user_id",), ("a",), ("b",), ("c",)]


def test_nothing_is_kept_back_from_an_administrator_and_the_installation(bench: Bench, dataset: str) -> None:
    bench.exporter.requesters.installation.set_access(
        AccessLayer.model_validate({"fields": {dataset: LIMITED}, "max_rows": 1, "datasets": {"*": False}})
    )
    admin, segment = person(bench.database), bench.segment(dataset)
    for who in (admin.id, None):
        one = published(bench, bench.ask(segment, Format.CSV, requested_by_id=who))[Format.CSV]
        assert b"anna@mail.ru" in bench.content(one)
        assert one.manifest["left_out_columns"] == []
        assert not any(column.get("masked") for column in one.manifest["columns"])


def test_masks_come_from_the_row_that_others_see_whole(bench: Bench, vera: Person) -> None:
    rows = "VALUES ('a', 'b@x.ru', 'one'), ('a', 'anna@x.ru', 'two')"  # the greater address, the lesser mask
    dataset = bench.dataset("user_id String, email String, city String", rows)
    segment = bench.segment(dataset)
    whole = published(bench, bench.ask(segment, Format.CSV))[Format.CSV]
    limit(bench, vera, dataset, {"email": "masked"})
    masks = published(bench, bench.ask(segment, Format.CSV, requested_by_id=vera.id))[Format.CSV]
    assert as_csv(bench.content(whole))[1:] == [("a", "b@x.ru", "one")]
    assert as_csv(bench.content(masks))[1:] == [("a", "***@x.ru", "one")]


def test_a_file_shows_what_may_be_seen_when_it_is_made_and_not_when_it_was_asked_for(
    bench: Bench, dataset: str, vera: Person
) -> None:
    closed = bench.ask(bench.segment(dataset), Format.CSV, requested_by_id=vera.id)
    limit(bench, vera, dataset, {"email": "masked"})
    opened = bench.ask(bench.segment(dataset), Format.CSV, requested_by_id=vera.id)
    assert b"a***@mail.ru" in bench.content(published(bench, closed)[Format.CSV])
    limit(bench, vera, dataset, {})
    assert b"anna@mail.ru" in bench.content(published(bench, opened)[Format.CSV])


def test_a_later_format_of_a_request_takes_nothing_from_the_extract_of_wider_access(
    bench: Bench, dataset: str, vera: Person
) -> None:
    segment = bench.segment(dataset, columns=("email", "phone", "born"))
    request = bench.ask(segment, *ALL, requested_by_id=vera.id)
    run = bench.run(request)
    claimed = bench.exporter.begin(run)
    bench.exporter.take_audience(claimed)
    assert b"anna@mail.ru" in bench.content(bench.exporter.write_file(claimed, Format.CSV, run))
    limit(bench, vera, dataset, {"email": "masked"})
    sheet = as_xlsx(bench.content(bench.exporter.write_file(claimed, Format.XLSX, run)))
    assert sheet[:2] == [
        ("user_id", "email", "phone", "born"),
        ("a", "a***@mail.ru", "+7 916 123-45-67", datetime(1990, 1, 31)),  # noqa: DTZ001
    ]
    limit(bench, vera, dataset, {"email": "hidden"})
    table = as_parquet(bench.content(bench.exporter.write_file(claimed, Format.PARQUET, run)))
    assert table[:2] == [("user_id", "phone", "born"), ("a", "+7 916 123-45-67", date(1990, 1, 31))]
    assert bench.extracts(request) == []


def test_masks_go_through_the_guards_of_the_format(bench: Bench, vera: Person) -> None:
    dataset = bench.dataset("user_id String, note String", "VALUES ('a', '=SUM(A1)'), ('b', '+7 916 123 45 67')")
    limit(bench, vera, dataset, {"note": "masked"})
    look = ExportOptions(csv=CsvOptions(formula_guard=True))
    request = bench.ask(bench.segment(dataset), Format.CSV, requested_by_id=vera.id, export=look)
    one = published(bench, request)[Format.CSV]
    assert [row[1] for row in as_csv(bench.content(one))[1:]] == ["'=***", "'+7*******67"]
    assert one.manifest["replacements"] == {"note": {"formula_guard": 2}}
