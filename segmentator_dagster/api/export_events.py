"""An export that is being made -> its states, one after the other, until it has ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from threading import Event

import anyio.to_thread

from segmentator_dagster.domain.errors import Category, UserError
from segmentator_dagster.domain.export import Export, Status

_SECONDS = 0.25


async def states(read: Callable[[], Export], stopping: Event) -> AsyncIterator[Export]:
    """Each state that `read` gives when it is another than before, and four times a second while the export runs.

    The last one is final, unless the server stops before. `read` works in a thread; while it says that the database is
    down, nothing comes.
    """
    last: Export | None = None
    while not stopping.is_set():
        try:
            export = await anyio.to_thread.run_sync(read)
        except UserError as error:
            if error.category is not Category.UNAVAILABLE:
                raise
        else:
            if export != last or export.status is Status.RUNNING:
                yield export
            if export.status.final:
                return
            last = export
        await asyncio.sleep(_SECONDS)
