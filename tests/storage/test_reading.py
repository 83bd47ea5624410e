"""Blocks that read, within one another and around one that writes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import create_engine, event

from segmentator_dagster.domain.errors import UserError
from segmentator_dagster.storage.metadata.database import DATABASE_UNAVAILABLE, Database
from segmentator_dagster.storage.metadata.segments import Segments
from tests.storage.conftest import definition


def test_what_is_read_within_a_block_is_read_in_its_transaction(database: Database, segments: Segments) -> None:
    segments.create(definition(), "f", None)
    begun: list[object] = []
    event.listen(database.readers, "begin", begun.append)
    with segments.at_one_moment():
        assert segments.page().items == (segments.get(1),)
    assert len(begun) == 1
    segments.get(1)
    assert len(begun) == 2


def test_a_change_within_a_block_that_reads_is_kept_whatever_becomes_of_the_block(
    database: Database, segments: Segments
) -> None:
    try:
        with database.reading():
            made = segments.create(definition(), "f", None)
            raise KeyError
    except KeyError:
        assert segments.get(made.id) == made


def test_more_threads_than_readers_read_and_change_within_what_they_read(
    database: Database, segments: Segments
) -> None:
    threads = 12
    together = Barrier(threads)

    def read_and_change(number: int) -> tuple[int, ...]:
        together.wait()
        with segments.at_one_moment():
            segments.page()
            made = segments.create(definition(name=f"Сегмент {number}"), "f", None)
        return (made.id, segments.get(made.id).id)

    with ThreadPoolExecutor(threads) as pool:
        made = list(pool.map(read_and_change, range(threads)))
    assert sorted(made) == [(id_, id_) for id_ in sorted(segments.live_ids())]
    assert len(made) == threads


def test_who_waits_too_long_for_a_connection_is_told_that_the_database_does_not_answer(
    database: Database, segments: Segments
) -> None:
    database.readers = create_engine(database.url, pool_size=1, max_overflow=0, pool_timeout=0.1)
    with database.readers.connect(), pytest.raises(UserError) as refused:
        segments.page()
    assert refused.value.code == DATABASE_UNAVAILABLE.code
    assert segments.page().items == ()
