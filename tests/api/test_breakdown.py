from __future__ import annotations

from typing import Any

import pytest

from tests.api.shop import EVERYONE, NO_ONE, Shop, activity, city, group, rows


def test_breakdown_divides_members_and_everyone_by_the_latest_value(shop: Shop) -> None:
    found = shop.ask("breakdown", rows(city("Москва")), field="city")
    assert found["field"] == {"name": "city", "key": None, "type": "text"}
    assert (found["members"], found["users"], found["more_values"]) == (2, 4, 0)
    assert [(one["value"], one["members"], one["users"]) for one in found["values"]] == [
        ("Минск", 1, 1),
        ("Москва", 1, 1),
        ("москва", 0, 1),
        (None, 0, 1),
    ]
    first, *_, last = found["values"]
    assert (first["share_of_members"], first["share_of_users"], first["index"]) == (0.5, 0.25, 2.0)
    assert (last["share_of_members"], last["index"]) == (0.0, 0.0)


def test_breakdown_says_how_many_values_it_left_out(shop: Shop) -> None:
    found = shop.ask("breakdown", EVERYONE, field="city", limit=1)
    assert (len(found["values"]), found["more_values"]) == (1, 3)
    assert (found["members"], found["users"]) == (4, 4)


def test_shares_of_an_empty_audience_are_no_numbers(shop: Shop) -> None:
    found = shop.ask("breakdown", NO_ONE, field="city")
    assert (found["members"], found["users"]) == (0, 4)
    assert {(one["share_of_members"], one["index"]) for one in found["values"]} == {(None, None)}


def test_breakdown_counts_as_many_members_as_count(shop: Shop) -> None:
    for rule in (EVERYONE, NO_ONE, rows(city("Москва")), group(activity(city("Минск")), NO_ONE, combinator="or")):
        assert shop.ask("breakdown", rule, field="price")["members"] == shop.ask("count", rule)["count"]


def test_breakdown_by_an_entry_reads_it_as_asked(shop: Shop) -> None:
    found = shop.ask("breakdown", EVERYONE, field="props", key="n", **{"as": "number"})
    assert found["field"] == {"name": "props", "key": "n", "type": "number"}
    assert {(one["value"], one["users"]) for one in found["values"]} == {(None, 3), (8, 1)}
    found = shop.ask("breakdown", EVERYONE, field="facts", key="a.b")
    assert {(one["value"], one["users"]) for one in found["values"]} == {(None, 3), ("y", 1)}


@pytest.mark.parametrize(
    ("more", "code", "pointer"),
    [
        ({"field": "tags"}, "no_breakdown", "/field"),
        ({"field": "props"}, "key_wanted", "/field"),
        ({"field": "facts"}, "key_wanted", "/field"),
        ({"field": "facts", "key": "a..b"}, "bad_path", "/key"),
        ({"field": "city", "key": "x"}, "key_not_here", "/key"),
        ({"field": "city", "as": "number"}, "as_not_here", "/as"),
        ({"field": "props", "key": "n", "as": "array"}, "unknown_choice", "/as"),
        ({"field": "odd"}, "not_filterable", "/field"),
        ({"field": "nope"}, "unknown_field", "/field"),
        ({"field": ""}, "unknown_field", "/field"),
        ({}, "missing_key", "/field"),
        ({"field": 7}, "wrong_json_type", "/field"),
        ({"field": "city", "limit": 0}, "out_of_range", "/limit"),
        ({"field": "city", "limit": 1001}, "out_of_range", "/limit"),
        (
            {"field": "city", "rule": rows({"field": "nope", "operator": "=", "value": 1})},
            "unknown_field",
            "/rule/rules/0/field",
        ),
    ],
)
def test_what_cannot_be_broken_down_is_said(shop: Shop, more: dict[str, Any], code: str, pointer: str) -> None:
    answer = shop.client.post("/api/v1/rules/breakdown", json={"rule": EVERYONE, **more})
    assert (answer.status_code, answer.json()["code"], answer.json()["pointer"]) == (422, code, pointer)
