"""Sequences on every type of moment, on a real server, beside a search through all rows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise, product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segmentator_dagster.compiler.audience import audience_of_placed
from segmentator_dagster.compiler.query import CompiledQuery, compile_statement
from segmentator_dagster.domain.catalogue import Catalogue, Dataset, Field, field_type, is_nullable
from segmentator_dagster.domain.rule import Combinator, Condition, RowGroup, Sequence, Span, Unit
from segmentator_dagster.storage.clickhouse import ClickHouse

DATABASE = "sequences"
TYPES = ["Date", "Date32", "DateTime('Asia/Tokyo')", "DateTime64(3)", "Nullable(DateTime64(9))"]
START = datetime(2026, 3, 28, 22, tzinfo=UTC)
Event = tuple[str, int, str]  # user, hours after the start, kind


@pytest.fixture(scope="module")
def server(admin: ClickHouse) -> Iterator[ClickHouse]:
    admin.execute(CompiledQuery(f"CREATE DATABASE IF NOT EXISTS {DATABASE}"))
    yield admin
    admin.execute(CompiledQuery(f"DROP DATABASE {DATABASE}"))


def dataset(type_: str) -> Dataset:
    types = {"user": "String", "at": type_, "kind": "String"}
    fields = tuple(Field(name, field_type(one), one, is_nullable(one)) for name, one in types.items())
    return Dataset("events", DATABASE, "events", "user", "at", fields)


def load(server: ClickHouse, type_: str, events: list[Event]) -> None:
    server.execute(
        CompiledQuery(
            f"CREATE OR REPLACE TABLE {DATABASE}.events (user String, at {type_}, kind String) "
            "ENGINE = MergeTree ORDER BY user"
        )
    )
    rows = ", ".join(
        f"('{user}', fromUnixTimestamp({int((START + timedelta(hours=hours)).timestamp())}), '{kind}')"
        for user, hours, kind in events
    )
    server.execute(CompiledQuery(f"INSERT INTO {DATABASE}.events VALUES {rows}"))


def moment(hours: int, type_: str) -> datetime | date:
    at = START + timedelta(hours=hours)
    return at if "DateTime" in type_ else at.date()


def step(kind: str) -> RowGroup | None:
    return None if kind == "*" else RowGroup(Combinator.AND, (Condition("kind", "=", kind),))


@pytest.mark.parametrize("type_", TYPES)
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    events=st.lists(
        st.tuples(st.sampled_from("xyz"), st.integers(0, 60), st.sampled_from("ABC")), min_size=1, max_size=12
    ),
    steps=st.lists(st.sampled_from("ABC*"), min_size=2, max_size=4),
    days=st.sampled_from([None, 1, 2, 7]),
)
def test_a_sequence_is_found_where_a_search_through_all_rows_finds_one(
    server: ClickHouse, type_: str, events: list[Event], steps: list[str], days: int | None
) -> None:
    load(server, type_, events)
    within = None if days is None else Span(days, Unit.DAY)
    rule = Sequence("events", tuple(map(step, steps)), within)
    query = compile_statement(audience_of_placed(rule, Catalogue({"events": dataset(type_)}), "events"))
    found = {user for (user,) in server.rows(query)}

    def follows(user: str) -> bool:
        own = [(moment(hours, type_), kind) for who, hours, kind in events if who == user]
        choices = [[at for at, kind in own if wanted in ("*", kind)] for wanted in steps]
        return any(
            all(a < b for a, b in pairwise(chain)) and (days is None or chain[-1] - chain[0] <= timedelta(days=days))  # type: ignore[operator]
            for chain in product(*choices)
        )

    assert found == {user for user in {user for user, _, _ in events} if follows(user)}


def test_a_and_b_on_the_day_after_an_a_are_a_then_b(server: ClickHouse) -> None:
    """What windowFunnel with strict_increase does not see."""
    load(server, "Date", [("x", 0, "A"), ("x", 24, "A"), ("x", 24, "B")])
    rule = Sequence("events", (step("A"), step("B")))
    catalogue = Catalogue({"events": dataset("Date")})
    assert server.rows(compile_statement(audience_of_placed(rule, catalogue, "events"))) == [("x",)]
    funnel = "windowFunnel(9, 'strict_increase')(at, kind = 'A', kind = 'B')"
    assert server.scalar(CompiledQuery(f"SELECT {funnel} FROM {DATABASE}.events")) == 1
