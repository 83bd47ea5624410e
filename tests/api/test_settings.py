"""What administrators set over the API, and that it holds: here at once, elsewhere within a second."""

from __future__ import annotations

import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from segmentator_dagster.compiler.query import CompiledQuery
from segmentator_dagster.domain.access import Scope
from segmentator_dagster.domain.export_options import CsvOptions, ExportOptions, Profile, resolved
from segmentator_dagster.domain.people import Role
from segmentator_dagster.storage.clickhouse import ClickHouse
from segmentator_dagster.storage.connections import current_settings_of, database_of
from segmentator_dagster.storage.metadata.attempts import Attempts
from segmentator_dagster.storage.metadata.current_settings import KEPT_SECONDS
from segmentator_dagster.storage.metadata.datasets import RegisteredDataset
from tests.api.conftest import RULE, Stack
from tests.api.exporting import ask, publish, published, started
from tests.api.people import bearer, token_of
from tests.api.servers import eventually
from tests.servers.clickhouse import ClickHouseServer

PATH = "/api/v1/settings"
WRONG: dict[str, Any] = {
    "formats": ["csv", "csv", "doc"],
    "export": {"csv": {"encoding": "windows-1251", "bom": True}, "split": {"rows": 5, "field": "x"}},
    "report_schedule": {"cron": "daily", "formats": []},
    "time_zone": "Europe/Atlantis",
}


def settings(stack: Stack) -> Any:
    return stack.client.get(PATH).raise_for_status().json()


def change(stack: Stack, **changes: Any) -> Any:
    return stack.client.patch(PATH, json={"version": settings(stack)["version"], **changes})


def changed(stack: Stack, **changes: Any) -> Any:
    answer = change(stack, **changes)
    assert answer.status_code == 200, answer.text
    return answer.json()


def problems(answer: httpx.Response) -> list[tuple[str, str]]:
    assert answer.status_code == 422, answer.text
    return [(problem["code"], problem["pointer"]) for problem in answer.json()["problems"]]


def audited(stack: Stack) -> list[dict[str, Any]]:
    query = {"event": "settings.change", "outcome": "done"}
    found: list[dict[str, Any]] = stack.client.get("/api/v1/audit", params=query).raise_for_status().json()["items"]
    return found


def test_what_is_set_goes_over_the_environment(make_stack: Callable[..., Stack]) -> None:
    environment = ExportOptions(csv=CsvOptions(profile=Profile.EXCEL_RU, null_text="нет"))
    stack = make_stack(export_defaults=environment, export_days=9, link_seconds=40, time_zone="Asia/Omsk")
    found = settings(stack)
    assert (found["version"], found["said"]) == (0, {})
    assert (
        found["effective"]
        == found["environment"]
        == {
            "export": resolved(environment).as_json(),
            "formats": ["csv", "xlsx"],
            "export_days": 9,
            "link_seconds": 40,
            "report_schedule": None,
            "time_zone": "Asia/Omsk",
            "language": "ru",
            "count_deadline_seconds": 30,
        }
    )
    said = {"export": {"csv": {"delimiter": "|"}}, "export_days": 3, "language": "en"}
    after = changed(stack, **said)
    assert (after["version"], after["said"], after["environment"]) == (1, said, found["environment"])
    layers = resolved(environment, ExportOptions(csv=CsvOptions(delimiter="|"))).as_json()
    assert after["effective"] == {**found["effective"], **said, "export": layers}
    assert settings(stack) == after
    back = changed(stack, export=None, language=None)
    assert (back["version"], back["said"]) == (2, {"export_days": 3})
    assert back["effective"] == {**found["effective"], "export_days": 3}


def test_only_administrators_see_and_change_settings(offline: Stack) -> None:
    database = database_of(offline.settings)
    callers = {
        "anonymous": {},
        "user": bearer(token_of(database, "boris", Role.USER)),
        "no scope": bearer(token_of(database, scopes=(Scope.READ, Scope.EDIT))),
    }
    refused = {
        who: [
            (answer.status_code, answer.json()["code"])
            for answer in (
                httpx.get(f"{offline.client.base_url}{PATH}", headers=headers, trust_env=False),
                httpx.patch(
                    f"{offline.client.base_url}{PATH}",
                    headers=headers,
                    json={"version": 0, "export_days": 1},
                    trust_env=False,
                ),
            )
        ]
        for who, headers in callers.items()
    }
    database.close()
    assert refused == {
        "anonymous": [(401, "not_signed_in")] * 2,
        "user": [(403, "administrators_only")] * 2,
        "no scope": [(403, "scope_missing")] * 2,
    }
    assert settings(offline)["said"] == {}


