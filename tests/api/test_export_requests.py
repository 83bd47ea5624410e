from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from segmentator_dagster.domain.export_options import CsvOptions, ExportOptions, Headers, resolved
from segmentator_dagster.storage.metadata.datasets import RegisteredDataset
from tests.api.conftest import Stack
from tests.api.exporting import ask, snapshot
from tests.api.servers import RUN_ID, dagster_server, eventually
from tests.servers.clickhouse import ClickHouseServer

RUSSIAN = {"csv": {"profile": "excel-ru"}}


def problems(answer: Any) -> list[tuple[str, str]]:
    assert answer.status_code == 422, answer.text
    return [(problem["code"], problem["pointer"]) for problem in answer.json()["problems"]]


def options_of(stack: Stack, answer: Any) -> dict[str, Any]:
    assert answer.status_code == 202, answer.text
    found: dict[str, Any] = stack.client.get(f"/api/v1/exports/{answer.json()['items'][0]['id']}").json()["options"]
    return found


def test_a_request_goes_over_the_segment_and_that_over_the_installation(
    make_stack: Callable[..., Stack], clickhouse_server: ClickHouseServer, visits: RegisteredDataset
) -> None:
    installation = ExportOptions(headers=Headers.RU, csv=CsvOptions(null_text="нет"))
    stack = make_stack((visits,), clickhouse_url=clickhouse_server.reader_url, export_defaults=installation)
    segment = stack.segment(export={"csv": {"delimiter": "|"}})
    assert segment["export"] == {"csv": {"delimiter": "|"}}
    said = {"csv": {"decimal_mark": ","}, "headers": "en"}
    layers = [installation, *(ExportOptions.model_validate(one) for one in (segment["export"], said))]
    assert options_of(stack, ask(stack, segment["id"], ["csv"], export=said)) == resolved(*layers).as_json()
    defaults = stack.client.get("/api/v1/export-options").json()["defaults"]
    assert defaults == resolved(installation).as_json()


def test_export_options_are_a_versioned_part_of_a_segment(stack: Stack) -> None:
    segment = stack.segment(export=RUSSIAN)
    path = f"/api/v1/segments/{segment['id']}"
    changed = stack.client.patch(path, json={"version": 1, "export": {"headers": "none"}}).json()
    assert (changed["version"], changed["export"]) == (2, {"headers": "none"})
    kept = stack.client.patch(path, json={"version": 2, "name": "другое"}).json()
    assert kept["export"] == {"headers": "none"}
    reset = stack.client.patch(path, json={"version": 3, "export": None}).json()
    assert (reset["version"], reset["export"]) == (4, None)
    copy = stack.client.post(f"{path}/copy").json()
    assert copy["export"] is None
    versions = stack.client.get(f"{path}/versions").json()["items"]
    assert [version["export"] for version in versions] == [None, {"headers": "none"}, {"headers": "none"}, RUSSIAN]
    assert "export" not in stack.client.get(f"{path}/rule-file").json()


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"csv": {"delimiter": ":"}}, ("unknown_choice", "/export/csv/delimiter")),
        ({"csv": {"profile": "excel"}}, ("unknown_choice", "/export/csv/profile")),
        ({"csv": {"bom": "yes"}}, ("wrong_json_type", "/export/csv/bom")),
        ({"csv": {"null_text": "a\x01b"}}, ("wrong_value", "/export/csv/null_text")),
        ({"csv": {"null": ""}}, ("unknown_key", "/export/csv/null")),
        ({"xlsx": {"sheet_rows": 2_000_000}}, ("out_of_range", "/export/xlsx/sheet_rows")),
        ({"split": {"rows": 0}}, ("out_of_range", "/export/split/rows")),
        ([], ("wrong_json_type", "/export")),
        ({"csv": {"encoding": "windows-1251", "bom": True}}, ("bom_not_here", "/export/csv/bom")),
        ({"csv": {"encoding": "windows-1251", "null_text": "∅"}}, ("unencodable_text", "/export/csv/null_text")),
        ({"split": {"rows": 5, "field": "visits"}}, ("two_splits", "/export/split")),
        ({"yandex_audience": {"hashed": True}}, ("no_contacts", "/export/yandex_audience")),
        ({"split": {"field": "vizits"}}, ("split_field_not_exported", "/export/split/field")),
        ({"split": {"field": "user_id"}}, ("split_field_not_exported", "/export/split/field")),
        ({"split": {"field": "a\0"}}, ("bad_text", "/export/split/field")),
        ({"yandex_audience": {"email": "mail"}}, ("unknown_field", "/export/yandex_audience/email")),
    ],
)
def test_wrong_options_are_422_with_their_place_in_a_segment_and_in_a_request(
    stack: Stack, said: Any, problem: tuple[str, str]
) -> None:
    body = {"name": "x", "rule": {"kind": "everyone"}, "export": said}
    assert problem in problems(stack.client.post("/api/v1/segments", json=body))
    segment_id = stack.segment()["id"]
    assert problem in problems(ask(stack, segment_id, ["csv"], export=said))
    patch = stack.client.patch(f"/api/v1/segments/{segment_id}", json={"version": 1, "export": said})
    assert problem in problems(patch)
    assert stack.exports.of_segment(segment_id) == ()


