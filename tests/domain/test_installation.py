from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from segmentator_dagster.domain.export import Format
from segmentator_dagster.domain.export_options import CsvOptions, ExportOptions, Headers, Profile, layered, resolved
from segmentator_dagster.domain.installation import EffectiveSettings, InstallationSettings, ReportSchedule

SAID: dict[str, Any] = {
    "export": {"csv": {"delimiter": "|"}},
    "formats": ["parquet"],
    "export_days": 1,
    "link_seconds": 5,
    "report_schedule": {"cron": "0 7 * * 1", "formats": ["xlsx"]},
    "time_zone": "Asia/Omsk",
    "language": "en",
    "count_deadline_seconds": 3,
}


def test_every_key_that_is_set_holds() -> None:
    found = EffectiveSettings().under(InstallationSettings.model_validate(SAID))
    assert found == EffectiveSettings(
        export=ExportOptions(csv=CsvOptions(delimiter="|")),
        formats=(Format.PARQUET,),
        export_days=1,
        link_seconds=5,
        report_schedule=ReportSchedule(cron="0 7 * * 1", formats=("xlsx",)),
        time_zone="Asia/Omsk",
        language="en",
        count_deadline_seconds=3,
    )


@pytest.mark.parametrize("key", SAID)
def test_a_key_that_is_not_set_is_what_the_environment_says(key: str) -> None:
    environment = EffectiveSettings().under(InstallationSettings.model_validate(SAID))
    silent = environment.under(InstallationSettings())
    assert silent == environment
    changed = EffectiveSettings().under(InstallationSettings.model_validate({key: SAID[key]}))
    assert getattr(changed, key) == getattr(environment, key) != getattr(EffectiveSettings(), key)
    others = set(SAID) - {key}
    assert all(getattr(changed, other) == getattr(EffectiveSettings(), other) for other in others)


def test_export_options_go_over_those_of_the_environment_key_by_key() -> None:
    environment = EffectiveSettings(export=ExportOptions(headers=Headers.RU, csv=CsvOptions(delimiter="|")))
    said = InstallationSettings(export=ExportOptions(csv=CsvOptions(null_text="-")))
    assert environment.under(said).export == ExportOptions(
        headers=Headers.RU, csv=CsvOptions(delimiter="|", null_text="-")
    )
    another = InstallationSettings(export=ExportOptions(csv=CsvOptions(profile=Profile.EXCEL_RU)))
    assert environment.under(another).export == ExportOptions(
        headers=Headers.RU, csv=CsvOptions(profile=Profile.EXCEL_RU)
    )


LAYERS = st.builds(
    ExportOptions,
    headers=st.sampled_from([None, *Headers]),
    csv=st.none()
    | st.builds(
        CsvOptions,
        profile=st.sampled_from([None, *Profile]),
        delimiter=st.sampled_from([None, ",", ";", "|"]),
        bom=st.sampled_from([None, True, False]),
        null_text=st.sampled_from([None, "", "-"]),
    ),
)


@given(LAYERS, LAYERS, LAYERS)
def test_layers_that_are_made_one_say_what_they_said_apart(
    first: ExportOptions, second: ExportOptions, third: ExportOptions
) -> None:
    apart = resolved(first, second, third)
    assert resolved(layered(first, second), third) == resolved(first, layered(second, third)) == apart


@pytest.mark.parametrize(
    ("document", "place"),
    [
        ({"export_days": 0}, ("export_days",)),
        ({"export_days": 36_501}, ("export_days",)),
        ({"export_days": "7"}, ("export_days",)),
        ({"export_days": True}, ("export_days",)),
        ({"link_seconds": 61}, ("link_seconds",)),
        ({"link_seconds": 0}, ("link_seconds",)),
        ({"count_deadline_seconds": 3601}, ("count_deadline_seconds",)),
        ({"count_deadline_seconds": 1.0}, ("count_deadline_seconds",)),
        ({"language": "de"}, ("language",)),
        ({"time_zone": 3}, ("time_zone",)),
        ({"formats": "csv"}, ("formats",)),
        ({"formats": [1]}, ("formats", 0)),
        ({"report_schedule": {"cron": "* * * * *"}}, ("report_schedule", "formats")),
        ({"export": {"csv": {"delimiter": "x"}}}, ("export", "csv", "delimiter")),
        ({"max_rows": 5}, ("max_rows",)),
    ],
)
def test_what_is_none_of_it_is_refused_at_its_place(document: dict[str, Any], place: tuple[str | int, ...]) -> None:
    with pytest.raises(ValidationError) as error:
        InstallationSettings.model_validate(document)
    assert [one["loc"] for one in error.value.errors()] == [place]


def test_the_json_has_what_is_said_and_no_more() -> None:
    assert InstallationSettings.model_validate(SAID).as_json() == SAID
    assert InstallationSettings().as_json() == {}
    assert InstallationSettings.model_validate({"export": {"split": {}}}).as_json() == {"export": {"split": {}}}
