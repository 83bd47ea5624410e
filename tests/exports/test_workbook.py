import io
import random
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openxml_audit import OpenXmlValidator

from segmentator_dagster.compiler.query import CompiledQuery
from segmentator_dagster.domain.errors import InternalError, UserError
from segmentator_dagster.domain.export_options import Overflow
from segmentator_dagster.exports.source import Source
from segmentator_dagster.exports.xlsx.workbook import XlsxFile
from segmentator_dagster.storage.clickhouse import ClickHouse
from tests.exports.xlsx_files import OPTIONS, part, sheets, table, workbook

ABOUT = [("Сегмент", "Москва, «весна»"), ("Правило", "=1+1 & <b>\nвторая строка")]
SMALL = OPTIONS.model_copy(update={"sheet_rows": 3})
APART = SMALL.model_copy(update={"overflow": Overflow.WORKBOOKS})


def numbered(admin: ClickHouse, rows: int) -> Source:
    return table(
        admin,
        ["UInt32", "Nullable(Date)", "String"],
        f"SELECT leftPad(toString(number), 7, '0'), number, toDate('2026-01-01') + number % 365, 'имя ' || number % 50"
        f" FROM numbers({rows})",
    )


def problems(data: bytes, folder: Path) -> list[str]:
    """What Microsoft's own validator (Open XML SDK, as openxml-audit ports it) has against the file."""
    path = folder / "validated.xlsx"
    path.write_bytes(data)
    result = OpenXmlValidator().validate(path)
    return [error.description for error in result.errors if error.severity.value == "error"]


def test_the_header_is_frozen_filterable_and_styled_and_columns_are_as_wide_as_their_values(admin, writer) -> None:
    source = table(admin, ["String", "UInt8", "DateTime"], f"SELECT 'u', '{'x' * 30}', 7, 0 FROM numbers(50)")
    data = workbook(writer, source, titles=["id", "text", "a very long title of a column", "at"])
    sheet = openpyxl.load_workbook(io.BytesIO(data)).worksheets[0]
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:D51"
    assert [cell.value for cell in sheet[1]] == ["id", "text", "a very long title of a column", "at"]
    assert all(cell.font.b and cell.fill.fill_type == "solid" for cell in sheet[1])
    assert not any(cell.font.b for cell in sheet[2])
    assert [sheet.column_dimensions[letter].width for letter in "ABCD"] == [8, 32, 34, 18]
    filters = openpyxl.load_workbook(io.BytesIO(data)).worksheets[0].defined_names
    assert "'Data'!$A$1:$D$51" in part(data, "xl/workbook.xml")
    assert "_xlnm._FilterDatabase" in part(data, "xl/workbook.xml")
    assert not filters  # a name of Excel's own, which readers do not show


def test_one_long_text_does_not_make_its_column_wide(admin: ClickHouse, writer: ClickHouse) -> None:
    source = table(admin, ["String"], f"SELECT toString(number), if(number = 5, '{'x' * 99}', 'yes') FROM numbers(500)")
    sheet = openpyxl.load_workbook(io.BytesIO(workbook(writer, source))).worksheets[0]
    assert sheet.column_dimensions["B"].width == 8


def test_a_file_without_header_has_neither_filter_nor_frozen_rows(admin: ClickHouse, writer: ClickHouse) -> None:
    data = workbook(writer, numbered(admin, 2), titles=None)
    sheet = openpyxl.load_workbook(io.BytesIO(data)).worksheets[0]
    assert [row[1] for row in sheet.iter_rows(values_only=True)] == [0, 1]
    assert sheet.freeze_panes is None
    assert sheet.auto_filter.ref is None
    assert "definedName" not in part(data, "xl/workbook.xml")


