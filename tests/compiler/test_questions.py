"""Counts of many rules, breakdowns and values on a real server, beside plain Python."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segmentator_dagster.compiler.audience import asked_of_data
from segmentator_dagster.compiler.breakdown import compile_breakdown
from segmentator_dagster.compiler.counts import compile_counts
from segmentator_dagster.compiler.values import compile_values
from segmentator_dagster.domain.catalogue import FieldType, entry
from segmentator_dagster.domain.errors import InternalError
from segmentator_dagster.domain.funnel import funnel
from segmentator_dagster.domain.rule import Activity, Everyone, Rule
from segmentator_dagster.storage.clickhouse import ClickHouse
from tests.compiler.worlds_on_server import World, loaded, prepared
from tests.domain import worlds

Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def server(admin: ClickHouse) -> Iterator[ClickHouse]:
    yield from prepared(admin)


def asked(world: World, rule: Rule) -> Rule:
    return asked_of_data(rule, worlds.catalogue(), worlds.BASE, worlds.ZONE.key, world.moment, library=world.library)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    base=worlds.rows_of(worlds.BASE, 1),
    other=worlds.rows_of(worlds.OTHER, 0),
    moment=st.sampled_from(worlds.MOMENTS),
    rules=st.lists(worlds.rules(references=True), min_size=4, max_size=4),
)
def test_a_funnel_counts_what_each_of_its_rules_names(
    server: ClickHouse, base: Rows, other: Rows, moment: datetime, rules: list[Rule]
) -> None:
    world = loaded(server, {worlds.BASE: base, worlds.OTHER: other}, moment)
    steps = [step for rule in rules for step in funnel(rule)]
    each = [rule for step in steps for rule in (step.so_far, step.alone)]
    query = compile_counts([asked(world, rule) for rule in each], worlds.catalogue(), worlds.BASE, worlds.DATABASE)
    everyone, *counts = server.rows(query)[0]
    assert everyone == len(world.oracle.audience(Everyone()))
    assert counts == [len(world.oracle.audience(rule)) for rule in each]


def latest(rows: Sequence[dict[str, Any]], time: str | None, name: str) -> Any:
    """The value in the latest row, among equally late ones the greatest as it is stored; NULL is least, then NaN."""

    def moment(value: Any) -> tuple[Any, ...]:
        return (0,) if value is None else (1, value)

    def rank(value: Any) -> tuple[Any, ...]:
        if value is None:
            return (0,)
        if value != value:
            return (1,)
        if name == "enum":
            return (2, ["", "b", "A"].index(value))
        return (2, value.encode() if isinstance(value, str) else value)

    return max(rows, key=lambda row: (moment(row[time]) if time else (), rank(row[name])))[name]


SHOWN = [
    column
    for column in worlds.COLUMNS
    if column.field.type not in (FieldType.ARRAY, FieldType.MAP, FieldType.JSON) and "256" not in column.type
]


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    rows=st.fixed_dictionaries({name: worlds.rows_of(name, 1) for name in worlds.DATASETS}),
    base=st.sampled_from(worlds.DATASETS),
    column=st.sampled_from(SHOWN),
    rule=worlds.rules(),
)
def test_a_breakdown_counts_members_and_users_by_their_latest_value(
    server: ClickHouse, rows: dict[str, Rows], base: str, column: worlds.Column, rule: Rule
) -> None:
    world = loaded(server, rows, worlds.MOMENTS[0])
    oracle = replace(world.oracle, base=base)
    table = oracle.tables[base]
    members = oracle.audience(rule)
    expected: Counter[Any] = Counter()
    of_members: Counter[Any] = Counter()
    for user in table.users():
        value = repr(plain(latest(table.rows_of(user), table.time, column.name)))
        expected[value] += 1
        of_members[value] += user in members
    placed = asked_of_data(rule, worlds.catalogue(), base, worlds.ZONE.key, world.moment, library=world.library)
    query = compile_breakdown(placed, column.field, worlds.catalogue(), base, worlds.DATABASE, limit=100)
    found = server.rows(query)
    assert {repr(plain(row[0])): row[2] for row in found} == dict(expected)
    assert {repr(plain(row[0])): row[1] for row in found} == {value: of_members[value] for value in expected}
    assert all(row[3:] == (len(members & table.users()), len(table.users()), len(expected)) for row in found)
    assert [row[1] for row in found] == sorted((row[1] for row in found), reverse=True)


def plain(value: Any) -> Any:
    """Values of ClickHouse and of the world in one form."""
    if isinstance(value, datetime):
        return value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)
    if isinstance(value, Decimal):
        return str(value.normalize())
    if isinstance(value, float):
        return "nan" if math.isnan(value) else value + 0.0
    return str(value) if value is not None and not isinstance(value, int | float | bool) else value


def test_values_are_ranked_by_frequency_and_narrowed_by_prefix_whatever_the_case(server: ClickHouse) -> None:
    row = {column.name: column.cells[0] for column in worlds.COLUMNS} | {"user_id": "u"}
    words = ["Москва", "москва", "Москва", "Омск", "", "100%"]
    rows = [row | {"word": word, "maybe text": word or None, "tags": [word, "b"], "i8": len(word)} for word in words]
    loaded(server, {worlds.BASE: rows}, worlds.MOMENTS[0])
    base = worlds.catalogue().datasets[worlds.BASE]

    def values(name: str, prefix: str = "", limit: int = 10) -> list[tuple[Any, int]]:
        field = base.field(name)
        assert field is not None
        return [(value, count) for value, count in server.rows(compile_values(base, field, prefix, limit=limit))]

    assert values("word") == [("Москва", 2), ("", 1), ("100%", 1), ("Омск", 1), ("москва", 1)]
    assert values("word", "мо") == [("Москва", 2), ("москва", 1)]
    assert values("word", "%") == []
    assert values("word", limit=1) == [("Москва", 2)]
    assert values("maybe text") == [("Москва", 2), ("100%", 1), ("Омск", 1), ("москва", 1)]
    assert values("tags", "B") == [("b", 6)]
    assert values("i8", "6") == [(6, 3)]
    props = base.field("props")
    assert props is not None
    assert server.rows(compile_values(base, entry(props, "no", None), "", limit=5)) == []


def test_a_breakdown_of_an_unknown_dataset_is_our_fault() -> None:
    field = worlds.COLUMNS[0].field
    with pytest.raises(InternalError):
        compile_breakdown(Activity("nope"), field, worlds.catalogue(), "nope", worlds.DATABASE, limit=1)
