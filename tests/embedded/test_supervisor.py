"""The supervisor as a process of its own, with Dagster's real processes under it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from dagster import DagsterInstance

from segmentator_dagster.workers.preload import definitions_pointer

SAMPLES = Path(__file__).parent.parent / "workers"
UP = """
import sys
from segmentator_dagster.embedded.parts import Step, tethered
from segmentator_dagster.embedded.stack import dagster_parts
from segmentator_dagster.embedded.supervisor import run
from segmentator_dagster.settings import Settings

def stack(settings, home):
    return (Step("platform", tethered("platform")), *dagster_parts(settings, home, "sample_definitions", ("platform",)))

sys.exit(run(Settings.given(), stack=stack))
"""
UP_BROKEN = """
import sys
from segmentator_dagster.embedded.parts import Part, untethered
from segmentator_dagster.embedded.supervisor import run
from segmentator_dagster.settings import Settings

def stack(settings, home):
    return (Part("broken", untethered("no_such_part"), ready=lambda since: False),)

sys.exit(run(Settings.given(), stack=stack))
"""
LAUNCH = """mutation($e: ExecutionParams!) {launchRun(executionParams: $e) {__typename
  ... on LaunchRunSuccess {run {runId}} ... on PythonError {message}}}"""
RUNS = "query($f: RunsFilter) {runsOrError(filter: $f) {... on Runs {results {runId status parentRunId}}}}"


def eventually(condition: Callable[[], Any], seconds: float, what: str) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.02)
    raise TimeoutError(f"not within {seconds} s: {what}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def processes() -> dict[int, tuple[int, str]]:
    """Process id -> its parent's id and its command, of everything that runs here."""
    argv = ["ps", "-A", "-ww", "-o", "pid=,ppid=,stat=,command="]
    rows = [
        line.split(None, 3)
        for line in subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines()
    ]
    return {int(row[0]): (int(row[1]), row[3]) for row in rows if len(row) == 4 and not row[2].startswith("Z")}


@dataclass
class Up:
    """`up` on a data folder: its process and what it said."""

    data_dir: Path
    port: int
    process: subprocess.Popen[bytes]

    @classmethod
    def start(cls, data_dir: Path, port: int) -> Up:
        variables = {
            **os.environ,
            "PYTHONPATH": str(SAMPLES),
            "SEGMENTATOR_DATA_DIR": str(data_dir),
            "SEGMENTATOR_DAGSTER_PORT": str(port),
        }
        with data_dir.with_suffix(".said").open("wb") as said:
            process = subprocess.Popen(
                [sys.executable, "-c", UP], env=variables, stdout=said, stderr=said, start_new_session=True
            )
        return cls(data_dir, port, process)

    def said(self) -> str:
        return self.data_dir.with_suffix(".said").read_text()

    def says(self, text: str, seconds: float = 20.0) -> None:
        with contextlib.suppress(TimeoutError):
            return eventually(lambda: text in self.said(), seconds, text)
        pytest.fail(f"not within {seconds} s: {text!r} in:\n{self.said()}")

    def descendants(self) -> dict[int, str]:
        table = processes()
        found: dict[int, str] = {}
        layer = {self.process.pid}
        while layer:
            layer = {pid for pid, (parent, _) in table.items() if parent in layer}
            found |= {pid: table[pid][1] for pid in layer}
        return found

    def pid_of(self, module: str) -> int:
        return next(pid for pid, command in self.descendants().items() if module in command)

    def graphql(self, query: str, **variables: Any) -> Mapping[str, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        body = json.dumps({"query": query, "variables": variables})
        with contextlib.closing(connection):
            connection.request("POST", "/dagster/graphql", body, {"Content-Type": "application/json"})
            return json.loads(connection.getresponse().read())["data"]

    def launch(self, asset: str, lane: str, config: Mapping[str, Any] | None = None) -> str:
        execution = {
            "selector": {
                "repositoryName": "__repository__",
                "repositoryLocationName": "segmentator",
                "jobName": "__ASSET_JOB",
                "assetSelection": [{"path": [asset]}],
            },
            "runConfigData": {"ops": {asset: {"config": config}}} if config else {},
            "executionMetadata": {"tags": [{"key": "segmentator/lane", "value": lane}]},
        }
        launched = self.graphql(LAUNCH, e=execution)["launchRun"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        return launched["run"]["runId"]

    def runs(self, **chosen: Any) -> list[Mapping[str, Any]]:
        return self.graphql(RUNS, f=chosen)["runsOrError"]["results"]

    def ends(self, run_id: str, seconds: float = 15.0) -> str:
        def ended() -> str | None:
            (run,) = self.runs(runIds=[run_id])
            return run["status"] if run["status"] in {"SUCCESS", "FAILURE", "CANCELED"} else None

        return eventually(ended, seconds, f"the end of run {run_id}")


@pytest.fixture(scope="module")
def short_path() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="sg-"))
    yield folder
    shutil.rmtree(folder)


