"""Parts of the system -> which of them answer, within two seconds."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from segmentator_dagster.domain.errors import UserError

_log = logging.getLogger(__name__)

_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Check:
    """How one part answered. `code` says why it counts as down."""

    up: bool
    milliseconds: float
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Readiness:
    """`ready`: requests can be served. `degraded`: they can, and a part that only delays things is down."""

    ready: bool
    degraded: bool
    checks: Mapping[str, Check]


class Probes:
    """Asks every part at the same time. A part that hangs keeps one thread, however often it is asked."""

    def __init__(
        self,
        needed: Mapping[str, Callable[[], None]],
        helpful: Mapping[str, Callable[[], None]],
        cache: Callable[[], Awaitable[None]] | None,
    ) -> None:
        self._needed = needed
        self._parts = {**needed, **helpful}
        self._cache = cache
        self._threads = ThreadPoolExecutor(len(self._parts), thread_name_prefix="probe")
        self._asked: dict[str, Future[None]] = {}

    async def readiness(self) -> Readiness:
        names = list(self._parts)
        asked = [_answer(name, asyncio.wrap_future(self._future(name))) for name in names]
        if self._cache is not None:
            names.append("cache")
            asked.append(_answer("cache", self._cache()))
        checks = dict(zip(names, await asyncio.gather(*asked), strict=True))
        return Readiness(
            ready=all(checks[name].up for name in self._needed),
            degraded=not all(check.up for check in checks.values()),
            checks=checks,
        )

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _future(self, name: str) -> Future[None]:
        running = self._asked.get(name)
        if running is None or running.done():
            running = self._asked[name] = self._threads.submit(self._parts[name])
        return running


async def _answer(name: str, answer: Awaitable[None]) -> Check:
    started = time.perf_counter()
    code = None
    try:
        await asyncio.wait_for(answer, _SECONDS)
    except TimeoutError:
        code = "timeout"
    except UserError as error:
        code = error.code
    except Exception as error:  # noqa: BLE001  a probe answers, whatever the part does; the log has the reason
        _log.warning("%s does not answer: %s: %s", name, type(error).__name__, error)
        code = f"{name}_unavailable"
    return Check(code is None, round((time.perf_counter() - started) * 1000, 1), code)
