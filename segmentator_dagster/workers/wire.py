"""Question to the pool -> its answer, one JSON line each way over a Unix socket."""

from __future__ import annotations

import json
import socket
import time
from dataclasses import asdict, dataclass
from enum import StrEnum

ANSWER_SECONDS = 10.0
ASK_SECONDS = 2.0


class PoolUnreachableError(Exception):
    """The pool does not answer: it is not running, or it is starting again."""


class Order(StrEnum):
    START = "start"  # execute this run
    RESUME = "resume"  # go on with this run after its worker was lost
    HEALTH = "health"  # what became of this run's worker
    STATE = "state"  # how many workers there are


class Fate(StrEnum):
    """What became of a run's worker, as far as this pool knows."""

    RUNNING = "running"
    ENDED = "ended"
    DIED = "died"
    UNHEARD = "unheard"  # this pool never had it


@dataclass(frozen=True, slots=True)
class Question:
    order: Order
    run_id: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    fate: Fate = Fate.UNHEARD
    pid: int = 0
    idle: int = 0
    busy: int = 0
    capacity: int = 0  # runs that may start at once


def ask(path: str, question: Question, *, patience_seconds: float = 0.0) -> Answer:
    """The pool's answer; a pool that is not there is tried again until patience ends, then PoolUnreachableError."""
    deadline = time.monotonic() + patience_seconds
    while True:
        try:
            return _ask_once(path, question)
        except (OSError, ValueError) as error:
            if time.monotonic() > deadline:
                raise PoolUnreachableError(f"the worker pool at {path} does not answer: {error}") from error
        time.sleep(0.05)


def _ask_once(path: str, question: Question) -> Answer:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(ANSWER_SECONDS)
        connection.connect(path)
        connection.sendall(json.dumps(asdict(question)).encode() + b"\n")
        values = json.loads(_line(connection))
    return Answer(**{**values, "fate": Fate(values["fate"])})


def read_question(connection: socket.socket) -> Question:
    """What a client asks. OSError or ValueError where it says nothing in time or nothing that makes sense."""
    connection.settimeout(ASK_SECONDS)
    values = json.loads(_line(connection))
    return Question(Order(values["order"]), str(values["run_id"]))


def send_answer(connection: socket.socket, answer: Answer) -> None:
    connection.sendall(json.dumps(asdict(answer)).encode() + b"\n")


def _line(connection: socket.socket) -> str:
    with connection.makefile(encoding="utf-8") as file:
        line = file.readline()
    if not line.endswith("\n"):
        raise ConnectionError("the other side closed before it finished its line")
    return line
