"""CSV files of the profiles: every character there is, and rows that are counted right whatever happens."""

from __future__ import annotations

import csv
import gzip
import io
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from segmentator_dagster.compiler.query import CompiledQuery
from segmentator_dagster.domain.export_options import PROFILES, Compression, CsvOptions, Encoding, Profile
from segmentator_dagster.exports.csv.delimited import CsvFile, header_line
from segmentator_dagster.exports.source import count_replacements
from segmentator_dagster.storage.clickhouse import ClickHouse
from tests.exports.csv_oracle import is_formula
from tests.exports.sources import inserted, selected, written

MACHINE = PROFILES[Profile.MACHINE]
EXCEL = PROFILES[Profile.EXCEL_RU]
CP1251 = PROFILES[Profile.EXCEL_CP1251]
CHARACTERS = [chr(code) for code in range(0x110000) if not 0xD800 <= code <= 0xDFFF]


def texts(admin: ClickHouse, values: list[str | bytes | None]) -> Any:
    """A source with the values as column `text` of users 000001, 000002, …"""
    columns = {
        "id": pa.array([f"{number:06}" for number in range(len(values))]),
        "text": pa.array([value.encode() if isinstance(value, str) else value for value in values], pa.binary()),
    }
    return inserted(admin, {"id": "String", "text": "Nullable(String)"}, columns)


def records(data: bytes, options: CsvOptions) -> list[list[str]]:
    text = data.decode("utf-8-sig" if options.bom else str(options.encoding))
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=options.delimiter or ","))


def test_every_character_of_unicode_is_read_back_the_same(admin: ClickHouse) -> None:
    values = ["x" + "".join(CHARACTERS[start : start + 64]) for start in range(0, len(CHARACTERS), 64)]
    source = texts(admin, list(values))
    for options in (MACHINE, EXCEL):
        file = CsvFile(source, options, ["id", "text"])
        read = records(written(admin, file), options)
        assert [row[1] for row in read[1:]] == values
        assert file.rows == len(values)
    frame = pd.read_csv(io.BytesIO(written(admin, CsvFile(source, MACHINE, ["id", "text"]))), dtype=str)
    assert [text.replace("\r\n", "\n") for text in frame["text"]] == [text.replace("\r\n", "\n") for text in values]


def test_windows_1251_has_its_characters_and_question_marks_for_all_others(admin: ClickHouse) -> None:
    source = texts(admin, ["x" + character for character in CHARACTERS[:0x3000]])
    file = CsvFile(source, CP1251, None)
    expected = [("x" + character).encode("cp1251", "replace").decode("cp1251") for character in CHARACTERS[:0x3000]]
    assert [row[1] for row in records(written(admin, file), CP1251)] == expected
    changed = sum(one != f"x{character}" for one, character in zip(expected, CHARACTERS[:0x3000], strict=True))
    assert count_replacements(admin, source, file.replacements(), {}) == {"text": {"unencodable": changed}}


def test_guard_stands_before_every_text_a_spreadsheet_may_take_for_a_formula(admin: ClickHouse) -> None:
    values = [start + rest for start in CHARACTERS[:0x10000] for rest in ("", "=1")]
    file = CsvFile(texts(admin, list(values)), EXCEL, None)
    read = [row[1] for row in records(written(admin, file), EXCEL)]
    assert read == [f"'{value}" if is_formula(value) else value for value in values]


@pytest.mark.parametrize("text", ["=1", "+7 999", "-1", "@a", "\t=", "\r=", "\n=", "＝1", "＋1", "－1", "＠a", " =1"])
def test_guard_knows_the_starts_of_formulas(admin: ClickHouse, text: str) -> None:
    source = texts(admin, [text, f"a{text}"])
    file = CsvFile(source, EXCEL, [text, "b"])
    header, guarded, plain = records(written(admin, file), EXCEL)
    assert (header, guarded[1], plain[1]) == ([f"'{text}", "b"], f"'{text}", f"a{text}")
    assert count_replacements(admin, source, file.replacements(), {}) == {"text": {"formula_guard": 1}}


def test_user_id_is_guarded_and_numbers_are_not(admin: ClickHouse) -> None:
    source = selected(
        admin, "SELECT '+1' AS id, -1 AS n, -1.5 AS x, toUUID('00000000-0000-0000-0000-000000000000') AS u"
    )
    line = written(admin, CsvFile(source, EXCEL.model_copy(update={"bom": False}), None))
    assert line == b'"\'+1";-1;-1,5;"00000000-0000-0000-0000-000000000000"\r\n'


def test_invalid_text_is_replaced_and_counted_and_its_line_feeds_too(admin: ClickHouse) -> None:
    source = texts(admin, [b"a\xff", b"\xe2\n\n", b"\xed\xa0\x80", b"\n\xf0\x9f\n\r\n", b"ok\n", None, b"\xc0\x80"])
    for options in (MACHINE, CP1251):
        file = CsvFile(source, options, None)
        read = [row[1] for row in records(written(admin, file), options)]
        mark = "\ufffd".encode(str(options.encoding), "replace").decode(str(options.encoding))
        guard = "'" if options.formula_guard else ""
        assert read == [f"a{mark}", f"{mark}\n\n", mark, f"{guard}\n{mark}\n\r\n", "ok\n", "", mark]
        assert file.rows == 7
        assert count_replacements(admin, source, file.replacements(), {})["text"]["invalid_text"] == 5


