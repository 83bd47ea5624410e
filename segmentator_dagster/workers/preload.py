"""Definitions module -> everything a run needs, imported and loaded, in a process that may still fork."""

from __future__ import annotations

import gc
import importlib
import os
import sys
from collections.abc import Callable
from pathlib import Path

import dagster as dg

# What a run imports on its way: the command that executes it and the loader of its definitions.
import dagster._cli.api
import dagster._grpc.impl
from dagster._core.code_pointer import CodePointer
from dagster._core.definitions.reconstruct import ReconstructableRepository
from dagster._core.instance.ref import InstanceRef
from dagster._serdes import ConfigurableClassData

DEFINITIONS_ATTRIBUTE = "defs"
WARM_UP_ATTRIBUTE = "warm_up"


class UnsafeToForkError(Exception):
    """A thread was started while the definitions loaded; a forked child could wait for it for ever."""


def definitions_pointer(module: str) -> CodePointer:
    """How the code server names the definitions: the same name finds them loaded already."""
    return CodePointer.from_module(module, DEFINITIONS_ATTRIBUTE, str(Path.cwd()))


def preload(module: str) -> Callable[[], object] | None:
    """Import Dagster, the storage of the instance and the module, and load all its definitions.

    Gives the module's `warm_up`, where it has one: each worker calls it after the fork to open its own connections.
    UnsafeToForkError where a thread runs afterwards.
    """
    _import_instance_classes()
    ReconstructableRepository(definitions_pointer(module)).get_definition().load_all_definitions()
    _execute_something()
    _refuse_threads(module)
    gc.collect()
    gc.freeze()
    warm_up: Callable[[], object] | None = getattr(sys.modules[module], WARM_UP_ATTRIBUTE, None)
    return warm_up


def _import_instance_classes() -> None:
    for part in InstanceRef.from_dir(os.environ["DAGSTER_HOME"]):
        if isinstance(part, ConfigurableClassData):
            importlib.import_module(part.module_name)


def _execute_something() -> None:
    """A first execution imports what Dagster imports late: 0.3 s that no run has to pay."""

    @dg.asset
    def warmth() -> None: ...

    with dg.DagsterInstance.ephemeral() as instance:
        dg.materialize([warmth], instance=instance)


def _refuse_threads(module: str) -> None:
    tasks = Path("/proc/self/task")
    if not tasks.is_dir():  # not Linux: nothing tells about threads of native libraries
        return
    names = sorted((task / "comm").read_text().strip() for task in tasks.iterdir())
    if len(names) > 1:
        raise UnsafeToForkError(f"{len(names)} threads run after loading {module} ({', '.join(names)}); import late")
