from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from segmentator_dagster.compiler.query import CompiledQuery
from segmentator_dagster.embedded.demo import LABELS
from segmentator_dagster.storage.clickhouse import ClickHouse
from segmentator_dagster.storage.metadata.datasets import RegisteredDataset
from tests.api.conftest import Stack, running_stack
from tests.servers.clickhouse import ClickHouseServer

ROUTES = {
    "POST /api/v1/segments",
    "GET /api/v1/segments",
    "GET /api/v1/segments/{segment_id}",
    "PATCH /api/v1/segments/{segment_id}",
    "DELETE /api/v1/segments/{segment_id}",
    "POST /api/v1/segments/{segment_id}/restore",
    "POST /api/v1/segments/{segment_id}/copy",
    "GET /api/v1/segments/{segment_id}/versions",
    "GET /api/v1/segments/{segment_id}/rule-file",
    "POST /api/v1/segments/import",
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
    "GET /api/v1/segments/{segment_id}/snapshots",
    "GET /api/v1/export-options",
    "GET /api/v1/exports/{export_id}",
    "GET /api/v1/exports/{export_id}/events",
    "GET /api/v1/exports/{export_id}/manifest",
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


def example(document: dict[str, Any], schema: str) -> Any:
    (found,) = document["components"]["schemas"][schema]["examples"]
    return found


@pytest.fixture(scope="module")
def demo(
    admin: ClickHouse, clickhouse_server: ClickHouseServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """An API over a table like that of the demo, under its name and labels."""
    table = "datasets.api_demo"
    admin.execute(CompiledQuery("CREATE DATABASE IF NOT EXISTS datasets"))
    columns = "user_id String, date Date, platform_main String, cohort Date"
    admin.execute(CompiledQuery(f"CREATE TABLE {table} ({columns}) ENGINE = MergeTree ORDER BY user_id"))
    labels = {"label_ru": "Активность пользователей", "label_en": "User activity", "field_labels": LABELS}
    dataset = RegisteredDataset("user_activity", "datasets", "api_demo", "user_id", "date", **labels)
    settings = {"default_dataset": "user_activity", "clickhouse_url": clickhouse_server.reader_url}
    with running_stack(tmp_path_factory.mktemp("demo"), (dataset,), **settings) as stack:
        yield stack


def test_examples_of_meanings_are_what_the_api_says_of_the_example_rule(document: dict[str, Any], demo: Stack) -> None:
    def asked(question: str) -> Any:
        answer = demo.client.post(f"/api/v1/rules/{question}", json=example(document, "RuleIn"))
        return answer.raise_for_status().json()

    meaning = asked("check")
    assert example(document, "MeaningOut") == meaning
    assert example(document, "CountOut")["sentence"] == asked("count")["sentence"] == meaning["sentence"]
    said = [
        [(step["pointer"], step["depth"], step["sentence"]) for step in found["steps"]]
        for found in (example(document, "FunnelOut"), asked("funnel"))
    ]
    assert said[0] == said[1]
    assert example(document, "SegmentOut")["rule"] == meaning["rule"]
    assert example(document, "SegmentIn")["rule"] == example(document, "RuleIn")["rule"]


def test_the_example_of_a_rule_file_is_one(document: dict[str, Any], demo: Stack) -> None:
    answer = demo.client.post("/api/v1/segments/import", json=example(document, "RuleFileIn"))
    problems = [(problem["code"], problem["pointer"]) for problem in answer.json()["problems"]]
    assert problems == [("list_not_here", "/references/lists/5")]
    assert example(document, "RuleFileOut") == example(document, "RuleFileIn")


def test_examples_of_words_are_those_the_api_uses(document: dict[str, Any], demo: Stack) -> None:
    def answer(path: str) -> Any:
        return demo.client.get(f"/api/v1{path}").raise_for_status().json()

    fields = answer("/datasets/user_activity/fields")
    assert example(document, "DatasetOut") == fields["dataset"]
    named = example(document, "FieldOut")
    (field,) = (one for one in fields["items"] if one["name"] == named["name"])
    assert {**field, "operators": named["operators"]} == named
    assert all(operator in field["operators"] for operator in named["operators"])
    language, operators = answer("/operators"), example(document, "OperatorsOut")
    for key, shown in operators.items():
        known = without_nulls(language[key])
        assert known == shown or all(one in known for one in shown), key


def without_nulls(value: Any) -> Any:
    """FastAPI leaves nulls out of the document."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value