def test_guard_is_the_same_beside_invalid_text(admin: ClickHouse) -> None:
    source = texts(admin, [b"=\xff", b" \xff=", b"\xe2\x80=1", b"\xe2\x80\x8b=\xe2"])
    file = CsvFile(source, EXCEL, None)
    read = [row[1] for row in records(written(admin, file), EXCEL)]
    assert read == ["'=\ufffd", " \ufffd=", "\ufffd=1", "'\u200b=\ufffd"]
    found = {"invalid_text": 4, "formula_guard": 2}
    assert count_replacements(admin, source, file.replacements(), {}) == {"text": found}


def test_null_and_empty_text_differ(admin: ClickHouse) -> None:
    source = texts(admin, ["", None])
    assert written(admin, CsvFile(source, MACHINE, None)) == b'"000000",""\r\n"000001",\r\n'
    null = MACHINE.model_copy(update={"null_text": "NULL"})
    assert written(admin, CsvFile(source, null, None)) == b'"000000",""\r\n"000001",NULL\r\n'


def test_file_without_rows_is_its_header(admin: ClickHouse) -> None:
    source = selected(admin, "SELECT '' AS id, 1 AS n WHERE 0")
    file = CsvFile(source, EXCEL, ["id", 'a"b;'])
    assert written(admin, file) == '\ufeff"id";"a""b;"\r\n'.encode()
    assert file.rows == 0
    assert written(admin, CsvFile(source, MACHINE, None)) == b""


def test_part_of_a_source_has_its_own_rows_only(admin: ClickHouse) -> None:
    source = selected(admin, "SELECT toString(number) AS id, repeat('\\n', number) AS t FROM numbers(9)")
    part = replace(source, condition="c0 >= {part_start:String}", parameters={"part_start": "6"}, rows=3)
    file = CsvFile(part, MACHINE, ["id", "t"])
    assert records(written(admin, file), MACHINE)[1:] == [[str(n), "\n" * n] for n in (6, 7, 8)]
    assert file.rows == 3


def test_rows_that_have_gone_through_are_said_on_the_way(admin: ClickHouse) -> None:
    source = selected(admin, "SELECT toString(number) AS id, 'a\\nb\\nc' AS t FROM numbers(300000)")
    file = CsvFile(source, MACHINE, None)
    seen = [file.rows for _ in file.stream(admin, {"query_id": "said-on-the-way"})]
    assert seen == sorted(seen)
    assert 0 < seen[1] < 300_000
    assert file.rows == 300_000


class Careless(ClickHouse):
    """Gives a stream whose first row is changed by `fault`."""

    fault = staticmethod(lambda row: row)

    def stream(
        self, query: CompiledQuery, output_format: str, settings: Mapping[str, Any] | None = None, chunk_bytes: int = 0
    ) -> Iterator[bytes]:
        whole = b"".join(super().stream(query, output_format, settings))
        row, end, rest = whole.partition(b"\r\n")
        yield self.fault(row + end) + rest


@pytest.mark.parametrize("times", [0, 2])
def test_row_that_is_lost_or_doubled_on_the_way_is_noticed(
    admin: ClickHouse, clickhouse_server: Any, times: int
) -> None:
    source = texts(admin, ["a\nb", "c", "\n"])
    careless = Careless(clickhouse_server.admin_url)
    careless.fault = lambda row: row * times  # type: ignore[method-assign]
    file = CsvFile(source, MACHINE, ["id", "text"])
    written(careless, file)
    careless.close()
    assert file.rows != source.rows


def test_compressed_files_are_unpacked_by_the_programs_of_the_system(admin: ClickHouse, tmp_path: Any) -> None:
    source = selected(admin, "SELECT toString(number) AS id, cityHash64(number) AS h FROM numbers(200000)")
    plain = written(admin, CsvFile(source, EXCEL, ["id", "h"]))
    packed = EXCEL.model_copy(update={"compression": Compression.GZIP})
    file = CsvFile(source, packed, ["id", "h"])
    data = written(admin, file)
    assert len(data) < len(plain) * 0.7
    assert file.rows == 200_000
    assert gzip.decompress(data) == plain
    (tmp_path / "f.gz").write_bytes(data)
    assert subprocess.run(["gzip", "-dc", tmp_path / "f.gz"], capture_output=True, check=True).stdout == plain


def test_zstd_is_read_by_arrow_and_has_a_checksum(admin: ClickHouse) -> None:
    source = selected(admin, "SELECT toString(number) AS id FROM numbers(1000)")
    packed = MACHINE.model_copy(update={"compression": Compression.ZSTD})
    data = written(admin, CsvFile(source, packed, None))
    lines = pa.input_stream(io.BytesIO(data), compression="zstd").read()
    assert lines == written(admin, CsvFile(source, MACHINE, None))
    assert data[4] & 0b100  # the frame has a checksum (RFC 8878, 3.1.1.1.1)


def test_header_names_survive_a_csv_reader() -> None:
    names = ["имя", 'a"b', "c,d", "e\nf"]
    assert next(csv.reader(io.StringIO(header_line(names).decode(), newline=""))) == names


def test_encoding_takes_characters_that_chunks_cut(admin: ClickHouse) -> None:
    source = selected(admin, "SELECT toString(number) AS id, repeat('ы', 100000) AS t FROM numbers(50)")
    windows = MACHINE.model_copy(update={"encoding": Encoding.WINDOWS_1251})
    data = written(admin, CsvFile(source, windows, None))
    assert data.count("ы".encode("cp1251")) == 5_000_000
    assert b"?" not in data
