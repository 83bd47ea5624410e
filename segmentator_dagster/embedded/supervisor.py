"""Settings -> every part of the installation running, in the foreground, until Ctrl-C."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from segmentator_dagster.embedded.child import Child
from segmentator_dagster.embedded.environment import children_environment
from segmentator_dagster.embedded.instance import (
    DagsterHome,
    UnsafeFolderError,
    create_schema,
    environment,
    write_home,
)
from segmentator_dagster.embedded.kept import Kept, StepFailedError
from segmentator_dagster.embedded.parts import Part, Step
from segmentator_dagster.embedded.ports import OccupiedError, data_folder_held, refuse_taken_ports
from segmentator_dagster.embedded.stack import whole_stack
from segmentator_dagster.settings import EmbeddedSecrets, Settings
from segmentator_dagster.workers import lifeline

LOOK_EVERY_SECONDS = 0.05
NAME_WIDTH = 14
STEP_STOP_SECONDS = 1.0

Say = Callable[[str], None]
Stack = Callable[[Settings, DagsterHome], Sequence[Part | Step]]


def say_line(text: str) -> None:
    """One line on standard output, at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def run(given: Settings, *, stack: Stack = whole_stack, say: Say = say_line) -> int:
    """Start everything, keep it running, end it at SIGINT, SIGTERM or SIGHUP; the exit code for the shell.

    `given` is what the environment says (`Settings.given()`): an address that is unset there means the embedded part.
    1 where the data folder or a port is taken, with one line that says so and nothing started, and where a step failed.
    """
    data_dir = given.data_dir.resolve()
    try:
        with data_folder_held(data_dir):
            EmbeddedSecrets.read_or_create(data_dir)
            home = write_home(given)
            parts = stack(given, home)
            refuse_taken_ports([part for part in parts if isinstance(part, Part)])
            create_schema(given)
            variables = children_environment(given, environment(given, home))
            with _lifeline() as end:
                return Supervisor(parts, variables | {lifeline.VARIABLE: str(end)}, end, data_dir / "logs", say).keep()
    except (OccupiedError, UnsafeFolderError) as error:
        say(str(error))
        return 1


class Supervisor:
    """Keeps these parts running. Parts start when what they need is ready, and end in the opposite order."""

    def __init__(
        self, parts: Sequence[Part | Step], variables: Mapping[str, str], end: int, logs: Path, say: Say
    ) -> None:
        logs.mkdir(parents=True, exist_ok=True)
        self._variables = variables
        self._end = end
        self._logs = logs
        self._say = say
        self._signals = 0
        self._executor = ThreadPoolExecutor(max_workers=len(parts), thread_name_prefix="probe")
        self._kept = {part.name: Kept(part, self._start, self._tell, self._executor) for part in parts}

    def keep(self) -> int:
        began = time.monotonic()
        with _signals_counted(self._count_signal):
            code = self._keep(began)
            self._stop()
        self._executor.shutdown(wait=False, cancel_futures=True)
        return code

    def _keep(self, began: float) -> int:
        announced = False
        try:
            while not self._signals:
                for kept in self._kept.values():
                    kept.look(all(self._kept[need].ready for need in kept.part.needs))
                if not announced and all(kept.ready for kept in self._kept.values()):
                    announced = True
                    self._announce(time.monotonic() - began)
                time.sleep(LOOK_EVERY_SECONDS)
        except StepFailedError as error:
            self._say(str(error))
            return 1
        return 0

    def _announce(self, seconds: float) -> None:
        self._say(f"ready in {seconds:.1f} s; Ctrl-C stops everything")
        for kept in self._kept.values():
            if isinstance(kept.part, Part) and kept.part.port:
                self._tell(kept.part.name, kept.part.address)

    def _start(self, part: Part | Step) -> Child:
        log = self._logs / f"{part.name.replace(' ', '-')}.out.log"
        unset = part.unset if isinstance(part, Part) else ()
        variables = {name: value for name, value in self._variables.items() if name not in unset}
        return Child(part.argv, variables, log, self._end)

    def _tell(self, name: str, what: str) -> None:
        self._say(f"{name:<{NAME_WIDTH}} {what}")

    def _count_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._signals += 1

    def _stop(self) -> None:
        """End what nothing that runs needs any more, all of it at once, until nothing runs."""
        began = time.monotonic()
        self._say("stopping")
        running = {name: kept.child for name, kept in self._kept.items() if kept.child}
        while running:
            needed = {need for name in running for need in self._needed_by(name)}
            self._end_all({name: child for name, child in running.items() if name not in needed})
            running = {name: child for name, child in running.items() if name in needed}
        self._say(f"stopped in {time.monotonic() - began:.1f} s")

    def _needed_by(self, name: str) -> set[str]:
        """What it needs, directly or through a step."""
        needs = set(self._kept[name].part.needs)
        return needs.union(*(self._needed_by(need) for need in needs))

    def _end_all(self, children: Mapping[str, Child]) -> None:
        for child in reversed(list(children.values())):
            child.ask_to_end()
        began = time.monotonic()
        waiting = dict(children)
        while waiting:
            waiting = {name: child for name, child in waiting.items() if child.exit_code() is None}
            for name, child in waiting.items():
                part = self._kept[name].part
                patience = part.stop_seconds if isinstance(part, Part) else STEP_STOP_SECONDS
                if self._signals > 1 or time.monotonic() - began > patience:
                    self._tell(name, "killed: it did not end in time")
                    child.end_now()
            time.sleep(LOOK_EVERY_SECONDS)


@contextmanager
def _lifeline() -> Iterator[int]:
    """The end to give to children; it closes for all of them when this process ends, however it ends."""
    reading, writing = os.pipe()
    try:
        yield reading
    finally:
        os.close(writing)
        os.close(reading)


@contextmanager
def _signals_counted(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)
