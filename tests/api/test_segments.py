from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from segmentator_dagster.storage.metadata.datasets import RegisteredDataset
from tests.api.conftest import RULE, Stack
from tests.servers.clickhouse import ClickHouseServer

KEYS = [
    *("id", "name", "description", "tags", "dataset", "rule", "columns", "time_zone", "schedule", "export"),
    *("version", "owner", "visibility", "created_at", "updated_at", "last_export", "broken", "used_by", "links"),
]


def codes(answer: Any) -> list[tuple[str, str]]:
    return [(problem["code"], problem["pointer"]) for problem in answer.json()["problems"]]


def test_saved_segment_has_the_stated_keys_and_the_explicit_rule(stack: Stack) -> None:
    answer = stack.client.post(
        "/api/v1/segments",
        json={
            "name": "  Мартовская когорта ",
            "rule": RULE,
            "tags": ["iOS", "ios", "новые"],
            "columns": ["platform_main"],
            "schedule": {"cron": "0 6 * * 1", "formats": ["csv", "xlsx"]},
        },
    )
    assert answer.status_code == 201
    segment = answer.json()
    assert list(segment) == KEYS
    assert answer.headers["location"] == f"/api/v1/segments/{segment['id']}"
    assert segment["name"] == "Мартовская когорта"
    assert segment["tags"] == ["iOS", "новые"]
    assert segment["rule"]["kind"] == "activity"
    assert segment["rule"]["dataset"] == segment["dataset"] == "visits"
    assert segment["schedule"] == {"cron": "0 6 * * 1", "formats": ["csv", "xlsx"]}
    assert (segment["time_zone"], segment["version"]) == ("Europe/Moscow", 1)
    assert (segment["owner"], segment["visibility"]) == ({"id": 1, "name": "Admin"}, "private")
    assert segment["created_at"].endswith("Z")
    assert stack.client.get(answer.headers["location"]).json() == segment


def test_everything_wrong_with_a_segment_is_said_at_once(client: httpx.Client) -> None:
    answer = client.post(
        "/api/v1/segments",
        json={
            "name": "x" * 51,
            "description": "a\0b".replace("\0", "\x07"),
            "tags": [" "],
            "columns": ["platform_main", "platfrom", "platform_main"],
            "time_zone": "Europe/Atlantis",
            "schedule": {"cron": "каждый день", "formats": ["pdf"]},
            "rule": {"combinator": "and", "rules": [{"field": "platfrom_main", "operator": "=", "value": "ios"}]},
        },
    )
    assert answer.status_code == 422
    assert codes(answer) == [
        ("too_long", "/name"),
        ("control_character", "/description"),
        ("empty_name", "/tags/0"),
        ("bad_cron", "/schedule/cron"),
        ("unknown_format", "/schedule/formats/0"),
        ("unknown_time_zone", "/time_zone"),
        ("unknown_field", "/columns/1"),
        ("duplicate_column", "/columns/2"),
        ("unknown_field", "/rule/rules/0/field"),
    ]
    assert "platform_main" in answer.json()["problems"][-1]["hint"]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, [("missing_key", "/name"), ("missing_key", "/rule")]),
        (
            {"name": "a", "rule": RULE, "nmae": 1, "tags": "ios"},
            [("wrong_json_type", "/tags"), ("unknown_key", "/nmae")],
        ),
        ({"name": 7, "rule": RULE}, [("wrong_json_type", "/name")]),
        ({"name": " \u200b", "rule": RULE}, [("empty_name", "/name")]),
        ({"name": "a\nb", "rule": RULE}, [("control_character", "/name")]),
        ({"name": "a", "rule": RULE, "dataset": "vists"}, [("unknown_dataset", "/dataset")]),
        ({"name": "a", "rule": {"combinator": "and", "rules": []}}, [("empty_group", "/rule/rules")]),
        ({"name": "a", "rule": RULE, "columns": []}, [("empty_list", "/columns")]),
        ({"name": "a", "rule": RULE, "tags": ["x"] * 21}, [("too_many", "/tags")]),
        ({"name": "a", "rule": RULE, "schedule": {"formats": ["csv"]}}, [("missing_key", "/schedule/cron")]),
        ({"name": "a", "rule": None}, [("wrong_json_type", "/rule")]),
        ([], [("wrong_json_type", "")]),
    ],
)
def test_a_draft_that_makes_no_sense_is_422_with_the_place(
    client: httpx.Client, body: Any, expected: list[tuple[str, str]]
) -> None:
    answer = client.post("/api/v1/segments", json=body)
    assert answer.status_code == 422
    assert codes(answer) == expected


