"""Settings whose value is more than a word."""

from __future__ import annotations

import pytest

from segmentator_dagster.domain.export_options import CsvOptions, ExportOptions, Profile
from segmentator_dagster.settings import Settings, SettingsError


def given(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> Settings:
    monkeypatch.setenv(f"SEGMENTATOR_{name}", value)
    return Settings.given()


def test_export_defaults_are_a_layer_of_options_in_json(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings.given().export_defaults is None
    settings = given(monkeypatch, "EXPORT_DEFAULTS", '{"csv": {"profile": "excel-ru"}}')
    assert settings.export_defaults == ExportOptions(csv=CsvOptions(profile=Profile.EXCEL_RU))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "Invalid JSON"),
        ("[]", "object"),
        ('{"csv": {"delimiter": ":"}}', "csv.delimiter: "),
        ('{"pdf": {}}', "pdf: "),
        ('{"csv": {"encoding": "windows-1251", "bom": true}}', "csv.bom: A byte order mark"),
    ],
)
def test_wrong_export_defaults_stop_the_start_in_one_line(
    monkeypatch: pytest.MonkeyPatch, text: str, said: str
) -> None:
    with pytest.raises(SettingsError) as error:
        given(monkeypatch, "EXPORT_DEFAULTS", text)
    line = str(error.value)
    assert line.startswith("SEGMENTATOR_EXPORT_DEFAULTS: ")
    assert said in line
    assert "\n" not in line


def test_files_are_kept_for_a_day_at_least(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings.given().export_days == 30
    with pytest.raises(SettingsError, match="SEGMENTATOR_EXPORT_DAYS"):
        given(monkeypatch, "EXPORT_DAYS", "0")