@contextlib.contextmanager
def running(data_dir: Path) -> Iterator[Up]:
    up = Up.start(data_dir, free_port())
    try:
        up.says("ready in", 40.0)
        yield up
    finally:
        up.process.terminate()
        up.process.wait(15)


@pytest.fixture(scope="module")
def up(short_path: Path) -> Iterator[Up]:
    with running(short_path / "data") as started:
        yield started


def test_each_part_says_when_it_is_ready_and_the_addresses_follow(up: Up) -> None:
    lines = up.said().splitlines()
    for name in ("platform", "worker pool", "code server", "dagster web", "dagster daemon"):
        assert any(
            line.startswith(name) and line.rstrip()[len(name) :].split()[0] in {"ready", "done"} for line in lines
        )
    assert lines[-1].split()[:3] == ["dagster", "web", f"http://127.0.0.1:{up.port}/dagster"]


@pytest.mark.parametrize("lane", ["interactive", "batch"])
def test_run_launched_over_graphql_succeeds_in_either_lane(up: Up, tmp_path: Path, lane: str) -> None:
    run_id = up.launch("stays", lane, {"seconds": 0.0, "started": str(tmp_path / "started")})
    assert up.ends(run_id) == "SUCCESS"


def test_run_names_its_definitions_as_the_pool_has_loaded_them(
    up: Up, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = up.launch("fails", "interactive")
    assert up.ends(run_id) == "FAILURE"
    monkeypatch.setenv("DAGSTER_HOME", str(up.data_dir / "dagster"))
    with DagsterInstance.get() as instance:
        run = instance.get_run_by_id(run_id)
    assert run.job_code_origin.repository_origin.code_pointer == definitions_pointer("sample_definitions")


def test_run_whose_worker_is_killed_fails_and_its_retry_succeeds(up: Up, tmp_path: Path) -> None:
    run_id = up.launch("dies_once", "interactive", {"marker": str(tmp_path / "marker")})
    assert up.ends(run_id) == "FAILURE"
    retry = eventually(
        lambda: next((run for run in up.runs() if run["parentRunId"] == run_id), None), 15, "a retry of the lost run"
    )
    assert up.ends(retry["runId"]) == "SUCCESS"


def test_killed_pool_is_restarted_and_the_run_in_progress_succeeds(up: Up, tmp_path: Path) -> None:
    started = tmp_path / "started"
    run_id = up.launch("stays", "interactive", {"seconds": 4.0, "started": str(started)})
    eventually(started.exists, 5, "the run's start")
    os.kill(up.pid_of("workers.pool"), signal.SIGKILL)
    up.says("worker pool    ended  signal 9")
    eventually(lambda: up.said().count("worker pool    ready") == 2, 10, "the pool's return")
    assert up.ends(run_id) == "SUCCESS"
    again = up.launch("stays", "interactive", {"seconds": 0.0, "started": str(started)})
    assert up.ends(again) == "SUCCESS"


def test_killed_web_server_is_restarted_on_its_port(up: Up) -> None:
    os.kill(up.pid_of("dagster_webserver"), signal.SIGKILL)
    up.says("dagster web    ended  signal 9")
    eventually(lambda: up.said().count("dagster web    ready") == 2, 15, "the web server's return")
    assert up.graphql("{version}")["version"]


def test_second_start_on_the_same_data_folder_is_refused_in_one_line(up: Up) -> None:
    second = subprocess.run(
        [sys.executable, "-c", UP],
        env={**os.environ, "SEGMENTATOR_DATA_DIR": str(up.data_dir), "SEGMENTATOR_DAGSTER_PORT": str(free_port())},
        capture_output=True,
        text=True,
        check=False,
    )
    assert second.returncode == 1
    assert second.stdout.splitlines() == [
        f"{up.data_dir.resolve()} is in use: Segmentator runs there already (process {up.process.pid}); "
        "stop it, or choose another folder with SEGMENTATOR_DATA_DIR"
    ]
    assert second.stderr == ""


def test_taken_port_is_named_with_its_part_and_setting_and_nothing_starts(up: Up, tmp_path: Path) -> None:
    refused = subprocess.run(
        [sys.executable, "-c", UP],
        env={
            **os.environ,
            "SEGMENTATOR_DATA_DIR": str(tmp_path / "other"),
            "SEGMENTATOR_DAGSTER_PORT": str(up.port),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert refused.returncode == 1
    assert refused.stdout.splitlines() == [
        f"port {up.port} is taken: dagster web cannot listen there; choose another with SEGMENTATOR_DAGSTER_PORT"
    ]
    assert refused.stderr == ""
    assert not (tmp_path / "other" / "logs").exists()


def test_no_secret_stands_in_a_command_line_or_in_dagsters_files(up: Up) -> None:
    passwords = json.loads((up.data_dir / "secrets.json").read_text()).values()
    texts = [*up.descendants().values(), *(path.read_text() for path in (up.data_dir / "dagster").glob("*.yaml"))]
    assert len(texts) > 6
    assert not [text for text in texts for password in passwords if password in text]


def test_terminated_supervisor_leaves_no_process_and_exits_0_within_10_seconds(up: Up, tmp_path: Path) -> None:
    started = tmp_path / "started"
    up.launch("stays", "interactive", {"seconds": 60.0, "started": str(started)})
    eventually(started.exists, 5, "the run's start")
    before = up.descendants()
    assert len(before) >= 7
    up.process.send_signal(signal.SIGTERM)
    assert up.process.wait(10) == 0
    assert not before.keys() & processes().keys()
    assert up.said().splitlines()[-1].startswith("stopped in ")


def test_second_start_keeps_the_data_and_a_killed_supervisor_leaves_no_process(up: Up, tmp_path: Path) -> None:
    assert up.process.poll() is not None
    with running(up.data_dir) as again:
        assert again.runs(statuses=["SUCCESS"])
        again.launch("stays", "interactive", {"seconds": 60.0, "started": str(tmp_path / "started")})
        eventually((tmp_path / "started").exists, 5, "the run's start")
        before = again.descendants()
        assert len(before) >= 7
        again.process.kill()
        eventually(lambda: not before.keys() & processes().keys(), 5, f"the end of {before}")


def test_part_that_cannot_start_is_reported_with_its_last_words_and_tried_again(short_path: Path) -> None:
    data_dir = short_path / "broken"
    variables = {**os.environ, "SEGMENTATOR_DATA_DIR": str(data_dir)}
    with data_dir.with_suffix(".said").open("wb") as said:
        process = subprocess.Popen([sys.executable, "-c", UP_BROKEN], env=variables, stdout=said, stderr=said)
    up = Up(data_dir, 0, process)
    try:
        up.says("5 times within a minute")
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
    lines = up.said().splitlines()
    words = f"{sys.executable}: No module named no_such_part"
    for line, pause in zip(lines, ("0.2", "0.4", "0.8", "1.6"), strict=False):
        assert line == f"broken         ended  exit code 1: {words}; starting it again in {pause} s"
    log = data_dir.resolve() / "logs" / "broken.out.log"
    assert f"5 times within a minute (see {log}): {words}; starting it again in 30.0 s" in lines[4]


def test_failed_step_ends_the_start_with_its_last_words(short_path: Path) -> None:
    failing = UP.replace('tethered("platform")', 'tethered("no_such_step")')
    ended = subprocess.run(
        [sys.executable, "-c", failing],
        env={
            **os.environ,
            "PYTHONPATH": str(SAMPLES),
            "SEGMENTATOR_DATA_DIR": str(short_path / "failing"),
            "SEGMENTATOR_DAGSTER_PORT": str(free_port()),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )
    assert ended.returncode == 1
    assert "platform failed (exit code 1): " in ended.stdout
    assert "No module named no_such_step" in ended.stdout
