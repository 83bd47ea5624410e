"""Run id -> the process that executes it, told by a lock that the kernel drops with the process.

A worker holds a lock on `<folder>/<run id>.lock` for its life, so the truth survives a restart of the pool and a run
never executes twice at the same time on this machine.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# A look at a lock takes it, shared, for microseconds: whoever claims it must try again for a moment.
CLAIM_SECONDS = 1.0
SUFFIX = ".lock"


class AlreadyExecutingError(Exception):
    """Another process executes this run."""


def _lock_path(folder: Path, run_id: str) -> Path:
    return folder / f"{run_id}{SUFFIX}"


@contextmanager
def claimed(folder: Path, run_id: str) -> Iterator[None]:
    """Hold the run while the block lasts; AlreadyExecutingError where another process holds it."""
    path = _lock_path(folder, run_id)
    file = _claim(path)
    try:
        os.write(file, str(os.getpid()).encode())
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(file)


def _claim(path: Path) -> int:
    deadline = time.monotonic() + CLAIM_SECONDS
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if path.exists() and path.stat().st_ino == os.fstat(file).st_ino:
                os.ftruncate(file, 0)
                return file
        except BlockingIOError:
            pass
        # Locked by another process, or unlinked by its last holder between our open and our lock.
        os.close(file)
        if time.monotonic() > deadline:
            raise AlreadyExecutingError(path.stem)
        time.sleep(0.01)


def holder(folder: Path, run_id: str) -> int | None:
    """Process id of the worker that executes the run on this machine, or None."""
    try:
        file = os.open(_lock_path(folder, run_id), os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        for _ in range(100):
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                if pid := os.pread(file, 32, 0):
                    return int(pid)
                time.sleep(0.01)  # locked, and the process id not yet written
            else:
                return None
    finally:
        os.close(file)
    return None


def holders(folder: Path) -> dict[str, int]:
    """Every run that executes on this machine now, and the process that does it."""
    runs = [path.stem for path in folder.glob(f"*{SUFFIX}")]
    return {run_id: pid for run_id in runs if (pid := holder(folder, run_id)) is not None}


def forget(folder: Path, run_id: str) -> None:
    """Remove what a worker that was killed left behind; no effect while a process holds the run."""
    if holder(folder, run_id) is None:
        _lock_path(folder, run_id).unlink(missing_ok=True)


def sweep(folder: Path) -> None:
    """Forget every run that nobody holds."""
    for path in folder.glob(f"*{SUFFIX}"):
        forget(folder, path.stem)
