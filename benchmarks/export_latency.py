"""From POST to a published CSV of 10 000 users: warm workers beside Dagster's default launcher and executor.

Both in one run, on one machine, with the same ClickHouse, metadata and objects. Prints medians, both
breakdowns and the ratio. Usage: python -m benchmarks.export_latency [repetitions]
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import httpx

from tests.acceptance.stack import ROOT, Json, Stack
from tests.servers.child import free_port

USERS = 10_000
EVERYONE = {"kind": "everyone"}
EVENTS = """query($id:ID!){logsForRun(runId:$id){... on EventConnection{events{__typename
  ... on MessageEvent{timestamp eventType stepKey}}}} runOrError(runId:$id){... on Run{creationTime}}}"""


def main() -> None:
    repetitions = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(Path(folder) / "data", {"SEGMENTATOR_DEMO_USERS": str(USERS)})
        stack.start()
        try:
            segment = stack.create("everyone", EVERYONE)["id"]
            assert stack.call("POST", "/rules/count", json={"rule": EVERYONE})["count"] == USERS
            time.sleep(5)  # what starting left to do is done
            warm, phases = measured(stack, segment, repetitions)
            with default_dagster(stack, Path(folder) / "default") as default:
                cold, cold_phases = measured(default, segment, max(3, repetitions // 2))
        finally:
            stack.stop()
    print(f"\nPOST -> published CSV of {USERS} users, seconds, median of {repetitions} [min..max]")
    print(f"  warm workers, in-process executor    {summary(warm)}")
    print(f"  default launcher, default executor   {summary(cold)}")
    print(f"  ratio                                {statistics.median(cold) / statistics.median(warm):.1f}")
    print("\nmilliseconds since the POST was sent, medians            warm  default")
    for name, values in phases.items():
        row = [statistics.median(v) * 1000 for v in (values, cold_phases[name])]
        print(f"  {name:<50} {row[0]:6.0f} {row[1]:8.0f}")


def measured(stack: Stack, segment: int, repetitions: int) -> tuple[list[float], dict[str, list[float]]]:
    """Seconds of each export, after two that do not count; and when each phase was over."""
    totals: list[float] = []
    phases: dict[str, list[float]] = {}
    for number in range(repetitions + 2):
        began = time.time()
        export = stack.export(segment, "csv")[0]["id"]
        answered = time.time()
        while (now := stack.call("GET", f"/exports/{export}"))["status"] in ("requested", "running"):
            time.sleep(0.01)
        seen = time.time()
        assert now["rows"] == USERS, now
        if number >= 2:
            totals.append(moment(now["finished_at"]) - began)
            for name, at in {
                "POST answered": answered,
                **run_phases(stack, now),
                "seen by the client": seen,
            }.items():
                phases.setdefault(name, []).append(at - began)
        time.sleep(1)
    return totals, phases


def run_phases(stack: Stack, export: Json) -> dict[str, float]:
    answer = stack.dagster(EVENTS, id=export["run_id"])
    events = {
        (e.get("eventType"), e.get("stepKey")): float(e["timestamp"]) / 1000 for e in answer["logsForRun"]["events"]
    }
    return {
        "run created in Dagster": answer["runOrError"]["creationTime"],
        "a worker began": events["RUN_START", None],
        "audience step began": events["STEP_START", "segment_audience"],
        "snapshot taken": events["STEP_SUCCESS", "segment_audience"],
        "file step began": events["STEP_START", f"segment_{export['format']}"],
        "published": moment(export["finished_at"]),
    }


@contextmanager
def default_dagster(stack: Stack, home: Path) -> Iterator[Stack]:
    """A second API on the same data, whose Dagster has no launcher, coordinator or executor of ours."""
    home.mkdir()
    (home / "dagster.yaml").write_text(
        "telemetry: {enabled: false}\n"
        "run_coordinator: {module: dagster._core.run_coordinator, class: DefaultRunCoordinator}\n"  # no queue's wait
    )
    (home / "workspace.yaml").write_text(
        "load_from:\n  - python_module: {module_name: benchmarks.default_definitions, location_name: segmentator}\n"
    )
    beside = Stack(stack.data_dir, stack.variables, free_port(), free_port(), stack.clickhouse_port)
    environment = beside.environment | {"DAGSTER_HOME": str(home), "PYTHONPATH": str(ROOT)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    web = [
        "-m",
        "dagster_webserver",
        "-h",
        "127.0.0.1",
        "-p",
        str(beside.dagster_port),
        "--path-prefix",
        "/dagster",
        "-w",
        str(home / "workspace.yaml"),
    ]
    commands = [web, ["-m", "segmentator_dagster.cli", "api"]]
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123
        children = [
            subprocess.Popen([sys.executable, *command], env=environment, stdout=nowhere, stderr=nowhere, cwd=ROOT)
            for command in commands
        ]
        try:
            deadline = time.monotonic() + 60
            while not answers(beside):
                assert time.monotonic() < deadline, "the default Dagster did not start"
                time.sleep(0.5)
            yield beside
        finally:
            for child in children:
                child.terminate()
            for child in children:
                child.wait(20)


def answers(stack: Stack) -> bool:
    query = """query{repositoryOrError(repositorySelector:{
      repositoryName:"__repository__",repositoryLocationName:"segmentator"}){__typename}}"""
    try:
        return (
            stack.dagster(query)["repositoryOrError"]["__typename"] == "Repository"
            and stack.call("GET", "/ready") != {}
        )
    except (httpx.HTTPError, AssertionError):
        return False


def moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def summary(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} [{min(values):.2f}..{max(values):.2f}]"


if __name__ == "__main__":
    main()
