from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.conftest import Stack

ROUTES = {
    "POST /api/v1/segments",
    "GET /api/v1/segments",
    "GET /api/v1/segments/{segment_id}",
    "PATCH /api/v1/segments/{segment_id}",
    "DELETE /api/v1/segments/{segment_id}",
    "POST /api/v1/segments/{segment_id}/restore",
    "POST /api/v1/segments/{segment_id}/copy",
    "GET /api/v1/segments/{segment_id}/versions",
    "POST /api/v1/lists",
    "GET /api/v1/lists",
    "GET /api/v1/lists/{list_id}",
    "PATCH /api/v1/lists/{list_id}",
    "DELETE /api/v1/lists/{list_id}",
    "POST /api/v1/lists/{list_id}/restore",
    "GET /api/v1/lists/{list_id}/items",
    "PUT /api/v1/lists/{list_id}/items",
    "GET /api/v1/lists/{list_id}/unmatched",
    "POST /api/v1/rules/check",
    "POST /api/v1/rules/count",
    "POST /api/v1/rules/preview",
    "POST /api/v1/rules/breakdown",
    "POST /api/v1/rules/funnel",
    "POST /api/v1/segments/{segment_id}/exports",
    "GET /api/v1/segments/{segment_id}/exports",
    "GET /api/v1/exports/{export_id}",
    "POST /api/v1/exports/{export_id}/cancel",
    "GET /api/v1/exports/{export_id}/download",
    "GET /api/v1/files/{token}",
    "GET /api/v1/operators",
    "GET /api/v1/rules/schema",
    "GET /api/v1/datasets",
    "GET /api/v1/datasets/{name}/fields",
    "GET /api/v1/datasets/{name}/fields/{field}/values",
    "GET /api/v1/health",
    "GET /api/v1/ready",
}


@pytest.fixture(scope="module")
def document(offline: Stack) -> dict[str, Any]:
    found: dict[str, Any] = offline.client.get("/api/v1/openapi.json").json()
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def test_every_route_is_in_the_document(document: dict[str, Any]) -> None:
    assert {name for name, _ in operations(document)} == ROUTES


def test_every_route_says_what_it_does(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        assert operation["summary"], name
        assert operation["description"], name
        assert all(response["description"] for response in operation["responses"].values()), name
    assert len({operation["operationId"] for _, operation in operations(document)}) == len(ROUTES)


def test_every_error_is_documented_with_an_example_of_the_one_body(document: dict[str, Any]) -> None:
    for name, operation in operations(document):
        responses = operation["responses"]
        assert {"400", "500"} <= responses.keys(), name
        for status, response in responses.items():
            if int(status) < 400 or (name.endswith("/ready") and status == "503"):
                continue
            content = response["content"]["application/json"]
            assert content["schema"] == {"$ref": "#/components/schemas/ErrorOut"}, (name, status)
            for code, example in content["examples"].items():
                assert example["value"]["code"] == code
                assert "{" not in example["value"]["message"].replace("{{", ""), (name, code)
        assert "requestBody" not in operation or {"413", "415", "422"} <= responses.keys(), name
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_every_body_has_an_example(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]

    def has_example(schema: dict[str, Any]) -> bool:
        options = [schema, *schema.get("anyOf", [])]
        names = [option["$ref"].rsplit("/", 1)[1] for option in options if "$ref" in option]
        return any("examples" in schemas[name] for name in names)

    for name, operation in operations(document):
        for kind, content in operation.get("requestBody", {"content": {}})["content"].items():
            is_workbook = "spreadsheet" in kind  # bytes that nobody reads
            assert "example" in content or is_workbook or has_example(content["schema"]), name
        for status, response in operation["responses"].items():
            content = response.get("content", {}).get("application/json")
            if content and int(status) < 300:
                assert has_example(content["schema"]), (name, status)
