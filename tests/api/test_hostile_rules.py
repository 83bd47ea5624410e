"""Rules that nobody writes by hand: each is refused at its place, soon, and never as our own fault."""

from __future__ import annotations

import json
import time
from typing import Any

import httpx
import pytest

from tests.api.conftest import Stack
from tests.api.shop import EVERYONE, Shop, activity, rows
from tests.api.test_errors import JSON, assert_shape

MEGABYTE = "я" * 500_000


def condition(field: str, operator: str, value: Any, **more: Any) -> Any:
    return rows({"field": field, "operator": operator, "value": value, **more})


def nested(depth: int) -> Any:
    rule: Any = EVERYONE
    for _ in range(depth):
        rule = {"kind": "group", "combinator": "and", "rules": [rule]}
    return rule


RULES: dict[str, tuple[Any, str, str]] = {
    "a megabyte of value": (condition("city", "=", MEGABYTE), "text_too_long", "/rules/0/value"),
    "a megabyte of pattern": (condition("city", "matches", "(a" * 200_000), "text_too_long", "/rules/0/value"),
    "a megabyte of field": (condition(MEGABYTE, "=", 1), "text_too_long", "/rules/0/field"),
    "a megabyte of operator": (condition("city", MEGABYTE, 1), "text_too_long", "/rules/0/operator"),
    "a megabyte of key": (condition("facts", "=", "x", key=MEGABYTE), "text_too_long", "/rules/0/key"),
    "a megabyte of map key": (condition("city", "=", "x", key=MEGABYTE), "text_too_long", "/rules/0/key"),
    "a megabyte of kind": ({"kind": MEGABYTE}, "text_too_long", "/kind"),
    "a megabyte of combinator": ({"combinator": MEGABYTE, "rules": [1]}, "text_too_long", "/combinator"),
    "a megabyte of dataset": (
        {**activity({"field": "x", "operator": "null"}), "dataset": MEGABYTE},
        "text_too_long",
        "/dataset",
    ),
    "a megabyte of seed": ({"kind": "sample", "from": 0, "to": 1, "seed": MEGABYTE}, "text_too_long", "/seed"),
    "a megabyte of an unknown key": ({**EVERYONE, MEGABYTE: 1}, "unknown_key", f"/{MEGABYTE[:59]}…"),
    "a megabyte of unit": (
        condition("at", "inLast", {"count": 1, "unit": MEGABYTE}),
        "text_too_long",
        "/rules/0/value/unit",
    ),
    "100 000 items of a wrong type": (
        condition("price", "in", ["x"] * 100_000),
        "wrong_value_type",
        "/rules/0/value/0",
    ),
    "100 000 items that are objects": (condition("city", "in", [{}] * 100_000), "wrong_json_type", "/rules/0/value/0"),
    "100 000 items of which the last is wrong": (
        condition("big", "in", [*range(99_999), "x"]),
        "wrong_value_type",
        "/rules/0/value/99999",
    ),
    "a million items": (condition("big", "in", [1] * 1_000_000), "too_many_items", "/rules/0/value"),
    "a group of a million": ({"combinator": "and", "rules": [1] * 1_000_000}, "wrong_json_type", "/rules/0"),
    "a group of 100 000 conditions": (
        rows(*[{"field": "city", "operator": "null"}] * 100_000),
        "too_many_nodes",
        "",
    ),
    "a deep group": (
        nested(25),
        "too_deep",
        "/rules/0/rules/0/rules/0/rules/0/rules/0/rules/0/rules/0/rules/0/rules/0/rules/0",
    ),
    "an integer of 4000 digits": (condition("big", "=", int("9" * 4000)), "bad_number", "/rules/0/value"),
    "an integer past the column": (condition("odd", "=", 1), "not_filterable", "/rules/0/field"),
    "a date past the calendar": (condition("at", "=", "9999-12-31"), "value_out_of_range", "/rules/0/value"),
    "a date that is none": (condition("at", "=", "2026-02-30"), "impossible_date", "/rules/0/value"),
    "a span past all time": (
        condition("at", "inLast", {"count": 10**30, "unit": "year"}),
        "number_out_of_range",
        "/rules/0/value/count",
    ),
    "a segment past all ids": ({"kind": "segment", "segment_id": 2**63}, "number_out_of_range", "/segment_id"),
    "a segment that is not there": ({"kind": "segment", "segment_id": 999_999}, "unknown_segment", "/segment_id"),
    "a list that is not there": ({"kind": "list", "list_id": 999_999}, "unknown_list", "/list_id"),
    "NUL": (condition("city", "=", "a\0b"), "bad_text", "/rules/0/value"),
    "half a surrogate pair": (condition("city", "=", "\ud800"), "bad_text", "/rules/0/value"),
    "half a surrogate pair as a field": (condition("\udfff", "=", 1), "bad_text", "/rules/0/field"),
    "half a surrogate pair as a key": (condition("props", "=", "x", key="\udc00"), "bad_text", "/rules/0/key"),
}