def test_the_near_column_is_named(stack: Stack) -> None:
    answer = ask(stack, stack.segment()["id"], ["csv"], export={"split": {"field": "vizits"}})
    assert "`visits`" in answer.json()["hint"]


def test_a_split_goes_by_the_columns_of_the_version_that_is_exported(stack: Stack) -> None:
    segment_id = stack.segment(columns=["visits"])["id"]
    taken = snapshot(stack, segment_id)
    path = f"/api/v1/segments/{segment_id}"
    assert stack.client.patch(path, json={"version": 1, "columns": ["money"]}).status_code == 200
    split = {"split": {"field": "visits"}}
    assert problems(ask(stack, segment_id, ["csv"], export=split)) == [
        ("split_field_not_exported", "/export/split/field")
    ]
    assert ask(stack, segment_id, ["csv"], export=split, snapshot_id=taken.id).status_code == 202


def test_columns_may_not_lose_the_field_that_files_are_split_by(stack: Stack) -> None:
    path = f"/api/v1/segments/{stack.segment(export={'split': {'field': 'visits'}})['id']}"
    answer = stack.client.patch(path, json={"version": 1, "columns": ["money"]})
    assert problems(answer) == [("split_field_not_exported", "/export/split/field")]


def test_the_preset_is_for_csv_in_requests_and_in_schedules(stack: Stack) -> None:
    preset = {"yandex_audience": {"email": "platform_main"}}
    segment = stack.segment(export=preset)
    assert problems(ask(stack, segment["id"], ["csv", "xlsx"])) == [("audience_is_csv", "/formats/1")]
    assert options_of(stack, ask(stack, segment["id"], ["xlsx"], export={"yandex_audience": {}}))
    assert options_of(stack, ask(stack, segment["id"], ["csv"]))["yandex_audience"] == {"email": "platform_main"}
    schedule = {"cron": "0 6 * * 1", "formats": ["parquet"]}
    answer = stack.client.patch(f"/api/v1/segments/{segment['id']}", json={"version": 1, "schedule": schedule})
    assert problems(answer) == [("audience_is_csv", "/schedule/formats/0")]


def test_options_without_fields_need_no_clickhouse(stack: Stack, offline: Stack) -> None:
    segment = stack.segment()
    definition = stack.segments.get(segment["id"]).definition
    made = offline.segments.create(definition, "f", "me")
    assert ask(offline, made.id, ["parquet"], export={"csv": {"profile": "excel-cp1251"}}).status_code == 202
    assert ask(offline, made.id, ["csv"], export={"split": {"field": "visits"}}).status_code == 503
    offline.segments.delete(made.id)


def test_snapshots_are_listed_newest_first(stack: Stack) -> None:
    segment_id = stack.segment()["id"]
    path = f"/api/v1/segments/{segment_id}/snapshots"
    assert stack.client.get(path).json() == {"items": []}
    first, second = snapshot(stack, segment_id, 3), snapshot(stack, segment_id, 4)
    items = stack.client.get(path).json()["items"]
    assert [(item["id"], item["users"], item["version"]) for item in items] == [(second.id, 4, 1), (first.id, 3, 1)]
    assert items[0]["data_moment"] == "2026-01-01T12:00:00Z"
    assert len(stack.client.get(path, params={"limit": 1}).json()["items"]) == 1
    stack.client.delete(f"/api/v1/segments/{segment_id}")
    assert len(stack.client.get(path).json()["items"]) == 2


def test_an_earlier_snapshot_is_exported_again_in_its_version(stack: Stack) -> None:
    segment_id = stack.segment()["id"]
    taken = snapshot(stack, segment_id)
    stack.client.patch(f"/api/v1/segments/{segment_id}", json={"version": 1, "name": "другое"})
    answer = ask(stack, segment_id, ["parquet"], snapshot_id=taken.id)
    assert answer.status_code == 202
    (item,) = answer.json()["items"]
    assert (item["snapshot_id"], item["version"], item["format"]) == (taken.id, 1, "parquet")


