from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from segmentator_dagster.domain.export_options import (
    DEFAULTS,
    PROFILES,
    AudiencePreset,
    Compression,
    CsvOptions,
    Encoding,
    ExportOptions,
    Headers,
    Overflow,
    Profile,
    SplitOptions,
    XlsxOptions,
    resolved,
)


def layer(**said: Any) -> ExportOptions:
    return ExportOptions.model_validate(said)


def csv_of(*layers: ExportOptions | None) -> CsvOptions:
    found = resolved(*layers).csv
    assert found is not None
    return found


def test_nothing_said_is_the_machine_profile_spelled_out() -> None:
    assert resolved() == resolved(None, layer(), layer(csv={}))
    assert csv_of() == PROFILES[Profile.MACHINE].model_copy(update={"profile": Profile.MACHINE})
    assert resolved().xlsx == DEFAULTS.xlsx
    assert resolved().headers is Headers.NAMES


def test_a_later_layer_goes_over_an_earlier_one_key_by_key() -> None:
    found = resolved(
        layer(csv={"delimiter": ";"}, xlsx={"about": False}, headers="ru"),
        layer(csv={"delimiter": "|", "null_text": "-"}, xlsx={"overflow": "workbooks"}),
        layer(csv={"compression": "gzip"}),
    )
    assert found.csv is not None
    assert (found.csv.delimiter, found.csv.null_text, found.csv.compression) == ("|", "-", Compression.GZIP)
    assert found.xlsx == XlsxOptions(overflow=Overflow.WORKBOOKS, sheet_rows=1_048_575, about=False)
    assert found.headers is Headers.RU


def test_a_layer_that_names_a_profile_forgets_what_was_chosen_below() -> None:
    below = layer(csv={"profile": "machine", "delimiter": "|"})
    assert csv_of(below, layer(csv={"bom": True})).delimiter == "|"
    assert csv_of(below, layer(csv={"profile": "excel-ru"})).delimiter == ";"
    assert csv_of(below, layer(csv={"profile": "excel-ru", "delimiter": "\t"})).delimiter == "\t"


def test_an_encoding_without_a_byte_order_mark_takes_that_of_the_profile_away() -> None:
    assert csv_of(layer(csv={"profile": "excel-ru"})).bom is True
    other = csv_of(layer(csv={"profile": "excel-ru", "encoding": "windows-1251"}))
    assert (other.encoding, other.bom) == (Encoding.WINDOWS_1251, False)
    assert csv_of(layer(csv={"encoding": "windows-1251", "bom": True})).bom is True  # said: a problem of its own


@pytest.mark.parametrize("key", ["split", "yandex_audience"])
def test_an_empty_object_switches_off_what_is_said_below(key: str) -> None:
    below = layer(split={"rows": 5}, yandex_audience={"email": "mail"})
    assert getattr(resolved(below), key) is not None
    assert getattr(resolved(below, layer()), key) is not None
    assert getattr(resolved(below, layer(**{key: {}})), key) is None


def test_a_split_and_a_preset_are_taken_as_a_whole() -> None:
    found = resolved(
        layer(split={"rows": 5}, yandex_audience={"email": "mail"}),
        layer(split={"field": "city"}, yandex_audience={"phone": "tel"}),
    )
    assert found.split == SplitOptions(field="city")
    assert found.yandex_audience == AudiencePreset(phone="tel")


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"csv": {"profile": "excel-cp1251", "null_text": "нет"}, "split": {"rows": 7}},
        {"csv": {"encoding": "windows-1251"}, "yandex_audience": {"email": "mail", "hashed": True}},
        {"xlsx": {"sheet_rows": 3}, "headers": "none", "split": {}},
    ],
)
def test_resolving_again_or_out_of_json_changes_nothing(said: dict[str, Any]) -> None:
    once = resolved(layer(**said))
    assert resolved(once) == once
    assert resolved(ExportOptions.model_validate(once.as_json())) == once


def test_as_json_says_what_is_said_and_no_more() -> None:
    said = {"csv": {"profile": "excel-ru", "bom": False}, "split": {}, "headers": "en"}
    assert layer(**said).as_json() == said


@pytest.mark.parametrize(
    ("said", "place"),
    [
        ({"csv": {"bom": 1}}, ("csv", "bom")),
        ({"csv": {"bom": "yes"}}, ("csv", "bom")),
        ({"csv": {"profile": "excel"}}, ("csv", "profile")),
        ({"csv": {"delimiter": ":"}}, ("csv", "delimiter")),
        ({"csv": {"nul_text": "x"}}, ("csv", "nul_text")),
        ({"csv": {"null_text": "x" * 21}}, ("csv", "null_text")),
        ({"xlsx": {"sheet_rows": 0}}, ("xlsx", "sheet_rows")),
        ({"xlsx": {"sheet_rows": 1_048_576}}, ("xlsx", "sheet_rows")),
        ({"xlsx": {"sheet_rows": "5"}}, ("xlsx", "sheet_rows")),
        ({"split": {"rows": True}}, ("split", "rows")),
        ({"split": {"field": 5}}, ("split", "field")),
        ({"pdf": {}}, ("pdf",)),
        *(({"csv": {"null_text": f"a{bad}"}}, ("csv", "null_text")) for bad in "\"',;|\t\r\n\0\x1f\x7f"),
    ],
)
def test_what_is_not_an_option_is_refused_with_its_place(said: dict[str, Any], place: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError) as error:
        layer(**said)
    assert [found["loc"] for found in error.value.errors()] == [place]


def test_only_what_has_to_do_with_a_dataset_names_fields() -> None:
    assert layer(split={"field": "city"}).names_fields
    assert layer(yandex_audience={"email": "mail"}).names_fields
    assert not layer(csv={"profile": "machine"}, split={"rows": 5}).names_fields