def test_all_that_makes_no_sense_is_said_at_once_and_nothing_is_changed(offline: Stack) -> None:
    assert problems(change(offline, **WRONG)) == [
        ("duplicate_value", "/formats/1"),
        ("unknown_format", "/formats/2"),
        ("bom_not_here", "/export/csv/bom"),
        ("two_splits", "/export/split"),
        ("bad_cron", "/report_schedule/cron"),
        ("empty_list", "/report_schedule/formats"),
        ("unknown_time_zone", "/time_zone"),
    ]
    assert (settings(offline)["version"], audited(offline)) == (0, [])


@pytest.mark.parametrize(
    ("changes", "code", "pointer"),
    [
        ({"link_seconds": 61}, "out_of_range", "/link_seconds"),
        ({"export_days": 0}, "out_of_range", "/export_days"),
        ({"export_days": "7"}, "wrong_json_type", "/export_days"),
        ({"language": "de"}, "unknown_choice", "/language"),
        ({"export": {"csv": {"profile": "excel"}}}, "unknown_choice", "/export/csv/profile"),
        ({"export": []}, "wrong_json_type", "/export"),
        ({"report_schedule": {"cron": "* * * * *"}}, "missing_key", "/report_schedule/formats"),
        ({"export": {"split": {"field": "a\0"}}}, "bad_text", "/export/split/field"),
        ({"max_rows": 100}, "unknown_key", "/max_rows"),
        ({"formats": ["csv", "xlsx"], "export": {"yandex_audience": {"email": "e"}}}, "audience_is_csv", "/formats/1"),
        (
            {"export": {"csv": {"encoding": "windows-1251", "null_text": "∅"}}},
            "unencodable_text",
            "/export/csv/null_text",
        ),
    ],
)
def test_a_value_that_does_not_fit_is_refused_at_its_place(
    offline: Stack, changes: dict[str, Any], code: str, pointer: str
) -> None:
    assert problems(change(offline, **changes)) == [(code, pointer)]


def test_options_are_checked_with_those_of_the_environment(make_stack: Callable[..., Stack]) -> None:
    stack = make_stack(export_defaults=ExportOptions(csv=CsvOptions(encoding="windows-1251")))
    assert problems(change(stack, export={"csv": {"bom": True}})) == [("bom_not_here", "/export/csv/bom")]


def test_a_change_based_on_an_old_version_is_a_conflict(make_stack: Callable[..., Stack]) -> None:
    stack = make_stack()
    changed(stack, export_days=3)
    answer = stack.client.patch(PATH, json={"version": 0, "export_days": 4})
    assert (answer.status_code, answer.json()["code"], answer.json()["pointer"]) == (
        409,
        "settings_changed",
        "/version",
    )
    assert settings(stack)["said"] == {"export_days": 3}
    missing = stack.client.patch(PATH, json={"export_days": 4})
    assert problems(missing) == [("missing_key", "/version")]


def test_a_change_is_in_the_audit_log_as_it_was_and_is(make_stack: Callable[..., Stack]) -> None:
    stack = make_stack()
    changed(stack, export_days=3, language="en", report_schedule={"cron": "0 7 * * 1", "formats": ["xlsx"]})
    again = changed(stack, export_days=3)
    assert again["version"] == 1
    changed(stack, export_days=4, language=None)
    after, before = audited(stack)
    assert (before["object"]["kind"], before["actor"]["name"], before["via"]) == ("settings", "Admin", "token")
    assert before["before"] == {"version": 0, "export_days": None, "language": None, "report_schedule": None}
    assert before["after"] == {
        "version": 1,
        "export_days": 3,
        "language": "en",
        "report_schedule": {"cron": "0 7 * * 1", "formats": ["xlsx"]},
    }
    assert after["before"] == {"version": 1, "export_days": 3, "language": "en"}
    assert after["after"] == {"version": 2, "export_days": 4, "language": None}


