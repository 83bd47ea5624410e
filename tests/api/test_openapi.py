from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from pydantic import BaseModel

from segmentator_dagster.compiler.query import CompiledQuery
from segmentator_dagster.domain.access import Scope
from segmentator_dagster.domain.people import Role
from segmentator_dagster.embedded.demo import LABELS
from segmentator_dagster.storage.clickhouse import ClickHouse
from segmentator_dagster.storage.metadata.database import Database
from segmentator_dagster.storage.metadata.datasets import RegisteredDataset
from tests.api.conftest import Stack, running_stack
from tests.api.people import bearer, token_of
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
    "PUT /api/v1/segments/{segment_id}/sharing",
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
    "PUT /api/v1/lists/{list_id}/sharing",
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
    "GET /api/v1/me",
    "GET /api/v1/me/sessions",
    "DELETE /api/v1/me/sessions",
    "DELETE /api/v1/me/sessions/{session_id}",
    "GET /api/v1/me/tokens",
    "POST /api/v1/me/tokens",
    "DELETE /api/v1/me/tokens/{token_id}",
    "GET /api/v1/people",
    "GET /api/v1/people/{person_id}",
    "DELETE /api/v1/people/{person_id}",
    "PUT /api/v1/people/{person_id}/role",
    "PUT /api/v1/people/{person_id}/access",
    "POST /api/v1/people/{person_id}/block",
    "POST /api/v1/people/{person_id}/unblock",
    "GET /api/v1/invites",
    "POST /api/v1/invites",
    "DELETE /api/v1/invites/{invite_id}",
    "GET /api/v1/access",
    "PUT /api/v1/access",
    "GET /api/v1/settings",
    "PATCH /api/v1/settings",
    "GET /api/v1/audit",
    "GET /api/v1/audit.csv",
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


OPEN = {"GET /api/v1/health", "GET /api/v1/ready", "GET /api/v1/files/{token}"}
NOT_COUNTED = {"GET /api/v1/health", "GET /api/v1/ready"}


def codes(operation: dict[str, Any], status: int) -> set[str]:
    """The problems that an operation is said to answer with."""
    response = operation["responses"].get(str(status))
    return set(response["content"]["application/json"]["examples"]) if response else set()


def test_every_operation_says_how_to_come_in(document: dict[str, Any]) -> None:
    schemes = document["components"]["securitySchemes"]
    assert {name: scheme["type"] for name, scheme in schemes.items()} == {"session": "apiKey", "token": "http"}
    assert (schemes["session"]["in"], schemes["session"]["name"]) == ("cookie", "__Host-sid")
    assert schemes["token"]["scheme"] == "bearer"
    for name, operation in operations(document):
        tokens = [] if "session_only" in codes(operation, 403) else [{"token": []}]
        assert operation["security"] == ([] if name in OPEN else [{"session": []}, *tokens]), name
        assert codes(operation, 401) == (set() if name in OPEN else {"not_signed_in", "invalid_token"}), name
        assert codes(operation, 429) == (set() if name in NOT_COUNTED else {"too_many_requests"}), name


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("GET /api/v1/health", set()),
        ("GET /api/v1/files/{token}", {"link_invalid"}),
        ("GET /api/v1/operators", {"scope_missing"}),
        ("GET /api/v1/segments/{segment_id}", {"scope_missing"}),
        ("PATCH /api/v1/segments/{segment_id}", {"cross_site", "scope_missing", "not_yours"}),
        ("PUT /api/v1/lists/{list_id}/items", {"cross_site", "scope_missing", "not_yours"}),
        ("GET /api/v1/lists/{list_id}/items", {"scope_missing", "export_not_allowed"}),
        ("POST /api/v1/me/tokens", {"cross_site", "session_only"}),
        ("GET /api/v1/people", {"scope_missing", "administrators_only"}),
        ("PUT /api/v1/people/{person_id}/role", {"cross_site", "session_only", "administrators_only"}),
        ("GET /api/v1/audit", {"scope_missing", "administrators_only"}),
    ],
)
def test_an_operation_says_for_what_it_refuses_somebody(
    document: dict[str, Any], name: str, expected: set[str]
) -> None:
    assert codes(dict(operations(document))[name], 403) == expected


def test_refusals_say_what_to_do_in_their_headers(document: dict[str, Any]) -> None:
    responses = dict(operations(document))["GET /api/v1/segments"]["responses"]
    assert responses["401"]["headers"].keys() == {"WWW-Authenticate"}
    assert responses["429"]["headers"].keys() == {"Retry-After"}
    assert "headers" not in responses["403"]


def test_the_document_is_the_same_when_it_is_asked_for_again(document: dict[str, Any], offline: Stack) -> None:
    assert offline.client.get("/api/v1/openapi.json").json() == document


def answers(offline: Stack, document: dict[str, Any], token: str | None) -> Iterator[tuple[str, dict[str, Any], Any]]:
    """What every operation answers to an empty request about a thing that is not there."""
    headers = bearer(token) if token else {}
    with httpx.Client(base_url=offline.client.base_url, timeout=20, trust_env=False, headers=headers) as client:
        for name, operation in operations(document):
            method, _, path = name.partition(" ")
            yield name, operation, client.request(method, re.sub(r"\{\w+\}", "999", path))


def test_nobody_comes_in_where_a_way_to_come_in_is_documented(document: dict[str, Any], offline: Stack) -> None:
    for name, operation, answer in answers(offline, document, None):
        assert (answer.status_code == 401) == bool(operation["security"]), name
        if answer.status_code == 401:
            assert answer.json()["code"] == "not_signed_in", name
            assert answer.headers["WWW-Authenticate"] == "Bearer", name


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("scopes", [(), (Scope.READ,)], ids=["no scope", "read"])
def test_what_a_token_is_answered_is_documented(
    document: dict[str, Any], offline: Stack, role: Role, scopes: tuple[Scope, ...]
) -> None:
    database = Database(offline.settings.database_url.get_secret_value())
    token = token_of(database, f"reader {role}", role, scopes=scopes)
    database.close()
    refused = set()
    for name, operation, answer in answers(offline, document, token):
        assert str(answer.status_code) in operation["responses"], (name, answer.text)
        if answer.status_code >= 400 and not name.endswith("/ready"):
            assert answer.json()["code"] in codes(operation, answer.status_code), (name, answer.text)
        if answer.status_code == 403:
            refused.add(answer.json()["code"])
    assert {"scope_missing", "session_only"} <= refused


def models(below: type[BaseModel] = BaseModel) -> Iterator[type[BaseModel]]:
    for model in below.__subclasses__():
        yield from (model, *models(model))


def test_every_example_is_what_its_schema_says(document: dict[str, Any]) -> None:
    """Those of the models: FastAPI leaves nulls out of the document."""
    named = {model.__name__: model for model in models() if model.__module__.startswith("segmentator_dagster.")}
    for name, schema in document["components"]["schemas"].items():
        if "examples" in schema:
            for one in named[name].model_json_schema()["examples"]:
                named[name].model_validate_json(json.dumps(one))


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
