"""What our log and Dagster's say while a run works, and when it fails."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import dagster as dg
import pytest
from structlog.contextvars import get_contextvars

from segmentator_dagster.assets.run import request_of
from segmentator_dagster.domain.export import ExportRequest, Format, Trigger
from segmentator_dagster.domain.export_options import ExportOptions
from segmentator_dagster.exports.exporter import Exporter, Run
from segmentator_dagster.exports.problems import DuplicateRunError
from segmentator_dagster.scrubbing import Scrubber

ROOT = Path(__file__).parents[2]

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
def test_log_entries_of_a_step_name_its_request_and_segment_and_later_ones_do_not(error: Exception | None) -> None:
    exporter = cast("Exporter", Beginning())
    known = None
    try:
        with request_of(dg.build_asset_context(), exporter, RUN, Scrubber()):
            known = get_contextvars()
            if error is not None:
                raise error
    except dg.Failure:
        assert error is not None
    assert known == {"request_id": "request-1", "segment_id": 17}
    assert get_contextvars() == {}


SECRET = "correct-horse-battery"
# The assets as they are, in an instance in memory; what they work with fails.
FAILING_RUNS = """
import json
from types import SimpleNamespace
import dagster as dg
from dagster._serdes import serialize_value
from segmentator_dagster.definitions import defs
from segmentator_dagster.domain.errors import InternalError
from segmentator_dagster.exports.problems import DATASET_MISSING, ExportCancelledError
from tests.assets.test_run import REQUEST, SECRET

def fail(error):
    def failing(*_):
        try:
            raise OSError(f"http://writer:{SECRET}@clickhouse refused it")
        except OSError as cause:
            raise error from cause
    return failing

def events(asset, **resources):
    instance = dg.DagsterInstance.ephemeral()
    instance.add_dynamic_partitions(asset.partitions_def.name, ["17"])
    given = {**defs.resources, **resources}
    run = dg.materialize([asset], partition_key="17", instance=instance, resources=given, raise_on_error=False)
    assert not run.success
    return [serialize_value(entry) for entry in instance.all_logs(run.run_id)]

stored = []
assets = {asset.key.to_user_string(): asset for asset in defs.assets}
text = f"the server said {SECRET}"
for error in (InternalError(text), KeyError(text), ExportCancelledError(text), DATASET_MISSING.error(name=text)):
    begun = {"begin": lambda _: REQUEST, "fail": lambda *_: None}
    failing = SimpleNamespace(**begun, take_audience=fail(error), write_file=fail(error))
    for name in ("segment_audience", "segment_csv"):
        stored += events(assets[name], exporter=failing)
stored += events(assets["dataset"], profiler=SimpleNamespace(profile=fail(InternalError(text))))
print(json.dumps(stored))
"""


def test_dagster_stores_no_secret_of_an_exception_and_our_log_has_the_rest_of_it(tmp_path: Path) -> None:
    variables = {
        "SEGMENTATOR_DATA_DIR": str(tmp_path),
        "SEGMENTATOR_CLICKHOUSE_URL": f"http://writer:{SECRET}@127.0.0.1:1",
        "SEGMENTATOR_LOG_FORMAT": "json",
    }
    done = subprocess.run(
        [sys.executable, "-c", FAILING_RUNS], check=False, capture_output=True, text=True, env=variables, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    stored: list[str] = json.loads(done.stdout)
    failures = [entry for entry in stored if _type_of(entry) == "STEP_FAILURE"]
    assert len(failures) == 9
    assert not [entry for entry in stored if SECRET in entry]
    assert len([entry for entry in failures if "the server said ***" in entry]) == 4, "what a person may be told"
    assert SECRET not in done.stderr
    logged = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    traces = [line["exception"] for line in logged if line["logger"] == "dagster.redacted_errors"]
    assert len(traces) == 9
    assert all("OSError: http://writer:***@clickhouse refused it" in trace for trace in traces)


def _type_of(entry: str) -> str | None:
    event = json.loads(entry)["dagster_event"]
    return event["event_type_value"] if event else None
