from __future__ import annotations

import socket
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from segmentator_dagster.api.app import create_app
from segmentator_dagster.settings import Settings
from tests.api.conftest import Stack
from tests.api.servers import api_server
from tests.servers.child import free_port


@pytest.mark.parametrize("prefix", ["", "/api/v1"])
def test_health_asks_nothing_else(offline: Stack, prefix: str) -> None:
    assert offline.client.get(f"{prefix}/health").json() == {"status": "ok"}


@pytest.mark.parametrize("prefix", ["", "/api/v1"])
def test_ready_is_degraded_but_200_without_dagster(online: Stack, prefix: str) -> None:
    answer = online.client.get(f"{prefix}/ready")
    assert answer.status_code == 200
    assert answer.json()["status"] == "degraded"
    assert {name: check["status"] for name, check in answer.json()["checks"].items()} == {
        "database": "up",
        "clickhouse": "up",
        "objects": "up",
        "dagster": "down",
    }


def test_ready_is_503_without_clickhouse_and_says_why(offline: Stack) -> None:
    answer = offline.client.get("/ready")
    assert (answer.status_code, answer.json()["status"]) == (503, "unavailable")
    assert answer.json()["checks"]["clickhouse"]["code"] == "clickhouse_unavailable"


def test_ready_answers_in_time_though_a_part_hangs_and_a_dead_redis_only_degrades(
    make_stack: Callable[..., Stack],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        stack = make_stack(
            clickhouse_url=f"http://u:p@127.0.0.1:{silent.getsockname()[1]}",
            redis_url=f"redis://127.0.0.1:{free_port()}/0",
            count_deadline_seconds=1,
        )
        started = time.monotonic()
        checks = [stack.client.get("/ready").json()["checks"] for _ in range(2)]
        assert time.monotonic() - started < 6
    assert [check["clickhouse"]["code"] for check in checks] == ["timeout", "timeout"]
    assert checks[0]["cache"]["status"] == "down"


def test_the_api_starts_with_everything_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings.load(
        data_dir=tmp_path,
        clickhouse_url=f"http://u:p@127.0.0.1:{free_port()}",
        database_url=f"postgresql://u:p@127.0.0.1:{free_port()}/x",
        object_store_url="s3://bucket/prefix",
        object_store_endpoint=f"http://127.0.0.1:{free_port()}",
        redis_url=f"redis://127.0.0.1:{free_port()}/0",
        dagster_port=free_port(),
        secret_key="k" * 32,
    )
    token = {"Authorization": "Bearer sgm_0123456789ab_secret"}
    app = create_app(settings)
    monkeypatch.setattr("fastapi.routing.get_dependant", None)  # no route waits to be built by its first request
    with api_server(app) as url, httpx.Client(base_url=url, trust_env=False) as client:
        assert client.get("/health").status_code == 200
        assert client.get("/api/v1/segments").status_code == 401
        refused = client.get("/api/v1/segments", headers=token)
        assert (refused.status_code, refused.json()["code"]) == (503, "database_unavailable")
        answer = client.get("/ready")
    assert answer.status_code == 503
    assert {check["status"] for check in answer.json()["checks"].values()} == {"down"}
