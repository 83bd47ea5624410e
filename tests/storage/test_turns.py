from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from contextlib import AsyncExitStack

import pytest
import redis

from segmentator_dagster.storage.turns import Turn, Turns
from tests.servers.child import free_port
from tests.servers.valkey import ValkeyServer


async def is_over(turn: Turn, seconds: float = 1.0) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await turn.over()
    except TimeoutError:
        return False
    return True


def run(test: Awaitable[None]) -> None:
    async def main() -> None:
        await test

    asyncio.run(main())


def test_a_newer_question_of_the_same_kind_and_editor_takes_the_turn() -> None:
    async def test() -> None:
        turns = Turns(None, longest_seconds=10)
        async with turns.turn("ed", "count") as older, turns.turn("ed", "count") as newer:
            assert await is_over(older)
            assert not await is_over(newer, 0.05)

    run(test())


def test_other_kinds_and_editors_go_on() -> None:
    async def test() -> None:
        turns = Turns(None, longest_seconds=10)
        async with turns.turn("ed", "count") as first, turns.turn("ed", "funnel"), turns.turn("ed2", "count"):
            assert not await is_over(first, 0.05)

    run(test())


def test_a_question_that_is_answered_takes_no_turn_later() -> None:
    async def test() -> None:
        turns = Turns(None, longest_seconds=10)
        async with turns.turn("ed", "count") as older:
            pass
        async with turns.turn("ed", "count") as newer:
            assert not await is_over(newer, 0.05)
            assert not await is_over(older, 0.05)

    run(test())


def test_processes_learn_of_each_other_through_redis(valkey_server: ValkeyServer) -> None:
    async def test() -> None:
        one, other = (Turns(valkey_server.url, longest_seconds=10) for _ in range(2))
        async with one.turn("far", "count") as older:
            assert not await is_over(older, 0.3)
            started = time.perf_counter()
            async with other.turn("far", "count") as newer:
                assert await is_over(older)
                print(f"learnt of it after {(time.perf_counter() - started) * 1000:.0f} ms")
                assert not await is_over(newer, 0.3)
        await one.close()
        await other.close()

    run(test())


def test_of_many_at_once_the_newest_goes_on_and_all_others_end(valkey_server: ValkeyServer) -> None:
    async def test() -> None:
        processes = [Turns(valkey_server.url, longest_seconds=10) for _ in range(3)]
        async with AsyncExitStack() as stack:
            turns = [await stack.enter_async_context(processes[i % 3].turn("crowd", "count")) for i in range(9)]
            over = await asyncio.gather(*(is_over(turn) for turn in turns))
        newest = max(range(9), key=lambda i: turns[i].began)
        assert [i for i in range(9) if not over[i]] == [newest]
        for process in processes:
            await process.close()

    run(test())


def test_with_a_dead_redis_turns_are_taken_in_one_process_only() -> None:
    async def test() -> None:
        turns = Turns(f"redis://127.0.0.1:{free_port()}/0", longest_seconds=10)
        async with turns.turn("ed", "count") as older:
            assert not await is_over(older, 0.3)
            async with turns.turn("ed", "count"):
                assert await is_over(older)
        await turns.close()

    run(test())


@pytest.mark.parametrize("garbage", [b"{", b"x", b'"9999999999999999999"', b"\xff", b"-1", b"null"])
def test_what_somebody_else_left_there_ends_nothing(valkey_server: ValkeyServer, garbage: bytes) -> None:
    async def test() -> None:
        turns = Turns(valkey_server.url, longest_seconds=10)
        async with turns.turn("odd", "count") as turn:
            with redis.Redis(port=valkey_server.port) as stored:
                stored.set("segmentator:turn:1:count:odd", garbage)
            assert not await is_over(turn, 0.3)
        await turns.close()

    run(test())
