"""What defines another audience has another fingerprint; the laws under which it has not are tests of their own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from segmentator_dagster.domain.fingerprint import NO_ONE, canonical, fingerprint, fingerprint_of_placed
from segmentator_dagster.domain.parsing import parse_rule
from segmentator_dagster.domain.placing import placed
from segmentator_dagster.domain.rule import Activity, Combinator, Condition, Everyone, Group, RowGroup, Rule, Sample
from tests.domain import worlds

CATALOGUE = worlds.catalogue()


def print_of(rule: Rule, base: str = worlds.BASE, zone: str = "UTC") -> str:
    return fingerprint(rule, CATALOGUE, base, zone)


def did(*conditions: dict[str, Any], dataset: str = worlds.BASE, **keys: Any) -> dict[str, Any]:
    where = {"where": {"combinator": "and", "rules": list(conditions)}} if conditions else {}
    return {"kind": "activity", "dataset": dataset, **where, **keys}


def where(field: str, operator: str, value: Any = None, **keys: Any) -> dict[str, Any]:
    return {"field": field, "operator": operator, **({} if value is None else {"value": value}), **keys}


def group(combinator: str, *rules: dict[str, Any], **keys: Any) -> dict[str, Any]:
    return {"kind": "group", "combinator": combinator, "rules": list(rules), **keys}


def parsed(value: object) -> Rule:
    return parse_rule(value, default_dataset=worlds.BASE)


@given(worlds.rules(references=True))
def test_canonical_of_canonical_is_itself(rule: Rule) -> None:
    once = canonical(placed(rule, CATALOGUE, "UTC", None))
    assert canonical(once) == once


@given(worlds.rules(references=True))
def test_the_complement_has_another_fingerprint(rule: Rule) -> None:
    assert print_of(replace(rule, negated=not rule.negated)) != print_of(rule)


I8, DAY, AT = where("i8", "=", 1), where("day", "=", "2026-01-31"), where("at", "=", "2026-01-31")
LAST = {"function": "last", "field": "word"}
DIFFERENT: list[dict[str, Any]] = [
    *(did(where("i8", operator, 1)) for operator in ("=", ">", "<", ">=", "<=")),
    did(I8, **{"not": True}),
    group("and", did(where("i8", "<", 1)), **{"not": True}),
    {**did(), "where": {"combinator": "and", "not": True, "rules": [where("i8", "<", 1)]}},
    *(did(where("i8", "between", [1, 2])), did(where("i8", "in", [1, 2])), did(where("i8", "in", [1, 2, 3]))),
    *(did(where("word", "=", "a")), did(where("word", "=", "a", ignore_case=True)), did(where("word", "=", "A"))),
    *(did(where("word", "matches", "a")), did(where("word", "contains", "a")), did(where("flag", "=", True))),
    *(did(where("props", "=", "a", key="t")), did(where("props", "=", "a", key="n"))),
    *(did(where("props", "notNull", key="t")), did(where("props", "notNull", key="t", **{"as": "number"}))),
    *({"kind": "everyone"}, {"kind": "everyone", "not": True}),
    *(did(), did(dataset=worlds.OTHER), did(**{"not": True}), did(operator=">=", value=2), did(operator="=", value=2)),
    *(did(aggregate={"function": "days"}), did(aggregate={"function": "days"}, operator=">=", value=2)),
    *(did(aggregate=LAST | {"function": end}, operator="=", value="a") for end in ("first", "last")),
    *(did(aggregate=LAST, operator="null"), did(aggregate={"function": "sum", "field": "i8"}, operator=">=", value=1)),
    did(I8, where("u64", "=", 1)),
    group("and", did(I8), did(where("u64", "=", 1))),
    group("or", did(I8), did(where("u64", "=", 1), dataset=worlds.OTHER)),
    *({"kind": "segment", "segment_id": 1}, {"kind": "segment", "segment_id": 2}, {"kind": "list", "list_id": 1}),
    *({"kind": "sample", "from": 0, "to": 1, "seed": "a"}, {"kind": "sample", "from": 0, "to": 1, "seed": "b"}),
    {"kind": "sample", "from": 1, "to": 2, "seed": "a"},
    *(did(where("day", "inLast", span)) for span in ({"count": 1, "unit": "week"}, {"count": 7, "unit": "day"})),
    *(did(where("day", "inNext", {"count": 7, "unit": "day"})), did(where("day", "inPeriod", "this_week"))),
    {"kind": "sequence", "dataset": worlds.BASE, "steps": [{}, {"where": {"combinator": "and", "rules": [I8]}}]},
    {"kind": "sequence", "dataset": worlds.BASE, "steps": [{"where": {"combinator": "and", "rules": [I8]}}, {}]},
    {"kind": "sequence", "dataset": worlds.BASE, "steps": [{}, {}], "within": {"count": 1, "unit": "day"}},
    {"kind": "top", "count": 1, "order": "asc", "dataset": worlds.BASE, "aggregate": {"function": "rows"}},
    {"kind": "top", "count": 1, "order": "desc", "dataset": worlds.BASE, "aggregate": {"function": "rows"}},
    {"kind": "top", "count": 2, "order": "desc", "dataset": worlds.BASE, "aggregate": {"function": "rows"}},
]  # fmt: skip


def test_what_defines_another_audience_has_another_fingerprint() -> None:
    prints = {print_of(parsed(rule)) for rule in DIFFERENT}
    assert len(prints) == len(DIFFERENT)
    everyone = parsed({"kind": "everyone"})
    assert print_of(everyone, worlds.OTHER) not in prints


@pytest.mark.parametrize(
    ("rule", "depends"),
    [
        (did(AT), True),
        (did(DAY), False),
        (did(where("at", "=", "2026-01-31T10:00:00")), True),
        (did(where("at", "=", "2026-01-31T10:00:00+03:00")), False),
        (did(where("at", "in", ["2026-01-31T10:00:00Z", "2026-01-31T10:00"])), True),
        (did(where("at", "null")), False),
        (did(where("day", "inPeriod", "today")), True),
        (did(where("at", "inLast", {"count": 1, "unit": "hour"})), False),
        (did(where("at", "anniversaryBetween", ["01-01", "02-01"])), True),
        (did(where("day", "anniversaryBetween", ["01-01", "02-01"])), False),
        (did(where("days", "has", "2026-01-31")), False),
        (did(aggregate={"function": "days"}), False),
        (did(dataset=worlds.OTHER, aggregate={"function": "days"}), True),
        (did(dataset=worlds.OTHER, aggregate={"function": "last"}, operator="=", value="2026-01-31"), True),
        (did(window={"operator": "inLast", "value": {"count": 1, "unit": "day"}}), True),
        ({"kind": "sequence", "dataset": worlds.OTHER, "steps": [{}, {}]}, False),
        ({"kind": "sequence", "dataset": worlds.OTHER, "steps": [{}, {"where": did(AT)["where"]}]}, True),
        ({"kind": "top", "count": 1, "order": "asc", "dataset": worlds.OTHER, "aggregate": {"function": "days"}}, True),
        (
            {"kind": "top", "count": 1, "order": "asc", "dataset": worlds.OTHER, "aggregate": {"function": "last"}},
            False,
        ),
        ({"kind": "everyone"}, False),
    ],
)
def test_the_time_zone_counts_where_days_or_naive_moments_are_read_in_it(rule: dict[str, Any], depends: bool) -> None:
    one = parsed(rule)
    assert (print_of(one, zone="Asia/Tokyo") != print_of(one, zone="UTC")) == depends


def test_a_question_that_stays_the_same_keeps_its_fingerprint_until_its_dates_change() -> None:
    rule = parsed(did(where("day", "inLast", {"count": 7, "unit": "day"})))
    morning, evening, tomorrow = (
        fingerprint_of_placed(placed(rule, CATALOGUE, "Europe/Moscow", moment), worlds.BASE)
        for moment in (worlds.MOMENTS[0], worlds.MOMENTS[1], worlds.MOMENTS[2])
    )
    assert morning == evening
    assert morning != tomorrow


def test_conditions_on_one_row_and_on_two_rows_are_different_audiences() -> None:
    together = did(I8, DAY)
    apart = group("and", did(I8), did(DAY))
    assert print_of(parsed(together)) != print_of(parsed(apart))


def test_parts_read_in_two_time_zones_stay_apart() -> None:
    """As they come out of references to segments of other zones."""
    row = RowGroup(Combinator.AND, (Condition("at", "=", "2026-01-31"),))
    other = RowGroup(Combinator.AND, (Condition("i8", "=", 1),))
    tokyo, moscow = (Activity(worlds.BASE, row, time_zone=zone) for zone in ("Asia/Tokyo", "Europe/Moscow"))
    anywhere = Activity(worlds.BASE, other)
    apart = canonical(Group(Combinator.OR, (tokyo, moscow, anywhere)))
    assert isinstance(apart, Group)
    assert {part.time_zone for part in apart.rules if isinstance(part, Activity)} == {
        None,
        "Asia/Tokyo",
        "Europe/Moscow",
    }
    joined = canonical(Group(Combinator.OR, (tokyo, anywhere)))
    assert isinstance(joined, Activity)
    assert joined.time_zone == "Asia/Tokyo"


def test_a_part_and_what_is_left_of_its_complement_are_no_one() -> None:
    one, two = parsed(did(I8)), parsed(did(DAY, dataset=worlds.OTHER))
    whole = Group(Combinator.AND, (one, two))
    assert canonical(Group(Combinator.AND, (whole, replace(whole, negated=True)))) == NO_ONE
    assert canonical(Group(Combinator.AND, (one, replace(one, negated=True)))) == NO_ONE
    assert canonical(Group(Combinator.OR, (one, replace(one, negated=True)))) == Everyone()
    assert canonical(Group(Combinator.AND, (Everyone(), Everyone()))) == Everyone()
    assert canonical(Sample(0, 1_000_000, "s")) == Everyone()
