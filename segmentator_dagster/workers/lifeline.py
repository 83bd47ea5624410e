"""Lifeline -> this process ends when its keeper does.

The keeper alone holds the writing end of a pipe and never writes; its children hold the reading end. However the
keeper ends, kill -9 included, the kernel closes the pipe and every reader wakes at once. This works alike on Linux and
macOS, needs no polling and cannot mistake a reused process id for the keeper.
"""

from __future__ import annotations

import os
import signal
import threading
import time

VARIABLE = "SEGMENTATOR_LIFELINE"
GRACE_SECONDS = 1.5


def take() -> int | None:
    """The reading end that the keeper gave to this process, or None where nobody keeps it.

    The variable is removed and the end is not passed on: a grandchild would take a foreign descriptor for it.
    """
    given = os.environ.pop(VARIABLE, None)
    if given is None:
        return None
    end = int(given)
    os.set_inheritable(end, False)
    return end


def end_with_keeper(end: int) -> None:
    """Watch from a thread: when the keeper is gone, ask this process to end, then end it. Not before a fork."""
    threading.Thread(target=_watch, args=(end,), name="lifeline", daemon=True).start()


def _watch(end: int) -> None:
    os.read(end, 1)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)
