"""Searches of a hundred thousand segments and a million entries of the audit log, on PostgreSQL and on SQLite.

As they are made for a page, by rare words and frequent ones, for an administrator and for somebody who sees their own
segments and the team's. Prints medians and 95th percentiles of the answers, in milliseconds, and fails where one by a
word of three letters or more takes PostgreSQL over 50 ms. Usage: python -m benchmarks.search [segments] [entries]
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial

from benchmarks.library import fill, fill_audit
from segmentator_dagster.domain.audit import Event
from segmentator_dagster.storage.metadata.audit import Audit, Search
from segmentator_dagster.storage.metadata.database import Database
from segmentator_dagster.storage.metadata.migrate import migrate
from segmentator_dagster.storage.metadata.segments import Segments
from tests.servers.postgres import postgres
from tests.storage.conftest import new_postgres_database

PEOPLE = 100
REPEATED = 41
MOST_MS = 50
VIEWERS = {"administrator": None, "user": 7}
WORDS = {
    "none": "",
    "in half of them": "пользователи",
    "in a tenth": "казань",
    "two in a hundredth": "казань android",
    "in few": "№ 777",
    "in one": "12345",
    "in none": "фывапролдж",
    "one in a tenth, one in none": "казань фывапролдж",
    "a letter": "а",
}
TWO_LETTERS = {"two letters in none": "ъъ"}  # too short for a trigram: all are read
ENTRIES = {
    "the newest": Search(),
    "of somebody": Search(actor_id=7),
    "about an object": Search(kind="segment", object_id="1234"),
    "of an event": Search(event=Event.EXPORT_DOWNLOAD),
    "of an event that never was": Search(event=Event.LIST_DELETE),
    "with a frequent word": Search(text="казань"),
    "with a rare word": Search(text="№ 1234"),
    "from an address": Search(text="10.0.55.123"),
    "with a word of none": Search(text="фывапролдж"),
}


def main() -> None:
    segments = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    entries = int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000
    with tempfile.TemporaryDirectory() as folder, postgres() as server:
        slow = measured(Database(new_postgres_database(server.url)), "PostgreSQL", segments, entries)
        measured(Database(f"sqlite:///{folder}/metadata.sqlite"), "SQLite", segments, entries)
    if slow:
        sys.exit(f"over {MOST_MS} ms on PostgreSQL: {', '.join(slow)}")


def measured(database: Database, name: str, segments: int, entries: int) -> list[str]:
    """Fill and search; the titles of what has a 95th percentile over the limit, but for words without a trigram."""
    migrate(database)
    fill(database, segments, PEOPLE)
    slow = []
    print(f"\n{name}: {segments:,} segments by words, ms{'':14} median    p95")
    for role, viewer in VIEWERS.items():
        for title, words in (WORDS | TWO_LETTERS).items():
            p95 = timed(f"{role}: {title}", partial(Segments(database).page, search=words, viewer=viewer))
            if p95 > MOST_MS and title not in TWO_LETTERS:
                slow.append(f"{role}: {title}")
    fill_audit(database, entries, PEOPLE)
    print(f"\n{name}: {entries:,} entries of the audit log, ms{'':9} median    p95")
    for title, search in ENTRIES.items():
        timed(title, partial(Audit(database).page, search))
    database.close()
    return slow


def timed(title: str, ask: Callable[[], object]) -> float:
    """The 95th percentile in milliseconds, of warm answers."""
    ask()
    took = []
    for _ in range(REPEATED):
        began = time.perf_counter()
        ask()
        took.append((time.perf_counter() - began) * 1000)
    p95 = statistics.quantiles(took, n=20)[-1]
    print(f"  {title:<48} {statistics.median(took):8.1f} {p95:6.1f}", flush=True)
    return p95


if __name__ == "__main__":
    main()
