"""From POST to a published XLSX of a million users on the embedded stack, warm, and where the time goes.

The work is what ClickHouse does before the file (the audience, the extract, what is counted of it) and the file
itself: rendered, compressed, hashed and stored at once. The rest is overhead: Dagster, the database, the API; at most
a second is wanted.
Usage: python -m benchmarks.export_million [repetitions] [users] [format]
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.export_latency import EVERYONE, moment, run_phases
from segmentator_dagster.compiler.query import CompiledQuery
from tests.acceptance.stack import Stack

QUERIES = """SELECT query, query_duration_ms / 1000 FROM system.query_log
WHERE type = 'QueryFinish' AND startsWith(query_id, {prefix:String}) ORDER BY event_time_microseconds"""
KINDS = {"INSERT": "audience", "CREATE": "extract", "SELECT": "counted"}


def main() -> None:
    repetitions = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    users = int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000
    format_ = sys.argv[3] if len(sys.argv) > 3 else "xlsx"
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(Path(folder) / "data", {"SEGMENTATOR_DEMO_USERS": str(users)})
        stack.start(patience=600)
        try:
            segment = stack.create("everyone", EVERYONE)["id"]
            time.sleep(5)  # what starting left to do is done
            runs = [one_export(stack, segment, format_, users) for _ in range(repetitions + 1)][1:]
        finally:
            stack.stop()
    print(f"\nPOST -> published {format_} of {users} users, seconds, median of {repetitions}")
    for name in runs[0]:
        values = [run[name] for run in runs]
        print(f"  {name:<40} {statistics.median(values):8.2f} [{min(values):.2f}..{max(values):.2f}]")


def one_export(stack: Stack, segment: int, format_: str, users: int) -> dict[str, float]:
    began = time.time()
    export = stack.export(segment, format_)[0]["id"]
    while (now := stack.call("GET", f"/exports/{export}"))["status"] in ("requested", "running"):
        time.sleep(0.02)
    assert now["rows"] == users, now
    total = moment(now["finished_at"]) - began
    phases = run_phases(stack, now)
    work = work_of(stack, export)
    return {
        "in all": total,
        "until the audience step began": phases["audience step began"] - began,
        **work,
        "overhead: all that is not work": total - sum(work.values()),
        "megabytes of the file": now["bytes"] / 1e6,
    }


def work_of(stack: Stack, export: str) -> dict[str, float]:
    """Seconds of the queries of an export; the last one is read while the file is made."""
    with stack.clickhouse() as clickhouse:
        clickhouse.execute(CompiledQuery("SYSTEM FLUSH LOGS"))
        rows = clickhouse.rows(CompiledQuery(QUERIES, {"prefix": f"{export}-"}))
    found: dict[str, float] = {}
    *before, (_, file) = rows
    for query, seconds in before:
        kind = KINDS[query.split(maxsplit=1)[0]]
        found[kind] = found.get(kind, 0) + seconds
    return {**found, "file rendered, compressed, stored": file}


if __name__ == "__main__":
    main()