SLOW_MILLISECONDS = 1000


def post(client: httpx.Client, path: str, body: Any) -> tuple[httpx.Response, float]:
    """The answer, and the milliseconds it took: the least of a few where the first try was slow."""
    content = json.dumps(body).encode()
    tries = []
    while not tries or (len(tries) < 4 and min(tries) >= SLOW_MILLISECONDS):
        started = time.perf_counter()
        answer = client.post(path, content=content, headers=JSON)
        tries.append((time.perf_counter() - started) * 1000)
    return answer, min(tries)


@pytest.mark.parametrize("question", ["check", "count", "preview", "breakdown", "funnel"])
@pytest.mark.parametrize("name", RULES)
def test_a_hostile_rule_is_refused_at_its_place(shop: Shop, name: str, question: str) -> None:
    rule, code, pointer = RULES[name]
    body = {"rule": rule, **({"field": "city"} if question == "breakdown" else {})}
    answer, milliseconds = post(shop.client, f"/api/v1/rules/{question}", body)
    print(f"{milliseconds:7.1f} ms  {question:9}  {name}")
    assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text[:300]
    assert answer.json()["pointer"] == f"/rule{pointer}"
    assert_shape(answer)
    assert len(answer.content) < 100_000
    assert milliseconds < SLOW_MILLISECONDS


MORE: dict[str, tuple[str, dict[str, Any], str]] = {
    "a megabyte of dataset": ("count", {"dataset": MEGABYTE}, "unknown_dataset"),
    "a megabyte of zone": ("count", {"time_zone": MEGABYTE}, "unknown_time_zone"),
    "a zone that is a path": ("count", {"time_zone": "../../etc/passwd"}, "unknown_time_zone"),
    "a megabyte of column": ("preview", {"columns": [MEGABYTE]}, "unknown_field"),
    "100 000 columns": ("preview", {"columns": ["city"] * 100_000}, "too_many"),
    "100 000 columns that are none": ("preview", {"columns": [1] * 100_000}, "wrong_json_type"),
    "one column a thousand times": ("preview", {"columns": ["city"] * 1000}, "duplicate_column"),
    "a limit of 4000 digits": ("preview", {"limit": int("9" * 4000)}, "out_of_range"),
    "a limit that is true": ("preview", {"limit": True}, "wrong_json_type"),
    "a megabyte of field": ("breakdown", {"field": MEGABYTE}, "unknown_field"),
    "a megabyte of path": ("breakdown", {"field": "facts", "key": MEGABYTE}, "too_long"),
    "a megabyte of type": ("breakdown", {"field": "props", "as": MEGABYTE}, "unknown_choice"),
    "a megabyte of an unknown key": ("funnel", {MEGABYTE: 1}, "unknown_key"),
}


@pytest.mark.parametrize("name", MORE)
def test_a_hostile_question_is_refused(shop: Shop, name: str) -> None:
    question, more, code = MORE[name]
    answer, milliseconds = post(shop.client, f"/api/v1/rules/{question}", {"rule": EVERYONE, **more})
    print(f"{milliseconds:7.1f} ms  {question:9}  {name}")
    assert (answer.status_code, answer.json()["code"]) == (422, code), answer.text[:300]
    assert_shape(answer)
    assert len(answer.content) < 100_000
    assert milliseconds < SLOW_MILLISECONDS


def test_a_hostile_rule_is_refused_though_clickhouse_is_down(offline: Stack) -> None:
    for name in ("a megabyte of value", "a million items", "a deep group"):
        answer, milliseconds = post(offline.client, "/api/v1/rules/funnel", {"rule": RULES[name][0]})
        assert answer.status_code == 422, name
        assert milliseconds < SLOW_MILLISECONDS