def test_a_taken_name_is_409_whatever_its_case(stack: Stack) -> None:
    stack.segment("Рефанды")
    answer = stack.client.post("/api/v1/segments", json={"name": "рЕФАНДЫ ", "rule": RULE})
    assert (answer.status_code, answer.json()["code"], answer.json()["pointer"]) == (409, "name_taken", "/name")


def test_a_change_makes_a_version_and_an_old_one_conflicts_with_the_current_segment(stack: Stack) -> None:
    made = stack.segment(schedule={"cron": "0 6 * * 1", "formats": ["csv"]}, columns=["visits"])
    path = f"/api/v1/segments/{made['id']}"
    changed = stack.client.patch(path, json={"version": 1, "name": "Новое имя", "columns": None, "schedule": None})
    assert changed.status_code == 200
    assert (changed.json()["version"], changed.json()["name"]) == (2, "Новое имя")
    assert changed.json()["columns"] is changed.json()["schedule"] is None
    conflict = stack.client.patch(path, json={"version": 1, "description": "моё"})
    assert (conflict.status_code, conflict.json()["code"]) == (409, "version_conflict")
    assert conflict.json()["current"] == changed.json()
    versions = stack.client.get(f"{path}/versions").json()["items"]
    assert [(v["version"], v["name"]) for v in versions] == [(2, "Новое имя"), (1, "iOS")]


def test_ten_changes_of_one_version_at_once_make_one_version(stack: Stack) -> None:
    path = f"/api/v1/segments/{stack.segment()['id']}"
    with ThreadPoolExecutor(10) as threads:
        answers = list(
            threads.map(lambda i: stack.client.patch(path, json={"version": 1, "description": str(i)}), range(10))
        )
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 9
    assert stack.client.get(path).json()["version"] == 2


@pytest.mark.parametrize(
    "body", [{"name": "x"}, {"version": "1"}, {"version": 1, "name": None}, {"version": 1, "id": 2}]
)
def test_a_change_without_version_or_with_wrong_types_is_422(offline: Stack, body: dict[str, Any]) -> None:
    assert offline.client.patch("/api/v1/segments/1", json=body).status_code == 422


