"""Settings -> the environment of the processes that the supervisor starts."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, SecretStr

from segmentator_dagster.settings import Settings

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def children_environment(given: Settings, dagster: Mapping[str, str]) -> dict[str, str]:
    """Our own environment, the settings as they were given (the data folder absolute) and Dagster's variables.

    Passwords of embedded parts are not in it: each process reads them from the data folder.
    """
    variables: dict[str, str] = dict(os.environ)
    # Without compiled files every start imports two to three times longer.
    variables.pop("PYTHONDONTWRITEBYTECODE", None)
    for proxy in ("NO_PROXY", "no_proxy"):
        listed = [host for host in variables.get(proxy, "").split(",") if host]
        variables[proxy] = ",".join([*listed, *(host for host in LOOPBACK if host not in listed)])
    if sys.platform == "darwin":
        # The worker pool forks after imports; macOS ends such a child that touches Objective-C otherwise.
        variables["OBJC_DISABLE_INITIALIZE_FORK_SAFETY"] = "YES"
    for name in type(given).model_fields:
        value = getattr(given, name)
        if value is not None:
            variables[f"SEGMENTATOR_{name.upper()}"] = _text(value)
    return {**variables, **dagster}


def _text(value: object) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, Path):
        return str(value.resolve())
    if isinstance(value, tuple):
        return ",".join(value)
    if isinstance(value, BaseModel):
        return value.model_dump_json(exclude_none=True)
    return str(value)
