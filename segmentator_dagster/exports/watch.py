"""A working attempt <-> its exports: how far it is, four times a second, and whether it is still wanted."""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from contextvars import copy_context
from dataclasses import replace
from types import TracebackType
from typing import Self

from segmentator_dagster.compiler.query import CompiledQuery
from segmentator_dagster.domain.errors import InternalError, UserError
from segmentator_dagster.domain.export import Progress
from segmentator_dagster.exports.problems import ExportCancelledError
from segmentator_dagster.storage.clickhouse import QUERY_CANCELLED, ClickHouse
from segmentator_dagster.storage.metadata.attempts import Attempts

_SECONDS = 0.25
_log = logging.getLogger(__name__)

_FIGURES = (
    "SELECT sum(read_rows), sum(total_rows_approx) FROM system.processes "
    "WHERE startsWith(query_id, {prefix:String}) AND is_initial_query"
)
_KILL = "KILL QUERY WHERE startsWith(query_id, {prefix:String}) ASYNC"


class Watch:
    """For the time of a `with` block, in which queries get their ids from `query_id`.

    `figures` gives rows, all rows and bytes as the block knows them; while it gives no rows, what ClickHouse has read
    is said instead. When none of the exports belongs to the attempt any more (cancelled, or taken over), the queries
    are killed, `check` raises and so does the end of the block: ExportCancelledError. An exception kills them too.
    """

    def __init__(
        self,
        attempts: Attempts,
        clickhouse: ClickHouse,
        export_ids: Sequence[str],
        attempt: int,
        figures: Callable[[], Progress],
    ) -> None:
        self._attempts = attempts
        self._clickhouse = clickhouse
        self._export_ids = export_ids
        self._attempt = attempt
        self._figures = figures
        self._prefix = f"{export_ids[0]}-{attempt}-{uuid.uuid4().hex[:8]}-"
        self._ended = threading.Event()
        self._unwanted = threading.Event()
        self._thread = threading.Thread(
            target=copy_context().run, args=(self._watch,), name=f"watch-{export_ids[0]}", daemon=True
        )

    def query_id(self) -> str:
        """A new id of a query that belongs to the block."""
        return self._prefix + uuid.uuid4().hex[:8]

    def check(self) -> None:
        """ExportCancelledError where the work is no longer wanted."""
        if self._unwanted.is_set():
            raise ExportCancelledError("the export was cancelled, or another attempt has it")

    def __enter__(self) -> Self:
        self._say()
        self.check()
        self._thread.start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        if error is not None:  # whatever ended the block, also an interrupted run: a statement outlives its client
            with suppress(UserError, InternalError):
                self._kill()
        if isinstance(error, UserError) and error.code == QUERY_CANCELLED.code:
            self.check()

    def _watch(self) -> None:
        while not self._ended.wait(_SECONDS):
            try:
                self._say()
                if self._unwanted.is_set():
                    self._kill()
            except Exception:  # noqa: BLE001  the database decides in the end; a missed figure is no failure
                _log.warning("progress of %s was not written", self._export_ids, exc_info=True)

    def _kill(self) -> None:
        self._clickhouse.execute(CompiledQuery(_KILL, {"prefix": self._prefix}))

    def _say(self) -> None:
        progress = self._figures()
        if not progress.rows:
            read, total = self._clickhouse.rows(CompiledQuery(_FIGURES, {"prefix": self._prefix}))[0]
            progress = replace(progress, read_rows=int(read), total_read_rows=int(total) or None)
        wanted = [self._attempts.advance(one, self._attempt, progress) for one in self._export_ids]
        if not any(wanted):
            self._unwanted.set()