def test_a_deleted_segment_is_gone_until_restored(stack: Stack) -> None:
    path = f"/api/v1/segments/{stack.segment()['id']}"
    assert stack.client.delete(path).status_code == 204
    for answer in (
        stack.client.get(path),
        stack.client.delete(path),
        stack.client.patch(path, json={"version": 1, "name": "y"}),
        stack.client.post(f"{path}/copy"),
        stack.client.post(f"{path}/exports", json={"formats": ["csv"]}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (410, "segment_deleted")
        assert f"{path.removeprefix('/api/v1')}/restore" in answer.json()["hint"]
    assert stack.client.get(f"{path}/exports").json() == {"items": []}
    assert stack.client.get("/api/v1/segments?deleted=true").json()["items"][0]["name"] == "iOS"
    assert stack.client.post(f"{path}/restore").json()["name"] == "iOS"
    assert stack.client.get(path).status_code == 200


def test_a_restored_segment_needs_its_name(stack: Stack) -> None:
    path = f"/api/v1/segments/{stack.segment()['id']}"
    stack.client.delete(path)
    stack.segment()
    assert stack.client.post(f"{path}/restore").json()["code"] == "name_taken"


def test_copies_take_free_names_of_at_most_fifty_characters_and_no_schedule(stack: Stack) -> None:
    name = "д" * 50
    path = f"/api/v1/segments/{stack.segment(name, schedule={'cron': '0 6 * * 1', 'formats': ['csv']})['id']}"
    first, second = (stack.client.post(f"{path}/copy") for _ in range(2))
    assert first.status_code == 201
    assert first.json()["name"] == "д" * 42 + " (копия)"
    assert second.json()["name"] == "д" * 40 + " (копия 2)"
    assert first.json()["schedule"] is None
    named = stack.client.post(f"{path}/copy", json={"name": "Другая"})
    assert (named.json()["name"], named.json()["rule"]) == ("Другая", first.json()["rule"])
    assert stack.client.post(f"{path}/copy", json={"name": "другая"}).json()["code"] == "name_taken"
    assert stack.client.post(f"{path}/copy", json={"name": ""}).json()["code"] == "empty_name"


@pytest.mark.parametrize("segment_id", ["999", "0", "-1", "99999999999999999999", "abc", "1.5", "9" * 5000])
def test_a_segment_that_is_not_there_is_404(offline: Stack, segment_id: str) -> None:
    assert offline.client.get(f"/api/v1/segments/{segment_id}").status_code == 404


def names(answer: Any) -> list[str]:
    return [item["name"] for item in answer.json()["items"]]


def test_search_ignores_case_in_russian_and_looks_into_tags_and_descriptions(stack: Stack) -> None:
    stack.segment("Московские пользователи")
    stack.segment("Прочие", tags=["МОСКВА"])
    stack.segment("Третьи", description="не из Москвы")
    stack.segment("100% iOS")
    assert sorted(names(stack.client.get("/api/v1/segments", params={"search": "моск"}))) == [
        "Московские пользователи",
        "Прочие",
        "Третьи",
    ]
    assert names(stack.client.get("/api/v1/segments", params={"search": "ПОЛЬЗ моск"})) == ["Московские пользователи"]
    assert names(stack.client.get("/api/v1/segments", params={"search": "%"})) == ["100% iOS"]
    assert names(stack.client.get("/api/v1/segments", params={"tag": "москва"})) == ["Прочие"]
    assert names(stack.client.get("/api/v1/segments", params={"dataset": "other"})) == []


def test_pages_show_every_segment_once_while_others_are_added(stack: Stack) -> None:
    made = {stack.segment(f"Сегмент {number}")["id"] for number in range(7)}
    seen: list[int] = []
    cursor = None
    while True:
        query: dict[str, str | int] = {"limit": 3, "sort": "-id", **({"cursor": cursor} if cursor else {})}
        page = stack.client.get("/api/v1/segments", params=query).json()
        seen += [item["id"] for item in page["items"]]
        stack.segment(f"Добавлен {len(seen)}")
        if (cursor := page["next_cursor"]) is None:
            break
    assert seen == sorted(made, reverse=True)


@pytest.mark.parametrize(
    ("query", "code", "pointer"),
    [
        ("limit=0", "out_of_range", "/limit"),
        ("limit=201", "out_of_range", "/limit"),
        ("limit=x", "wrong_json_type", "/limit"),
        ("sort=color", "unknown_choice", "/sort"),
        ("cursor=abc", "bad_cursor", "/cursor"),
        ("datset=visits", "unknown_key", "/datset"),
        ("search=a%00b", "wrong_value", "/search"),
        ("deleted=maybe", "wrong_json_type", "/deleted"),
    ],
)
def test_a_wrong_filter_is_422_and_never_ignored(offline: Stack, query: str, code: str, pointer: str) -> None:
    answer = offline.client.get(f"/api/v1/segments?{query}")
    assert (answer.status_code, answer.json()["code"], answer.json()["pointer"]) == (422, code, pointer)


def test_a_rename_needs_no_clickhouse_and_a_new_rule_does(
    make_stack: Callable[..., Stack], clickhouse_server: ClickHouseServer, visits: RegisteredDataset
) -> None:
    made = make_stack((visits,), clickhouse_url=clickhouse_server.reader_url).segment()
    down = make_stack((visits,))
    path = f"/api/v1/segments/{made['id']}"
    assert down.client.patch(path, json={"version": 1, "name": "Без ClickHouse"}).json()["version"] == 2
    refused = down.client.patch(path, json={"version": 2, "rule": RULE})
    assert (refused.status_code, refused.json()["code"]) == (503, "clickhouse_unavailable")
    assert refused.headers["retry-after"] == "5"
