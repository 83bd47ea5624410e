from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from segmentator_dagster.domain.parsing import parse_rule
from segmentator_dagster.domain.rule import LANGUAGE_VERSION
from segmentator_dagster.storage.metadata.database import Database
from segmentator_dagster.storage.metadata.list_parts import ListParts
from segmentator_dagster.storage.metadata.lists import Lists
from segmentator_dagster.storage.metadata.models import SegmentRow
from segmentator_dagster.storage.metadata.references import Kind, References
from segmentator_dagster.storage.metadata.segments import Segments
from tests.storage.conftest import definition, make_list
from tests.storage.referring import EVERYONE, refusal, rule_of, used_by


def test_the_library_has_everything_on_the_way_and_says_what_is_deleted(
    segments: Segments, references: References, lists: Lists, parts: ListParts, segment: Any, point: Any
) -> None:
    inner_list, outer_list = make_list(lists, parts, "inner"), make_list(lists, parts, "outer")
    gone = segment("gone")
    inner = segment("inner", lists=(inner_list.id,))
    beyond = segment("beyond", gone.id)
    middle = segments.create(
        definition("middle", rule=rule_of(inner.id, beyond.id), dataset="base", time_zone="Asia/Omsk"), "f", None
    )
    segments.delete(middle.id)
    segments.delete(beyond.id)
    segments.delete(gone.id)
    segments.restore(middle.id)  # middle -> beyond, which is deleted: what that refers to does not matter
    rule = parse_rule(rule_of(middle.id, 777, lists=(outer_list.id, 778)), default_dataset="d")
    library = references.library(rule)
    assert library.segments.keys() == {middle.id, inner.id, beyond.id}
    assert library.lists.keys() == {inner_list.id, outer_list.id}
    assert library.lists[inner_list.id].parts == inner_list.contents.parts
    known = library.segments[middle.id]
    assert (known.name, known.dataset, known.time_zone, known.deleted) == ("middle", "base", "Asia/Omsk", False)
    assert library.segments[beyond.id].deleted


@contextmanager
def counted(database: Database) -> Iterator[list[str]]:
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("SELECT"):
            asked.append(statement)

    sa.event.listen(database.readers, "before_cursor_execute", note)
    yield asked
    sa.event.remove(database.readers, "before_cursor_execute", note)


def test_the_library_takes_a_few_queries_whatever_its_size(
    database: Database, references: References, segment: Any
) -> None:
    leaves = [segment(f"leaf {n}").id for n in range(20)]
    middle = [segment(f"middle {n}", *leaves).id for n in range(20)]
    rule = parse_rule(rule_of(*middle), default_dataset="d")
    with counted(database) as asked:
        library = references.library(rule)
    assert len(library.segments) == 40
    assert len(asked) <= 6  # two steps, each with the tags of its segments
    with counted(database) as asked:
        references.library(parse_rule(EVERYONE, default_dataset="d"))
    assert asked == []


def test_more_segments_than_any_rule_may_reach_are_refused_not_loaded(references: References, segment: Any) -> None:
    leaves = [segment(f"leaf {n}").id for n in range(501)]
    middle = [segment(f"middle {n}", *leaves[n * 100 : n * 100 + 101]).id for n in range(5)]
    rule = parse_rule(rule_of(*middle), default_dataset="d")
    assert refusal(lambda: references.library(rule)).code == "expanded_too_large"


@pytest.mark.parametrize(
    ("values", "reason"),
    [({"rule": {"kind": "gone"}}, "`gone`"), ({"rule_version": LANGUAGE_VERSION + 1}, f"{LANGUAGE_VERSION + 1}")],
)
def test_a_stored_rule_that_cannot_be_read_is_a_broken_segment_to_others(
    database: Database, segments: Segments, references: References, segment: Any, values: Any, reason: str
) -> None:
    inner = segment("inner")
    target = segment("Отток", inner.id)
    user = segment("user", target.id)
    with database.writing() as session:
        session.execute(sa.update(SegmentRow).where(SegmentRow.id == target.id).values(**values))
    error = refusal(lambda: references.library(parse_rule(rule_of(target.id), default_dataset="d")))
    assert error.code == "broken_segment"
    assert "Отток" in error.problems[0].message("ru")
    assert reason in error.problems[0].message("ru")
    # it is still read, renamed, deleted and restored, and keeps what is known of its references
    unread = segments.get(target.id)
    segments.update(target.id, 1, replace(unread.definition, name="renamed"), "f", None)
    assert used_by(references, Kind.SEGMENT, inner.id) == [target.id]
    segments.delete(user.id)
    segments.delete(target.id)
    assert segments.restore(target.id).definition.name == "renamed"
