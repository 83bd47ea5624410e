"""`GET /api/v1/segments` with a token or a session beside the same queries by plain SQLAlchemy.

Ten thousand segments, half private and half the team's, and a hundred people, on SQLite and on PostgreSQL; a page is
fifty segments with their newest exports, owners and dependents. The API runs as `segmentator api` starts it, with its
log and rate limits, over keep-alive connections. A rate per core counts the processor time of the API's process alone,
or that of the loop over the queries and their mapped rows: clients and PostgreSQL are in neither. Both are measured in
turn, round after round, so that a busy machine slows both. Prints medians and ratios.
Usage: python -m benchmarks.segments_page [requests] [rounds]
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import cycle
from pathlib import Path

import psutil
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from benchmarks.library import fill
from segmentator_dagster.domain.access import Scope
from segmentator_dagster.domain.people import Role
from segmentator_dagster.storage.metadata.database import Database
from segmentator_dagster.storage.metadata.migrate import migrate
from segmentator_dagster.storage.metadata.models import ExportRow, RuleReferenceRow, SegmentRow
from segmentator_dagster.storage.metadata.people_models import PersonRow
from segmentator_dagster.storage.metadata.sessions import Sessions, Tokens
from tests.servers.child import LOOPBACK, accepts, free_port, running, until
from tests.servers.postgres import postgres
from tests.storage.conftest import new_postgres_database

SEGMENTS = 10_000
PEOPLE = 100
PAGE = 50
CONNECTIONS = 8
PATH = "/api/v1/segments"


@dataclass(frozen=True, slots=True)
class Measured:
    """Of one round; seconds."""

    latencies: Sequence[float]
    wall: float
    cpu: float

    @property
    def rate(self) -> float:
        return len(self.latencies) / self.wall

    @property
    def per_core(self) -> float:
        """Requests in a second of processor time."""
        return len(self.latencies) / self.cpu

    def quantile(self, percent: int) -> float:
        return statistics.quantiles(self.latencies, n=100)[percent - 1]


def main() -> None:
    requests = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    with tempfile.TemporaryDirectory() as folder, postgres() as server:
        for name, url in (
            ("SQLite", f"sqlite:///{folder}/metadata.sqlite"),
            ("PostgreSQL", new_postgres_database(server.url)),
        ):
            database = Database(url)
            migrate(database)
            fill(database, SEGMENTS, PEOPLE)
            with api(database, Path(folder)) as (port, process):
                compared(name, database, port, process, requests=requests, rounds=rounds)
            database.close()


def compared(name: str, database: Database, port: int, process: psutil.Process, *, requests: int, rounds: int) -> None:
    people = {role: _people(database, role) for role in Role}
    headers = {
        (role, kind): [_head(port, line) for line in lines]
        for role, ids in people.items()
        for kind, lines in (("token", _tokens(database, ids)), ("session", _sessions(database, ids)))
    }
    found: dict[tuple[str, str], list[Measured]] = {}
    for number in range(rounds + 1):
        for role, ids in people.items():
            viewers = [None if role is Role.ADMINISTRATOR else id_ for id_ in ids]
            by_hand = plain(database, viewers, requests)
            for kind in ("token", "session"):
                over_http = asyncio.run(load(port, process, headers[role, kind], requests))
                if number:  # the first round warms up
                    found.setdefault((role, kind), []).append(over_http)
            if number:
                found.setdefault((role, "plain SQLAlchemy"), []).append(by_hand)
    print(f"\n{name}: {SEGMENTS:,} segments, {PEOPLE} people, pages of {PAGE}; {CONNECTIONS} connections,", end=" ")
    print(f"{requests} requests, medians of {rounds} rounds")
    print(f"{'':38} p50 ms  p95 ms     1/s  1/s of a core  ratio")
    for (role, kind), all_ in found.items():
        of_hand = statistics.median(one.per_core for one in found[role, "plain SQLAlchemy"])
        per_core = statistics.median(one.per_core for one in all_)
        times = [statistics.median(one.quantile(percent) for one in all_) * 1000 for percent in (50, 95)]
        rate = statistics.median(one.rate for one in all_)
        title = f"{role}, {kind}"
        print(
            f"  {title:<36} {times[0]:6.1f}  {times[1]:6.1f}  {rate:6.0f}  {per_core:13.0f}  {per_core / of_hand:5.2f}"
        )


def plain(database: Database, viewers: Sequence[int | None], requests: int) -> Measured:
    """The queries of a page by SQLAlchemy and our tables, whose rows are not looked at."""
    latencies, wall, cpu = [], time.perf_counter(), time.process_time()
    for _, viewer in zip(range(requests), cycle(viewers)):
        began = time.perf_counter()
        with Session(database.engine) as session:
            read_page(session, viewer)
        latencies.append(time.perf_counter() - began)
    return Measured(latencies, time.perf_counter() - wall, time.process_time() - cpu)


def read_page(session: Session, viewer: int | None) -> None:
    query = select(SegmentRow).where(SegmentRow.deleted_at.is_(None))
    if viewer is not None:
        query = query.where(or_(SegmentRow.visibility == "team", SegmentRow.owner_id == viewer))
    rows = session.scalars(query.order_by(SegmentRow.updated_at.desc(), SegmentRow.id.desc()).limit(PAGE + 1)).all()
    ids = [row.id for row in rows[:PAGE]]
    place = func.row_number().over(
        partition_by=ExportRow.segment_id, order_by=(ExportRow.created_at.desc(), ExportRow.id)
    )
    numbered = select(ExportRow.id, place.label("place")).where(ExportRow.segment_id.in_(ids)).subquery()
    newest = select(ExportRow).join(numbered, numbered.c.id == ExportRow.id).where(numbered.c.place == 1)
    assert len(session.scalars(newest).all()) == PAGE
    session.execute(
        select(RuleReferenceRow.target_id, SegmentRow.id, SegmentRow.name, SegmentRow.owner_id, SegmentRow.visibility)
        .join(SegmentRow, SegmentRow.id == RuleReferenceRow.segment_id)
        .where(RuleReferenceRow.kind == "segment", RuleReferenceRow.target_id.in_(ids))
    ).all()
    owners = {row.owner_id for row in rows}
    session.execute(select(PersonRow.id, PersonRow.name).where(PersonRow.id.in_(owners))).all()


async def load(port: int, process: psutil.Process, heads: Sequence[bytes], requests: int) -> Measured:
    """So many requests over the connections, each of the next person."""
    waiting, latencies = iter(list(zip(range(requests), cycle(heads)))), list[float]()

    async def ask() -> None:
        reader, writer = await asyncio.open_connection(LOOPBACK, port)
        for _, head in waiting:
            began = time.perf_counter()
            writer.write(head)
            answer = await reader.readuntil(b"\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 200 "), answer
            await reader.readexactly(int(answer.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]))
            latencies.append(time.perf_counter() - began)
        writer.close()

    cpu, wall = _cpu(process), time.perf_counter()
    await asyncio.gather(*(ask() for _ in range(CONNECTIONS)))
    return Measured(latencies, time.perf_counter() - wall, _cpu(process) - cpu)


@contextmanager
def api(database: Database, folder: Path) -> Iterator[tuple[int, psutil.Process]]:
    """`segmentator api` on this database; there is no ClickHouse, and no page asks for it."""
    port, nobody, log = free_port(), f"http://nobody:x@{LOOPBACK}:{free_port()}", folder / "api.log"
    own = {name: value for name, value in os.environ.items() if not name.startswith("SEGMENTATOR_")}
    environment = own | {
        "SEGMENTATOR_DATA_DIR": str(folder / "data"),
        "SEGMENTATOR_DATABASE_URL": database.url.render_as_string(hide_password=False),
        "SEGMENTATOR_CLICKHOUSE_URL": nobody,
        "SEGMENTATOR_SECRET_KEY": "k" * 32,
        "SEGMENTATOR_API_PORT": str(port),
        "SEGMENTATOR_LOG_FORMAT": "json",
    }
    command = [sys.executable, "-m", "segmentator_dagster.cli", "api"]
    with running(command, log=log, env=environment) as process:
        until(lambda: accepts(port), process, log, 60)
        yield port, psutil.Process(process.pid)


def _people(database: Database, role: Role) -> list[int]:
    with database.reading() as session:
        return list(session.scalars(select(PersonRow.id).where(PersonRow.role == role.value)))


def _tokens(database: Database, ids: Sequence[int]) -> Iterator[str]:
    tokens = Tokens(database)
    for id_ in ids:
        yield f"Authorization: Bearer {tokens.create(id_, 'benchmark', tuple(Scope), timedelta(days=1))[1]}"


def _sessions(database: Database, ids: Sequence[int]) -> Iterator[str]:
    sessions = Sessions(database, idle=timedelta(days=7), longest=timedelta(days=30))
    for id_ in ids:
        yield f"Cookie: sid={sessions.start(id_, LOOPBACK, 'benchmark')}"


def _head(port: int, who: str) -> bytes:
    lines = (f"GET {PATH} HTTP/1.1", f"Host: {LOOPBACK}:{port}", "Accept-Language: ru,en;q=0.9", who)
    return "\r\n".join([*lines, "", ""]).encode()


def _cpu(process: psutil.Process) -> float:
    used = process.cpu_times()
    return float(used.user + used.system)


if __name__ == "__main__":
    main()
