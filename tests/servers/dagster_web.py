"""Dagster's web server as the product starts it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers.child import LOOPBACK, accepts, free_port, running, until


@dataclass(frozen=True)
class DagsterWeb:
    url: str
    home: Path


@contextmanager
def dagster_web(home: Path) -> Iterator[DagsterWeb]:
    """Without definitions: its pages, its own data and its GraphQL are all there."""
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    port, log = free_port(), home / "web.log"
    command = [sys.executable, "-m", "segmentator_dagster.embedded.dagster_webserver", "-h", LOOPBACK, "-p", str(port)]
    command += ["--path-prefix", "/dagster", "--empty-workspace"]
    with running(command, log=log, env={"DAGSTER_HOME": str(home), "HOME": str(home)}) as process:
        until(lambda: accepts(port), process, log, 60)
        yield DagsterWeb(f"http://{LOOPBACK}:{port}", home)
