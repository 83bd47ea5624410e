from __future__ import annotations

import time
from dataclasses import replace

import pytest

from segmentator_dagster.domain.aggregates import Function
from segmentator_dagster.domain.catalogue import Catalogue, Dataset, Field, FieldType
from segmentator_dagster.domain.checking import check_rule
from segmentator_dagster.domain.errors import InternalError
from segmentator_dagster.domain.problems import MAX_REFERENCES
from segmentator_dagster.domain.references import (
    KnownList,
    KnownSegment,
    Library,
    dataset_names,
    expanded,
    list_ids,
    segment_ids,
)
from segmentator_dagster.domain.rule import (
    Activity,
    Aggregate,
    Combinator,
    Condition,
    Everyone,
    Group,
    ListMembers,
    Order,
    RowGroup,
    Rule,
    Sample,
    SegmentMembers,
    Sequence,
    Top,
)

FIELDS = (Field("id", FieldType.TEXT, "String", False), Field("at", FieldType.DATETIME, "DateTime", False))
CATALOGUE = Catalogue({name: Dataset(name, "d", name, "id", "at", FIELDS) for name in ("a", "b", "c")})
AND, OR = Combinator.AND, Combinator.OR


def segment(id_: int, rule: Rule, dataset: str = "a", zone: str = "UTC", **more: bool) -> KnownSegment:
    return KnownSegment(id_, f"segment {id_}", rule, dataset, zone, **more)


def library(*segments: KnownSegment) -> Library:
    return Library({one.id: one for one in segments}, {3: KnownList(3, "VIP", ("p1", "p2"))})


def codes(rule: Rule, known: Library, own_id: int | None = None) -> list[tuple[str, str]]:
    found = check_rule(rule, CATALOGUE, "a", library=known, segment_id=own_id)
    return [(problem.code, problem.pointer) for problem in found]


def has(field: str, dataset: str = "a") -> Activity:
    return Activity(dataset, RowGroup(AND, (Condition(field, "notNull"),)))


ON_LIST = Activity("b", RowGroup(AND, (Condition("id", "inList", 3),)))
RANKED = Top(5, Order.DESC, "c", Aggregate(Function.LAST), SegmentMembers(2))


def test_what_a_rule_refers_to_is_found_at_any_depth() -> None:
    step = RowGroup(OR, (Condition("id", "notInList", 4), RowGroup(AND, (Condition("id", "=", "x"),))))
    rule = Group(AND, (SegmentMembers(1), RANKED, ON_LIST, ListMembers(9), Sequence("a", (None, step))))
    assert list(segment_ids(rule)) == [1, 2]
    assert list(list_ids(rule)) == [3, 9, 4]
    assert list(dataset_names(rule)) == ["c", "b", "a"]
    assert list(dataset_names(replace(RANKED, base="b"))) == ["c", "b"]


def test_a_segment_of_the_same_base_stands_in_place_of_its_reference() -> None:
    known = library(segment(1, has("id"), zone="Asia/Tokyo"))
    marked = replace(has("id"), time_zone="Asia/Tokyo")
    assert expanded(SegmentMembers(1), "a", known) == marked
    assert expanded(SegmentMembers(1, negated=True), "a", known) == Group(AND, (marked,), negated=True)


def test_a_segment_of_another_base_is_its_rule_among_that_bases_users() -> None:
    inner = replace(RANKED, rule=Everyone())
    known = library(segment(1, SegmentMembers(2), "b", "Asia/Tokyo"), segment(2, inner, "c"))
    moved = replace(inner, base="c", time_zone="UTC")
    expected = Group(AND, (Activity("c"), moved))
    assert expanded(SegmentMembers(2), "a", known) == expected
    # what is inside keeps the base and zone it was given first
    deeper = Group(AND, (replace(Activity("c"), time_zone="Asia/Tokyo"), moved))
    assert expanded(SegmentMembers(1, negated=True), "a", known) == Group(AND, (Activity("b"), deeper), negated=True)