def test_a_new_export_has_the_options_and_formats_that_are_set(stack: Stack) -> None:
    segment_id = stack.segment(export={"headers": "en"})["id"]
    before = ask(stack, segment_id, ["csv"]).json()["items"][0]
    answer = stack.client.post(f"/api/v1/segments/{segment_id}/exports", json={})
    assert [one["format"] for one in answer.json()["items"]] == ["csv", "xlsx"]
    said = {"csv": {"profile": "excel-ru"}, "headers": "ru"}
    changed(stack, export=said, formats=["parquet", "csv"])
    made = stack.client.post(f"/api/v1/segments/{segment_id}/exports", json={}).json()["items"]
    assert [one["format"] for one in made] == ["parquet", "csv"]

    def options(export: dict[str, Any]) -> Any:
        return stack.client.get(f"/api/v1/exports/{export['id']}").json()["options"]

    own = ExportOptions.model_validate({"headers": "en"})
    assert options(made[0]) == resolved(ExportOptions.model_validate(said), own).as_json()
    assert options(before) == resolved(own).as_json()
    shown = stack.client.get("/api/v1/export-options").json()["defaults"]
    assert shown == resolved(ExportOptions.model_validate(said)).as_json()


def test_a_key_without_formats_gives_the_first_exports_whatever_is_set_since(stack: Stack) -> None:
    segment_id = stack.segment()["id"]
    first = ask(stack, segment_id, None, "night").json()["items"]
    changed(stack, formats=["parquet"])
    assert [one["id"] for one in ask(stack, segment_id, None, "night").json()["items"]] == [one["id"] for one in first]
    named = ask(stack, segment_id, ["csv", "xlsx"], "night")
    assert (named.status_code, named.json()["code"]) == (422, "idempotency_key_reused")


def test_a_schedule_without_formats_is_kept_as_one(stack: Stack) -> None:
    segment = stack.segment(schedule={"cron": "0 6 * * 1"})
    assert segment["schedule"] == {"cron": "0 6 * * 1", "formats": None}
    preset = {"yandex_audience": {"email": "platform_main"}}
    body = {"version": 1, "export": preset}
    path = f"/api/v1/segments/{segment['id']}"
    assert problems(stack.client.patch(path, json=body)) == [("audience_is_csv", "/schedule/formats/1")]
    changed(stack, formats=["csv"])
    assert stack.client.patch(path, json=body).status_code == 200


def test_options_of_a_request_are_checked_with_those_that_are_set(stack: Stack) -> None:
    segment_id = stack.segment()["id"]
    changed(stack, export={"csv": {"encoding": "windows-1251"}})
    assert problems(ask(stack, segment_id, ["csv"], export={"csv": {"bom": True}})) == [
        ("bom_not_here", "/export/csv/bom")
    ]
    path = f"/api/v1/segments/{segment_id}"
    answer = stack.client.patch(path, json={"version": 1, "export": {"csv": {"bom": True}}})
    assert problems(answer) == [("bom_not_here", "/export/csv/bom")]


def test_files_are_kept_for_the_days_set_when_they_are_published(stack: Stack) -> None:
    database = database_of(stack.settings)
    worker = replace(stack, attempts=Attempts(database, current_settings_of(stack.settings, database).now))
    earlier = published(worker)
    made = ask(stack, earlier["segment_id"], ["csv"]).json()["items"][0]
    started(worker, made["id"])
    changed(stack, export_days=2)
    time.sleep(KEPT_SECONDS)
    publish(worker, made["id"])
    database.close()
    kept = [
        datetime.fromisoformat(shown["expires_at"]) - datetime.fromisoformat(shown["finished_at"])
        for shown in (stack.client.get(f"/api/v1/exports/{one['id']}").json() for one in (earlier, made))
    ]
    assert kept == [timedelta(days=30), timedelta(days=2)]


