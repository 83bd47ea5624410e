import io
import zipfile

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from segmentator_dagster.exports.workbook import Workbook


def row(number: int) -> bytes:
    return f"<row><c><v>{number}</v></c></row>".encode()


def cut(text: bytes, sizes: list[int]) -> list[bytes]:
    chunks, start = [], 0
    for size in sizes:
        chunks.append(text[start : start + size])
        start += size
    return [chunk for chunk in [*chunks, text[start:]] if chunk]


def sheets_of(data: bytes) -> list[list[int]]:
    workbook = openpyxl.load_workbook(io.BytesIO(data))
    return [[cells[0] for cells in sheet.iter_rows(min_row=2, values_only=True)] for sheet in workbook]


@given(rows=st.integers(0, 30), sizes=st.lists(st.integers(1, 90), max_size=20), limit=st.integers(1, 12))
def test_rows_cut_anywhere_keep_their_order_over_sheets(rows: int, sizes: list[int], limit: int) -> None:
    workbook = Workbook(["n"], sheet_rows=limit)
    data = b"".join(workbook.stream(cut(b"".join(row(n) for n in range(rows)), sizes)))
    sheets = sheets_of(data)
    assert workbook.rows == rows
    assert [n for sheet in sheets for n in sheet] == list(range(rows))
    assert len(sheets) == max(1, -(-rows // limit))
    assert all(len(sheet) == limit for sheet in sheets[:-1])


def test_a_sheet_that_grows_too_large_continues_on_the_next() -> None:
    workbook = Workbook(["n"], sheet_bytes=100)
    data = b"".join(workbook.stream([row(n) for n in range(20)]))
    assert len(sheets_of(data)) > 1
    assert [n for sheet in sheets_of(data) for n in sheet] == list(range(20))


def test_no_rows_make_a_sheet_with_headers() -> None:
    data = b"".join(Workbook(["имя", "a<b&\"c'"]).stream([]))
    sheet = openpyxl.load_workbook(io.BytesIO(data)).active
    assert [cell.value for cell in sheet[1]] == ["имя", "a<b&\"c'"]
    assert sheet.freeze_panes == "A2"


def test_text_that_ends_inside_a_row_is_an_error() -> None:
    with pytest.raises(ValueError, match="inside a row"):
        list(Workbook(["n"]).stream([row(1) + b"<row><c>"]))


def test_the_same_rows_are_the_same_bytes() -> None:
    first, second = (b"".join(Workbook(["n"]).stream([row(1), row(2)])) for _ in range(2))
    assert first == second


def test_another_reader_agrees_and_no_cell_is_a_formula() -> None:
    data = b"".join(Workbook(["n"]).stream([b'<row><c t="inlineStr"><is><t>=1+1</t></is></c></row>', row(7)]))
    rows = CalamineWorkbook.from_filelike(io.BytesIO(data)).get_sheet_by_index(0).to_python()
    assert rows == [["n"], ["=1+1"], [7.0]]
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert b"<f>" not in archive.read("xl/worksheets/sheet1.xml")
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_memory_holds_one_chunk_not_the_file() -> None:
    largest = max(len(part) for part in Workbook(["n"]).stream(row(n) * 1000 for n in range(2000)))
    assert largest < 1 << 20
