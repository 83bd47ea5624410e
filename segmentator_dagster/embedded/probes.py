"""Part -> does it do its work yet? Asked of the part itself, never guessed from its age."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from segmentator_dagster.domain.dagster_pages import DAGSTER_PATH
from segmentator_dagster.workers.wire import Order, PoolUnreachableError, Question, ask

TIMEOUT_SECONDS = 5.0
LOCATION_QUERY = "{workspaceOrError{... on Workspace{locationEntries{locationOrLoadError{__typename}}}}}"
DAEMONS_QUERY = "{instance{daemonHealth{allDaemonStatuses{required lastHeartbeatTime}}}}"


def http_status(host: str, port: int, path: str) -> int | None:
    """Status of a GET, or None where nobody answers. Straight to the port, whatever proxy the environment names."""
    connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def answers_ok(host: str, port: int, *paths: str) -> bool:
    """Whether the first of these paths that exists answers 200."""
    for path in paths:
        status = http_status(host, port, path)
        if status != http.client.NOT_FOUND:
            return status == http.client.OK
    return False


def location_loaded(port: int) -> bool:
    """Whether the Dagster web server answers and has the code location's definitions."""
    entries = _graphql(port, LOCATION_QUERY).get("workspaceOrError", {}).get("locationEntries", [])
    return [entry["locationOrLoadError"]["__typename"] for entry in entries if entry["locationOrLoadError"]] == [
        "RepositoryLocation"
    ]


def daemons_beat(port: int, since: float) -> bool:
    """Whether each of Dagster's daemons that this instance needs has told of itself since that time."""
    health = _graphql(port, DAEMONS_QUERY).get("instance", {}).get("daemonHealth", {})
    beats = [status["lastHeartbeatTime"] for status in health.get("allDaemonStatuses", []) if status["required"]]
    return bool(beats) and all(beat is not None and beat >= since for beat in beats)


def pool_waits(path: Path) -> bool:
    """Whether the worker pool has an idle worker."""
    try:
        return ask(str(path), Question(Order.STATE)).idle > 0
    except PoolUnreachableError:
        return False


def accepts(path: Path) -> bool:
    """Whether somebody accepts connections on this Unix socket."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(TIMEOUT_SECONDS)
        try:
            connection.connect(str(path))
        except OSError:
            return False
    return True


def _graphql(port: int, query: str) -> Mapping[str, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
    try:
        body = json.dumps({"query": query})
        connection.request("POST", f"{DAGSTER_PATH}/graphql", body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        if response.status != http.client.OK:
            return {}
        data: Mapping[str, Any] | None = json.loads(response.read()).get("data")
        return data or {}
    except (OSError, http.client.HTTPException, ValueError):
        return {}
    finally:
        connection.close()
