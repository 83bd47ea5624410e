"""The embedded ClickHouse server as tests start it: its own folder, a free port, both databases made."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from segmentator_dagster.compiler.query import CompiledQuery
from segmentator_dagster.embedded.clickhouse_config import ServerOptions
from segmentator_dagster.embedded.clickhouse_server import ServerError, server_argv
from segmentator_dagster.settings import EmbeddedSecrets
from segmentator_dagster.storage.clickhouse import ClickHouse
from tests.servers.child import LOOPBACK, free_port, running


@dataclass(frozen=True, slots=True)
class ClickHouseServer:
    data_dir: Path
    port: int
    pid: int
    admin_url: str
    writer_url: str
    reader_url: str


@contextmanager
def clickhouse(data_dir: Path, *, reader_seconds: int = 30) -> Iterator[ClickHouseServer]:
    """A ready server on `data_dir`, empty or left there by an earlier one."""
    port = free_port()
    secrets = EmbeddedSecrets.read_or_create(data_dir)
    urls = {
        role: f"http://{role}:{getattr(secrets, f'clickhouse_{role}')}@{LOOPBACK}:{port}"
        for role in ("admin", "writer", "reader")
    }
    options = ServerOptions(port, reader_seconds=reader_seconds)
    with running(server_argv(data_dir, options), log=data_dir / "server.out") as process:
        wait_until_ready(urls["admin"], 30, alive=lambda: process.poll() is None)
        server = ClickHouseServer(data_dir, port, process.pid, urls["admin"], urls["writer"], urls["reader"])
        admin = ClickHouse(server.admin_url)
        for database in (options.database, options.data_database):
            admin.execute(CompiledQuery(f"CREATE DATABASE IF NOT EXISTS {database}"))
        admin.close()
        yield server


def wait_until_ready(url: str, seconds: float, alive: Callable[[], bool] = lambda: True) -> None:
    """Return once the server at `http://user:password@host:port` lets this user in.

    Another server on the same port knows no such user, so it does not pass for ours. TimeoutError after `seconds`;
    ServerError as soon as `alive` says that the process is gone.
    """
    deadline = time.monotonic() + seconds
    with httpx.Client(trust_env=False, timeout=5) as client:
        while not _lets_in(client, url):
            if not alive():
                raise ServerError("ClickHouse ended before it was ready")
            if time.monotonic() > deadline:
                raise TimeoutError(f"ClickHouse was not ready within {seconds:g} s")
            time.sleep(0.05)


def _lets_in(client: httpx.Client, url: str) -> bool:
    try:
        return client.get(url, params={"query": "SELECT 1"}).is_success
    except httpx.TransportError:
        return False