def test_a_link_lives_as_long_as_is_set(stack: Stack) -> None:
    path = f"/api/v1/exports/{published(stack)['id']}/download"
    long = stack.client.get(path).headers["location"]
    changed(stack, link_seconds=1)
    short = stack.client.get(path).headers["location"]
    assert eventually(lambda: stack.client.get(short).status_code == 410)
    assert stack.client.get(long).status_code == 200


def test_rules_and_new_segments_are_read_in_the_zone_that_is_set(stack: Stack) -> None:
    before = stack.segment("before")
    changed(stack, time_zone="Asia/Omsk")
    assert stack.segment("after")["time_zone"] == "Asia/Omsk"
    meaning = stack.client.post("/api/v1/rules/check", json={"rule": RULE}).json()
    assert meaning["time_zone"] == "Asia/Omsk"
    assert stack.client.get(f"/api/v1/segments/{before['id']}").json()["time_zone"] == "Europe/Moscow"


def test_values_are_shown_in_the_zone_that_is_set(
    make_stack: Callable[..., Stack], clickhouse_server: ClickHouseServer, shop_dataset: RegisteredDataset
) -> None:
    stack = make_stack((shop_dataset,), clickhouse_url=clickhouse_server.reader_url)

    def offsets() -> set[str]:
        answer = stack.client.get("/api/v1/datasets/shop/fields/at/values").raise_for_status().json()
        return {one["value"][-6:] for one in answer["items"]}

    assert offsets() == {"+03:00"}
    changed(stack, time_zone="Asia/Tokyo")
    assert offsets() == {"+09:00"}


@pytest.mark.parametrize("path", ["/api/v1/segments/9", "/api/v1/nothing", "/api/v1/segments?limit=0"])
def test_messages_are_in_the_language_that_is_set_where_a_request_names_none(
    make_stack: Callable[..., Stack], path: str
) -> None:
    stack = make_stack()

    def message(accept: str = "") -> str:
        text: str = stack.client.get(path, headers={"Accept-Language": accept} if accept else {}).json()["message"]
        return text

    russian = message()
    assert russian == message("ru")
    changed(stack, language="en")
    assert message() == message("en") == message("de") != russian
    assert message("ru") == russian
    assert stack.client.get(path).status_code >= 400


def test_refusals_that_no_route_sees_and_pages_are_in_the_language_that_is_set(
    make_stack: Callable[..., Stack],
) -> None:
    stack = make_stack()
    changed(stack, language="en")
    host = stack.client.get("/api/v1/segments", headers={"Host": "evil.example"})
    assert host.json()["message"] == "This server does not answer under the name in the `Host` header."
    home = httpx.get(str(stack.client.base_url), trust_env=False)
    assert '<html lang="en">' in home.text


def test_an_error_has_a_language_where_the_database_is_down(make_stack: Callable[..., Stack]) -> None:
    stack = make_stack()
    changed(stack, language="en")
    (stack.settings.data_dir / "metadata.sqlite").rename(stack.settings.data_dir / "away.sqlite")
    for name in ("metadata.sqlite-wal", "metadata.sqlite-shm"):
        (stack.settings.data_dir / name).unlink(missing_ok=True)
    (stack.settings.data_dir / "metadata.sqlite").mkdir()
    time.sleep(KEPT_SECONDS)
    answer = stack.client.get("/api/v1/nothing")
    assert (answer.status_code, answer.json()["message"]) == (404, "There is nothing at /api/v1/nothing.")


@pytest.fixture
def slow(admin: ClickHouse) -> Iterator[RegisteredDataset]:
    """A dataset whose every question takes minutes."""
    view = f"slow_{uuid.uuid4().hex}"
    rows = "SELECT toString(number % 10) AS user_id, toUInt8(number % 3) AS x FROM numbers(100000000000)"
    admin.execute(CompiledQuery(f"CREATE VIEW datasets.{view} AS {rows}"))
    yield RegisteredDataset("slow", "datasets", view, "user_id")
    admin.execute(CompiledQuery(f"DROP VIEW datasets.{view}"))


