"""The running API, asked at random by everybody there is, against what its OpenAPI document says of it.

`SEGMENTATOR_TEST_FUZZ` is the number of generated requests of each caller, about.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI, HTTPException

from segmentator_dagster.domain.people import Role
from segmentator_dagster.storage.clickhouse import ClickHouse
from tests.api.servers import eventually
from tests.fuzz.fuzzing import Findings, fuzzed, with_rules
from tests.fuzz.world import RULES, Caller, World, activity, running_world
from tests.servers.child import LOOPBACK
from tests.servers.clickhouse import ClickHouseServer
from tests.servers.postgres import PostgresServer
from tests.storage.conftest import new_postgres_database

REQUESTS = int(os.environ.get("SEGMENTATOR_TEST_FUZZ", "300"))
_OPERATIONS = 65
_OF_COVERAGE = 4000  # requests there are of it, whatever else


@pytest.fixture
def world(request: pytest.FixtureRequest, tmp_path: Path, admin: ClickHouse) -> Iterator[World]:
    clickhouse: ClickHouseServer = request.getfixturevalue("clickhouse_server")
    changes = {}
    if request.param == "postgresql":
        postgres: PostgresServer = request.getfixturevalue("postgres_server")
        changes["database_url"] = new_postgres_database(postgres.url)
    with running_world(tmp_path, clickhouse, activity(admin), **changes) as made:
        yield made


def session_of(world: World, caller: str) -> Callable[[], str] | None:
    if caller == "nobody":
        return None
    return Caller(world.database, {"user": "user", "administrator": "admin"}[caller], Role(caller)).session


@pytest.mark.slow
@pytest.mark.parametrize(
    ("world", "caller"),
    [("sqlite", "nobody"), ("sqlite", "user"), ("postgresql", "administrator")],
    indirect=["world"],
)
def test_whatever_is_asked_is_answered_as_documented(world: World, caller: str, pytestconfig: pytest.Config) -> None:
    seed = int(pytestconfig.getoption("hypothesis_seed"))
    coverage = REQUESTS > 2 * _OF_COVERAGE
    examples = max(1, (REQUESTS - coverage * _OF_COVERAGE) // _OPERATIONS)
    findings = fuzzed(
        world.url,
        with_rules(world.document, RULES),
        session=session_of(world, caller),
        known=world.known,
        seed=seed,
        examples=examples,
        coverage=coverage,
    )
    print(f"{caller}, --hypothesis-seed={seed}: answers by status {findings.statuses()}")
    assert not findings.problems, str(findings)
    assert len({operation for operation, _ in findings.calls}) >= _OPERATIONS
    succeeded = {operation for operation, status in findings.calls if status < 400}
    assert len(succeeded) >= {"nobody": 2, "user": 25, "administrator": 35}[caller]


@contextmanager
def served(api: FastAPI) -> Iterator[str]:
    with socket.create_server((LOOPBACK, 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(api, log_level="critical"))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            assert eventually(lambda: server.started)
            yield f"http://{LOOPBACK}:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def faulty_api() -> FastAPI:
    api = FastAPI()

    @api.get("/breaks")
    def breaks(number: int = 0) -> int:
        return 1 // 0

    @api.get("/undocumented")
    def undocumented() -> int:
        raise HTTPException(418)

    @api.get("/lies", response_model=None, responses={200: {"model": dict[str, int]}})
    def lies() -> dict[str, str]:
        return {"count": "many"}

    number = {"type": "object", "properties": {"limit": {"type": "integer"}}, "required": ["limit"]}
    body = {"required": True, "content": {"application/json": {"schema": number}}}

    @api.post("/lax", openapi_extra={"requestBody": body})
    def lax() -> int:
        return 1

    @api.get("/open", openapi_extra={"security": [{"token": []}]})
    def opened() -> int:
        return 1

    return api


def test_a_planted_fault_of_each_kind_is_found(pytestconfig: pytest.Config) -> None:
    api = faulty_api()
    document = api.openapi()
    document["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    with served(api) as url:
        findings: Findings = fuzzed(
            url,
            document,
            session=lambda: "x",
            known={},
            seed=int(pytestconfig.getoption("hypothesis_seed")),
            examples=10,
            coverage=False,
        )
    found = {(check, operation.partition("/")[2]) for check, operation, *_ in findings.problems}
    assert {
        ("not_a_server_error", "breaks"),
        ("status_code_conformance", "undocumented"),
        ("response_schema_conformance", "lies"),
        ("negative_data_rejection", "lax"),
        ("ignored_auth", "open"),
    } <= found
