from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from segmentator_dagster.storage.metadata.list_parts import ListParts
from segmentator_dagster.storage.metadata.lists import Lists
from segmentator_dagster.storage.metadata.references import Kind, References
from segmentator_dagster.storage.metadata.segments import Segments
from tests.parallel import in_parallel
from tests.storage.conftest import definition, make_list
from tests.storage.referring import refusal, rule_of, used_by


def test_references_follow_the_rule_of_a_segment_through_its_life(
    segments: Segments, references: References, lists: Lists, parts: ListParts, segment: Any, point: Any
) -> None:
    target, other, list_id = segment("target"), segment("other"), make_list(lists, parts).id
    user = segment("user", target.id, lists=(list_id,))
    ((id_, (found,)),) = references.dependents(Kind.SEGMENT, [target.id, other.id]).items()
    assert (id_, found.id, found.name) == (target.id, user.id, "user")
    assert used_by(references, Kind.LIST, list_id) == [user.id]
    point(user, other.id, target.id)
    assert used_by(references, Kind.LIST, list_id) == []
    assert used_by(references, Kind.SEGMENT, other.id) == used_by(references, Kind.SEGMENT, target.id) == [user.id]
    segments.delete(user.id)
    assert references.dependents(Kind.SEGMENT, [target.id, other.id]) == {}
    segments.restore(user.id)
    assert used_by(references, Kind.SEGMENT, other.id) == [user.id]


def test_references_are_found_in_conditions_comparisons_and_inside_a_top(
    segments: Segments, references: References, lists: Lists, parts: ListParts, segment: Any
) -> None:
    target = segment("target")
    one, two, three = (make_list(lists, parts, name).id for name in ("one", "two", "three"))
    last = {"function": "last", "field": "city"}
    lately_on_list = {"kind": "activity", "dataset": "d", "aggregate": last, "operator": "inList", "value": three}
    inner = rule_of(target.id, lists=(one,))
    where = {"combinator": "and", "rules": [{"field": "city", "operator": "notInList", "value": two}]}
    rule = {
        "kind": "top",
        "rule": {**inner, "rules": [*inner["rules"], lately_on_list]},
        "count": 5,
        "order": "desc",
        "dataset": "d",
        "aggregate": {"function": "rows"},
        "where": where,
    }
    user = segments.create(definition("user", rule=rule), "f", None)
    assert used_by(references, Kind.SEGMENT, target.id) == [user.id]
    assert [used_by(references, Kind.LIST, id_) for id_ in (one, two, three)] == [[user.id]] * 3


def test_only_what_can_be_referred_to_has_its_id_by_its_name(
    segments: Segments, references: References, lists: Lists, parts: ListParts, segment: Any
) -> None:
    assert references.ids_by_name(Kind.SEGMENT) == references.ids_by_name(Kind.LIST) == {}
    gone, kept, list_id = segment("gone"), segment("kept"), make_list(lists, parts, "VIP").id
    segments.delete(gone.id)
    lists.delete(make_list(lists, parts, "gone").id)
    assert references.ids_by_name(Kind.SEGMENT) == {"kept": kept.id}
    assert references.ids_by_name(Kind.LIST) == {"VIP": list_id}


@pytest.mark.parametrize("action", ["create", "update", "copy"])
def test_a_reference_that_leads_nowhere_is_refused_and_nothing_is_saved(
    segments: Segments, lists: Lists, parts: ListParts, segment: Any, action: str
) -> None:
    gone, gone_list = segment("gone"), make_list(lists, parts)
    lists.delete(gone_list.id)
    segments.delete(gone.id)
    user = segment("user")
    wanted = definition("other", rule=rule_of(gone.id, 999, lists=(gone_list.id, 998)))
    write = {
        "create": lambda: segments.create(wanted, "f", None),
        "update": lambda: segments.update(user.id, 1, wanted, "f", None),
        "copy": lambda: segments.create(replace(wanted, name="copy"), "f", None),
    }[action]
    error = refusal(write)
    assert sorted(problem.code for problem in error.problems) == [
        "deleted_segment",
        "unknown_list",
        "unknown_list",
        "unknown_segment",
    ]
    assert {problem.pointer for problem in error.problems} == {"/rule"}
    assert [one.id for one in segments.page().items] == [user.id]
    assert segments.get(user.id) == user