def test_a_comparison_is_shown_and_has_the_version_of_the_later_snapshot(stack: Stack) -> None:
    segment_id = stack.segment()["id"]
    one = snapshot(stack, segment_id)
    stack.client.patch(f"/api/v1/segments/{segment_id}", json={"version": 1, "name": "другое"})
    two = snapshot(stack, segment_id)
    compare = {"from_snapshot_id": one.id, "to_snapshot_id": two.id, "keep": "added"}
    (item,) = ask(stack, segment_id, ["csv"], compare=compare).json()["items"]
    assert (item["snapshot_id"], item["version"]) == (two.id, 2)
    assert stack.client.get(f"/api/v1/exports/{item['id']}").json()["compare"] == compare
    with_next = {"from_snapshot_id": one.id, "keep": "stayed"}
    (item,) = ask(stack, segment_id, ["csv"], compare=with_next).json()["items"]
    assert item["snapshot_id"] is None
    shown = stack.client.get(f"/api/v1/exports/{item['id']}").json()["compare"]
    assert shown == {**with_next, "to_snapshot_id": None}


def test_snapshots_that_are_not_of_the_segment_are_422_each_with_its_place(stack: Stack) -> None:
    segment_id, other = stack.segment()["id"], stack.segment("other")["id"]
    foreign = snapshot(stack, other)
    for bad in (foreign.id, "0" * 36, "x", "", "я" * 36, "x" * 10_000):
        answer = ask(stack, segment_id, ["csv"], snapshot_id=bad)
        assert problems(answer) == [("snapshot_not_found", "/snapshot_id")], bad
    compare = {"from_snapshot_id": "x", "to_snapshot_id": foreign.id, "keep": "added"}
    assert problems(ask(stack, segment_id, ["csv"], compare=compare)) == [
        ("snapshot_not_found", "/compare/from_snapshot_id"),
        ("snapshot_not_found", "/compare/to_snapshot_id"),
    ]
    assert stack.exports.of_segment(segment_id) == ()


@pytest.mark.parametrize(
    ("compare", "problem"),
    [
        ({"from_snapshot_id": "x", "keep": "lost"}, ("unknown_choice", "/compare/keep")),
        ({"keep": "added"}, ("missing_key", "/compare/from_snapshot_id")),
        ({"from_snapshot_id": "x", "keep": "added", "to": "y"}, ("unknown_key", "/compare/to")),
        (5, ("wrong_json_type", "/compare")),
    ],
)
def test_a_wrong_comparison_is_422_with_its_place(offline: Stack, compare: Any, problem: tuple[str, str]) -> None:
    assert problems(ask(offline, 1, ["csv"], compare=compare)) == [problem]


def test_a_snapshot_and_a_comparison_at_once_make_no_sense(offline: Stack) -> None:
    compare = {"from_snapshot_id": "x", "keep": "added"}
    answer = ask(offline, 1, ["csv"], snapshot_id="y", compare=compare)
    assert problems(answer) == [("snapshot_or_compare", "/snapshot_id")]


def test_a_request_that_has_its_audience_is_launched_for_the_files_alone(
    make_stack: Callable[..., Stack], clickhouse_server: ClickHouseServer, visits: RegisteredDataset
) -> None:
    with dagster_server() as dagster:
        stack = make_stack((visits,), clickhouse_url=clickhouse_server.reader_url, dagster_port=dagster.port)
        segment_id = stack.segment()["id"]
        taken = snapshot(stack, segment_id)
        made = ask(stack, segment_id, ["csv", "parquet"], snapshot_id=taken.id).json()["items"]
        assert eventually(lambda: stack.exports.get(made[0]["id"]).run_id == RUN_ID)
        launched = [asked["e"] for name, asked in dagster.asked if name == "launchRun"]
    assets = [[asset["path"][0] for asset in one["selector"]["assetSelection"]] for one in launched]
    assert sorted(assets) == [["segment_audience", "segment_csv"], ["segment_csv", "segment_parquet"]]


def test_every_option_is_described_in_both_languages(offline: Stack) -> None:
    said = offline.client.get("/api/v1/export-options").json()
    options = {option["key"]: option for option in said["options"]}
    assert [value["value"] for value in options["csv.delimiter"]["values"]] == [",", ";", "\t", "|"]
    assert (options["xlsx.sheet_rows"]["minimum"], options["xlsx.sheet_rows"]["maximum"]) == (1, 1_048_575)
    assert (options["csv.bom"]["type"], options["csv.bom"]["values"]) == ("boolean", None)
    assert [profile["value"] for profile in said["profiles"]] == ["machine", "excel-ru", "excel-cp1251"]
    assert said["profiles"][1]["csv"]["delimiter"] == ";"
    assert [format_["value"] for format_ in said["formats"]] == ["csv", "xlsx", "parquet"]
    assert said["defaults"] == resolved().as_json()
    for option in said["options"]:
        for label in (option["label"], *(value["label"] for value in option["values"] or ())):
            assert label["ru"], option["key"]
            assert label["en"], option["key"]


def test_what_is_wrong_with_options_and_with_their_fields_is_said_at_once(stack: Stack) -> None:
    segment = stack.segment()
    answer = ask(stack, segment["id"], ["csv"], export={"split": {"rows": 5, "field": "vizits"}})
    assert problems(answer) == [("two_splits", "/export/split"), ("split_field_not_exported", "/export/split/field")]
