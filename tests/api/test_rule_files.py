"""A rule goes out as a file and comes in as a segment, here and elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from segmentator_dagster.domain.rule import LANGUAGE_VERSION
from segmentator_dagster.storage.metadata.datasets import RegisteredDataset
from tests.api.conftest import RULE, Stack, running_stack
from tests.api.list_requests import made
from tests.api.rule_file_requests import Json, download, file, file_of, load, loaded, problems
from tests.api.shop import EVERYONE, group
from tests.api.test_errors import assert_shape
from tests.servers.clickhouse import ClickHouseServer

EVERY_KIND = group(
    {"kind": "activity", "dataset": "visits", "where": RULE},
    {"kind": "sequence", "dataset": "visits", "steps": [{}, {"where": RULE}], "within": {"count": 30, "unit": "day"}},
    {"kind": "sample", "from": 0, "to": 99.5, "seed": "весна"},
    {"kind": "top", "rule": EVERYONE, "count": 3, "order": "desc", "dataset": "visits",
     "aggregate": {"function": "sum", "field": "money"}, "window": {"operator": ">", "value": "2025-01-01"}},
    {"kind": "activity", "dataset": "visits", "operator": "=", "value": 0,
     "window": {"operator": "inLast", "value": {"count": 2, "unit": "day"}}},
    combinator="or",
)  # fmt: skip


def refers_to(segment_id: int, list_id: int) -> Json:
    on_list = {"field": "user_id", "operator": "notInList", "value": list_id}
    return group(
        {"kind": "segment", "segment_id": segment_id},
        {"kind": "list", "list_id": list_id, "not": True},
        {"kind": "activity", "dataset": "visits", "where": {"combinator": "and", "rules": [on_list]}},
    )


@pytest.fixture
def elsewhere(
    lists: Stack, tmp_path: Path, clickhouse_server: ClickHouseServer, visits: RegisteredDataset
) -> Iterator[Stack]:
    """Another installation beside `lists`, over the same users."""
    addresses = {
        "clickhouse_url": clickhouse_server.writer_url,
        "clickhouse_reader_url": clickhouse_server.reader_url,
    }
    with running_stack(tmp_path / "elsewhere", (visits,), **addresses) as stack:
        yield stack


def test_a_rule_file_is_a_download_with_the_name_of_the_segment(stack: Stack) -> None:
    segment = stack.segment("Ушли? Вернём: весна", description="x", tags=["a"], columns=["date"])
    answer = download(stack, segment["id"])
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    disposition = unquote(answer.headers["content-disposition"])
    assert disposition.startswith("attachment; ")
    assert disposition.endswith("filename*=UTF-8''Ушли_ Вернём_ весна v1.rule.json")
    assert answer.text.startswith('{\n  "segmentator": "rule",')
    assert "весна" in answer.text
    assert answer.json() == {
        "segmentator": "rule",
        "version": LANGUAGE_VERSION,
        "name": "Ушли? Вернём: весна",
        "dataset": "visits",
        "time_zone": "Europe/Moscow",
        "rule": segment["rule"],
        "references": {"segments": {}, "lists": {}},
    }


def test_a_name_of_nothing_but_dots_still_makes_a_file_name(stack: Stack) -> None:
    answer = download(stack, stack.segment("...")["id"])
    assert answer.headers["content-disposition"].endswith("filename*=UTF-8''_%20v1.rule.json")


def test_an_older_version_is_a_file_too(stack: Stack) -> None:
    segment = stack.segment("old name")
    changes = {"version": 1, "name": "new name", "rule": EVERYONE}
    assert stack.client.patch(f"/api/v1/segments/{segment['id']}", json=changes).json()["version"] == 2
    first, second = file_of(stack, segment["id"], version=1), file_of(stack, segment["id"])
    assert (first["name"], first["rule"]) == ("old name", segment["rule"])
    assert (second["name"], second["rule"]["kind"]) == ("new name", "everyone")
    assert second == file_of(stack, segment["id"], version=2)
    assert "old%20name%20v1" in download(stack, segment["id"], version=1).headers["content-disposition"]


@pytest.mark.parametrize(
    ("version", "status", "code"),
    [
        (2, 404, "version_not_found"),
        (2**31, 404, "version_not_found"),
        (2**100, 404, "version_not_found"),
        (0, 422, "out_of_range"),
        ("x", 422, "wrong_json_type"),
    ],
)
def test_a_version_that_is_not_there_is_refused(stack: Stack, version: Any, status: int, code: str) -> None:
    answer = download(stack, stack.segment()["id"], version=version)
    assert (answer.status_code, answer.json()["code"], answer.json()["pointer"]) == (status, code, "/version")
    assert_shape(answer)


def test_a_deleted_segment_gives_no_file(stack: Stack) -> None:
    segment = stack.segment()
    stack.client.delete(f"/api/v1/segments/{segment['id']}")
    for query in ({}, {"version": 1}):
        assert download(stack, segment["id"], **query).json()["code"] == "segment_deleted"


def test_clickhouse_need_not_be_up_for_a_download(make_stack: Callable[..., Stack], stack: Stack) -> None:
    segment = stack.segment()
    deaf = make_stack()  # over the same database
    assert file_of(deaf, segment["id"]) == file_of(stack, segment["id"])


def test_what_was_downloaded_comes_in_as_the_same_audience(stack: Stack) -> None:
    original = stack.segment("whole", rule=EVERY_KIND, time_zone="Asia/Tokyo")
    answer = load(stack, file_of(stack, original["id"]), name="  again ")
    assert answer.status_code == 201, answer.text
    copy = answer.json()
    assert answer.headers["location"] == f"/api/v1/segments/{copy['id']}"
    assert stack.client.get(answer.headers["location"]).json() == copy
    assert (copy["name"], copy["version"], copy["id"]) == ("again", 1, original["id"] + 1)
    assert {key: copy[key] for key in ("rule", "dataset", "time_zone")} == {
        key: original[key] for key in ("rule", "dataset", "time_zone")
    }
    ids = (original["id"], copy["id"])
    assert len({stack.segments.get(id_).fingerprint for id_ in ids}) == 1


def test_a_reference_gets_the_id_that_its_name_has_elsewhere(lists: Stack, elsewhere: Stack) -> None:
    for number in range(3):  # so that the ids differ
        elsewhere.segment(f"other {number}", rule=EVERYONE)
        made(elsewhere, "u3", name=f"other {number}")
    here, there = (
        (stack.segment("Возвраты"), made(stack, "u1", "x9", name="Закрытая группа")) for stack in (lists, elsewhere)
    )
    assert [one["id"] for one in here] != [one["id"] for one in there]
    original = lists.segment("Кампания", rule=refers_to(here[0]["id"], here[1]["id"]))
    written = file_of(lists, original["id"])
    assert written["references"] == {
        "segments": {str(here[0]["id"]): "Возвраты"},
        "lists": {str(here[1]["id"]): "Закрытая группа"},
    }
    copy = loaded(elsewhere, written)
    by_hand = elsewhere.segment("by hand", rule=refers_to(there[0]["id"], there[1]["id"]))
    assert copy["rule"] == by_hand["rule"]
    same = {elsewhere.segments.get(one["id"]).fingerprint for one in (copy, by_hand)}
    assert len(same) == 1
    for stack, segment in ((lists, original), (elsewhere, copy)):
        rule = {"kind": "segment", "segment_id": segment["id"]}
        members = stack.client.post("/api/v1/rules/preview", json={"rule": rule, "columns": ["user_id"]}).json()
        assert members["rows"] == [["u2"]]
    assert elsewhere.client.get(f"/api/v1/segments/{there[0]['id']}").json()["used_by"] == [
        {"id": copy["id"], "name": "Кампания"},
        {"id": by_hand["id"], "name": "by hand"},
    ]
    back = loaded(lists, file_of(elsewhere, copy["id"]), name="back")
    assert back["rule"] == original["rule"]
    assert lists.segments.get(back["id"]).fingerprint == lists.segments.get(original["id"]).fingerprint


def test_a_rule_without_references_has_one_fingerprint_on_every_installation(lists: Stack, elsewhere: Stack) -> None:
    original = lists.segment("whole", rule=EVERY_KIND)
    copy = loaded(elsewhere, file_of(lists, original["id"]))
    assert elsewhere.segments.get(copy["id"]).fingerprint == lists.segments.get(original["id"]).fingerprint


def test_deleted_segments_and_lists_are_not_found_by_name(lists: Stack) -> None:
    segment, uploaded = lists.segment("Возвраты"), made(lists, "u1", name="VIP")
    lists.client.delete(f"/api/v1/segments/{segment['id']}")
    lists.client.delete(f"/api/v1/lists/{uploaded['id']}")
    names = {"segments": {"1": "Возвраты"}, "lists": {"1": "VIP"}}
    assert problems(load(lists, file(refers_to(1, 1), references=names))) == [
        ("segment_not_here", "/references/segments/1"),
        ("list_not_here", "/references/lists/1"),
    ]


def test_a_file_says_what_it_refers_to_even_when_that_is_deleted(stack: Stack) -> None:
    inner = stack.segment("inner")
    user = stack.segment("user", rule=group({"kind": "segment", "segment_id": inner["id"]}))
    for segment in (user, inner):
        assert stack.client.delete(f"/api/v1/segments/{segment['id']}").status_code == 204
    assert stack.client.post(f"/api/v1/segments/{user['id']}/restore").status_code == 200
    written = file_of(stack, user["id"])
    assert written["references"]["segments"] == {str(inner["id"]): "inner"}
    assert problems(load(stack, written, name="new")) == [("segment_not_here", f"/references/segments/{inner['id']}")]


def test_a_taken_name_is_refused_and_another_one_can_be_given(stack: Stack) -> None:
    segment = stack.segment("Лояльные")
    answer = load(stack, file())
    assert (answer.status_code, answer.json()["code"], answer.json()["pointer"]) == (409, "name_taken", "/name")
    assert_shape(answer)
    assert loaded(stack, file(), name="Лояльные, копия")["name"] == "Лояльные, копия"
    assert [one["id"] for one in stack.client.get("/api/v1/segments?sort=id").json()["items"]] == [
        segment["id"],
        segment["id"] + 1,
    ]


def test_a_file_of_version_1_comes_in(stack: Stack) -> None:
    did_not = {"kind": "activity", "dataset": "visits", "where": RULE, "operator": "=", "value": 0}
    segment = loaded(stack, file(group(did_not), version=1))
    assert segment["rule"]["rules"][0]["value"] == 0
    assert file_of(stack, segment["id"])["version"] == LANGUAGE_VERSION
