from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from segmentator_dagster.domain.access import SYSTEM, Actor, Via
from segmentator_dagster.domain.audit import Event, Outcome, Thing
from segmentator_dagster.domain.errors import UserError
from segmentator_dagster.domain.people import Role
from segmentator_dagster.storage.metadata import audit as audit_module
from segmentator_dagster.storage.metadata.audit import Audit, Search
from segmentator_dagster.storage.metadata.database import Database, now
from segmentator_dagster.storage.metadata.segments import Segments
from tests.parallel import in_parallel
from tests.storage.conftest import definition
from tests.storage.referring import refusal

ANNA = Actor(7, "Анна", Role.USER, Via.TOKEN, address="192.0.2.1", request_id="abc123")
SEGMENT = Thing("segment", "17", "Весна")
ALL = Search()


class BrokenError(Exception):
    """Something of the server's own."""


@pytest.fixture
def audit(database: Database) -> Audit:
    return Audit(database)


def events(audit: Audit, search: Search = ALL) -> list[Event]:
    return [entry.event for entry in audit.page(search)]


def test_an_entry_reads_back_as_it_was_written(audit: Audit) -> None:
    began = now()
    audit.write(ANNA, Event.SEGMENT_CHANGE, SEGMENT, before={"version": 1, "tags": ["а"]}, after={"version": 2})
    audit.write(SYSTEM, Event.SIGN_IN, outcome=Outcome.FAILED)
    failed, entry = audit.page(ALL)
    assert (entry.actor_id, entry.actor_name, entry.via) == (7, "Анна", Via.TOKEN)
    assert (entry.address, entry.request_id) == ("192.0.2.1", "abc123")
    assert (entry.event, entry.thing, entry.outcome) == (Event.SEGMENT_CHANGE, SEGMENT, Outcome.DONE)
    assert (entry.before, entry.after) == ({"version": 1, "tags": ["а"]}, {"version": 2})
    assert began <= entry.at <= now()
    assert (failed.actor_id, failed.via, failed.outcome) == (None, Via.SYSTEM, Outcome.FAILED)
    assert (failed.thing, failed.before, failed.after) == (Thing("", ""), None, None)


def test_text_that_no_database_keeps_is_written_down_all_the_same(audit: Audit) -> None:
    audit.write(replace(ANNA, name="a\0\ud800"), Event.REFUSED, Thing("route", "\0", "\udfff"))
    (entry,) = audit.page(ALL)
    assert (entry.actor_name, entry.thing) == ("a\ufffd?", Thing("route", "\ufffd", "?"))


@pytest.mark.parametrize(
    ("search", "found"),
    [
        (Search(), "cba"),
        (Search(actor_id=7), "ba"),
        (Search(event=Event.SEGMENT_DELETE), "b"),
        (Search(outcome=Outcome.REFUSED), "c"),
        (Search(kind="segment"), "ba"),
        (Search(kind="segment", object_id="17"), "a"),
        (Search(actor_id=7, object_id="18"), "b"),
        (Search(actor_id=999), ""),
        (Search(text="ВЕСНА"), "a"),
        (Search(text="192.0.2.9"), "c"),
        (Search(text="r-b"), "b"),
        (Search(text="анна 18"), "b"),
        (Search(text="%"), ""),
    ],
)
def test_entries_are_found_by_all_that_is_asked_newest_first(audit: Audit, search: Search, found: str) -> None:
    audit.write(replace(ANNA, request_id="r-a"), Event.SEGMENT_CREATE, SEGMENT)
    audit.write(replace(ANNA, request_id="r-b"), Event.SEGMENT_DELETE, Thing("segment", "18", "Лето"))
    boris = replace(ANNA, person_id=8, name="Борис", request_id="r-c", address="192.0.2.9")
    audit.write(boris, Event.REFUSED, Thing("route", "list_people"), Outcome.REFUSED)
    assert "".join(entry.request_id[-1] for entry in audit.page(search)) == found


def test_entries_are_found_by_when_they_were_written(audit: Audit, monkeypatch: pytest.MonkeyPatch) -> None:
    began = now()
    for hour in range(4):
        monkeypatch.setattr(audit_module, "now", lambda hour=hour: began + timedelta(hours=hour))
        audit.write(ANNA, Event.SIGN_IN, Thing("person", str(hour)))

    def found(**said: Any) -> list[str]:
        return [entry.thing.id for entry in audit.page(Search(**said))]

    assert found(since=began + timedelta(hours=2)) == ["3", "2"]
    assert found(until=began + timedelta(hours=2)) == ["1", "0"]
    assert found(since=began + timedelta(hours=1), until=began + timedelta(hours=2)) == ["1"]