def test_a_count_ends_after_the_seconds_that_are_set(
    make_stack: Callable[..., Stack],
    clickhouse_server: ClickHouseServer,
    visits: RegisteredDataset,
    slow: RegisteredDataset,
    admin: ClickHouse,
) -> None:
    """The profile of the reader says thirty, and lets nobody say anything else."""
    stack = make_stack((visits, slow), clickhouse_url=clickhouse_server.reader_url)
    changed(stack, count_deadline_seconds=1)
    rule = {"combinator": "and", "rules": [{"field": "x", "operator": "=", "value": 1}]}
    began = time.perf_counter()
    answer = stack.client.post("/api/v1/rules/count", json={"rule": rule, "dataset": "slow"})
    assert (answer.status_code, answer.json()["code"]) == (422, "query_too_heavy")
    assert time.perf_counter() - began < 3
    running = "SELECT count() FROM system.processes WHERE position(query, {view:String}) > 0 AND user = 'reader'"
    assert eventually(lambda: admin.scalar(CompiledQuery(running, {"view": slow.table})) == 0)


def test_a_deadline_may_be_over_that_of_the_environment_where_clickhouse_says_none(
    make_stack: Callable[..., Stack],
    clickhouse_server: ClickHouseServer,
    visits: RegisteredDataset,
    admin: ClickHouse,
) -> None:
    view = f"tired_{uuid.uuid4().hex}"
    rows = "SELECT toString(number) AS user_id, toUInt8(sleepEachRow(0.5)) AS x FROM numbers(5)"
    admin.execute(CompiledQuery(f"CREATE VIEW datasets.{view} AS {rows} SETTINGS max_block_size = 1"))
    tired = RegisteredDataset("tired", "datasets", view, "user_id")
    stack = make_stack((visits, tired), clickhouse_url=clickhouse_server.writer_url, count_deadline_seconds=1)
    rule = {"combinator": "and", "rules": [{"field": "x", "operator": "=", "value": 0}]}

    def count() -> tuple[int, object]:
        answer = stack.client.post("/api/v1/rules/count", json={"rule": rule, "dataset": "tired"})
        return answer.status_code, answer.json().get("count", answer.json().get("code"))

    assert count() == (422, "query_too_heavy")
    changed(stack, count_deadline_seconds=15)
    assert count() == (200, 5)
    admin.execute(CompiledQuery(f"DROP VIEW datasets.{view}"))


def test_a_deadline_over_that_of_the_profile_is_refused_with_the_reason(stack: Stack) -> None:
    answer = change(stack, count_deadline_seconds=31)
    assert problems(answer) == [("deadline_over_profile", "/count_deadline_seconds")]
    assert "30 с" in answer.json()["message"]
    assert "max_execution_time" in answer.json()["hint"]
    assert changed(stack, count_deadline_seconds=30)["effective"]["count_deadline_seconds"] == 30


def test_without_clickhouse_a_deadline_cannot_be_set_and_all_else_can(make_stack: Callable[..., Stack]) -> None:
    stack = make_stack()
    answer = change(stack, count_deadline_seconds=5)
    assert (answer.status_code, answer.json()["code"]) == (503, "clickhouse_unavailable")
    assert changed(stack, export_days=5)["version"] == 1


_WATCH = """
import sys, time
from segmentator_dagster.resources.services import Services
from segmentator_dagster.settings import Settings
services = Services.of(Settings.load(data_dir=sys.argv[1], clickhouse_url=sys.argv[2]))
days = services.current.now().export_days
print(days, flush=True)
while services.current.now().export_days == days:
    time.sleep(0.005)
print(time.time(), services.current.now().export_days, flush=True)
"""


def test_another_process_knows_within_a_second(make_stack: Callable[..., Stack]) -> None:
    """One that runs what Dagster runs."""
    stack = make_stack()
    url = stack.settings.clickhouse_url
    assert url is not None
    command = [sys.executable, "-c", _WATCH, str(stack.settings.data_dir), url.get_secret_value()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "30\n"
            changed(stack, export_days=2)
            answered = time.time()
            moment, days = process.stdout.readline().split()
        finally:
            process.kill()
    print(f"another process knew {1000 * (float(moment) - answered):.0f} ms after the answer")
    assert days == "2"
    assert float(moment) - answered < KEPT_SECONDS + 0.2
