"""A forked process -> one run executed, then the end of the process."""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import NoReturn

from dagster import DagsterInstance, DagsterRunStatus
from dagster._cli.api import _execute_run_command_body, _resume_run_command_body
from dagster._core.events import JobFailureData, RunFailureReason
from dagster._utils.interrupts import capture_interrupts
from structlog.contextvars import bound_contextvars

from segmentator_dagster.workers import lifeline, liveness, storage

_log = logging.getLogger(__name__)


class Task(StrEnum):
    START = "start"
    RESUME = "resume"
    REPORT_DEATH = "report death"  # tell Dagster that this run's worker died


@dataclass(frozen=True, slots=True)
class Assignment:
    task: Task
    run_id: str
    reason: str = ""

    def line(self) -> bytes:
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def read(cls, pipe: socket.socket) -> Assignment | None:
        """The assignment that comes next, or None when the pool has gone without one."""
        with pipe.makefile(encoding="utf-8") as file:
            line = file.readline()
        if not line:
            return None
        values = json.loads(line)
        return cls(Task(values["task"]), values["run_id"], values["reason"])


class RunLeftUnfinishedError(Exception):
    """The run's code ended, and the end could not be written to Dagster's storage."""


@dataclass(frozen=True, slots=True)
class Equipment:
    """What every worker of a pool is given."""

    liveness: Path
    lifeline: int | None
    warm_up: Callable[[], object] | None


def work_and_exit(pipe: socket.socket, equipment: Equipment) -> NoReturn:
    """The whole life of a worker. Its exit code is 0 unless the run was lost."""
    code = 1
    try:
        _work(pipe, equipment)
        code = 0
    except BaseException:  # noqa: BLE001  whatever it was: this is the end of the process, and the log says why
        _log.critical("the worker ends", exc_info=True)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _work(pipe: socket.socket, equipment: Equipment) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if equipment.lifeline is not None:
        lifeline.end_with_keeper(equipment.lifeline)
    with DagsterInstance.get() as instance:
        storage.keep_connection(instance)
        storage.touch(instance)
        if equipment.warm_up:
            _warm_up(equipment.warm_up)
        assignment = Assignment.read(pipe)
        if assignment is None:
            return
        if assignment.task is Task.REPORT_DEATH:
            _report_death(instance, assignment)
            return
        try:
            with liveness.claimed(equipment.liveness, assignment.run_id):
                _execute(instance, assignment)
        except liveness.AlreadyExecutingError:
            print(f"run {assignment.run_id} executes already", file=sys.stderr)  # noqa: T201  a log line of the pool


def _warm_up(warm_up: Callable[[], object]) -> None:
    """What is down now may be up when a run comes, and a worker has to be there to report the death of another."""
    try:
        warm_up()
    except Exception as error:  # noqa: BLE001  whatever it is: the run will meet it and say so
        _log.warning("a worker waits without its connections: %r", error)


def _execute(instance: DagsterInstance, assignment: Assignment) -> None:
    if _finished(instance, assignment.run_id):
        return
    body = _resume_run_command_body if assignment.task is Task.RESUME else _execute_run_command_body
    with bound_contextvars(run_id=assignment.run_id), capture_interrupts():
        body(assignment.run_id, instance, lambda _: None, set_exit_code_on_failure=False)
    if not _finished(instance, assignment.run_id):
        raise RunLeftUnfinishedError(assignment.run_id)


def _finished(instance: DagsterInstance, run_id: str) -> bool:
    run = instance.get_run_by_id(run_id)
    return run is None or run.is_finished


def _report_death(instance: DagsterInstance, assignment: Assignment) -> None:
    run = instance.get_run_by_id(assignment.run_id)
    if run is None or run.is_finished:
        return
    if run.status is DagsterRunStatus.CANCELING:
        instance.report_run_canceled(run, assignment.reason)
        return
    lost = JobFailureData(error=None, failure_reason=RunFailureReason.UNEXPECTED_TERMINATION)
    instance.report_run_failed(run, assignment.reason, lost)
