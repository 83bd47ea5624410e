from __future__ import annotations

import base64
import json
import threading
from datetime import UTC, datetime, timedelta

import pytest

from segmentator_dagster.domain.errors import UserError
from segmentator_dagster.domain.segment import Schedule
from segmentator_dagster.storage.metadata.pages import SORTS
from segmentator_dagster.storage.metadata.segments import Segments
from tests.storage.conftest import definition

LATER = datetime(2100, 1, 1, tzinfo=UTC)


def code(error: pytest.ExceptionInfo[UserError]) -> str:
    return error.value.code


def test_a_created_segment_reads_back_as_it_was_written(segments: Segments) -> None:
    written = definition(
        description="о", tags=("Б", "а"), columns=("x", "y"), schedule=Schedule("0 6 * * *", ("csv", "xlsx"))
    )
    created = segments.create(written, "f", 7)
    assert segments.get(created.id) == created
    assert created.definition == written
    assert (created.version, created.owner_id, created.partition_key) == (1, 7, str(created.id))


@pytest.mark.parametrize("twin", ["ВЕСНА", " весна ", "весна"])
def test_names_differ_by_more_than_case_and_spaces(segments: Segments, twin: str) -> None:
    segments.create(definition("Весна"), "f", None)
    with pytest.raises(UserError) as error:
        segments.create(definition(twin), "f", None)
    assert code(error) == "name_taken"


def test_an_update_makes_a_version_and_keeps_the_old_one(segments: Segments) -> None:
    created = segments.create(definition(tags=("a", "b")), "f1", 7)
    changed = segments.update(created.id, 1, definition("Лето", tags=("b", "c")), "f2", 8)
    assert (changed.version, changed.definition.name, changed.definition.tags) == (2, "Лето", ("b", "c"))
    assert [(v.version, v.definition.name, v.created_by_id) for v in segments.versions(created.id)] == [
        (2, "Лето", 8),
        (1, "Весна", 7),
    ]


def test_each_version_can_be_read_and_no_other(segments: Segments) -> None:
    created = segments.create(definition(), "f1", None)
    segments.update(created.id, 1, definition("Лето"), "f2", None)
    segments.delete(created.id)
    assert [segments.version(created.id, number).definition.name for number in (1, 2)] == ["Весна", "Лето"]
    for id_, number in ((created.id, 3), (created.id, 0), (created.id, 2**31), (2**63, 1), (created.id + 1, 1)):
        with pytest.raises(UserError) as error:
            segments.version(id_, number)
        assert code(error) == "version_not_found"


def test_an_update_that_changes_nothing_makes_no_version(segments: Segments) -> None:
    created = segments.create(definition(), "f", None)
    assert segments.update(created.id, 1, definition(), "f", 8) == created


def test_an_update_based_on_an_old_version_is_refused_with_the_current_one(segments: Segments) -> None:
    created = segments.create(definition(), "f", None)
    current = segments.update(created.id, 1, definition("Лето"), "f", None)
    with pytest.raises(UserError) as error:
        segments.update(created.id, 1, definition("Осень"), "f", None)
    assert code(error) == "version_conflict"
    assert error.value.extra["current"] == current


