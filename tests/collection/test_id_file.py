from __future__ import annotations

import datetime as dt
import gzip
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from segmentator_dagster.collection import lines_file
from segmentator_dagster.collection.id_file import FileKind, IdFile, IdReading, unpacked
from segmentator_dagster.domain.errors import UserError

CSV, TEXT, XLSX = FileKind.CSV, FileKind.TEXT, FileKind.XLSX


def opened(
    path: Path,
    file_kind: FileKind,
    column: str | None = None,
    has_header: bool | None = None,
    expected_column: str = "user_id",
) -> IdFile:
    return IdFile.opened(path, file_kind, column=column, has_header=has_header, expected_column=expected_column)


def read(ids: IdFile) -> tuple[list[str], IdReading]:
    reading = IdReading(ids)
    return [value for batch in reading.batches() for value in batch.to_pylist()], reading


def of_bytes(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "body"
    path.write_bytes(content)
    return path


def of_cells(tmp_path: Path, *rows: tuple[Any, ...]) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    path = tmp_path / "body.xlsx"
    book.save(path)
    return path


def problems(path: Path, file_kind: FileKind, **choices: Any) -> list[tuple[str, str]]:
    with pytest.raises(UserError) as error:
        read(opened(path, file_kind, **choices))
    return [(problem.code, problem.message("en")) for problem in error.value.problems]


def test_csv_gives_one_column_trimmed_with_every_row_accounted_for(tmp_path: Path) -> None:
    text = 'user_id,name\n a1 ,"x, y"\n\u00a0b2\u2003,\n,nobody\n"  ",nobody\n a1,again\n'
    values, reading = read(opened(of_bytes(tmp_path, text.encode()), CSV, "user_id"))
    assert values == ["a1", "b2", "a1"]
    assert (reading.rows, reading.empty, reading.empty_lines()) == (5, 2, (4, 5))
    recognised = reading.file.recognised
    assert (recognised.format, recognised.column, recognised.header_line) == ("csv", "user_id", 1)
    assert (recognised.encoding, recognised.delimiter) == ("utf-8", ",")


def test_a_file_out_of_russian_excel_is_recognised(tmp_path: Path) -> None:
    text = "sep=;\r\nклиент;сумма\r\nИванов;1,5\r\nПетров;2\r\n"
    values, reading = read(opened(of_bytes(tmp_path, text.encode("cp1251")), CSV, "клиент"))
    assert values == ["Иванов", "Петров"]
    recognised = reading.file.recognised
    assert (recognised.encoding, recognised.delimiter, recognised.header_line) == ("cp1251", ";", 2)


def test_a_single_column_needs_no_choice(tmp_path: Path) -> None:
    assert read(opened(of_bytes(tmp_path, b"\xef\xbb\xbfid\r\n1\r\n2\r\n"), CSV))[0] == ["1", "2"]


@pytest.mark.parametrize("file_kind", [CSV, XLSX])
def test_several_columns_without_a_choice_are_refused_with_their_names(tmp_path: Path, file_kind: FileKind) -> None:
    path = of_bytes(tmp_path, b"id;name\n1;a\n") if file_kind is CSV else of_cells(tmp_path, ("id", "name"), (1, "a"))
    with pytest.raises(UserError) as error:
        opened(path, file_kind)
    assert (error.value.code, error.value.problems[0].pointer) == ("column_wanted", "/column")
    assert error.value.extra == {"columns": ["id", "name"]}
    assert "id, name" in error.value.problems[0].message("ru")


def test_an_unknown_column_is_refused_with_those_there_are(tmp_path: Path) -> None:
    path = of_bytes(tmp_path, b"id;name\n1;a\n")
    with pytest.raises(UserError) as error:
        opened(path, CSV, "user")
    assert (error.value.code, error.value.problems[0].pointer) == ("column_unknown", "/column")
    assert "id, name" in error.value.problems[0].hint("en")


@pytest.mark.parametrize(
    ("file_kind", "column", "expected"),
    [(CSV, "2", ["1", "3"]), (XLSX, "2", ["1", "3"]), (CSV, "1", ["a", "b"]), (XLSX, "1", ["a", "b"])],
)
def test_without_a_header_columns_are_chosen_by_number(
    tmp_path: Path, file_kind: FileKind, column: str, expected: list[str]
) -> None:
    rows = (("a", 1), ("b", 3))
    path = of_bytes(tmp_path, b"a,1\nb,3\n") if file_kind is CSV else of_cells(tmp_path, *rows)
    values, reading = read(opened(path, file_kind, column, has_header=False))
    assert values == expected
    assert (reading.rows, reading.file.recognised.header_line) == (2, None)
    with pytest.raises(UserError) as error:
        opened(path, file_kind, "3", has_header=False)
    assert error.value.code == "column_unknown"


def test_text_has_one_value_on_each_line_whatever_is_in_it(tmp_path: Path) -> None:
    content = '\ufeff a,1 \r\n"b";2\r\n\r\nc\td'.encode()
    values, reading = read(opened(of_bytes(tmp_path, content), TEXT))
    assert values == ["a,1", '"b";2', "c\td"]
    assert (reading.rows, reading.empty, reading.empty_lines()) == (4, 1, (3,))
    assert reading.file.recognised.header_line is None
    assert reading.file.recognised.delimiter is None


def test_a_header_of_text_is_left_out_where_it_is_said_to_be_there(tmp_path: Path) -> None:
    values, reading = read(opened(of_bytes(tmp_path, b"user_id\n1\n2\n"), TEXT, has_header=True))
    assert (values, reading.rows, reading.file.recognised.header_line) == (["1", "2"], 2, 1)


def test_lines_are_whole_where_blocks_of_the_file_meet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines_file, "BATCH_BYTES", 7)
    expected = [f"имя {number}" for number in range(50)]
    values, reading = read(opened(of_bytes(tmp_path, "\n".join(expected).encode()), TEXT))
    assert (values, reading.rows) == (expected, 50)