def test_a_circle_is_refused_with_the_way_round(segments: Segments, segment: Any, point: Any) -> None:
    first = segment("first")
    second = segment("second", first.id)
    third = segment("third", second.id)
    error = refusal(lambda: point(first, third.id))
    assert error.code == "segment_cycle"
    assert f"{first.id} → {third.id} → {second.id} → {first.id}" in error.problems[0].message("en")
    assert segments.get(first.id).version == 1


def test_a_new_segment_cannot_refer_to_the_id_it_will_get(segments: Segments, segment: Any) -> None:
    next_id = segment("one").id + 1
    error = refusal(lambda: segment("two", next_id))
    assert error.code == "segment_cycle"


def test_a_segment_in_use_is_not_deleted_and_who_uses_it_is_said(segments: Segments, segment: Any, point: Any) -> None:
    target = segment("Отток")
    users = [segment(f"Кампания {n}", target.id) for n in range(12)]
    error = refusal(lambda: segments.delete(target.id))
    assert error.code == "segment_in_use"
    assert error.extra["used_by"] == [{"id": one.id, "name": one.definition.name} for one in users]
    message = error.problems[0].message("ru")
    assert f"Кампания 0 ({users[0].id})" in message
    assert "(+2)" in message
    for one in users:
        point(one)
    segments.delete(target.id)


def test_a_list_in_use_is_not_deleted_and_who_uses_it_is_said(
    segments: Segments, lists: Lists, parts: ListParts, segment: Any
) -> None:
    target = make_list(lists, parts)
    user = segment("user", lists=(target.id,))
    error = refusal(lambda: lists.delete(target.id))
    assert error.code == "list_in_use"
    assert error.extra["used_by"] == [{"id": user.id, "name": "user"}]
    segments.delete(user.id)
    lists.delete(target.id)


def test_a_segment_comes_back_though_what_it_refers_to_is_gone(
    segments: Segments, references: References, segment: Any, point: Any
) -> None:
    target = segment("target")
    user = segment("user", target.id)
    segments.delete(user.id)
    segments.delete(target.id)
    restored = segments.restore(user.id)
    assert restored.deleted_at is None
    assert used_by(references, Kind.SEGMENT, target.id) == [user.id]
    renamed = replace(restored.definition, name="renamed")
    assert segments.update(user.id, 1, renamed, "f", None).version == 2  # an old dead end does not stop other changes


def test_a_restore_that_would_close_a_circle_is_refused(segments: Segments, segment: Any, point: Any) -> None:
    far = segment("far")
    first = segment("first", far.id)
    second = segment("second", first.id)
    segments.delete(second.id)
    segments.delete(first.id)
    segments.restore(second.id)  # second -> first, which is deleted
    point(far, second.id)
    error = refusal(lambda: segments.restore(first.id))  # first -> far -> second -> first
    assert error.code == "segment_cycle"
    assert refusal(lambda: segments.get(first.id)).code == "segment_deleted"


def test_of_two_updates_that_would_close_a_circle_exactly_one_wins(segment: Any, point: Any) -> None:
    for attempt in range(8):
        first, second = segment(f"first {attempt}"), segment(f"second {attempt}")
        outcomes = in_parallel(
            lambda one=first, to=second: point(one, to.id), lambda one=second, to=first: point(one, to.id)
        )
        assert sorted(outcomes) == ["done", "segment_cycle"]


def test_of_a_deletion_and_a_new_reference_exactly_one_wins(
    segments: Segments, lists: Lists, parts: ListParts, segment: Any, point: Any
) -> None:
    for attempt in range(8):
        user, target = segment(f"user {attempt}"), segment(f"target {attempt}")
        outcomes = in_parallel(lambda one=target: segments.delete(one.id), lambda u=user, t=target: point(u, t.id))
        assert outcomes in (["done", "deleted_segment"], ["segment_in_use", "done"])
        listed, named = segment(f"listed {attempt}"), make_list(lists, parts, f"list {attempt}")
        outcomes = in_parallel(
            lambda one=named: lists.delete(one.id), lambda u=listed, t=named: point(u, lists=(t.id,))
        )
        assert outcomes in (["done", "unknown_list"], ["list_in_use", "done"])


def test_many_writers_of_references_at_once_all_come_through(segment: Any, point: Any) -> None:
    targets = [segment(f"target {n}") for n in range(4)]
    users = [segment(f"user {n}", targets[0].id) for n in range(4)]
    changes = [lambda one=one: point(one, *(target.id for target in targets)) for one in users]
    changes += [lambda one=one: point(one, lists=()) for one in targets]
    assert in_parallel(*changes) == ["done"] * 8
