from __future__ import annotations

import gzip
import re
import string
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from segmentator_dagster.collection.csv_file import MAX_ROW_BYTES, CsvFile
from segmentator_dagster.collection.source import MAX_COLUMNS

CsvWriter = Callable[..., Path]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiter_is_found(collection: Any, csv_file: CsvWriter, delimiter: str) -> None:
    rows = ["id", "city", "age"], ["1", "Omsk", "30"], ["2", "Tver", "40"]
    collection.load(csv_file("\n".join(delimiter.join(row) for row in rows)))
    assert collection.rows() == [("1", "Omsk", 30), ("2", "Tver", 40)]


def test_delimiter_that_values_hold_too_is_told_by_the_user_key(collection: Any, csv_file: CsvWriter) -> None:
    collection.load(csv_file("id;a,b,c\n1;x,y,z\n"))
    assert collection.rows() == [("1", "x,y,z")]


def test_delimiter_stated_for_excel_is_taken(collection: Any, csv_file: CsvWriter) -> None:
    collection.load(csv_file("sep=|\r\nid|a,b\r\n1|x,y\r\n"))
    assert collection.rows() == [("1", "x,y")]


def test_single_column_is_loaded(collection: Any, csv_file: CsvWriter) -> None:
    collection.load(csv_file("id\n001\n002\n"))
    assert collection.rows() == [("001",), ("002",)]


@pytest.mark.parametrize("name", ["data.csv", "DATA.CSV", "data.tsv", "data.txt"])
def test_endings_of_text_files_are_known(collection: Any, csv_file: CsvWriter, name: str) -> None:
    assert collection.load(csv_file("id\tx\n1\t2\n", name)).rows == 1


@pytest.mark.parametrize("name", ["data.csv.gz", "data.tsv.gz", "data.txt.gz"])
def test_gzipped_file_is_loaded(collection: Any, csv_file: CsvWriter, name: str) -> None:
    assert collection.load(csv_file(gzip.compress(b"id,x\n1,2\n2,3\n"), name)).rows == 2