def test_numbers_of_a_workbook_come_out_as_their_digits(tmp_path: Path) -> None:
    cells = [1.2e15, 9.0071992547409e18, 5, 5.0, 0.5, 1e-7, "1.2E+15", "007", True]
    cells += [dt.date(2026, 1, 31)]
    path = of_cells(tmp_path, ("id",), *((one,) for one in cells))
    values, _ = read(opened(path, XLSX))
    assert values == [
        "1200000000000000",
        "9007199254740900000",
        "5",
        "5",
        "0.5",
        "0.0000001",
        "1.2E+15",
        "007",
        "true",
        "2026-01-31",
    ]


@pytest.mark.parametrize(
    ("written", "digits"),
    [
        (b"1.23456789012345E+17", "123456789012345000"),  # as Excel itself writes it
        (b"123456789012345678", "123456789012345678"),
        (b"1.5E-3", "0.0015"),
    ],
)
def test_long_numbers_are_read_as_digits_however_they_were_written(tmp_path: Path, written: bytes, digits: str) -> None:
    plain = of_cells(tmp_path, ("id",), (11,))
    path = tmp_path / "excel.xlsx"
    with zipfile.ZipFile(plain) as before, zipfile.ZipFile(path, "w") as after:
        for part in before.namelist():
            content = before.read(part)
            after.writestr(part, content.replace(b"<v>11</v>", b"<v>" + written + b"</v>"))
    assert read(opened(path, XLSX))[0] == [digits]


@pytest.mark.parametrize(
    ("content", "file_kind", "line", "code"),
    [
        ("id\nимя\nb\nb\nb\n".encode() + b"\xff\xfe\n", CSV, 6, "value_undecodable"),
        (b"id\n" + b"x" * 5000 + b"\nb\0c\n", CSV, 3, "value_has_nul"),
        (b"id\n" + b"x" * 10_001 + b"\n", CSV, 2, "value_too_long"),
        (b"id,n\na,1\nb\n", CSV, 3, "row_field_count"),
        (b'id\na\n"b\n', CSV, 3, "quote_unclosed"),
        ("имя\nb\n".encode() + b"\xff\n", TEXT, 3, "value_undecodable"),
        (b"x" * 5000 + b"\nb\0c\n", TEXT, 2, "value_has_nul"),
        (b"a\n" + b"x" * 10_001, TEXT, 2, "value_too_long"),
        (b"a\n" + b"x" * (10 << 20), TEXT, 2, "value_too_long"),
    ],
)
def test_what_cannot_be_an_id_is_refused_with_its_line(
    tmp_path: Path, content: bytes, file_kind: FileKind, line: int, code: str
) -> None:
    column = "id" if b"," in content else None
    found = problems(of_bytes(tmp_path, content), file_kind, column=column)
    assert [one for one, _ in found] == [code]
    assert f"ine {line}" in found[0][1]


