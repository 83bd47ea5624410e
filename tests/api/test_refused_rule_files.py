"""Rule files that cannot come in: each is refused at its place, and nothing is saved."""

from __future__ import annotations

import json
from typing import Any

import pytest

from segmentator_dagster.domain.rule import LANGUAGE_VERSION
from tests.api.conftest import RULE, Stack
from tests.api.rule_file_requests import file, load, problems
from tests.api.shop import EVERYONE, group
from tests.api.test_errors import JSON


def test_everything_wrong_with_a_file_is_said_at_once_with_its_place_in_the_file(stack: Stack) -> None:
    wrong = [
        {"field": "nope", "operator": "=", "value": 1},
        {"field": "visits", "operator": "=", "value": "x"},
        {"field": "user_id", "operator": "inList", "value": 8},
        {"field": "visits", "operator": "=="},
    ]
    bare = {"combinator": "and", "rules": wrong}
    answer = load(stack, file(bare, name="x" * 51, time_zone="Mars", references={"lists": {"8": "VIP"}}))
    assert problems(answer) == [
        ("unknown_operator", "/rule/rules/3/operator"),
        ("list_not_here", "/references/lists/8"),
        ("too_long", "/name"),
        ("unknown_time_zone", "/time_zone"),
        ("unknown_field", "/rule/rules/0/field"),
        ("wrong_value_type", "/rule/rules/1/value"),
    ]
    explicit = group({"kind": "activity", "dataset": "visits", "where": bare}, {"kind": "segment", "segment_id": 5})
    assert problems(load(stack, file(explicit, dataset="nope", references={}))) == [
        ("unknown_operator", "/rule/rules/0/where/rules/3/operator"),
        ("unnamed_list", "/references/lists"),
        ("unnamed_segment", "/references/segments"),
        ("unknown_dataset", "/dataset"),
        ("unknown_field", "/rule/rules/0/where/rules/0/field"),
        ("wrong_value_type", "/rule/rules/0/where/rules/1/value"),
    ]


def test_a_segment_whose_own_references_are_gone_is_refused_at_its_place(stack: Stack) -> None:
    inner = stack.segment("inner")
    user = stack.segment("user", rule=group({"kind": "segment", "segment_id": inner["id"]}))
    for segment in (user, inner):
        stack.client.delete(f"/api/v1/segments/{segment['id']}")
    stack.client.post(f"/api/v1/segments/{user['id']}/restore")
    rule = group(EVERYONE, {"kind": "segment", "segment_id": 70})
    answer = load(stack, file(rule, references={"segments": {"70": "user"}}))
    assert problems(answer) == [("deleted_segment", "/rule/rules/1/segment_id")]


@pytest.mark.parametrize("name", ["", "  ", "x" * 51, "a\nb", "a\0b"])
def test_a_wrong_name_beside_the_file_is_refused(stack: Stack, name: str) -> None:
    ((_, pointer),) = problems(load(stack, file(), name=name))
    assert pointer == "/name"
    assert stack.client.get("/api/v1/segments").json()["items"] == []


def test_a_mistyped_query_is_refused(stack: Stack) -> None:
    assert problems(load(stack, file(), nmae="x")) == [("unknown_key", "/nmae")]


def test_a_file_of_a_newer_version_is_refused_in_words_a_person_understands(stack: Stack) -> None:
    newer = file({"kind": "from the future"}, version=LANGUAGE_VERSION + 1, more="keys")
    answer = load(stack, newer)
    assert problems(answer) == [("rule_too_new", "/version")]
    assert answer.json()["message"] == (
        f"Правило записано на языке правил версии {LANGUAGE_VERSION + 1}; эта программа читает версии до "
        f"{LANGUAGE_VERSION}."
    )
    assert answer.json()["hint"] == "Обновите программу."


MEGABYTE = "я" * 500_000
HOSTILE: dict[str, tuple[Any, list[tuple[str, str]]]] = {
    "a segment as the API shows it": ({"name": "x", "rule": RULE}, [("not_a_rule_file", "")]),
    "a bare rule": (RULE, [("not_a_rule_file", "")]),
    "a list": ([file()], [("not_a_rule_file", "")]),
    "a text": ("rule", [("not_a_rule_file", "")]),
    "nothing": (None, [("not_a_rule_file", "")]),
    "another mark": (file(segmentator="segment"), [("not_a_rule_file", "")]),
    "version 0": (file(version=0), [("unknown_rule_version", "/version")]),
    "a version that is a text": (file(version="2"), [("wrong_json_type", "/version")]),
    "a version that is true": (file(version=True), [("wrong_json_type", "/version")]),
    "a version of a thousand digits": (file(version=10**1000), [("rule_too_new", "/version")]),
    "a rule that is too deep": (
        file({"kind": "group", "combinator": "and", "rules": [group(group(group(group(group(group(group(group(
            group(EVERYONE)))))))))]}), [("too_deep", "/rule" + "/rules/0" * 10)]),
    "a rule of too many nodes": (file(group(*[EVERYONE] * 200)), [("too_many_nodes", "/rule")]),
    "a megabyte of name": (file(name=MEGABYTE), [("text_too_long", "/name")]),
    "a megabyte of dataset": (file(dataset=MEGABYTE), [("text_too_long", "/dataset")]),
    "a megabyte of time zone": (file(time_zone=MEGABYTE), [("text_too_long", "/time_zone")]),
    "a path for a time zone": (file(time_zone="../../etc/passwd"), [("unknown_time_zone", "/time_zone")]),
    "an unknown key": (file(owner="root", id=1), [("unknown_key", "/owner"), ("unknown_key", "/id")]),
    "SQL for a dataset": (file(dataset="visits; DROP TABLE x"), [("unknown_dataset", "/dataset")]),
    "ids that are none": (
        file(references={"segments": {"../1": "x", "1e1": "x", "99999999999": "x"}}),
        [("not_an_id", f"/references/segments/{one}") for one in ("..~11", "1e1", "99999999999")],
    ),
    "names that are none": (
        file(references={"segments": {"1": None}, "lists": {"1": {}}}),
        [("wrong_json_type", "/references/segments/1"), ("wrong_json_type", "/references/lists/1")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_nobody_wrote_is_refused_at_its_place(stack: Stack, name: str) -> None:
    value, expected = HOSTILE[name]
    answer = stack.client.post("/api/v1/segments/import", content=json.dumps(value), headers=JSON)
    assert problems(answer) == expected
    assert len(answer.content) < 20_000
    assert stack.client.get("/api/v1/segments").json()["items"] == []


def test_a_file_nested_without_end_is_refused(stack: Stack) -> None:
    for content in (b'{"segmentator": "rule", "rule": ' + b"[" * 100_000, b'{"a":' * 100 + b"1" + b"}" * 100):
        answer = stack.client.post("/api/v1/segments/import", content=content, headers=JSON)
        assert (answer.status_code, answer.json()["code"]) == (400, "json_too_deep")


def test_what_is_wrong_already_is_said_though_clickhouse_is_down(offline: Stack) -> None:
    assert problems(load(offline, file(time_zone="Mars"))) == [("unknown_time_zone", "/time_zone")]
    answer = load(offline, file())
    assert (answer.status_code, answer.json()["code"]) == (503, "clickhouse_unavailable")
