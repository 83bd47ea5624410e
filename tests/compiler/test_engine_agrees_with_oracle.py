"""The compiled SQL on a real server names exactly the users the plain-Python interpreter names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segmentator_dagster.compiler.audience import compile_audience, compile_count
from segmentator_dagster.compiler.query import CompiledQuery, compile_statement
from segmentator_dagster.domain.fingerprint import canonical
from segmentator_dagster.domain.rule import Rule
from segmentator_dagster.storage.clickhouse import ClickHouse
from tests.domain import worlds
from tests.domain.oracle import Oracle, Table

RULES_A_WORLD = 12


@pytest.fixture(scope="module")
def world(admin: ClickHouse) -> Iterator[ClickHouse]:
    admin.execute(CompiledQuery(f"CREATE DATABASE IF NOT EXISTS {worlds.DATABASE}"))
    yield admin
    admin.execute(CompiledQuery(f"DROP DATABASE {worlds.DATABASE}"))


def load(world: ClickHouse, rows: dict[str, list[dict[str, Any]]]) -> Oracle:
    for dataset, content in rows.items():
        world.execute(CompiledQuery(worlds.create_sql(dataset)))
        if content:
            world.execute(CompiledQuery(worlds.insert_sql(dataset, content)))
    keys = {name: worlds.columns_of(name)[0].name for name in rows}
    types = {name: {column.name: column.type for column in worlds.columns_of(name)} for name in rows}
    tables = {name: Table(keys[name], types[name], content) for name, content in rows.items()}
    return Oracle(tables, worlds.BASE, worlds.ZONE)


def audience_query(rule: Rule) -> CompiledQuery:
    return compile_statement(compile_audience(rule, worlds.catalogue(), worlds.BASE, worlds.ZONE.key))


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    base=worlds.rows_of(worlds.BASE, 1),
    other=worlds.rows_of(worlds.OTHER, 0),
    rules=st.lists(worlds.rules(), min_size=RULES_A_WORLD, max_size=RULES_A_WORLD),
)
def test_any_rule_names_the_users_the_oracle_names(
    world: ClickHouse, base: list[dict[str, Any]], other: list[dict[str, Any]], rules: list[Rule]
) -> None:
    oracle = load(world, {worlds.BASE: base, worlds.OTHER: other})
    for rule in rules:
        expected = oracle.audience(rule)
        found = [user for (user,) in world.rows(audience_query(rule))]
        assert sorted(found) == sorted(expected), rule
        assert oracle.audience(canonical(rule)) == expected, rule


def test_every_operator_on_every_column_agrees_on_a_row_of_each_cell(world: ClickHouse) -> None:
    tallest = max(len(column.cells) for column in worlds.COLUMNS)
    rows = [
        {column.name: column.cells[index % len(column.cells)] for column in worlds.COLUMNS} | {"user_id": f"u{index}"}
        for index in range(2 * tallest)
    ]
    oracle = load(world, {worlds.BASE: rows, worlds.OTHER: []})
    rules = worlds.every_simple_rule()
    audiences = [compile_audience(rule, worlds.catalogue(), worlds.BASE, worlds.ZONE.key) for rule in rules]
    for start in range(0, len(rules), 50):
        part = slice(start, start + 50)
        statement = sa.union_all(
            *(
                sa.select(sa.literal_column(str(at)), audience.subquery().c.user_id)
                for at, audience in enumerate(audiences[part])
            )
        )
        found: dict[int, set[str]] = {}
        for at, user in world.rows(compile_statement(statement)):
            found.setdefault(at, set()).add(user)
        for at, rule in enumerate(rules[part]):
            assert found.get(at, set()) == oracle.audience(rule), rule


def test_count_is_the_size_of_the_audience(world: ClickHouse) -> None:
    rows = [
        {column.name: column.cells[-1] for column in worlds.COLUMNS} | {"user_id": user} for user in ("a", "b", "a")
    ]
    load(world, {worlds.BASE: rows, worlds.OTHER: []})
    for rule in worlds.every_simple_rule()[:20]:
        count = world.scalar(compile_count(rule, worlds.catalogue(), worlds.BASE, worlds.ZONE.key))
        assert count == len(world.rows(audience_query(rule)))
