"""Command line -> a process with a log, in a group of its own, that the supervisor can end."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

LARGEST_LOG_BYTES = 10 << 20
TAIL_BYTES = 8192
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class Child:
    """One started process. Its output is appended to its log."""

    def __init__(self, argv: tuple[str, ...], environment: Mapping[str, str], log: Path, lifeline: int) -> None:
        _rotate(log)
        self.log = log
        self.started = time.time()
        self._began = time.monotonic()
        with log.open("ab") as output:
            # A session of its own: Ctrl-C in the terminal reaches the supervisor only, which ends the parts in order.
            self._process = subprocess.Popen(  # noqa: S603  the command lines are ours
                argv,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=(lifeline,),
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def age_seconds(self) -> float:
        return time.monotonic() - self._began

    def exit_code(self) -> int | None:
        """None while it runs; -N where signal N ended it."""
        return self._process.poll()

    def ask_to_end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()

    def end_now(self) -> None:
        """Kill it and whatever it started in its group."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()

    def last_words(self) -> str:
        """The last line of its log that says something."""
        with self.log.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - TAIL_BYTES))
            lines = COLOUR.sub("", file.read().decode("utf-8", "replace")).splitlines()
        return next((line.strip() for line in reversed(lines) if line.strip()), "")


def _rotate(log: Path) -> None:
    if log.exists() and log.stat().st_size > LARGEST_LOG_BYTES:
        log.replace(log.with_name(f"{log.name}.1"))
