from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.api.conftest import RULE, Stack
from tests.api.shop import Shop, activity, city, group, rows


def where(field: str, operator: str, value: Any) -> dict[str, Any]:
    return rows({"field": field, "operator": operator, "value": value})


def test_count_says_how_many_and_what_the_rule_means(client: httpx.Client) -> None:
    answer = client.post("/api/v1/rules/count", json={"rule": RULE})
    assert answer.status_code == 200
    counted = answer.json()
    assert list(counted) == ["count", "milliseconds", "data_moment", "cached", "sentence"]
    assert counted["count"] == 2
    assert counted["data_moment"].endswith("Z")
    assert "ios" in counted["sentence"]["ru"]
    assert counted["sentence"]["ru"] != counted["sentence"]["en"]


def test_preview_shows_the_latest_values_without_loss(client: httpx.Client) -> None:
    answer = client.post("/api/v1/rules/preview", json={"rule": RULE, "limit": 2})
    assert answer.status_code == 200, answer.text
    assert answer.json()["columns"] == [
        {"name": "user_id", "type": "text"},
        {"name": "date", "type": "date"},
        {"name": "platform_main", "type": "text"},
        {"name": "visits", "type": "number"},
        {"name": "money", "type": "number"},
        {"name": "price", "type": "number"},
    ]
    assert answer.json()["rows"] == [
        ["u1", "2026-01-05", "android", 2, 1, "0.10"],
        ["u2", "2026-01-02", "ios", 3, 2, None],
    ]


def test_preview_gives_big_integers_as_text_and_the_columns_asked_for(client: httpx.Client) -> None:
    rule = where("money", "=", 9007199254740993)
    everyone = {"kind": "everyone"}
    answer = client.post("/api/v1/rules/preview", json={"rule": everyone, "columns": ["money"], "limit": 1})
    assert answer.json()["rows"] == [["u1", 1]]
    counted = client.post("/api/v1/rules/count", json={"rule": rule})
    assert counted.json()["count"] == 1


@pytest.mark.parametrize(
    ("route", "body", "code", "pointer"),
    [
        ("count", {"rule": where("nope", "=", 1)}, "unknown_field", "/rule/rules/0/field"),
        ("count", {"rule": where("visits", "=", "many")}, "wrong_value_type", "/rule/rules/0/value"),
        ("count", {"rule": where("visits", "like", 1)}, "unknown_operator", "/rule/rules/0/operator"),
        ("count", {"rule": RULE, "time_zone": "Mars"}, "unknown_time_zone", "/time_zone"),
        ("count", {"rule": RULE, "dataset": "nope"}, "unknown_dataset", "/dataset"),
        ("count", {"rule": RULE, "limit": 1}, "unknown_key", "/limit"),
        ("preview", {"rule": RULE, "limit": 101}, "out_of_range", "/limit"),
        ("preview", {"rule": RULE, "limit": 1.5}, "wrong_json_type", "/limit"),
        ("preview", {"rule": RULE, "columns": ["nope"]}, "unknown_field", "/columns/0"),
    ],
)
def test_what_makes_no_sense_is_422_with_the_place(
    client: httpx.Client, route: str, body: dict[str, Any], code: str, pointer: str
) -> None:
    answer = client.post(f"/api/v1/rules/{route}", json=body)
    assert (answer.status_code, answer.json()["code"], answer.json()["pointer"]) == (422, code, pointer)


def test_what_is_wrong_already_is_said_though_clickhouse_is_down(offline: Stack) -> None:
    answer = offline.client.post("/api/v1/rules/count", json={"rule": {"combinator": "xor", "rules": []}})
    assert answer.status_code == 422


def test_preview_shows_moments_in_the_zone_asked_for(shop: Shop) -> None:
    rule = rows(city("Минск"))
    assert shop.ask("preview", rule, columns=["at"])["rows"] == [["u1", "2026-01-03T00:30:00+03:00"]]
    assert shop.ask("preview", rule, columns=["at"], time_zone="UTC")["rows"] == [["u1", "2026-01-02T21:30:00+00:00"]]


