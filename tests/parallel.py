"""Actions that meet: all started at the same moment, each in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable

from segmentator_dagster.domain.errors import UserError


def in_parallel(*actions: Callable[[], object]) -> list[str]:
    """How each ended: `done`, or the code of its UserError."""
    start, outcomes = threading.Barrier(len(actions)), [""] * len(actions)

    def act(index: int) -> None:
        start.wait()
        try:
            actions[index]()
            outcomes[index] = "done"
        except UserError as error:
            outcomes[index] = error.code

    threads = [threading.Thread(target=act, args=(index,)) for index in range(len(actions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes
