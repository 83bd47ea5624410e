from __future__ import annotations

import httpx


def test_datasets_are_listed_with_their_labels(client: httpx.Client) -> None:
    assert client.get("/api/v1/datasets").json() == {
        "items": [
            {"name": "visits", "label": {"ru": "Визиты", "en": "Visits"}, "user_key": "user_id", "time_field": "date"}
        ]
    }


def test_fields_come_with_the_operators_of_their_type(client: httpx.Client) -> None:
    fields = client.get("/api/v1/datasets/visits/fields").json()
    assert fields["dataset"]["name"] == "visits"
    assert [field["name"] for field in fields["items"]][:3] == ["user_id", "date", "platform_main"]
    by_name = {field["name"]: field for field in fields["items"]}
    assert (by_name["price"]["type"], by_name["price"]["nullable"]) == ("number", True)
    keys = {name: {operator["key"] for operator in field["operators"]} for name, field in by_name.items()}
    assert "contains" in keys["platform_main"]
    assert "contains" not in keys["visits"]
    assert "between" in keys["date"]


def test_an_unknown_dataset_is_404_with_the_nearest_name(client: httpx.Client) -> None:
    answer = client.get("/api/v1/datasets/vists/fields")
    assert (answer.status_code, answer.json()["code"]) == (404, "dataset_not_found")
    assert "visits" in answer.json()["hint"]
