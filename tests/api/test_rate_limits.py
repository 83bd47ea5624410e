"""Who asks too often waits; a Redis that dies lets nobody wait, and nobody through."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from segmentator_dagster.api.rate_limits import (
    OF_ROUTE,
    PER_MINUTE,
    UNCOUNTED,
    Limit,
    RateLimits,
    TooManyRequestsError,
)
from tests.api.surroundings import surrounded
from tests.servers.child import LOOPBACK, free_port
from tests.servers.valkey import ValkeyServer, valkey

MOST = PER_MINUTE[Limit.SIGN_IN]


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[ValkeyServer]:
    """A Valkey of this test's own."""
    with valkey(tmp_path) as server:
        yield server


async def admitted(limits: RateLimits, times: int, limit: Limit = Limit.SIGN_IN, key: str = "address:1.1.1.1") -> int:
    answers = await asyncio.gather(*(limits.check(limit, key) for _ in range(times)), return_exceptions=True)
    assert all(answer is None or isinstance(answer, TooManyRequestsError) for answer in answers), answers
    return answers.count(None)


def pid_of(server: ValkeyServer) -> int:
    with redis.Redis(port=server.port) as client:
        return int(client.info("server")["process_id"])


def test_every_kind_has_a_number_and_every_route_a_kind() -> None:
    assert set(PER_MINUTE) == set(Limit)
    assert min(PER_MINUTE.values()) > 0
    assert PER_MINUTE[Limit.SIGN_IN] == 10
    assert not UNCOUNTED & set(OF_ROUTE)


def test_the_eleventh_start_of_a_sign_in_is_429_with_the_seconds_to_wait() -> None:
    with surrounded(limits=RateLimits(None)) as client:
        assert [client.get("/sign-in").status_code for _ in range(MOST)] == [200] * MOST
        answer = client.get("/sign-in", headers={"Accept-Language": "ru"})
    body = answer.json()
    assert (answer.status_code, body["code"]) == (429, "too_many_requests")
    assert 1 <= int(answer.headers["retry-after"]) == body["retry_after"] <= 60
    assert answer.headers["ratelimit-policy"] == '"sign_in";q=10;w=60'
    assert answer.headers["ratelimit"] == f'"sign_in";r=0;t={body["retry_after"]}'
    assert body["message"] == "Слишком часто: таких запросов — не больше 10 в минуту."
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_callers_and_kinds_are_counted_apart() -> None:
    async def counted() -> list[int]:
        limits = RateLimits(None)
        return [
            await admitted(limits, 15),
            await admitted(limits, 15, key="address:2.2.2.2"),
            await admitted(limits, 15, Limit.SIGN_IN_CALLBACK),
            await admitted(limits, 15),
        ]

    assert asyncio.run(counted()) == [10, 10, 15, 0]


def test_a_window_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    async def counted() -> list[int]:
        limits = RateLimits(None)
        first = await admitted(limits, 15)
        now = time.time()
        monkeypatch.setattr("time.time", lambda: now + 61)
        return [first, await admitted(limits, 15)]

    assert asyncio.run(counted()) == [10, 10]


def test_switched_off_nobody_waits() -> None:
    assert asyncio.run(admitted(RateLimits(None, on=False), 500)) == 500


def test_processes_count_together(mortal: ValkeyServer) -> None:
    async def counted() -> list[int]:
        replicas = [RateLimits(mortal.url) for _ in range(3)]
        admissions = [await admitted(replica, 7) for replica in replicas]
        for replica in replicas:
            await replica.close()
        return admissions

    assert asyncio.run(counted()) == [7, 3, 0]


def test_a_redis_killed_in_the_middle_lets_no_more_through_and_nobody_wait(
    mortal: ValkeyServer, caplog: pytest.LogCaptureFixture
) -> None:
    async def counted() -> tuple[int, int, float]:
        limits = RateLimits(mortal.url)
        before = await admitted(limits, 6)
        os.kill(pid_of(mortal), signal.SIGKILL)
        began = time.monotonic()
        after = await admitted(limits, 100)
        for _ in range(20):
            await admitted(limits, 1)
        seconds = time.monotonic() - began
        await limits.close()
        return before, after, seconds

    before, after, seconds = asyncio.run(counted())
    assert (before, after) == (6, MOST - 6)
    assert seconds < 1
    assert "counted in this process only" in caplog.text


def test_a_redis_that_hangs_costs_one_short_wait(mortal: ValkeyServer) -> None:
    async def counted() -> tuple[int, list[float]]:
        limits, pid = RateLimits(mortal.url), pid_of(mortal)
        await admitted(limits, 1)
        os.kill(pid, signal.SIGSTOP)
        try:
            waits = []
            through = 0
            for _ in range(20):
                began = time.monotonic()
                through += await admitted(limits, 1, Limit.QUESTION, "person:1")
                waits.append(time.monotonic() - began)
        finally:
            os.kill(pid, signal.SIGCONT)
        await limits.close()
        return through, waits

    through, waits = asyncio.run(counted())
    assert through == 20
    assert max(waits) < 0.6
    assert sum(wait > 0.1 for wait in waits) == 1


def test_a_redis_that_comes_back_is_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segmentator_dagster.api.rate_limits._REST_SECONDS", 0.2)

    async def counted() -> list[int]:
        with valkey(tmp_path) as server:
            here, there = RateLimits(server.url), RateLimits(server.url)
            monkeypatch.setattr(here, "_ask_again", time.monotonic() + 0.2)  # as after a failure
            alone = await admitted(here, 4)
            assert await admitted(there, 8) == 8
            await asyncio.sleep(0.3)
            together = [await admitted(here, 1), await admitted(here, 5)]
            await here.close()
            await there.close()
        return [alone, *together]

    assert asyncio.run(counted()) == [4, 1, 1]


def test_no_redis_from_the_start_is_like_one_that_died(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        limits = RateLimits(f"redis://:hunter2hunter2@{LOOPBACK}:{free_port()}/0")
        assert asyncio.run(admitted(limits, 50)) == MOST
    assert "hunter2" not in caplog.text
