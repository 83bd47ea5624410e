"""An export in a process of its own that stands still at a named point, to be killed there.

Usage: python -m tests.exports.killed_export DATABASE_URL CLICKHOUSE_URL FOLDER REQUEST_ID SEGMENT_ID FORMAT POINT
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from segmentator_dagster.domain.export import Format
from segmentator_dagster.exports import exporter as exporter_module
from segmentator_dagster.exports import extract
from segmentator_dagster.exports.exporter import Exporter, Run
from segmentator_dagster.storage.clickhouse import ClickHouse
from segmentator_dagster.storage.metadata.attempts import Attempts
from segmentator_dagster.storage.metadata.database import Database
from segmentator_dagster.storage.objects import Objects
from tests.exports.conftest import exporter_of

CHUNKS = 12  # of the megabyte that the server is asked for: more than one part of an upload


def still() -> None:
    """Until somebody writes a line."""
    print("still", flush=True)
    sys.stdin.readline()


def before(owner: Any, name: str) -> None:
    original = getattr(owner, name)

    def wrapped(*args: Any, **more: Any) -> Any:
        still()
        return original(*args, **more)

    setattr(owner, name, wrapped)


def after(owner: Any, name: str) -> None:
    original = getattr(owner, name)

    def wrapped(*args: Any, **more: Any) -> Any:
        result = original(*args, **more)
        still()
        return result

    setattr(owner, name, wrapped)


def in_the_middle_of_the_bytes() -> None:
    """After the first chunk has been taken from ClickHouse and, where it fills a part, stored."""
    original = ClickHouse.stream

    def stream(self: ClickHouse, *args: Any, **more: Any) -> Any:
        for number, chunk in enumerate(original(self, *args, **more)):
            if number == CHUNKS:
                still()
            yield chunk

    ClickHouse.stream = stream  # type: ignore[method-assign]


def after_statement(start: str) -> None:
    """After the server has carried out a statement that begins so."""
    original = ClickHouse.execute

    def execute(self: ClickHouse, query: Any, *args: Any, **more: Any) -> Any:
        result = original(self, query, *args, **more)
        if query.sql.startswith(start):
            still()
        return result

    ClickHouse.execute = execute  # type: ignore[method-assign]


POINTS: dict[str, Callable[[], None]] = {
    "after claim": lambda: after(Exporter, "begin"),
    "before the snapshot is recorded": lambda: after(exporter_module, "take_snapshot"),
    "before the extract is there": lambda: before(extract, "_creation"),
    "in the making of the extract": lambda: after_statement("CREATE TABLE"),
    "in the middle of the bytes": in_the_middle_of_the_bytes,
    "after the object is whole": lambda: after(Objects, "put"),
    "before publishing": lambda: before(Attempts, "publish"),
    "after publishing": lambda: after(Attempts, "publish"),
}


def main() -> None:
    database, clickhouse, folder, request_id, segment_id, format_, point = sys.argv[1:]
    POINTS[point]()
    exporter = exporter_of(Database(database), ClickHouse(clickhouse), Path(folder))
    run = Run("run1", None, False, request_id, int(segment_id), (Format(format_),), takes_audience=True)
    request = exporter.begin(run)
    exporter.take_audience(request)
    exporter.write_file(request, Format(format_), run)
    print("done", flush=True)


if __name__ == "__main__":
    main()
