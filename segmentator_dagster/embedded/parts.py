"""The nouns of the supervisor: a part that runs for ever, a step that ends, a port that must be free."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

# Asked from another thread with the wall clock time of the part's start; false also where nobody answers.
Probe = Callable[[float], bool]


@dataclass(frozen=True, slots=True)
class Port:
    """A TCP port that a part listens on, and the setting that moves it."""

    host: str
    number: int
    setting: str


@dataclass(frozen=True, slots=True)
class Part:
    """A process that is kept running. It starts when everything it needs is ready or done."""

    name: str
    argv: tuple[str, ...]
    ready: Probe
    needs: tuple[str, ...] = ()
    port: Port | None = None
    address: str = ""
    unset: tuple[str, ...] = ()  # variables that it must not have
    stop_seconds: float = 3.0


@dataclass(frozen=True, slots=True)
class Step:
    """A process that does something once at each start and must end well. It may be run again at any time."""

    name: str
    argv: tuple[str, ...]
    needs: tuple[str, ...] = ()


def tethered(module: str, *arguments: str) -> tuple[str, ...]:
    """Command line of a Python module that ends when the supervisor does."""
    return (sys.executable, "-m", "segmentator_dagster.embedded.tether", module, *arguments)


def untethered(module: str, *arguments: str) -> tuple[str, ...]:
    """Command line of a Python module that watches the supervisor itself."""
    return (sys.executable, "-m", module, *arguments)
