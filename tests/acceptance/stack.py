"""A whole installation in processes of its own, started and stopped as a person would."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from segmentator_dagster.settings import FIRST_ADMINISTRATOR, Settings
from segmentator_dagster.storage.clickhouse import ClickHouse
from segmentator_dagster.storage.connections import admin_of
from tests.servers.child import free_port
from tests.servers.yandex_id import consent

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0

Json = dict[str, Any]


@dataclass
class Stack:
    """`segmentator up` on free ports with a data folder of its own."""

    data_dir: Path
    variables: Mapping[str, str]
    api_port: int = field(default_factory=free_port)
    dagster_port: int = field(default_factory=free_port)
    clickhouse_port: int = field(default_factory=free_port)
    yandex_id_port: int = field(default_factory=free_port)
    process: subprocess.Popen[str] | None = None

    def __post_init__(self) -> None:
        self.output = self.data_dir.parent / f"{self.data_dir.name}.out"
        self.http = httpx.Client(
            base_url=f"http://127.0.0.1:{self.api_port}/api/v1", timeout=30, headers={"Accept-Language": "en"}
        )

    @property
    def environment(self) -> dict[str, str]:
        own = {name: value for name, value in os.environ.items() if not name.startswith(("SEGMENTATOR_", "DAGSTER_"))}
        return own | {
            "SEGMENTATOR_DATA_DIR": str(self.data_dir),
            "SEGMENTATOR_API_PORT": str(self.api_port),
            "SEGMENTATOR_DAGSTER_PORT": str(self.dagster_port),
            "SEGMENTATOR_CLICKHOUSE_PORT": str(self.clickhouse_port),
            "SEGMENTATOR_YANDEX_ID_PORT": str(self.yandex_id_port),
            "SEGMENTATOR_RATE_LIMITS": "false",
            "SEGMENTATOR_DEMO_USERS": "3000",
            **self.variables,
        }

    def start(self, patience: float = 120) -> None:
        with self.output.open("w") as output:
            command = [sys.executable, "-m", "segmentator_dagster.cli", "up"]
            self.process = subprocess.Popen(
                command, env=self.environment, stdout=output, stderr=subprocess.STDOUT, text=True, cwd=ROOT
            )
        self.wait(lambda: "ready in" in self.output.read_text() or self.process.poll() is not None, patience)
        assert self.process.poll() is None, self.said()
        if "Authorization" not in self.http.headers:
            self.http.headers["Authorization"] = f"Bearer {self.token_of(FIRST_ADMINISTRATOR)}"

    def browser(self, login: str) -> httpx.Client:
        """Somebody's browser after signing in by Yandex ID's pages; to be closed."""
        site = f"http://127.0.0.1:{self.api_port}"
        browser = httpx.Client(base_url=site, timeout=30, headers={"Origin": site, "Accept-Language": "en"})
        begun = browser.get("/auth/login")
        back = consent(browser, begun.headers["location"], login)
        finished = browser.get(back)
        assert finished.status_code == 303, finished.text
        return browser

    def token_of(self, login: str, *scopes: str) -> str:
        """A new token of somebody who signs in for it; of all scopes unless some are given."""
        with closing(self.browser(login)) as browser:
            wanted = {"name": "tests", "scopes": list(scopes or ("read", "edit", "export", "admin")), "days": 1}
            made = browser.post("/api/v1/me/tokens", json=wanted)
        assert made.status_code == 201, made.text
        token: str = made.json()["token"]
        return token

    def stop(self) -> None:
        """Ctrl-C, and every process it started is gone."""
        if self.process is None:
            return
        children = self.processes()
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(60) == 0, self.said()
        self.wait(lambda: not [pid for pid in children if alive(pid)], 10)
        self.process = None

    def said(self) -> str:
        return self.output.read_text()

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `segmentator …` beside the stack."""
        command = [sys.executable, "-m", "segmentator_dagster.cli", *arguments]
        return subprocess.run(
            command, check=False, env=self.environment, capture_output=True, text=True, timeout=300, cwd=ROOT
        )

    @contextmanager
    def clickhouse(self) -> Iterator[ClickHouse]:
        """The installation's ClickHouse, for what others do to its tables."""
        prefix = "SEGMENTATOR_"
        own = {name.removeprefix(prefix).lower(): value for name, value in self.environment.items() if prefix in name}
        client = admin_of(Settings.load(**own))
        try:
            yield client
        finally:
            client.close()

    def wait(self, condition: Callable[[], Any], seconds: float = PATIENCE) -> Any:
        """The first true value of the condition; an AssertionError with what the stack said after too long."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if value := condition():
                return value
            time.sleep(0.05)
        raise AssertionError(f"not within {seconds} s; the stack said:\n{self.said()}")

    def processes(self, words: str = "") -> dict[int, str]:
        """Everything the supervisor started, directly or not, whose command line contains `words`."""
        listing = subprocess.run(
            ["ps", "-ww", "-eo", "pid=,ppid=,args="], capture_output=True, text=True, check=True
        ).stdout
        rows = [line.split(None, 2) for line in listing.splitlines()]
        below = {self.process.pid} if self.process else set()
        found: dict[int, str] = {}
        for _ in range(5):
            for pid, parent, arguments in (row for row in rows if len(row) == 3):
                if int(parent) in below:
                    found[int(pid)] = arguments
            below |= set(found)
        return {pid: arguments for pid, arguments in found.items() if words in arguments}

    def kill(self, words: str) -> int:
        """SIGKILL to what matches; how many."""
        victims = self.processes(words)
        for pid in victims:
            os.kill(pid, signal.SIGKILL)
        return len(victims)

    # --- the API, as a client uses it --------------------------------------------------------------------------

    def call(self, method: str, path: str, status: int = 200, **arguments: Any) -> Any:
        answer = self.http.request(method, path, **arguments)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def create(self, name: str, rule: Json, **more: Any) -> Json:
        return self.call("POST", "/segments", 201, json={"name": name, "rule": rule, **more})

    def export(self, segment_id: int, *formats: str, key: str | None = None, **more: Any) -> list[Json]:
        headers = {"Idempotency-Key": key} if key else {}
        answer = self.call(
            "POST", f"/segments/{segment_id}/exports", 202, json={"formats": list(formats), **more}, headers=headers
        )
        return answer["items"]

    def ended(self, export_id: str, seconds: float = PATIENCE) -> Json:
        """The export once it is published, failed or cancelled."""

        def look() -> Json | None:
            export = self.call("GET", f"/exports/{export_id}")
            return export if export["status"] not in ("requested", "running") else None

        return self.wait(look, seconds)

    def file_of(self, export: Json, number: int | None = None) -> bytes:
        assert export["status"] == "published", export
        params = {} if number is None else {"file": number}
        answer = self.http.get(f"/exports/{export['id']}/download", params=params, follow_redirects=True)
        assert answer.status_code == 200, answer.text
        return answer.content

    def dagster(self, query: str, **variables: Any) -> Json:
        body = {"query": query, "variables": variables}
        answer = httpx.post(f"http://127.0.0.1:{self.dagster_port}/dagster/graphql", json=body, timeout=30)
        answer.raise_for_status()
        assert not answer.json().get("errors"), answer.text
        return answer.json()["data"]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
