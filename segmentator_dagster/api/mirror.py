"""Segments and export requests -> partitions and runs of Dagster, at once and in the background.

All of it is best effort: a sensor of Dagster brings both sides together whatever is lost here.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

from segmentator_dagster.api.dagster import Dagster, DagsterError
from segmentator_dagster.domain.errors import UserError
from segmentator_dagster.domain.export import ExportRequest
from segmentator_dagster.domain.segment import Segment
from segmentator_dagster.domain.tags import INTERACTIVE, LANE_TAG, REQUEST_TAG
from segmentator_dagster.storage.metadata.exports import Exports

_log = logging.getLogger(__name__)


class DagsterMirror:
    """Each method returns at once; a failure is logged and left to the sensor."""

    def __init__(self, dagster: Dagster, exports: Exports) -> None:
        self._dagster = dagster
        self._exports = exports
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="dagster-mirror")

    def add(self, segment: Segment) -> None:
        self._run(lambda: self._dagster.add_partition(segment.partition_key), f"partition {segment.partition_key}")

    def remove(self, segment: Segment) -> None:
        self._run(lambda: self._dagster.delete_partition(segment.partition_key), f"partition {segment.partition_key}")

    def launch(self, request: ExportRequest) -> None:
        """Start the run of a new request. Never tried twice: a launch that timed out may have started one."""
        self._run(lambda: self._launch(request), f"request {request.id}")

    def terminate(self, request: ExportRequest) -> None:
        self._run(lambda: self._terminate(request), f"request {request.id}")

    def close(self) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _launch(self, request: ExportRequest) -> None:
        key = str(request.segment_id)
        self._dagster.add_partition(key)  # an unknown partition is accepted by the launch and fails the run
        audience = ["segment_audience"] if request.takes_audience else []
        assets = audience + [f"segment_{export.format.value}" for export in request.exports]
        tags = {REQUEST_TAG: request.id, LANE_TAG: INTERACTIVE}
        self._exports.launched(request.id, self._dagster.launch(assets, key, tags))

    def _terminate(self, request: ExportRequest) -> None:
        run_id = request.run_id or request.launched_run_id or self._dagster.run_of_request(request.id)
        if run_id is not None:
            self._dagster.terminate(run_id)

    def _run(self, step: Callable[[], None], subject: str) -> None:
        self._threads.submit(copy_context().run, _logged, step, subject)


def _logged(step: Callable[[], None], subject: str) -> None:
    try:
        step()
    except (DagsterError, UserError) as error:
        _log.warning("%s is left to the sensor: %s", subject, error)
    except Exception:  # noqa: BLE001  a thread of the background has nobody else to tell
        _log.exception("%s is left to the sensor", subject)
