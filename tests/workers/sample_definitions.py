"""A code location small enough to start in a second, with assets that stay, fail, die and count."""

import os
import signal
import time
from pathlib import Path

import dagster as dg

segments = dg.DynamicPartitionsDefinition(name="segments")
warmed_up_in: list[int] = []


def warm_up() -> None:
    if os.environ.get("SAMPLE_WARM_UP") == "fails":
        raise ConnectionError("nothing to connect to")
    warmed_up_in.append(os.getpid())


@dg.asset(partitions_def=segments)
def trivial() -> dg.MaterializeResult:
    return dg.MaterializeResult(metadata={"pid": os.getpid(), "warmed_up_here": warmed_up_in == [os.getpid()]})


class StayConfig(dg.Config):
    seconds: float = 30.0
    started: str


@dg.asset
def stays(config: StayConfig) -> None:
    Path(config.started).write_text(str(os.getpid()))
    time.sleep(config.seconds)


class DieConfig(dg.Config):
    marker: str


@dg.asset
def dies_once(config: DieConfig) -> None:
    """kill -9 of its own process at the first try, success at the next."""
    marker = Path(config.marker)
    if not marker.exists():
        marker.write_text(str(os.getpid()))
        os.kill(os.getpid(), signal.SIGKILL)


@dg.asset
def fails() -> None:
    raise dg.Failure("as asked", allow_retries=False)


defs = dg.Definitions(assets=[trivial, stays, dies_once, fails], executor=dg.in_process_executor)
