"""Chunks of bytes -> a file of the folder store that is whole or not there."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import IO

_WRITTEN_BACK = 8 << 20  # bytes at a time


def write_whole(path: Path, chunks: Iterable[bytes]) -> None:
    """A file that has its name only when it is whole and on the disk: what is published outlives a power cut."""
    part = path.with_name(f"{path.name}#1")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with part.open("wb") as file:
            written = 0
            for chunk in chunks:
                file.write(chunk)
                written += len(chunk)
                if written >= _WRITTEN_BACK:
                    _begin_writing_back(file)
                    written = 0
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _begin_writing_back(file: IO[bytes]) -> None:
    """So that little is left to wait for at the end. Linux writes pages that it is told to forget."""
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def prune(path: Path, top: Path) -> None:
    """Remove folders that became empty."""
    while path != top:
        try:
            path.rmdir()
        except OSError:
            return
        path = path.parent
