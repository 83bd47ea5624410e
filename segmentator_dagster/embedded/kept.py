"""Part or step -> its state now: waiting for what it needs, starting, ready, or waiting to be started again."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from textwrap import shorten

from segmentator_dagster.embedded.child import Child
from segmentator_dagster.embedded.parts import Part, Step

FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 10.0
STUBBORN_PAUSE_SECONDS = 30.0
STUBBORN_FAILURES = 5
STUBBORN_WINDOW_SECONDS = 60.0
PROBE_EVERY_SECONDS = 0.1
LONGEST_WORDS = 200


class StepFailedError(Exception):
    """A step ended badly, so nothing that needs it may start; the text is one line."""


@dataclass(slots=True)
class Kept:
    """One part or step under the supervisor's eye. `look` moves it on; what happened goes to `say`, a line each."""

    part: Part | Step
    start: Callable[[Part | Step], Child]
    say: Callable[[str, str], None]
    executor: Executor
    child: Child | None = None
    ready: bool = False
    _probe: Future[bool] | None = None
    _probe_after: float = 0.0
    _pause: float = 0.0
    _start_after: float = 0.0
    _failures: deque[float] = field(default_factory=deque)

    def look(self, needs_met: bool) -> None:
        """Notice an end, a beginning readiness or the time to start."""
        if self.child is None:
            if not self.ready and needs_met and time.monotonic() >= self._start_after:
                self.child = self.start(self.part)
                self._probe = None
            return
        code = self.child.exit_code()
        if isinstance(self.part, Step):
            self._look_at_step(self.child, code)
        elif code is not None:
            self._died(self.child, code)
        elif not self.ready:
            self._ask(self.part, self.child)

    def _look_at_step(self, child: Child, code: int | None) -> None:
        if code is None:
            return
        if code:
            raise StepFailedError(f"{self.part.name} failed ({_how(code)}): {child.last_words()} (see {child.log})")
        self.child = None
        self.ready = True
        self.say(self.part.name, f"done   {child.age_seconds:5.1f} s")

    def _ask(self, part: Part, child: Child) -> None:
        if self._probe is None:
            if time.monotonic() >= self._probe_after:
                self._probe = self.executor.submit(part.ready, child.started)
        elif self._probe.done():
            self.ready = self._probe.result()
            self._probe = None
            self._probe_after = time.monotonic() + PROBE_EVERY_SECONDS
            if self.ready:
                self.say(part.name, f"ready  {child.age_seconds:5.1f} s  {part.address}".rstrip())

    def _died(self, child: Child, code: int) -> None:
        now = time.monotonic()
        self._failures.append(now)
        while now - self._failures[0] > STUBBORN_WINDOW_SECONDS:
            self._failures.popleft()
        if self.ready and len(self._failures) == 1:
            self._pause = 0.0
        self.child, self.ready, self._probe = None, False, None
        stubborn = len(self._failures) >= STUBBORN_FAILURES
        self._pause = min(max(FIRST_PAUSE_SECONDS, 2 * self._pause), LONGEST_PAUSE_SECONDS)
        pause = STUBBORN_PAUSE_SECONDS if stubborn else self._pause
        self._start_after = now + pause
        count = f", {len(self._failures)} times within a minute (see {child.log})" if stubborn else ""
        words = shorten(child.last_words(), LONGEST_WORDS) or "it said nothing"
        self.say(self.part.name, f"ended  {_how(code)}{count}: {words}; starting it again in {pause:.1f} s")


def _how(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