def test_of_parallel_updates_exactly_one_wins(segments: Segments) -> None:
    created = segments.create(definition(), "f", None)
    outcomes: list[str] = []

    def rename(name: str) -> None:
        try:
            segments.update(created.id, 1, definition(name), "f", None)
            outcomes.append("won")
        except UserError as error:
            outcomes.append(error.code)

    threads = [threading.Thread(target=rename, args=(f"имя {n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["version_conflict"] * 7 + ["won"]


def test_a_deleted_segment_frees_its_name_and_comes_back_by_restore(segments: Segments) -> None:
    created = segments.create(definition(), "f", None)
    segments.delete(created.id)
    with pytest.raises(UserError) as error:
        segments.get(created.id)
    assert code(error) == "segment_deleted"
    assert segments.restore(created.id).deleted_at is None
    segments.delete(created.id)
    segments.create(definition(), "f", None)
    with pytest.raises(UserError) as error:
        segments.restore(created.id)
    assert code(error) == "name_taken"


@pytest.mark.parametrize("segment_id", [0, -1, 999, 2**31, 2**70])
def test_an_unknown_id_is_not_found_whatever_its_size(segments: Segments, segment_id: int) -> None:
    with pytest.raises(UserError) as error:
        segments.get(segment_id)
    assert code(error) == "segment_not_found"


def test_ids_are_never_used_twice(segments: Segments) -> None:
    first = segments.create(definition("a"), "f", None)
    segments.delete(first.id)
    assert segments.create(definition("b"), "f", None).id > first.id


def test_search_finds_words_of_name_description_and_tags_in_any_case(segments: Segments) -> None:
    one = segments.create(definition("Айфоны весны", description="Когорта МАРТА", tags=("100%",)), "f", None)
    segments.create(definition("Другие"), "f", None)
    for text in ("айфоны", "ВЕСНЫ марта", "100%", "  когорта  "):
        assert [s.id for s in segments.page(search=text).items] == [one.id], text
    assert segments.page(search="%").items == (one,)
    assert segments.page(search="_").items == ()


def test_pages_filter_by_dataset_tag_and_deletion(segments: Segments) -> None:
    one = segments.create(definition("a", tags=("Тег",)), "f", None)
    two = segments.create(definition("b", dataset="other"), "f", None)
    segments.delete(two.id)
    assert [s.id for s in segments.page(tag="ТЕГ").items] == [one.id]
    assert segments.page(dataset="other").items == ()
    assert [s.id for s in segments.page(dataset="other", deleted=True).items] == [two.id]


@pytest.mark.parametrize("sort", SORTS)
def test_pages_give_every_segment_once_while_others_come_and_go(segments: Segments, sort: str) -> None:
    ids = [segments.create(definition(f"имя {n % 7} {n:02}"), "f", None).id for n in range(17)]
    everything = [s.id for s in segments.page(sort=sort, limit=200).items]
    assert sorted(everything) == ids
    seen: list[int] = []
    cursor = None
    while True:
        page = segments.page(sort=sort, limit=4, cursor=cursor)
        seen += [s.id for s in page.items]
        if cursor is None:
            segments.delete(seen[0])
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == everything


def encoded(position: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode()


@pytest.mark.parametrize("sort", ["id", "-name", "created_at"])
@pytest.mark.parametrize(
    "cursor",
    [
        *("", "?", "é", "bm9wZQ"),
        *(encoded(p) for p in ([], {}, 1, ["id"], ["id", "x", 1], ["id", 1, 2**70], ["id", 2**70, 1], ["id", True, 1])),
        *(encoded(["-name", name, 1]) for name in ("\0", "\ud800", 7, None)),
        *(encoded(["created_at", moment, 1]) for moment in ("yesterday", 5, None)),
        encoded(["-id", 1, 1]),
    ],
)
def test_a_cursor_of_another_list_is_refused(segments: Segments, sort: str, cursor: str) -> None:
    with pytest.raises(UserError) as error:
        segments.page(sort=sort, cursor=cursor)
    assert code(error) == "bad_cursor"


def test_a_schedule_comes_due_in_its_time_zone_and_not_after_deletion(segments: Segments) -> None:
    scheduled = segments.create(definition(schedule=Schedule("0 6 * * *", ("csv",))), "f", None)
    (due,) = segments.due(LATER)
    assert due.segment.id == scheduled.id
    assert due.due_at.astimezone(UTC).strftime("%H:%M") == "03:00"  # 06:00 in Moscow
    assert segments.due(due.due_at - timedelta(seconds=1)) == ()
    segments.delete(scheduled.id)
    assert segments.due(LATER) == ()
    segments.restore(scheduled.id)
    assert len(segments.due(LATER)) == 1


def test_a_changed_schedule_changes_when_it_is_due(segments: Segments) -> None:
    created = segments.create(definition(schedule=Schedule("0 6 * * *", ("csv",))), "f", None)
    segments.update(created.id, 1, definition(), "f", None)
    assert segments.due(LATER) == ()
    segments.update(created.id, 2, definition(schedule=Schedule("30 7 * * *", ("csv",))), "f", None)
    assert segments.due(LATER)[0].due_at.strftime("%H:%M") == "04:30"
