"""Requests to download and import rule files."""

from __future__ import annotations

from typing import Any

import httpx

from tests.api.conftest import RULE, Stack
from tests.api.test_errors import assert_shape

Json = dict[str, Any]


def download(stack: Stack, segment_id: int, **query: Any) -> httpx.Response:
    return stack.client.get(f"/api/v1/segments/{segment_id}/rule-file", params=query)


def file_of(stack: Stack, segment_id: int, **query: Any) -> Json:
    answer = download(stack, segment_id, **query)
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


def load(stack: Stack, file: Any, **query: Any) -> httpx.Response:
    return stack.client.post("/api/v1/segments/import", json=file, params=query)


def loaded(stack: Stack, file: Any, **query: Any) -> Json:
    answer = load(stack, file, **query)
    assert answer.status_code == 201, answer.text
    found: Json = answer.json()
    return found


def problems(answer: httpx.Response) -> list[tuple[str, str]]:
    assert answer.status_code == 422, answer.text
    assert_shape(answer)
    return [(one["code"], one["pointer"]) for one in answer.json()["problems"]]


def file(rule: Any = RULE, **changes: Any) -> Json:
    whole = {"segmentator": "rule", "version": 2, "name": "Лояльные", "dataset": "visits", "time_zone": "UTC"}
    return {**whole, "rule": rule, "references": {"segments": {}, "lists": {}}, **changes}
