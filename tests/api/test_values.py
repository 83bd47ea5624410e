from __future__ import annotations

import pytest

from tests.api.shop import Shop


def test_values_are_ranked_by_their_rows_whatever_the_case(shop: Shop) -> None:
    assert shop.values("city") == [("Москва", 2), ("Минск", 1), ("москва", 1)]
    assert shop.values("city", prefix="МОС") == [("Москва", 2), ("москва", 1)]
    assert shop.values("city", prefix="мос", limit=1) == [("Москва", 2)]
    assert shop.values("city", prefix="x") == []


def test_values_of_an_array_are_those_of_its_elements(shop: Shop) -> None:
    assert shop.values("tags") == [("new", 2), ("vip", 2), ("VIP", 1)]


def test_values_of_entries_are_read_as_asked(shop: Shop) -> None:
    assert shop.values("props", key="utm") == [("ads", 3), ("mail", 1)]
    assert shop.values("props", key="n", **{"as": "number"}) == [(7, 1), (8, 1)]
    assert shop.values("facts", key="a.b", prefix="X") == [("x", 1)]


def test_values_come_without_loss(shop: Shop) -> None:
    assert dict(shop.values("big"))["9007199254740993"] == 1
    assert dict(shop.values("score")) == {"nan": 1, "inf": 1, 0.1: 1, 0: 2}
    assert dict(shop.values("code")) == {"ab": 2, "abcd": 2, "x": 1}  # without the padding of FixedString
    assert dict(shop.values("raw")) == {"": 4, "\ufffdA": 1}
    assert dict(shop.values("at")) == {"2026-01-01T13:00:00+03:00": 4, "2026-01-03T00:30:00+03:00": 1}


@pytest.mark.parametrize(
    ("path", "status", "code", "pointer"),
    [
        ("nope/fields/city", 404, "dataset_not_found", ""),
        ("shop/fields/nope", 422, "unknown_field", "/field"),
        ("shop/fields/props", 422, "key_wanted", "/field"),
        ("shop/fields/odd", 422, "not_filterable", "/field"),
        ("shop/fields/city?key=x", 422, "key_not_here", "/key"),
        ("shop/fields/city?as=text", 422, "as_not_here", "/as"),
        ("shop/fields/city?as=x", 422, "unknown_choice", "/as"),
        ("shop/fields/city?limit=0", 422, "out_of_range", "/limit"),
        ("shop/fields/city?limit=x", 422, "wrong_json_type", "/limit"),
        ("shop/fields/city?prefix=" + "x" * 1001, 422, "too_long", "/prefix"),
        ("shop/fields/city?prefix=%00", 422, "wrong_value", "/prefix"),
        ("shop/fields/%ED%A0%80", 422, "unknown_field", "/field"),
    ],
)
def test_values_of_what_is_not_there_are_refused(shop: Shop, path: str, status: int, code: str, pointer: str) -> None:
    base, _, query = path.partition("?")
    answer = shop.client.get(f"/api/v1/datasets/{base}/values?{query}")
    assert (answer.status_code, answer.json()["code"], answer.json()["pointer"]) == (status, code, pointer)