def test_lists_become_their_parts() -> None:
    rule = Group(OR, (ListMembers(3), ON_LIST, Sample(0, 1, "s"), Activity("a")))
    found = expanded(rule, "a", library())
    assert found == Group(
        OR,
        (
            ListMembers(3, parts=("p1", "p2")),
            Activity("b", RowGroup(AND, (Condition("id", "inList", ("p1", "p2")),))),
            Sample(0, 1, "s"),
            Activity("a"),
        ),
    )
    steps = Sequence("a", (None, RowGroup(AND, (RowGroup(OR, (Condition("id", "inList", 3),)),))))
    (group,) = [step for step in expanded(steps, "a", library()).steps if step]  # type: ignore[union-attr]
    assert group == RowGroup(AND, (RowGroup(OR, (Condition("id", "inList", ("p1", "p2")),)),))


def test_an_unchecked_reference_is_our_fault() -> None:
    for rule in (SegmentMembers(1), ListMembers(1)):
        with pytest.raises(InternalError):
            expanded(rule, "a", Library())


def test_references_that_lead_nowhere_are_refused_at_their_places() -> None:
    known = library(segment(1, Everyone()), segment(2, Everyone(), deleted=True), segment(4, SegmentMembers(2)))
    rule = Group(
        AND,
        (SegmentMembers(1), Group(OR, (SegmentMembers(2), SegmentMembers(7))), replace(RANKED, rule=SegmentMembers(4))),
    )
    assert codes(rule, known) == [
        ("deleted_segment", "/rules/1/rules/0/segment_id"),
        ("unknown_segment", "/rules/1/rules/1/segment_id"),
        ("deleted_segment", "/rules/2/rule/segment_id"),
    ]


def test_a_circle_is_refused_with_its_path() -> None:
    known = library(segment(1, SegmentMembers(2)), segment(2, Group(AND, (Everyone(), SegmentMembers(1)))))
    (problem,) = check_rule(SegmentMembers(2), CATALOGUE, "a", library=known, segment_id=1)
    assert (problem.code, problem.pointer, problem.values["path"]) == ("segment_cycle", "/segment_id", "1 → 2 → 1")
    assert codes(SegmentMembers(1), known) == [("segment_cycle", "/segment_id")]
    assert codes(SegmentMembers(5), library(segment(5, Everyone())), own_id=5) == [("segment_cycle", "/segment_id")]


def test_a_segment_may_be_used_twice() -> None:
    known = library(segment(1, Everyone()), segment(2, SegmentMembers(1)), segment(3, SegmentMembers(1)))
    assert codes(Group(OR, (SegmentMembers(2), SegmentMembers(3), SegmentMembers(2))), known) == []


def test_references_in_a_row_have_a_limit() -> None:
    chain = [segment(n, SegmentMembers(n + 1)) for n in range(1, MAX_REFERENCES)]
    known = library(*chain, segment(MAX_REFERENCES, Everyone()))
    assert codes(SegmentMembers(1), known) == []
    longer = library(*chain, segment(MAX_REFERENCES, SegmentMembers(99)), segment(99, Everyone()))
    assert codes(SegmentMembers(1), longer) == [("references_too_deep", "/segment_id")]
    # also where the far end was reached before by a shorter way
    both = Group(OR, (SegmentMembers(5), SegmentMembers(1)))
    assert codes(both, longer) == [("references_too_deep", "/rules/1/segment_id")]


def test_a_broken_segment_is_said_with_its_reason() -> None:
    known = library(segment(1, has("gone")), segment(2, SegmentMembers(1)))
    found = check_rule(Group(AND, (SegmentMembers(2), has("id"))), CATALOGUE, "a", library=known)
    assert [(problem.code, problem.pointer) for problem in found] == [("broken_segment", "/rules/0/segment_id")]
    assert "gone" in found[0].message("ru")
    assert "gone" in found[0].message("en")


def test_what_references_grow_to_has_a_limit_and_is_found_out_quickly() -> None:
    """Each segment names the next one twice: a thousand times at the end."""
    doubled = [segment(n, Group(OR, (SegmentMembers(n + 1), SegmentMembers(n + 1)))) for n in range(1, 10)]
    known = library(*doubled, segment(10, has("id")))
    start = time.process_time()
    assert codes(SegmentMembers(1), known) == [("expanded_too_large", "")]
    assert time.process_time() - start < 0.05
