"""Blocks that read, within one another and around one that writes."""

from __future__ import annotations

from sqlalchemy import event

from segmentator_dagster.storage.metadata.database import Database
from segmentator_dagster.storage.metadata.segments import Segments
from tests.storage.conftest import definition


def test_what_is_read_within_a_block_is_read_in_its_transaction(database: Database, segments: Segments) -> None:
    segments.create(definition(), "f", None)
    begun: list[object] = []
    event.listen(database.engine, "begin", begun.append)
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
