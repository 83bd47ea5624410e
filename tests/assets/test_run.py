"""What a log entry says while a run works."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import cast

import dagster as dg
import pytest
from structlog.contextvars import get_contextvars

from segmentator_dagster.assets.run import request_of
from segmentator_dagster.domain.export import ExportRequest, Format, Trigger
from segmentator_dagster.domain.export_options import ExportOptions
from segmentator_dagster.exports.exporter import Exporter, Run
from segmentator_dagster.exports.problems import DuplicateRunError

RUN = Run("run-1", None, False, None, 17, (Format.CSV,), True)
REQUEST = ExportRequest(
    "request-1",
    17,
    1,
    Trigger.API,
    1,
    datetime(2026, 1, 1, tzinfo=UTC),
    "run-1",
    None,
    None,
    ExportOptions(),
    None,
    (),
)


class Beginning:
    """As much of an exporter as there is to a request without exports."""

    def begin(self, _: Run) -> ExportRequest:
        return REQUEST


@pytest.mark.parametrize("error", [None, DuplicateRunError()])
def test_log_entries_of_a_run_name_it_its_request_and_segment_and_later_ones_do_not(error: Exception | None) -> None:
    exporter = cast("Exporter", Beginning())
    known = None
    try:
        with request_of(dg.build_asset_context(), exporter, RUN):
            known = get_contextvars()
            if error is not None:
                raise error
    except dg.Failure:
        assert error is not None
    assert known == {"run_id": "run-1", "request_id": "request-1", "segment_id": 17}
    assert get_contextvars() == {}
