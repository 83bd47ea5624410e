from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from segmentator_dagster.domain.catalogue import Dataset, Field, FieldType
from segmentator_dagster.domain.export_checking import field_problems, option_problems
from segmentator_dagster.domain.export_options import ExportOptions, resolved

FIELDS = tuple(Field(name, FieldType.TEXT, "String", nullable=False) for name in ("id", "city", "mail", "phone"))
PEOPLE = Dataset("people", "datasets", "people", "id", None, FIELDS)


def options(**said: Any) -> ExportOptions:
    return resolved(ExportOptions.model_validate(said))


def found(said: dict[str, Any], formats: Sequence[str] = ("csv",)) -> list[tuple[str, str]]:
    return [(problem.code, problem.pointer) for problem in option_problems(options(**said), formats)]


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"csv": {"profile": "excel-ru"}},
        {"csv": {"profile": "excel-ru", "encoding": "windows-1251", "null_text": "нет"}},
        {"csv": {"profile": "excel-cp1251", "bom": False}},
        {"csv": {"decimal_mark": ",", "delimiter": ","}},
        {"csv": {"null_text": "∅"}},
        {"split": {"rows": 5}},
        {"split": {"field": "city"}},
        {"yandex_audience": {"email": "mail", "phone": "phone"}},
        {"yandex_audience": {"phone": "phone"}, "split": {}},
    ],
)
def test_what_makes_sense_has_no_problem(said: dict[str, Any]) -> None:
    assert found(said) == []


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"csv": {"encoding": "windows-1251", "bom": True}}, ("bom_not_here", "/export/csv/bom")),
        ({"csv": {"profile": "excel-cp1251", "null_text": "∅"}}, ("unencodable_text", "/export/csv/null_text")),
        ({"split": {"rows": 5, "field": "city"}}, ("two_splits", "/export/split")),
        ({"yandex_audience": {"hashed": True}}, ("no_contacts", "/export/yandex_audience")),
        ({"yandex_audience": {"email": "mail"}, "split": {"rows": 5}}, ("audience_is_one_file", "/export/split")),
    ],
)
def test_what_makes_no_sense_is_said_with_its_place(said: dict[str, Any], problem: tuple[str, str]) -> None:
    assert found(said) == [problem]


def test_the_preset_of_yandex_audience_takes_no_other_format_than_csv() -> None:
    said = {"yandex_audience": {"email": "mail"}}
    problems = found(said, ["xlsx", "csv", "pdf", "parquet"])
    assert problems == [("audience_is_csv", "/formats/0"), ("audience_is_csv", "/formats/3")]
    (moved,) = option_problems(options(**said), ["xlsx"], "/schedule/formats")
    assert moved.pointer == "/schedule/formats/0"


def test_a_layer_that_is_not_resolved_is_taken_as_it_is() -> None:
    assert list(option_problems(ExportOptions())) == []


@pytest.mark.parametrize("columns", [None, ["city", "mail"], ["city"]])
def test_files_are_split_by_a_column_that_is_there(columns: list[str] | None) -> None:
    assert list(field_problems(options(split={"field": "city"}), columns, PEOPLE)) == []


@pytest.mark.parametrize(("field", "columns"), [("citi", None), ("city", ["mail"]), ("id", None), ("id", ["id"])])
def test_a_split_by_a_field_that_is_not_exported_is_a_problem(field: str, columns: list[str] | None) -> None:
    (problem,) = field_problems(options(split={"field": field}), columns, PEOPLE)
    assert (problem.code, problem.pointer) == ("split_field_not_exported", "/export/split/field")


def test_a_near_column_is_suggested() -> None:
    (problem,) = field_problems(options(split={"field": "citi"}), None, PEOPLE)
    assert "`city`" in problem.hint("ru")
    assert "`city`" in problem.hint("en")


def test_contacts_are_fields_of_the_dataset_whether_exported_or_not() -> None:
    said = {"yandex_audience": {"email": "mail", "phone": "phone"}}
    assert list(field_problems(options(**said), ["city"], PEOPLE)) == []
    said = {"yandex_audience": {"email": "male", "phone": "fone"}}
    problems = [(one.code, one.pointer) for one in field_problems(options(**said), None, PEOPLE)]
    assert problems == [
        ("unknown_field", "/export/yandex_audience/email"),
        ("unknown_field", "/export/yandex_audience/phone"),
    ]


@pytest.mark.parametrize("said", [{}, {"split": {"rows": 5}}, {"yandex_audience": {"email": "mail"}}])
def test_options_without_unknown_fields_have_no_problem_with_a_dataset(said: dict[str, Any]) -> None:
    assert list(field_problems(options(**said), None, PEOPLE)) == []


def test_what_needs_values_takes_no_field_that_is_seen_as_its_mask() -> None:
    masked = replace(PEOPLE, fields=tuple(replace(one, masked=one.name in ("city", "mail")) for one in FIELDS))
    (problem,) = field_problems(options(split={"field": "city"}), ["city"], masked)
    assert (problem.code, problem.pointer) == ("field_masked", "/export/split/field")
    said = {"yandex_audience": {"email": "mail", "phone": "phone"}}
    (problem,) = field_problems(options(**said), ["city"], masked)
    assert (problem.code, problem.pointer) == ("field_masked", "/export/yandex_audience/email")
    assert "`mail`" in problem.message("ru")


def test_a_column_of_the_segment_that_is_hidden_is_not_exported_and_not_suggested() -> None:
    hidden = replace(PEOPLE, fields=FIELDS[:1] + FIELDS[2:], hidden=FIELDS[1:2])
    for name in ("city", "citi"):
        (problem,) = field_problems(options(split={"field": name}), ["city", "mail"], hidden)
        assert (problem.code, problem.pointer) == ("split_field_not_exported", "/export/split/field")
        assert "`city`" not in problem.hint("ru")