@pytest.mark.parametrize(("rows", "lengths"), [(0, [0]), (1, [1]), (3, [3]), (4, [3, 1]), (7, [3, 3, 1])])
def test_rows_beyond_a_sheet_go_on_the_next_with_its_own_header(admin, writer, rows: int, lengths: list[int]) -> None:
    data = workbook(writer, numbered(admin, rows), SMALL)
    book = openpyxl.load_workbook(io.BytesIO(data))
    assert book.sheetnames == ["Data", *(f"Data {number}" for number in range(2, len(lengths) + 1))]
    assert [len(sheet) for sheet in sheets(data)] == lengths
    assert [row[1] for sheet in sheets(data) for row in sheet] == list(range(rows))
    assert [sheet.auto_filter.ref for sheet in book] == [f"A1:D{length + 1}" for length in lengths]


def test_a_sheet_that_grows_too_large_continues_on_the_next(admin: ClickHouse, writer: ClickHouse) -> None:
    data = workbook(writer, numbered(admin, 30), sheet_bytes=1000)
    assert len(sheets(data)) > 2
    assert [row[1] for sheet in sheets(data) for row in sheet] == list(range(30))


@pytest.mark.parametrize(("rows", "lengths"), [(0, [0]), (3, [3]), (4, [3, 1]), (6, [3, 3])])
def test_rows_beyond_a_sheet_may_go_into_workbooks_of_their_own(admin, writer, tmp_path, rows, lengths) -> None:
    data = workbook(writer, numbered(admin, rows), APART, about=ABOUT, name="Весна 2026")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [f"Весна 2026 {number}.xlsx" for number in range(1, len(lengths) + 1)]
        books = [archive.read(name) for name in archive.namelist()]
    assert [len(sheets(book)[0]) for book in books] == lengths
    assert [row[1] for book in books for row in sheets(book)[0]] == list(range(rows))
    assert all(openpyxl.load_workbook(io.BytesIO(book)).sheetnames == ["Data", "About"] for book in books)
    assert all(problems(book, tmp_path) == [] for book in books)


def test_the_last_sheet_says_what_the_file_is(admin: ClickHouse, writer: ClickHouse) -> None:
    data = workbook(writer, numbered(admin, 4), SMALL, about=ABOUT, about_title="О выгрузке")
    book = openpyxl.load_workbook(io.BytesIO(data))
    assert book.sheetnames == ["Data", "Data 2", "О выгрузке"]
    assert [tuple(row) for row in book.worksheets[2].iter_rows(values_only=True)] == ABOUT
    assert book.worksheets[2]["B2"].alignment.wrap_text
    assert book.worksheets[2]["B2"].data_type in ("s", "inlineStr")
    assert book.properties.creator == "Segmentator"
    without = workbook(writer, numbered(admin, 1), OPTIONS.model_copy(update={"about": False}), about=ABOUT)
    assert openpyxl.load_workbook(io.BytesIO(without)).sheetnames == ["Data"]


@pytest.mark.parametrize("rows", [0, 1, 5])
def test_the_file_passes_the_validator_of_open_xml(admin: ClickHouse, writer: ClickHouse, tmp_path, rows: int) -> None:
    data = workbook(writer, numbered(admin, rows), SMALL, about=ABOUT, about_title="О выгрузке")
    assert problems(data, tmp_path) == []
    assert problems(workbook(writer, numbered(admin, rows), titles=None), tmp_path) == []


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("xl/worksheets/sheet1.xml", "</sheetData>", "</sheetData><cols/>"),
        ("xl/worksheets/sheet1.xml", 'state="frozen"', 'state="cold"'),
        ("xl/worksheets/sheet1.xml", '<c t="inlineStr">', '<c t="text">'),
        ("xl/styles.xml", "</fonts>", "</fonts><numFmts/>"),
        ("xl/workbook.xml", "<sheets>", "<definedNames/><sheets>"),
    ],
)
def test_the_validator_sees_what_excel_would_repair(admin, writer, tmp_path, name: str, right: str, wrong: str) -> None:
    data = workbook(writer, numbered(admin, 2))
    broken = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as archive, zipfile.ZipFile(broken, "w") as copy:
        for entry in archive.namelist():
            text = archive.read(entry).decode()
            assert entry != name or right in text
            copy.writestr(entry, text.replace(right, wrong, 1) if entry == name else text)
    assert problems(broken.getvalue(), tmp_path)


