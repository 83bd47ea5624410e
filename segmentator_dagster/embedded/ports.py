"""Data folder and ports -> ours alone, or one line that says who has them."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
from collections.abc import Iterable, Iterator
from pathlib import Path

from segmentator_dagster.embedded.parts import Part

LOCK_FILE = "supervisor.lock"


class OccupiedError(Exception):
    """Something that this start needs belongs to another process; the text is one line for the person who starts."""


@contextlib.contextmanager
def data_folder_held(data_dir: Path) -> Iterator[None]:
    """Hold the data folder while the block lasts; OccupiedError where another supervisor holds it."""
    data_dir.mkdir(parents=True, exist_ok=True)
    path = data_dir / LOCK_FILE
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise OccupiedError(
                f"{data_dir} is in use: Segmentator runs there already (process {file.read().strip()}); "
                "stop it, or choose another folder with SEGMENTATOR_DATA_DIR"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def refuse_taken_ports(parts: Iterable[Part]) -> None:
    """OccupiedError, one line per taken port, before anything is started."""
    taken = [
        f"port {part.port.number} is taken: {part.name} cannot listen there; choose another with {part.port.setting}"
        for part in parts
        if part.port and _taken(part.port.host, part.port.number)
    ]
    if taken:
        raise OccupiedError("\n".join(taken))


def _taken(host: str, port: int) -> bool:
    for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        with socket.socket(family, kind, protocol) as probe:
            if probe.connect_ex(address) == 0:
                return True
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(address)
            except OSError:
                return True
    return False
