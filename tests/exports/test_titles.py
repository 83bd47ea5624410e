from __future__ import annotations

from datetime import UTC, datetime

import pytest

from segmentator_dagster.domain.catalogue import Field, FieldType
from segmentator_dagster.domain.export import Format, Snapshot
from segmentator_dagster.domain.export_options import ExportOptions, Headers
from segmentator_dagster.domain.segment import Definition, Version
from segmentator_dagster.exports.rendering import Look
from segmentator_dagster.exports.titles import about, file_names, on_disk, titles

SNAPSHOT = Snapshot("0c3e3f0a-7d1c-4f6e-8a8e-3c1df2a7d0c9", 1, 3, 2, datetime(2026, 1, 31, 22, 30, tzinfo=UTC))


def version(name: str) -> Version:
    definition = Definition(name, {"kind": "everyone"}, "d", "Europe/Moscow")
    return Version(1, 3, definition, "f" * 64, None, datetime(2026, 1, 1, tzinfo=UTC))


def field(name: str, ru: str = "", en: str = "") -> Field:
    return Field(name, FieldType.TEXT, "String", nullable=False, label_ru=ru, label_en=en)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (Headers.NAMES, ["user_id", "city", "town"]),
        (Headers.RU, ["user_id", "Город (city)", "Город (town)"]),
        (Headers.EN, ["user_id", "City", "town"]),
        (Headers.NONE, None),
    ],
)
def test_a_header_names_each_column_once(headers: Headers, expected: list[str] | None) -> None:
    assert titles([field("user_id"), field("city", "Город", "City"), field("town", "Город")], headers) == expected


def test_a_workbook_says_what_it_is_in_its_language() -> None:
    said = {"sentences": {"ru": "все", "en": "everyone"}, "rows": 2, "columns": ["user_id", "Город"]}
    title, lines = about(version("Все"), SNAPSHOT, language="ru", **said)
    assert title == "О выгрузке"
    assert lines == [
        ("Сегмент", "Все"),
        ("Правило", "все"),
        ("Версия", "3"),
        ("Снимок", SNAPSHOT.id),
        ("Данные на", "2026-02-01 01:30:00 Europe/Moscow"),
        ("Строк", "2"),
        ("Столбцы", "user_id, Город"),
    ]
    title, lines = about(version("Все"), SNAPSHOT, language="en", **said)
    assert (title, lines[1]) == ("About", ("Rule", "everyone"))


@pytest.mark.parametrize(
    ("headers", "language"), [(None, "en"), (Headers.NONE, "en"), (Headers.NAMES, "en"), (Headers.RU, "ru")]
)
def test_a_file_speaks_the_language_of_its_labels_or_that_of_the_settings(
    headers: Headers | None, language: str
) -> None:
    options = ExportOptions(headers=headers)
    assert Look(Format.XLSX, options, version("s"), SNAPSHOT, {}, "en").language == language
    english = ExportOptions(headers=Headers.EN)
    assert Look(Format.XLSX, english, version("s"), SNAPSHOT, {}, "ru").language == "en"


def test_a_file_is_called_like_its_segment_and_the_day_of_its_data() -> None:
    assert file_names(version("iOS: март/апрель?"), SNAPSHOT, [""], ".csv") == ["iOS_ март_апрель_ 2026-01-31.csv"]


def test_no_two_files_of_a_split_have_one_name() -> None:
    names = file_names(version("s"), SNAPSHOT, ["a/b", "a:b", "A?B", "a_b (2)", "c"], ".csv.gz")
    assert names[0] == "s 2026-01-31 a_b.csv.gz"
    assert len({name.casefold() for name in names}) == len(names)
    assert names[-1] == "s 2026-01-31 c.csv.gz"


@pytest.mark.parametrize(
    ("name", "expected"), [("a", "a"), ("..", "_"), (" ", "_"), ("a\x00b", "a_b"), ("CON", "CON"), ("Ёж.", "Ёж")]
)
def test_a_name_is_one_that_disks_take(name: str, expected: str) -> None:
    assert on_disk(name) == expected
