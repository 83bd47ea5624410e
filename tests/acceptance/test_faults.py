"""Parts die; what was requested is published or failed with a reason, and nothing partial is ever visible."""

from __future__ import annotations

import json
import os
import signal
import uuid
from typing import Any

import pytest

from tests.acceptance.conftest import IOS
from tests.acceptance.stack import Stack

pytestmark = pytest.mark.acceptance

Json = dict[str, Any]
EVERYONE = {"kind": "everyone"}


@pytest.fixture(scope="package")
def wide(stack: Stack) -> str:
    """A dataset large enough that its workbook takes a while."""
    path = stack.data_dir.parent / "wide.csv"
    with path.open("w") as file:
        file.write("user_id," + ",".join(f"text{n}" for n in range(8)) + "\n")
        for user in range(150_000):
            file.write(f"w{user:07}," + ",".join(f"{user * 7919 * (n + 1) % 10**9:x} слово" for n in range(8)) + "\n")
    loaded = stack.command("load", str(path), "--dataset", "wide", "--user-key", "user_id", "--replace")
    assert loaded.returncode == 0, loaded.stderr
    return "wide"


def check_whole(stack: Stack, export: Json) -> None:
    """A final export is either published with the very file its manifest names, or failed with a reason."""
    if export["status"] == "published":
        assert len(stack.file_of(export)) == export["bytes"]
        assert export["manifest"]["rows"] == export["rows"] == export["manifest"]["snapshot_users"]
    else:
        assert export["status"] == "failed"
        assert export["error"]["code"]
        assert export["error"]["message"]
        assert stack.call("GET", f"/exports/{export['id']}/download", 409)["code"] == "export_not_published"


def test_an_export_asked_for_while_dagster_is_down_is_published_once_it_is_back(stack: Stack, segment: Json) -> None:
    assert stack.kill("dagster_webserver") >= 1
    assert stack.kill("segmentator_dagster.workers.pool") >= 1
    assert stack.kill("dagster api grpc") >= 1
    export = stack.export(segment["id"], "csv")[0]
    assert export["status"] == "requested"
    check_whole(stack, stack.ended(export["id"], 90))
    assert stack.call("GET", f"/exports/{export['id']}")["status"] == "published"


@pytest.mark.parametrize("phase", ["audience", "writing"])
def test_a_run_killed_in_mid_export_ends_published_or_failed_within_a_minute(
    stack: Stack, wide: str, phase: str
) -> None:
    segment = stack.create(f"{phase} {uuid.uuid4().hex[:6]}", EVERYONE, dataset=wide)
    export = stack.export(segment["id"], "xlsx")[0]

    def at_work() -> Json | None:
        now: Json = stack.call("GET", f"/exports/{export['id']}")
        begun = now["status"] != "requested" and (phase == "audience" or now["progress"]["phase"] != "audience")
        return now if begun else None

    now = stack.wait(at_work)
    assert now["status"] == "running", now
    pool = next(iter(stack.processes("segmentator_dagster.workers.pool")))
    workers = [pid for pid in stack.processes("segmentator_dagster.workers.pool") if pid != pool]
    assert workers
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    ended = stack.ended(export["id"], 60)
    check_whole(stack, ended)
    assert ended["status"] == "published", ended
    assert ended["manifest"]["attempt"] >= 2


def test_a_running_export_is_cancelled_its_run_ends_and_no_object_stays(stack: Stack, wide: str) -> None:
    segment = stack.create(f"cancel {uuid.uuid4().hex[:6]}", EVERYONE, dataset=wide)
    export = stack.export(segment["id"], "xlsx")[0]
    now = stack.wait(
        lambda: (e := stack.call("GET", f"/exports/{export['id']}"))["progress"]["phase"] == "writing" and e
    )
    cancelled = stack.call("POST", f"/exports/{export['id']}/cancel")
    assert cancelled["status"] == "cancelled"
    status = "query($id:ID!){runOrError(runId:$id){... on Run{status}}}"
    stack.wait(
        lambda: stack.dagster(status, id=now["run_id"])["runOrError"]["status"] in ("CANCELED", "FAILURE"), seconds=20
    )
    assert stack.call("GET", f"/exports/{export['id']}")["status"] == "cancelled"
    stack.call("GET", f"/exports/{export['id']}/download", 409)
    stored = stack.data_dir / "objects" / "exports" / str(segment["id"])
    assert [path for path in stored.rglob("*") if path.is_file() and "#" not in path.name] == []


def test_clickhouse_down_is_503_with_retry_after_and_no_trace(stack: Stack) -> None:
    if "SEGMENTATOR_CLICKHOUSE_URL" in stack.variables:
        return  # this stack does not own its ClickHouse; the API's own tests cover a server that is down
    assert stack.kill("clickhouse_server") == 1
    answer = stack.http.post("/rules/count", json={"rule": IOS})
    assert answer.status_code == 503
    assert answer.headers["retry-after"].isdigit()
    assert answer.json()["code"] == "clickhouse_unavailable"
    assert "Traceback" not in answer.text
    stack.wait(lambda: stack.http.post("/rules/count", json={"rule": IOS}).status_code == 200)


def test_an_export_survives_a_crash_of_clickhouse(stack: Stack, wide: str) -> None:
    segment = stack.create(f"crash {uuid.uuid4().hex[:6]}", EVERYONE, dataset=wide)
    export = stack.export(segment["id"], "xlsx")[0]
    now = stack.wait(lambda: (e := stack.call("GET", f"/exports/{export['id']}"))["status"] != "requested" and e)
    assert now["status"] == "running", now
    stack.kill("clickhouse_server")
    check_whole(stack, stack.ended(export["id"], 90))


@pytest.mark.parametrize(
    ("path", "body", "status", "code", "pointer"),
    [
        ("/segments", b"{", 400, "malformed_json", ""),
        ("/segments", {"name": "x" * 51, "rule": IOS}, 422, None, "/name"),
        ("/segments", {"name": "x", "rule": {"combinator": "and", "rules": []}}, 422, "empty_group", "/rule/rules"),
        (
            "/segments",
            {"name": "x", "rule": {"combinator": "and", "rules": [{"field": "nope", "operator": "=", "value": 1}]}},
            422,
            "unknown_field",
            "/rule/rules/0/field",
        ),
        (
            "/segments",
            {"name": "x", "rule": {"combinator": "and", "rules": [{"field": "date", "operator": "=", "value": 1}]}},
            422,
            None,
            "/rule/rules/0/value",
        ),
        ("/segments/999999/exports", {"formats": ["csv"]}, 404, "segment_not_found", ""),
    ],
)
def test_bad_input_is_refused_with_code_pointer_and_hint(
    stack: Stack, path: str, body: Any, status: int, code: str | None, pointer: str
) -> None:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = stack.http.post(path, content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code == status, answer.text
    error = answer.json()
    assert error["pointer"] == pointer, error
    assert code in (None, error["code"]), error
    assert error["message"]
    assert "hint" in error


def test_a_deleted_segment_and_an_unknown_format_cannot_be_exported(stack: Stack, segment: Json) -> None:
    refused = stack.call("POST", f"/segments/{segment['id']}/exports", 422, json={"formats": ["csv", "pdf"]})
    assert (refused["code"], refused["pointer"]) == ("unknown_format", "/formats/1")
    assert "xlsx" in refused["hint"]
    stack.call("DELETE", f"/segments/{segment['id']}", 204)
    refused = stack.call("POST", f"/segments/{segment['id']}/exports", 410, json={"formats": ["csv"]})
    assert refused["code"] == "segment_deleted"