def test_errors_in_cells_of_a_workbook_are_refused_with_their_row(tmp_path: Path) -> None:
    assert problems(of_cells(tmp_path, ("id",), ("a",), ("#N/A",)), XLSX) == [
        ("cell_error", "Row 3, column 'id': the cell holds the error #N/A.")
    ]


def test_the_first_bad_rows_are_said_at_once_in_their_order(tmp_path: Path) -> None:
    lines = [b"\xff\xff" if number % 2 else b"x" * 10_001 for number in range(60)]
    found = problems(of_bytes(tmp_path, f"{'имя' * 30}\n".encode() + b"\n".join(lines)), CSV)
    assert [code for code, _ in found] == ["value_too_long", "value_undecodable"] * 10
    assert "ine 2" in found[0][1]
    assert "ine 21" in found[-1][1]


def test_values_of_exactly_the_greatest_length_pass(tmp_path: Path) -> None:
    assert read(opened(of_bytes(tmp_path, ("ы" * 10_000).encode()), TEXT))[0] == ["ы" * 10_000]


HOSTILE = {
    "nothing": b"",
    "blank": b" \n\n ",
    "UTF-16": "id\n1\n".encode("utf-16"),
    "binary": bytes(range(256)) * 100,
    "a workbook": b"PK\x03\x04" + b"\0" * 100,
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("file_kind", list(FileKind))
def test_what_is_no_list_of_ids_is_refused(tmp_path: Path, name: str, file_kind: FileKind) -> None:
    path = tmp_path / f"body.{file_kind}"
    path.write_bytes(HOSTILE[name])
    codes = {code for code, _ in problems(path, file_kind)}
    assert codes <= {"file_unreadable", "file_empty", "value_has_nul", "header_invalid"}


def test_an_archive_that_explodes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "body.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * (40 << 20))
    assert problems(path, XLSX)[0][0] == "file_unpacks_too_large"


def test_entities_of_a_workbook_are_not_expanded(tmp_path: Path) -> None:
    plain = of_cells(tmp_path, ("id",), ("x",))
    path = tmp_path / "laughs.xlsx"
    entities = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10 if n else "ha" * 50}">' for n in range(9))
    with zipfile.ZipFile(plain) as before, zipfile.ZipFile(path, "w") as after:
        for part in before.namelist():
            text = before.read(part).decode()
            if part == "xl/worksheets/sheet1.xml":
                text = f"<!DOCTYPE worksheet [{entities}]>{text.replace('>x<', '>&a8;<')}"
            after.writestr(part, text)
    assert problems(path, XLSX)[0][0] == "file_unreadable"


def test_a_gzipped_file_is_unpacked_within_the_limit(tmp_path: Path) -> None:
    content = b"id\n" + b"a\nb\n" * 1000
    path = of_bytes(tmp_path, gzip.compress(content[:2000]) + gzip.compress(content[2000:]))
    assert unpacked(path, len(content)).read_bytes() == content
    with pytest.raises(UserError) as error:
        unpacked(path, len(content) - 1)
    assert error.value.code == "file_unpacks_too_large"
    plain = of_bytes(tmp_path, content)
    assert unpacked(plain, 1) == plain


def test_a_gzipped_file_that_breaks_off_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError) as error:
        unpacked(of_bytes(tmp_path, gzip.compress(bytes(range(256)) * 50)[:-20]), 1 << 20)
    assert error.value.code == "file_unreadable"


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    code = """
import resource, sys
from pathlib import Path
from segmentator_dagster.collection.id_file import FileKind, IdFile, IdReading
sizes = []
for path in sys.argv[1:]:
    ids = IdFile.opened(Path(path), FileKind.CSV, column="id", has_header=None, expected_column="id")
    rows = sum(len(batch) for batch in IdReading(ids).batches())
    sizes.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
print(*sizes)
"""
    paths = []
    for name, rows in (("small.csv", 2_000_000), ("large.csv", 8_000_000)):
        paths.append(tmp_path / name)
        with paths[-1].open("w") as file:
            file.write("id;name\n")
            file.writelines(f"user-{number:09};x\n" for number in range(rows))
    found = subprocess.run([sys.executable, "-c", code, *map(str, paths)], capture_output=True, check=True)
    small, large = map(int, found.stdout.split())
    unit = 1024 if sys.platform == "linux" else 1
    assert (large - small) * unit < 80 << 20
    assert paths[1].stat().st_size - paths[0].stat().st_size > 90 << 20