class Recut(ClickHouse):
    """The same server, its answers in pieces of any size."""

    sizes: random.Random

    def stream(self, *arguments: Any, **more: Any) -> Iterator[bytes]:
        text = b"".join(super().stream(*arguments, **more))
        start = 0
        while start < len(text):
            end = start + self.sizes.randint(1, 1 << self.sizes.randint(0, 19))
            yield text[start:end]
            start = end


@pytest.mark.parametrize("seed", range(3))
def test_how_the_server_cuts_its_answer_does_not_show_in_the_file(admin, writer, clickhouse_server, seed: int) -> None:
    source = numbered(admin, 5000)
    recut = Recut(clickhouse_server.writer_url)
    recut.sizes = random.Random(seed)
    options = OPTIONS.model_copy(update={"sheet_rows": 1999})
    assert workbook(recut, source, options, about=ABOUT) == workbook(writer, source, options, about=ABOUT)
    recut.close()


def test_rows_are_counted_while_the_file_is_read(admin: ClickHouse, writer: ClickHouse) -> None:
    file = XlsxFile(numbered(admin, 300_000), OPTIONS, None)
    seen = [file.rows for _ in file.stream(writer, {})]
    assert 0 < seen[len(seen) // 2] < 300_000
    assert seen == sorted(seen)
    assert file.rows == 300_000


def test_a_source_with_a_condition_gives_only_its_rows(admin: ClickHouse, writer: ClickHouse) -> None:
    source = replace(numbered(admin, 10), condition="c1 % {n:UInt8} = 0", parameters={"n": 5}, rows=2)
    assert [row[1] for row in sheets(workbook(writer, source))[0]] == [0, 5]


def test_an_error_of_the_server_in_mid_stream_is_raised(admin: ClickHouse, writer: ClickHouse) -> None:
    source = replace(numbered(admin, 400_000), condition="throwIf(c1 = 399999) = 0")
    with pytest.raises((InternalError, UserError)):
        list(XlsxFile(source, OPTIONS, None).stream(writer, {"max_block_size": 1000}))


def test_a_file_that_is_not_read_to_its_end_ends_its_query(admin: ClickHouse, writer: ClickHouse) -> None:
    query_id = "xlsx-left-alone"
    stream = XlsxFile(numbered(admin, 2_000_000), OPTIONS, None).stream(writer, {"query_id": query_id})
    for _ in range(3):
        next(stream)
    stream.close()  # type: ignore[attr-defined]
    running = CompiledQuery("SELECT count() FROM system.processes WHERE query_id = {id:String}", {"id": query_id})
    for _ in range(100):
        if admin.scalar(running) == 0:
            break
    assert admin.scalar(running) == 0


def test_as_many_columns_as_a_wide_table_has_fit_into_the_query(admin: ClickHouse, writer: ClickHouse) -> None:
    types = ["Nullable(String)"] * 150
    values = ", ".join(f"'&{number}'" for number in range(150))
    source = table(admin, types, f"SELECT 'u', {values}")
    assert sheets(workbook(writer, source))[0][0][1:] == [f"&{number}" for number in range(150)]


def test_names_are_titles_whatever_is_in_them(admin: ClickHouse, writer: ClickHouse) -> None:
    titles = ["имя", "a<b&\"c'", "=1+1", "_x0041_"]
    data = workbook(writer, numbered(admin, 1), titles=titles)
    header = next(openpyxl.load_workbook(io.BytesIO(data)).worksheets[0].iter_rows(values_only=True))
    assert header == ("имя", "a<b&\"c'", "=1+1", "_x005F_x0041_")  # openpyxl leaves the escape as it is