def test_pages_go_back_in_time_and_all_of_them_is_every_entry_once(audit: Audit) -> None:
    for number in range(7):
        audit.write(ANNA, Event.SIGN_IN, Thing("person", str(number)))
    first = audit.page(ALL, limit=3)
    audit.write(ANNA, Event.SIGN_IN, Thing("person", "late"))
    second = audit.page(ALL, limit=3, before_id=first[-1].id)
    assert [entry.thing.id for entry in (*first, *second)] == ["6", "5", "4", "3", "2", "1"]
    assert [entry.thing.id for entry in audit.every(ALL, batch=3)] == ["late", *"6543210"]
    assert [entry.thing.id for entry in audit.every(Search(object_id="late"), batch=1)] == ["late"]


def test_a_change_and_its_entry_are_there_together(audit: Audit, segments: Segments) -> None:
    with audit.doing(ANNA, Event.SEGMENT_CREATE) as note:
        made = segments.create(definition(), "f", 7)
        note.thing, note.after = Thing("segment", str(made.id), "Весна"), {"version": 1}
        assert in_parallel(lambda: _none_seen(segments, audit)) == ["done"]
    assert segments.get(made.id) == made
    (entry,) = audit.page(ALL)
    assert (entry.event, entry.thing.id, entry.after) == (Event.SEGMENT_CREATE, str(made.id), {"version": 1})


def _none_seen(segments: Segments, audit: Audit) -> None:
    """Nobody else sees either of them before."""
    if segments.page().items or audit.page(ALL):
        raise AssertionError("half of it was seen")


@pytest.mark.parametrize("error", [BrokenError(), KeyboardInterrupt()])
def test_a_change_that_fails_leaves_neither_itself_nor_an_entry(
    audit: Audit, segments: Segments, error: BaseException
) -> None:
    def fails() -> None:
        with audit.doing(ANNA, Event.SEGMENT_CREATE) as note:
            segments.create(definition(), "f", 7)
            note.thing = SEGMENT
            raise error

    with pytest.raises(type(error)):
        fails()
    assert segments.page().items == ()
    assert events(audit) == []


def test_a_refused_change_leaves_no_entry(audit: Audit, segments: Segments) -> None:
    segments.create(definition(), "f", 7)

    def fails() -> None:
        with audit.doing(ANNA, Event.SEGMENT_CREATE):
            segments.create(definition("Лето"), "f", 7)
            segments.create(definition("Весна"), "f", 7)

    assert refusal(fails).code == "name_taken"
    assert [one.definition.name for one in segments.page().items] == ["Весна"]
    assert events(audit) == []


def test_an_entry_that_cannot_be_written_leaves_no_change(audit: Audit, segments: Segments) -> None:
    def fails() -> None:
        with audit.doing(ANNA, Event.SEGMENT_CREATE) as note:
            segments.create(definition(), "f", 7)
            note.after = {"value": object()}  # no JSON can hold it

    with pytest.raises(Exception, match="not JSON serializable"):
        fails()
    assert segments.page().items == ()
    assert events(audit) == []


def test_a_part_that_is_refused_inside_is_undone_alone(audit: Audit, segments: Segments) -> None:
    segments.create(definition("Весна"), "f", 7)
    with audit.doing(ANNA, Event.SEGMENT_CREATE):
        with pytest.raises(UserError):
            segments.create(definition("весна"), "f", 7)
        segments.create(definition("Лето"), "f", 7)
    assert [one.definition.name for one in segments.page(sort="id").items] == ["Весна", "Лето"]
    assert events(audit) == [Event.SEGMENT_CREATE]


def test_what_changed_nothing_is_not_written_down(audit: Audit) -> None:
    with audit.doing(ANNA, Event.SEGMENT_CHANGE) as note:
        note.thing, note.skip = SEGMENT, True
    assert events(audit) == []


def test_many_at_once_are_all_written_down_each_with_its_own_change(audit: Audit, segments: Segments) -> None:
    def make(name: str) -> Callable[[], None]:
        def act() -> None:
            with audit.doing(ANNA, Event.SEGMENT_CREATE) as note:
                note.thing = Thing("segment", str(segments.create(definition(name), "f", 7).id), name)

        return act

    names = [f"s{n}" for n in range(8)]
    assert in_parallel(*[make(name) for name in names]) == ["done"] * 8
    written = {entry.thing.id: entry.thing.name for entry in audit.page(ALL)}
    assert written == {str(one.id): one.definition.name for one in segments.page().items}
    assert sorted(written.values()) == names
