"""Definitions module -> a socket behind which idle forked workers wait for runs.

`python -m segmentator_dagster.workers.pool --socket PATH --liveness FOLDER --module NAME --spares N --limit N`

The parent imports everything once, stays single-threaded, opens no connection and never runs user code; each worker
executes one run in a process of its own and ends. Measured against Dagster's own launcher and executor: a trivial run
is done in 0.4 s (SQLite) or 0.2 s (PostgreSQL) instead of 4 s.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import select
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from segmentator_dagster.workers import lifeline, liveness, storage
from segmentator_dagster.workers.preload import UnsafeToForkError, preload
from segmentator_dagster.workers.wire import Answer, Fate, Order, Question, read_question, send_answer
from segmentator_dagster.workers.worker import Assignment, Equipment, Task, work_and_exit

STOP_SECONDS = 3.0
REMEMBERED_ENDS = 1000
# A spare that dies before it had a run (storage down) is replaced later and later, not in a tight loop.
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Spare:
    pid: int
    pipe: socket.socket


class Pool:
    """The parent's books: who is idle, who executes what, how runs' workers ended."""

    def __init__(self, listener: socket.socket, equipment: Equipment, spares: int, limit: int) -> None:
        self._listener = listener
        self._equipment = equipment
        self._spares = spares
        self._limit = limit
        self._idle: list[Spare] = []
        self._busy: dict[int, Assignment] = {}
        self._ends: dict[str, int] = {}
        self._pause = 0.0
        self._fork_again = 0.0
        self._stopping = False
        self._wake_read, self._wake_write = socket.socketpair()

    def serve(self) -> None:
        """Answer questions and keep the spares until SIGTERM, SIGINT or the end of the keeper."""
        self._listen_to_signals()
        watched: list[socket.socket | int] = [self._listener, self._wake_read]
        if self._equipment.lifeline is not None:
            watched.append(self._equipment.lifeline)
        while not self._stopping:
            self._reap()
            self._refill()
            ready, _, _ = select.select(watched, [], [], LONGEST_PAUSE_SECONDS if self._full() else 0.1)
            if self._wake_read in ready:
                self._wake_read.recv(4096)
            if self._equipment.lifeline in ready:
                break
            if self._listener in ready:
                self._answer()
        self._stop()

    def _listen_to_signals(self) -> None:
        for end in (self._wake_read, self._wake_write):
            end.setblocking(False)
        signal.set_wakeup_fd(self._wake_write.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # only to wake `select`
        signal.signal(signal.SIGTERM, lambda *_: self._stop_soon())
        signal.signal(signal.SIGINT, lambda *_: self._stop_soon())

    def _stop_soon(self) -> None:
        self._stopping = True

    def _full(self) -> bool:
        return len(self._idle) >= self._spares

    def _refill(self) -> None:
        while not self._full() and time.monotonic() >= self._fork_again:
            self._idle.append(self._fork())

    def _fork(self) -> Spare:
        ours, theirs = socket.socketpair()
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            # The other spares' pipes too: held open here they would keep an idle sibling waiting for a dead pool.
            for end in (ours, self._listener, self._wake_read, self._wake_write, *(spare.pipe for spare in self._idle)):
                end.close()
            work_and_exit(theirs, self._equipment)
        theirs.close()
        return Spare(pid, ours)

    def _give(self, assignment: Assignment) -> int:
        """Hand the assignment to the spare that waits longest; its process id."""
        while True:
            spare = self._idle.pop(0) if self._idle else self._fork()
            with spare.pipe:
                try:
                    spare.pipe.sendall(assignment.line())
                except OSError:  # it died while it waited
                    continue
            self._busy[spare.pid] = assignment
            return spare.pid

    def _answer(self) -> None:
        connection, _ = self._listener.accept()
        with connection:
            try:
                send_answer(connection, self._reply(read_question(connection)))
            except (OSError, ValueError, KeyError) as error:
                _log(f"a client was not answered: {error!r}")

    def _reply(self, question: Question) -> Answer:
        match question.order:
            case Order.START:
                return Answer(Fate.RUNNING, pid=self._give(Assignment(Task.START, question.run_id)))
            case Order.RESUME:
                return Answer(Fate.RUNNING, pid=self._give(Assignment(Task.RESUME, question.run_id)))
            case Order.HEALTH:
                return self._health(question.run_id)
            case Order.STATE:
                idle, busy = len(self._idle), self._runs()
                return Answer(idle=idle, busy=busy, capacity=max(0, min(idle, self._limit - busy)))

    def _runs(self) -> int:
        return sum(assignment.task is not Task.REPORT_DEATH for assignment in self._busy.values())

    def _health(self, run_id: str) -> Answer:
        for pid, assignment in self._busy.items():
            if assignment.run_id == run_id and assignment.task is not Task.REPORT_DEATH:
                return Answer(Fate.RUNNING, pid=pid)
        if run_id not in self._ends:
            return Answer(Fate.UNHEARD)
        return Answer(Fate.DIED if self._ends[run_id] else Fate.ENDED)

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if assignment := self._busy.pop(pid, None):
                self._pause = 0.0
                self._ended(assignment, os.waitstatus_to_exitcode(status))
            else:
                self._idle_died(pid)

    def _idle_died(self, pid: int) -> None:
        for spare in [spare for spare in self._idle if spare.pid == pid]:
            spare.pipe.close()
            self._idle.remove(spare)
        self._pause = min(max(FIRST_PAUSE_SECONDS, 2 * self._pause), LONGEST_PAUSE_SECONDS)
        self._fork_again = time.monotonic() + self._pause

    def _ended(self, assignment: Assignment, code: int) -> None:
        if assignment.task is Task.REPORT_DEATH:
            return  # where even the report failed, run monitoring asks for the run's health and hears DIED
        self._ends[assignment.run_id] = code
        while len(self._ends) > REMEMBERED_ENDS:
            self._ends.pop(next(iter(self._ends)))
        if code:
            liveness.forget(self._equipment.liveness, assignment.run_id)
            how = f"signal {-code}" if code < 0 else f"exit code {code}"
            _log(f"the worker of run {assignment.run_id} died: {how}")
            self._give(Assignment(Task.REPORT_DEATH, assignment.run_id, f"The run's process died: {how}."))

    def _stop(self) -> None:
        """End every worker, those that an earlier pool left behind included."""
        self._listener.close()
        for spare in self._idle:
            spare.pipe.close()
        children = {*self._busy, *(spare.pid for spare in self._idle)}
        folder = self._equipment.liveness
        _signal({*self._busy, *liveness.holders(folder).values()}, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while time.monotonic() < deadline and (children or liveness.holders(folder)):
            children -= {pid for pid in children if os.waitpid(pid, os.WNOHANG)[0]}
            time.sleep(0.02)
        _signal({*children, *liveness.holders(folder).values()}, signal.SIGKILL)


def _signal(pids: set[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _log(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201  the log of the pool


def _in_a_child(work: Callable[[], None]) -> None:
    """Do the work in a forked process, so that this one opens nothing. SystemExit where it failed."""
    pid = os.fork()
    if pid == 0:
        _work_in_child(work)
    if os.waitpid(pid, 0)[1]:
        raise SystemExit("Dagster's storage cannot be opened; the reason stands above")


def _work_in_child(work: Callable[[], None]) -> NoReturn:
    code = 1
    try:
        work()
        code = 0
    finally:
        if code:
            traceback.print_exc()
        os._exit(code)


def _listener(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    path.chmod(0o600)
    listener.listen(64)
    return listener


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="segmentator_dagster.workers.pool", description=__doc__)
    parser.add_argument("--socket", type=Path, required=True, help="where to listen")
    parser.add_argument("--liveness", type=Path, required=True, help="folder in which workers hold their runs")
    parser.add_argument("--module", required=True, help="module that offers `defs`")
    parser.add_argument("--spares", type=int, default=2, help="idle workers to keep")
    parser.add_argument("--limit", type=int, default=8, help="runs in progress up to which an idle worker is offered")
    given = parser.parse_args(arguments)
    end = lifeline.take()
    given.liveness.mkdir(parents=True, exist_ok=True)
    try:
        warm_up = preload(given.module)
    except UnsafeToForkError as error:
        raise SystemExit(str(error)) from error
    _in_a_child(storage.initialise)
    liveness.sweep(given.liveness)
    Pool(_listener(given.socket), Equipment(given.liveness, end, warm_up), given.spares, given.limit).serve()


if __name__ == "__main__":
    main()
