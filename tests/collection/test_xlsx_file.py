from __future__ import annotations

import datetime as dt
import re
import zipfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from segmentator_dagster.collection import xlsx_file

Writer = Callable[..., Path]


@pytest.fixture
def xlsx(tmp_path: Path) -> Writer:
    """Writes rows into the first sheet of a workbook; further sheets by name."""

    def write(*rows: list[Any], name: str = "data.xlsx", **sheets: list[list[Any]]) -> Path:
        book = openpyxl.Workbook()
        for row in rows:
            book.worksheets[0].append(row)
        for title, more in sheets.items():
            sheet = book.create_sheet(title)
            for row in more:
                sheet.append(row)
        book.save(tmp_path / name)
        return tmp_path / name

    return write


def rewritten(path: Path, part: str, change: Callable[[str], str]) -> Path:
    """The same archive with one part changed."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts[part] = change(parts[part].decode()).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def with_shared_strings(path: Path) -> Path:
    """The same workbook as Excel writes it: texts in a part of their own. (openpyxl writes them into the cells.)"""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name).decode() for name in archive.namelist()}
    texts: list[str] = []

    def shared(match: re.Match[str]) -> str:
        texts.append(match[1])
        return f't="s"><v>{len(texts) - 1}</v></c>'

    parts[SHEET] = re.sub(r't="inlineStr"><is>(.*?)</is></c>', shared, parts[SHEET])
    namespace = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    parts["xl/sharedStrings.xml"] = f'<sst xmlns="{namespace}">{"".join(f"<si>{text}</si>" for text in texts)}</sst>'
    override = (
        '<Override PartName="/xl/sharedStrings.xml"'
        ' ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"/></Types>'
    )
    parts["[Content_Types].xml"] = parts["[Content_Types].xml"].replace("</Types>", override)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


SHEET = "xl/worksheets/sheet1.xml"


@pytest.mark.parametrize(
    ("values", "clickhouse_type", "expected"),
    [
        ([1, 2], "Int64", [1, 2]),
        ([1.0, 2.0], "Int64", [1, 2]),
        ([123456789012345, 1], "Int64", [123456789012345, 1]),
        ([11.77, 12], "Decimal(18, 2)", [Decimal("11.77"), Decimal(12)]),
        ([0.123456, 1.5], "Float64", [0.123456, 1.5]),
        ([1e20, 1e-7], "Float64", [1e20, 1e-7]),
        ([1, None], "Nullable(Int64)", [1, None]),
        (["007", "008"], "String", ["007", "008"]),
        (["7", "8"], "String", ["7", "8"]),
        (["2024-01-01", "2024-01-02"], "String", ["2024-01-01", "2024-01-02"]),
        ([True, False], "Bool", [True, False]),
        ([dt.date(2024, 1, 31), dt.date(2024, 2, 1)], "Date", [dt.date(2024, 1, 31), dt.date(2024, 2, 1)]),
        (
            [dt.datetime(2024, 1, 31), dt.datetime(2024, 1, 31, 10, 20, 30)],  # noqa: DTZ001
            "DateTime('UTC')",
            [dt.datetime(2024, 1, 31), dt.datetime(2024, 1, 31, 10, 20, 30)],  # noqa: DTZ001
        ),
        ([dt.time(10, 20), None], "Nullable(String)", ["10:20:00", None]),
        ([1, "two"], "String", ["1", "two"]),
        (["a\nb", "Алёна"], "String", ["a\nb", "Алёна"]),
    ],
    ids=str,
)
def test_cells_give_their_types(
    collection: Any, xlsx: Writer, values: list[Any], clickhouse_type: str, expected: list[Any]
) -> None:
    loaded = collection.load(xlsx(["id", "x"], *([f"u{row}", value] for row, value in enumerate(values))))

    assert loaded.columns[1].clickhouse_type == clickhouse_type
    assert [value for (value,) in collection.rows("x")] == expected


@pytest.mark.parametrize(
    ("saved", "expected"), [("123456789012345678", 123456789012345678), ("11.770000000000001", 11.770000000000001)]
)
def test_saved_number_keeps_every_digit(collection: Any, xlsx: Writer, saved: str, expected: float) -> None:
    path = xlsx(["id", "x"], ["u", 5])
    collection.load(rewritten(path, SHEET, lambda xml: xml.replace("<v>5</v>", f"<v>{saved}</v>")))
    assert collection.rows() == [("u", expected)]


def test_shared_strings_are_read(collection: Any, xlsx: Writer) -> None:
    collection.load(with_shared_strings(xlsx(["id", "город"], ["007", "Омск"], ["008", "#не ошибка"])))
    assert collection.rows() == [("007", "Омск"), ("008", "#не ошибка")]


def test_user_key_of_numbers_becomes_text(collection: Any, xlsx: Writer) -> None:
    collection.load(xlsx(["id"], [7], [8.0], ["009"]))
    assert collection.rows() == [("009",), ("7",), ("8",)]


def test_number_stored_as_text_among_numbers_is_a_number(collection: Any, xlsx: Writer) -> None:
    loaded = collection.load(xlsx(["id", "x"], *(["u", 5] for _ in range(99)), ["u", "6"]))
    assert loaded.columns[1].clickhouse_type == "Int64"


def test_stated_type_is_read_out_of_text(collection: Any, xlsx: Writer) -> None:
    loaded = collection.load(xlsx(["id", "x"], ["u", "007"], ["v", 8]), types={"x": "integer"})
    assert loaded.columns[1].clickhouse_type == "Int64"


def test_time_column_is_read_out_of_text(collection: Any, xlsx: Writer) -> None:
    loaded = collection.load(xlsx(["id", "x"], ["u", "31.01.2024"]), time_field="x")
    assert loaded.columns[1].clickhouse_type == "Date"


def test_formula_counts_by_its_saved_value(collection: Any, xlsx: Writer) -> None:
    path = xlsx(["id", "x"], ["u", "=1+1"])
    rewritten(path, SHEET, lambda xml: re.sub(r"<f>1\+1</f><v ?/?>(</v>)?", "<f>1+1</f><v>2</v>", xml))

    loaded = collection.load(path)

    assert collection.rows() == [("u", 2)]
    assert loaded.columns[1].clickhouse_type == "Int64"


@pytest.mark.parametrize("error", ["#N/A", "#DIV/0!", "#VALUE!"])
def test_error_cell_is_named_by_its_row(collection: Any, xlsx: Writer, error: str) -> None:
    (problem,) = collection.refused(xlsx(["id", "x"], ["u", 1], ["v", error]))
    assert (problem.code, problem.values["line"], problem.values["column"]) == ("cell_error", 3, "x")
    assert problem.values["value"] == error


def test_error_cell_in_a_column_of_text_is_bad_too(collection: Any, xlsx: Writer) -> None:
    (problem,) = collection.refused(xlsx(["id", "x"], ["u", "a"], ["v", "#REF!"]), types={"x": "text"})
    assert problem.code == "cell_error"


def test_bad_value_is_named_by_its_row(collection: Any, xlsx: Writer) -> None:
    rows = [[f"u{row}", row] for row in range(40)]
    (problem,) = collection.refused(xlsx(["id", "x"], *rows, [], ["v", "many"]))
    assert (problem.code, problem.values["line"], problem.values["value"]) == ("value_wrong_type", 43, "many")


def test_empty_user_key_is_named_by_its_row(collection: Any, xlsx: Writer) -> None:
    (problem,) = collection.refused(xlsx(["id", "x"], ["u", 1], [None, 2]))
    assert (problem.code, problem.values["line"]) == ("value_empty", 3)


def test_row_wider_than_the_header_is_named(collection: Any, xlsx: Writer) -> None:
    (problem,) = collection.refused(xlsx(["id", "x"], ["u", 1], ["v", 2, None, "more"]))
    assert (problem.code, problem.values["line"], problem.values["found"]) == ("row_field_count", 3, 4)


def test_rows_without_values_are_skipped(collection: Any, xlsx: Writer) -> None:
    loaded = collection.load(xlsx(["id", "x", None], ["u", 1], [], [None, None], ["v"]))
    assert loaded.rows == 2
    assert collection.rows() == [("u", 1), ("v", None)]


def test_first_sheet_is_loaded_unless_another_is_named(collection: Any, xlsx: Writer) -> None:
    path = xlsx(["id"], ["first"], Second=[["id"], ["second"]])

    collection.load(path)
    assert collection.rows() == [("first",)]

    collection.load(path, sheet="Second", replace=True)
    assert collection.rows() == [("second",)]


def test_sheet_that_is_not_there_is_refused(collection: Any, xlsx: Writer) -> None:
    (problem,) = collection.refused(xlsx(["id"], ["u"], Second=[]), sheet="Third")
    assert problem.code == "sheet_unknown"
    assert problem.hint() == "Its sheets: Sheet, Second."


@pytest.mark.parametrize("rows", [[], [["id", "x"]], [[None], ["u", 1]]])
def test_sheet_without_rows_or_header_is_refused(collection: Any, xlsx: Writer, rows: list[list[Any]]) -> None:
    (problem,) = collection.refused(xlsx(*rows))
    assert problem.code == "file_empty"


def test_header_with_a_gap_is_refused(collection: Any, xlsx: Writer) -> None:
    (problem,) = collection.refused(xlsx(["id", None, "x"], ["u", 1, 2]))
    assert (problem.code, problem.values["position"]) == ("header_invalid", 2)


def test_workbook_with_a_wrong_stated_size_is_read_whole(collection: Any, xlsx: Writer) -> None:
    path = xlsx(["id", "x"], *([f"u{row}", row] for row in range(5)))
    rewritten(path, SHEET, lambda xml: re.sub(r'<dimension ref="[^"]*"', '<dimension ref="A1"', xml))
    assert collection.load(path).rows == 5


def test_more_rows_than_a_batch_are_loaded(collection: Any, xlsx: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx_file, "BATCH_ROWS", 7)
    assert collection.load(xlsx(["id"], *([f"u{row}"] for row in range(21)))).rows == 21


def test_part_that_unpacks_to_far_more_is_refused(collection: Any, xlsx: Writer) -> None:
    path = xlsx(["id"], ["u"])
    rewritten(path, SHEET, lambda xml: xml.replace("</sheetData>", "</sheetData>" + " " * (17 << 20)))
    (problem,) = collection.refused(path)
    assert (problem.code, problem.values["part"]) == ("file_unpacks_too_large", SHEET)


def test_part_over_the_limit_of_size_is_refused(collection: Any, xlsx: Writer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx_file, "MAX_SHARED_STRINGS_BYTES", 100)
    (problem,) = collection.refused(with_shared_strings(xlsx(["id"], *([f"long text {row}"] for row in range(50)))))
    assert (problem.code, problem.values["part"]) == ("file_unpacks_too_large", "xl/sharedStrings.xml")


def test_entities_that_explode_are_refused(collection: Any, xlsx: Writer) -> None:
    levels = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    doctype = f'<!DOCTYPE worksheet [<!ENTITY l0 "lol">{levels}]>'
    path = xlsx(["id"], ["u"])
    rewritten(
        path,
        SHEET,
        lambda xml: doctype + xml.replace("<t>u</t>", "<t>&l9;</t>"),
    )
    (problem,) = collection.refused(path)
    assert problem.code == "file_unreadable"


def test_row_number_that_no_sheet_has_is_refused(collection: Any, xlsx: Writer) -> None:
    path = xlsx(["id"], ["u"])
    rewritten(path, SHEET, lambda xml: xml.replace('<row r="2"', '<row r="999999999999"').replace('r="A2"', ""))
    (problem,) = collection.refused(path)
    assert problem.code == "file_unreadable"


@pytest.mark.parametrize("content", [b"", b"id,x\n1,2\n", b"PK\x03\x04 cut short"])
def test_file_that_is_no_workbook_is_refused(collection: Any, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "data.xlsx"
    path.write_bytes(content)
    (problem,) = collection.refused(path)
    assert problem.code == "file_unreadable"


def test_archive_that_is_no_workbook_is_refused(collection: Any, tmp_path: Path) -> None:
    path = tmp_path / "data.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("hello.txt", "hello")
    (problem,) = collection.refused(path)
    assert problem.code == "file_unreadable"


def test_sheet_cut_short_is_refused(collection: Any, xlsx: Writer) -> None:
    path = xlsx(["id"], *([f"u{row}"] for row in range(100)))
    rewritten(path, SHEET, lambda xml: xml[: len(xml) // 2])
    (problem,) = collection.refused(path)
    assert problem.code == "file_unreadable"