def test_preview_reads_days_in_the_zone_asked_for(shop: Shop) -> None:
    rule = rows({"field": "at", "operator": "=", "value": "2026-01-03"})
    assert len(shop.ask("preview", rule)["rows"]) == 1
    assert shop.ask("preview", rule, time_zone="UTC")["rows"] == []


def test_check_says_what_the_rule_means(shop: Shop) -> None:
    found = shop.ask("check", rows(city("Москва")))
    assert found["rule"] == {
        "kind": "activity",
        "dataset": "shop",
        "where": {"combinator": "and", "not": False, "rules": [city("Москва")]},
        "aggregate": {"function": "rows"},
        "operator": ">=",
        "value": 1,
        "not": False,
    }
    assert (found["dataset"], found["time_zone"], found["reads"]) == ("shop", "Europe/Moscow", ["shop"])
    assert found["depends_on_moment"] is False
    assert "Москва" in found["sentence"]["ru"]
    assert found["sentence"]["ru"] != found["sentence"]["en"]
    assert (
        found["fingerprint"]
        == shop.ask("check", rows({"field": "city", "operator": "=", "value": "Москва"}))["fingerprint"]
    )


def test_check_follows_references(new_shop: Shop) -> None:
    relative = rows({"field": "date", "operator": "inLast", "value": {"count": 7, "unit": "day"}})
    body = {"name": "recent", "rule": relative, "dataset": "visits"}
    segment = new_shop.client.post("/api/v1/segments", json=body).json()
    found = new_shop.ask("check", group({"kind": "segment", "segment_id": segment["id"]}, activity(city("Москва"))))
    assert found["reads"] == ["shop", "visits"]
    assert found["depends_on_moment"] is True
    assert "recent" in found["sentence"]["ru"]
    assert found["rule"]["rules"][0] == {"kind": "segment", "segment_id": segment["id"], "not": False}


def test_check_says_all_that_is_wrong_at_once(client: httpx.Client) -> None:
    rule = rows(
        {"field": "nope", "operator": "=", "value": 1},
        {"field": "visits", "operator": "=", "value": "x"},
        {"field": "date", "operator": "contains", "value": "x"},
        {"field": "nor", "operator": "==", "value": "x"},
    )
    answer = client.post("/api/v1/rules/check", json={"rule": rule, "time_zone": "Mars"})
    assert answer.status_code == 422
    assert [(problem["code"], problem["pointer"]) for problem in answer.json()["problems"]] == [
        ("unknown_time_zone", "/time_zone"),
        ("unknown_operator", "/rule/rules/3/operator"),
        ("unknown_field", "/rule/rules/0/field"),
        ("wrong_value_type", "/rule/rules/1/value"),
        ("operator_not_for_type", "/rule/rules/2/operator"),
        ("unknown_field", "/rule/rules/3/field"),
    ]


@pytest.mark.parametrize("question", ["check", "count", "preview", "breakdown", "funnel"])
def test_every_question_refuses_a_wrong_rule_alike(client: httpx.Client, question: str) -> None:
    body = {
        "rule": rows({"field": "nope", "operator": "=", "value": 1}),
        **({"field": "date"} if question == "breakdown" else {}),
    }
    answer = client.post(f"/api/v1/rules/{question}", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_field")
    assert answer.json()["pointer"] == "/rule/rules/0/field"


@pytest.mark.parametrize("question", ["check", "count", "preview", "breakdown", "funnel"])
def test_clickhouse_down_is_503_with_retry_after(offline: Stack, question: str) -> None:
    body = {"rule": RULE, **({"field": "date"} if question == "breakdown" else {})}
    answer = offline.client.post(f"/api/v1/rules/{question}", json=body)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert answer.json()["code"] == "clickhouse_unavailable"
