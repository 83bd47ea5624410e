"""The compiled SQL on a real server names exactly the users the plain-Python interpreter names."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from segmentator_dagster.compiler import parameters
from segmentator_dagster.compiler.audience import asked_of_data, count_of_placed
from segmentator_dagster.domain.fingerprint import canonical
from segmentator_dagster.domain.parsing import parse_rule
from segmentator_dagster.domain.placing import placed
from segmentator_dagster.domain.references import conditions_of, wheres
from segmentator_dagster.domain.rule import Rule, SegmentMembers
from segmentator_dagster.domain.rule_json import rule_json
from segmentator_dagster.storage.clickhouse import ClickHouse
from tests.compiler.worlds_on_server import World, loaded, prepared
from tests.domain import worlds

RULES_A_WORLD = 25
# Shrinking a world with its rules takes minutes and finds little: the message names the one rule that fails.
WITHOUT_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)
WORLDS = int(os.environ.get("SEGMENTATOR_TEST_RULES", "2000")) // RULES_A_WORLD


@pytest.fixture(scope="module")
def server(admin: ClickHouse) -> Iterator[ClickHouse]:
    yield from prepared(admin)


@pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisWarning")  # a world is a long text
@settings(max_examples=WORLDS, deadline=None, suppress_health_check=list(HealthCheck), phases=WITHOUT_SHRINKING)
@given(
    rows=st.fixed_dictionaries(
        {
            worlds.BASE: worlds.rows_of(worlds.BASE, 1),
            worlds.OTHER: worlds.rows_of(worlds.OTHER, 0),
            worlds.THIRD: worlds.rows_of(worlds.THIRD, 0),
        }
    ),
    moment=st.sampled_from(worlds.MOMENTS),
    segments=st.tuples(worlds.rules(), worlds.rules(), st.just(SegmentMembers(2, negated=True)) | worlds.rules()),
    rules=st.lists(worlds.rules(references=True), min_size=RULES_A_WORLD, max_size=RULES_A_WORLD),
)
def test_any_rule_names_the_users_the_oracle_names(
    server: ClickHouse,
    rows: dict[str, list[dict[str, Any]]],
    moment: datetime,
    segments: tuple[Rule, ...],
    rules: list[Rule],
) -> None:
    world = loaded(server, rows, moment, segments)
    with ThreadPoolExecutor(1) as thread:  # the oracle thinks while the server does
        asked = thread.submit(world.users, rules)
        expected = [sorted(world.oracle.audience(rule)) for rule in rules]
    for rule, wanted, found in zip(rules, expected, asked.result(), strict=True):
        assert sorted(found) == wanted, rule
        read_back = parse_rule(rule_json(rule), default_dataset=worlds.BASE)
        assert read_back == rule
        assert sorted(world.oracle.audience(_canonical(rule))) == wanted, rule


def _canonical(rule: Rule) -> Rule:
    return canonical(placed(rule, worlds.catalogue(), worlds.ZONE.key, None))


def test_every_operator_on_every_column_agrees_on_a_row_of_each_cell(
    server: ClickHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    tallest = max(len(column.cells) for column in worlds.COLUMNS)
    rows = [
        {column.name: column.cells[index % len(column.cells)] for column in worlds.COLUMNS} | {"user_id": f"u{index}"}
        for index in range(2 * tallest)
    ]
    rules = worlds.every_simple_rule()
    agrees(loaded(server, {worlds.BASE: rows}, worlds.MOMENTS[0]), rules)
    # at another moment what depends on it, and lists as if each of their values were too long for one parameter
    monkeypatch.setattr(parameters, "_CHUNK_BYTES", 1)
    again = [rule for rule in rules if operators(rule) & (worlds.RELATIVE_KEYS | {"in", "notIn", "hasAll", "hasAny"})]
    assert len(again) < len(rules) / 2
    agrees(loaded(server, {worlds.BASE: rows}, worlds.MOMENTS[1]), again[::6])


def agrees(world: World, rules: list[Rule]) -> None:
    parts = [rules[start : start + 25] for start in range(0, len(rules), 25)]
    with ThreadPoolExecutor(2) as threads:  # the server works on one part while Python compiles others and compares
        for part, users in zip(parts, threads.map(world.users, parts), strict=True):
            for rule, found in zip(part, users, strict=True):
                assert sorted(found) == sorted(world.oracle.audience(rule)), rule


def operators(rule: Rule) -> set[str]:
    return {condition.operator for where in wheres(rule) for condition in conditions_of(where)}


def test_count_is_the_size_of_the_audience(server: ClickHouse) -> None:
    rows = [
        {column.name: column.cells[-1] for column in worlds.COLUMNS} | {"user_id": user} for user in ("a", "b", "a")
    ]
    world = loaded(server, {worlds.BASE: rows}, worlds.MOMENTS[0])
    for rule in worlds.every_simple_rule()[:20]:
        asked = asked_of_data(rule, worlds.catalogue(), worlds.BASE, worlds.ZONE.key, world.moment)
        count = server.scalar(count_of_placed(asked, worlds.catalogue(), worlds.BASE, worlds.DATABASE))
        assert count == len(world.users([rule])[0])
