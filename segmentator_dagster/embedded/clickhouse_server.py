"""Data folder and port -> the ClickHouse HTTP server out of the chdb-core wheel, as one process."""

from __future__ import annotations

import argparse
import fcntl
import importlib
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

from segmentator_dagster.embedded.clickhouse_config import LISTEN_HOST, ServerFolders, ServerOptions, write_config
from segmentator_dagster.settings import EmbeddedSecrets

# The wheel's query function runs clickhouse-local, which since ClickHouse 26.6 answers SYSTEM START LISTEN. It serves
# until the last statement of the list ends, so the last one is a sleep.
_STATEMENTS = """
SYSTEM START LISTEN HTTP;
SELECT sleepEachRow(1) FROM system.numbers
SETTINGS max_block_size = 1, max_threads = 1, function_sleep_max_microseconds_per_block = 1000000000, log_queries = 0
FORMAT Null
"""
_PARENT_POLL_SECONDS = 0.25
_SHUTDOWN_SECONDS = 1.8

# What the engine prints when it cannot serve -> the line for the person who started it.
_CAUSES = (
    ("Address already in use", "port {port} on {host} is taken by another program; choose another port"),
    ("not supported in clickhouse-local", "this chdb-core refuses SYSTEM START LISTEN; it takes chdb-core>=26.7.3,<27"),
)


class ServerError(Exception):
    """The server cannot start or has ended by itself; the text is one line that says why."""


def server_argv(data_dir: Path, options: ServerOptions) -> list[str]:
    """The command of a child process that serves `data_dir`; it ends when the process that started it does."""
    return [
        *(sys.executable, "-m", "segmentator_dagster.embedded.clickhouse_server"),
        *("--data-dir", str(data_dir), "--port", str(options.port)),
        *("--database", options.database, "--data-database", options.data_database),
        *("--reader-seconds", str(options.reader_seconds)),
    ]


def serve(data_dir: Path, options: ServerOptions) -> None:
    """Serve until SIGTERM, SIGINT or the end of the parent process; ServerError where that is not possible."""
    parent = os.getppid()
    folders = ServerFolders(data_dir.resolve())
    folders.make()
    with _lock(folders), _console(folders):
        passwords = EmbeddedSecrets.read_or_create(folders.data_dir)
        write_config(folders, options, passwords)
        engine = _start_engine(folders)
        asked = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: asked.set())  # after the start: loading the wheel sets its own
        while engine.is_alive() and not asked.is_set() and os.getppid() == parent:
            asked.wait(_PARENT_POLL_SECONDS)
        if not engine.is_alive():
            raise ServerError(cause_of(folders.console.read_text("utf-8", "replace"), options.port))
        _end(engine, options.port, passwords.clickhouse_admin)
        if engine.is_alive():
            # The engine gives clients 5 s to close idle connections. Nothing that was acknowledged needs that time.
            os._exit(0)


def _start_engine(folders: ServerFolders) -> threading.Thread:
    # The wheel opens an engine while it is imported, with the config.xml of the working directory or of the home
    # folder. That one must find none; the one that serves must find ours.
    os.environ["HOME"] = str(folders.root)
    os.environ["TZ"] = "UTC"  # clickhouse-local has no setting for its time zone
    os.chdir(folders.root)
    try:
        engine = importlib.import_module("chdb._chdb")
    except ImportError as error:
        raise ServerError(
            f'ClickHouse is not installed ({error}): pip install "segmentator-dagster[embedded]"'
        ) from error
    os.chdir(folders.config)

    def run() -> None:
        # The format given here becomes the default of the HTTP server; ClickHouse's own is TabSeparated.
        result = engine.query(_STATEMENTS, "TabSeparated")
        if result.has_error():
            sys.stderr.write(result.error_message())
            sys.stderr.flush()

    thread = threading.Thread(target=run, name="clickhouse")
    thread.start()
    return thread


def _end(engine: threading.Thread, port: int, password: str) -> None:
    """End all queries, the sleeping one too, which makes the engine shut down; wait for that a little."""
    deadline = time.monotonic() + _SHUTDOWN_SECONDS
    with httpx.Client(trust_env=False, auth=("admin", password), headers={"Connection": "close"}, timeout=5) as client:
        while engine.is_alive() and time.monotonic() < deadline:
            with suppress(httpx.TransportError):  # it does not listen yet, or no longer
                client.post(f"http://{LISTEN_HOST}:{port}", content=b"KILL QUERY WHERE 1 ASYNC")
            engine.join(0.2)


def cause_of(printed: str, port: int) -> str:
    """One line for a person out of what the engine printed before it gave up."""
    for sign, line in _CAUSES:
        if sign in printed:
            return line.format(port=port, host=LISTEN_HOST)
    errors = [line for line in printed.splitlines() if "Exception" in line or "Error" in line]
    return f"ClickHouse ended by itself: {errors[-1] if errors else 'it gave no reason'}"


@contextmanager
def _lock(folders: ServerFolders) -> Iterator[None]:
    with folders.lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ServerError(f"another server already works in {folders.root}") from error
        yield


@contextmanager
def _console(folders: ServerFolders) -> Iterator[None]:
    """Send what the engine prints to a file; it says there, and nowhere else, why it cannot serve."""
    kept = [(number, os.dup(number)) for number in (1, 2)]
    with folders.console.open("wb") as file:
        for number, _ in kept:
            os.dup2(file.fileno(), number)
        try:
            yield
        finally:
            for number, copy in kept:
                os.dup2(copy, number)
                os.close(copy)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True, help="folder of the installation")
    parser.add_argument("--port", type=int, required=True, help="HTTP port on loopback")
    parser.add_argument("--database", default="segmentator", help="database of the product's own tables")
    parser.add_argument("--data-database", default="datasets", help="database of the loaded datasets")
    parser.add_argument("--reader-seconds", type=int, default=30, help="longest query of the user `reader`")
    given = parser.parse_args(arguments)
    options = ServerOptions(given.port, given.database, given.data_database, given.reader_seconds)
    try:
        serve(given.data_dir, options)
    except ServerError as error:
        sys.stderr.write(f"clickhouse: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