def test_gzipped_file_cut_short_is_refused(collection: Any, csv_file: CsvWriter) -> None:
    whole = gzip.compress("".join(f"{n},{n * 7919 % 1000}\n" for n in range(500_000)).encode())
    (problem,) = collection.refused(csv_file(whole[: len(whole) // 2], "data.csv.gz"), user_key="0")
    assert problem.code == "file_unreadable"


def test_gzipped_file_that_is_none_is_refused(collection: Any, csv_file: CsvWriter) -> None:
    (problem,) = collection.refused(csv_file("id\n1\n", "data.csv.gz"))
    assert problem.code == "file_unreadable"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1251"])
def test_russian_text_is_read_in_its_encoding(collection: Any, csv_file: CsvWriter, encoding: str) -> None:
    text = "id;Город;Имя\nж1;Санкт-Петербург;Алёна\nж2;Омск;«Пётр» № 5\n"
    loaded = collection.load(csv_file(text.encode(encoding)))
    assert [column.name for column in loaded.columns] == ["id", "Город", "Имя"]
    assert collection.rows() == [("ж1", "Санкт-Петербург", "Алёна"), ("ж2", "Омск", "«Пётр» № 5")]


def test_russian_text_far_into_the_file_is_read_in_its_encoding(collection: Any, csv_file: CsvWriter) -> None:
    lines = "id,city\n" + "1,Omsk and a long text to fill megabytes\n" * 60_000 + "2,Омск и Тверь\n"
    collection.load(csv_file(lines.encode("cp1251")))
    assert collection.rows(order="id DESC LIMIT 1") == [("2", "Омск и Тверь")]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_any_line_end_is_read(collection: Any, csv_file: CsvWriter, line_end: str) -> None:
    collection.load(csv_file(line_end.join(["id,x", "1,2", "2,3", ""])))
    assert collection.rows() == [("1", 2), ("2", 3)]


def test_quoted_values_keep_delimiters_quotes_and_line_breaks(collection: Any, csv_file: CsvWriter) -> None:
    collection.load(csv_file('id,note\n1,"a,b"\n2,"say ""hi"""\n3,"two\nlines\r\nor three"\n'))
    assert collection.rows() == [("1", "a,b"), ("2", 'say "hi"'), ("3", "two\nlines\r\nor three")]


def test_blank_lines_are_skipped(collection: Any, csv_file: CsvWriter) -> None:
    assert collection.load(csv_file("\n\nid,x\n\n1,2\n\n\n2,3\n\n")).rows == 2


def test_empty_values_are_null_quoted_or_not(collection: Any, csv_file: CsvWriter) -> None:
    loaded = collection.load(csv_file('id,note,n\n1,,5\n2,"",\n3,x,6\n'))
    assert [column.clickhouse_type for column in loaded.columns] == ["String", "Nullable(String)", "Nullable(Int64)"]
    assert collection.rows() == [("1", None, 5), ("2", None, None), ("3", "x", 6)]


@pytest.mark.parametrize("content", ["", "\n\n", "id,x\n", "id,x"])
def test_file_without_rows_is_refused(collection: Any, csv_file: CsvWriter, content: str) -> None:
    (problem,) = collection.refused(csv_file(content))
    assert problem.code == "file_empty"


@pytest.mark.parametrize(
    ("header", "position"),
    [
        ("id,,x", 2),
        ("id,x,  ", 3),
        ("id,x,X", 3),
        ("id,Имя, имя", 3),
        ("id,a`b", 2),
        ("id,a\\b", 2),
        ("id,a\tb", 2),
        ('id,"a\nb"', 2),
        ("id,a\0b", 2),
        ("id," + "я" * 128, 2),
    ],
)
def test_header_with_a_wrong_name_is_refused(collection: Any, csv_file: CsvWriter, header: str, position: int) -> None:
    # NUL past the beginning that tells binary files
    before = "\n" * 5000 if "\0" in header else ""
    (problem,) = collection.refused(csv_file(f"{before}{header}\n1,2,3\n"))
    assert problem.code == "header_invalid"
    assert problem.values["position"] == position


def test_header_names_are_trimmed(collection: Any, csv_file: CsvWriter) -> None:
    assert [c.name for c in collection.load(csv_file(" id , the city \n1,x\n")).columns] == ["id", "the city"]


def test_header_of_too_many_columns_is_refused(collection: Any, csv_file: CsvWriter) -> None:
    header = ",".join(["id", *map(str, range(MAX_COLUMNS))])
    (problem,) = collection.refused(csv_file(header + "\n"))
    assert (problem.code, problem.values["found"]) == ("too_many_columns", MAX_COLUMNS + 1)


def test_utf_16_is_refused(collection: Any, csv_file: CsvWriter) -> None:
    (problem,) = collection.refused(csv_file("id,x\n1,2\n".encode("utf-16")))
    assert (problem.code, problem.values["reason"]) == ("file_unreadable", "it is in UTF-16")


def test_binary_data_is_refused(collection: Any, csv_file: CsvWriter) -> None:
    (problem,) = collection.refused(csv_file(bytes(range(256)) * 10))
    assert problem.code == "file_unreadable"


def test_rows_with_wrong_number_of_fields_are_named_by_line(collection: Any, csv_file: CsvWriter) -> None:
    problems = collection.refused(csv_file('id,note\n1,"two\nlines"\n\n2\n3,x\n4,y,z\n'))
    assert [(p.code, p.values["line"], p.values["found"], p.values["value"]) for p in problems] == [
        ("row_field_count", 5, 1, "2"),
        ("row_field_count", 7, 3, "4,y,z"),
    ]


def test_bad_value_after_broken_rows_is_named_by_its_own_line(collection: Any, csv_file: CsvWriter) -> None:
    rows = "".join(f"{n},{n}\n" for n in range(100))
    problems = collection.refused(csv_file(f'id,n\n"a\nb",1\nc\n\n{rows}d,oops\ne,1,2\n'))
    assert [(p.code, p.values["line"]) for p in problems] == [
        ("row_field_count", 4),
        ("value_wrong_type", 106),
        ("row_field_count", 107),
    ]


def test_problems_are_the_first_twenty_by_line(collection: Any, csv_file: CsvWriter) -> None:
    rows = "".join(f"{n},{n}\n" for n in range(1000))
    problems = collection.refused(csv_file(f"id,n\n{rows}" + ",x\n" * 15 + "only\n" * 15))
    assert [p.values["line"] for p in problems] == [line for line in range(1002, 1012) for _ in range(2)]


def test_value_in_a_message_is_cut_to_eighty_characters(collection: Any, csv_file: CsvWriter) -> None:
    rows = "".join(f"{n},{n}\n" for n in range(30))
    (problem,) = collection.refused(csv_file(f"id,n\n{rows}x,{'ж' * 5000}\n"))
    assert problem.values["value"] == "ж" * 80 + "…"


def test_undecodable_bytes_in_utf_8_are_named(collection: Any, csv_file: CsvWriter) -> None:
    content = "id,город\n1,Омск\n2,Т".encode() + b"\xff\xfe" + "верь\n3,Пермь\n".encode()
    (problem,) = collection.refused(csv_file(content))
    assert (problem.code, problem.values["line"], problem.values["column"]) == ("value_undecodable", 3, "город")
    assert problem.values["value"] == "Т\ufffdверь"


def test_undecodable_byte_in_cp1251_is_named(collection: Any, csv_file: CsvWriter) -> None:
    content = "id,город\n1,Омск\n2,".encode("cp1251") + b"\x98\n"
    (problem,) = collection.refused(csv_file(content))
    assert (problem.code, problem.values["line"]) == ("value_undecodable", 3)


def test_undecodable_user_key_is_named(collection: Any, csv_file: CsvWriter) -> None:
    (problem,) = collection.refused(csv_file("id,город\nя,Омск\n".encode() + b"\xff,x\n"))
    assert (problem.code, problem.values["line"], problem.values["column"]) == ("value_undecodable", 3, "id")


@pytest.mark.parametrize("last", ['2,"open\n3,x\n', '2,"open', '2,x\n"3,x\n'])
def test_quote_left_open_to_the_end_is_refused(collection: Any, csv_file: CsvWriter, last: str) -> None:
    (problem,) = collection.refused(csv_file(f"id,note\n1,x\n{last}"))
    assert problem.code == "quote_unclosed"
    assert problem.values["line"] == (4 if last.startswith("2,x") else 3)


def test_quote_left_open_over_megabytes_is_named_by_its_line(collection: Any, csv_file: CsvWriter) -> None:
    rows = "1,some text\n" * (2 * MAX_ROW_BYTES // 12)
    (problem,) = collection.refused(csv_file(f'id,note\n1,x\n2,"open\n{rows}'))
    assert (problem.code, problem.values["line"]) == ("quote_unclosed", 3)
    assert '"open' in problem.values["value"]


def test_row_of_too_many_bytes_is_named_by_its_line(collection: Any, csv_file: CsvWriter) -> None:
    cells = ",".join(["x" * 50_000] * (3 * MAX_ROW_BYTES // 50_000))
    header = ",".join(f"c{n}" for n in range(cells.count(",") + 1))
    (problem,) = collection.refused(csv_file(f"id,{header}\n1,{cells}\n"))
    assert (problem.code, problem.values["line"]) == ("quote_unclosed", 2)


def test_row_of_a_megabyte_is_loaded(collection: Any, csv_file: CsvWriter) -> None:
    collection.load(csv_file(f"id,note\n1,{'x' * 1_000_000}\n2,y\n"))
    assert collection.rows("id, length(note)") == [("1", 1_000_000), ("2", 1)]


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    with path.open("w") as file:
        file.write("id,note\n")
        for block in range(300):
            file.write(f"{block},{'x' * 200}\n" * 1000)
    before, peak, rows = pa.total_allocated_bytes(), 0, 0

    for batch in CsvFile(path, expected_column="id").batches():
        peak = max(peak, pa.total_allocated_bytes() - before)
        rows += batch.num_rows

    assert rows == 300_000
    assert path.stat().st_size > 60_000_000
    assert peak < 45_000_000


# What spreadsheets and scripts put into cells, and what stands for text that looks like something else.
CELLS = st.one_of(
    st.none(),
    st.integers(-(10**20), 10**20).map(str),
    st.decimals(-1000, 1000, places=2).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.dates().map(str),
    st.datetimes().map(str),
    st.sampled_from(["007", "+79161234567", "true", "FALSE", "NULL", "\\N", " ", "1 234,50", "1e5", "2024-02-30", "-"]),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=8),
    st.text(string.printable, min_size=1, max_size=8),
)
TABLES = st.integers(1, 4).flatmap(lambda width: st.lists(st.tuples(*[CELLS] * width), min_size=1, max_size=12))


@pytest.fixture(scope="session")
def same_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("random") / "data.csv"


def written(value: str | None) -> str:
    """RFC 4180. (csv.writer before Python 3.13 leaves a lone carriage return unquoted.)"""
    if value is None:
        return ""
    return '"' + value.replace('"', '""') + '"' if re.search(r'[,;|\t\r\n"]', value) else value


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=TABLES, delimiter=st.sampled_from(",;\t|"), line_end=st.sampled_from(["\n", "\r\n"]))
@example(rows=[('"',), ("\r",), ("\n",)], delimiter=",", line_end="\n")
def test_random_table_written_as_text_comes_back_equal(
    collection: Any, same_path: Path, rows: list[tuple[str | None, ...]], delimiter: str, line_end: str
) -> None:
    names = [f"column {index}" for index in range(len(rows[0]))]
    table = [("id", *names), *((str(number), *row) for number, row in enumerate(rows))]
    text = "".join(delimiter.join(written(value) for value in row) + line_end for row in table)
    same_path.write_text(text, "utf-8", newline="")

    loaded = collection.load(same_path, types=dict.fromkeys(names, "text"), replace=True)

    assert loaded.rows == loaded.users == len(rows)
    assert collection.rows(order="toInt64(id)") == [(str(number), *row) for number, row in enumerate(rows)]


NUMBERS = st.one_of(st.integers(-(10**17), 10**17), st.floats(allow_nan=False, allow_infinity=False))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(numbers=st.lists(NUMBERS, min_size=1, max_size=30), delimiter=st.sampled_from(",;"))
def test_random_numbers_come_back_equal(collection: Any, same_path: Path, numbers: list[float], delimiter: str) -> None:
    same_path.write_text("id;n\n".replace(";", delimiter) + "".join(f"u{delimiter}{n!r}\n" for n in numbers), "utf-8")

    loaded = collection.load(same_path, replace=True)

    expected = [repr(number) for number in numbers]
    if loaded.columns[1].clickhouse_type == "String":  # a whole part of more than 18 digits
        assert any(re.match(r"-?\d{19}", text) for text in expected)
    else:
        assert sorted(float(n) for (n,) in collection.rows("n")) == sorted(float(n) for n in numbers)
