"""The demo dataset: the same on every build, and like the activity of real users."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from segmentator_dagster.compiler.query import CompiledQuery
from segmentator_dagster.domain.errors import UserError
from segmentator_dagster.embedded.demo import FIRST_DATE, LABELS, LAST_DATE, DemoData, create_demo
from segmentator_dagster.storage.clickhouse import ClickHouse
from tests.servers.clickhouse import ClickHouseServer

DATABASE = "demo_facts"
USERS = 10_000
BY_USER = f"FROM (SELECT user_id, count() AS visits FROM {DATABASE}.user_activity GROUP BY user_id)"


@pytest.fixture(scope="module")
def made(admin: ClickHouse) -> Iterator[DemoData]:
    admin.execute(CompiledQuery(f"CREATE DATABASE {DATABASE}"))
    yield create_demo(admin, DATABASE, USERS)
    admin.execute(CompiledQuery(f"DROP DATABASE {DATABASE} SYNC"))


def facts(admin: ClickHouse, expressions: str, source: str = f"FROM {DATABASE}.user_activity") -> tuple[Any, ...]:
    return admin.rows(CompiledQuery(f"SELECT {expressions} {source}"))[0]


def content(admin: ClickHouse, database: str) -> tuple[Any, ...]:
    return facts(admin, "count(), groupBitXor(cityHash64(*))", f"FROM {database}.user_activity")


def test_counts_are_those_of_the_table(admin: ClickHouse, made: DemoData) -> None:
    assert facts(admin, "uniqExact(user_id), count()") == (made.users, made.rows)
    assert made.users == USERS
    assert 22 <= made.rows / made.users <= 29  # so that 200 000 users are about 5 million rows


def test_columns_are_those_of_the_specification(admin: ClickHouse, made: DemoData) -> None:
    columns = f"SELECT name, type FROM system.columns WHERE database = '{DATABASE}' AND table = 'user_activity'"
    found = admin.rows(CompiledQuery(f"{columns} ORDER BY position"))
    assert found == [("user_id", "String"), ("date", "Date"), ("platform_main", "String"), ("cohort", "Date")]
    assert set(LABELS) == {name for name, _ in found}


def test_second_build_is_the_same_table_and_takes_the_place_of_the_first(admin: ClickHouse, made: DemoData) -> None:
    before = content(admin, DATABASE)
    assert create_demo(admin, DATABASE, USERS) == made
    assert content(admin, DATABASE) == before
    tables = admin.rows(CompiledQuery(f"SELECT name FROM system.tables WHERE database = '{DATABASE}'"))
    assert tables == [("user_activity",)]


def test_rows_are_sound(admin: ClickHouse, made: DemoData) -> None:
    assert facts(admin, "countIf(date < cohort), count() - uniqExact(user_id, date, platform_main)") == (0, 0)
    cohorts = f"FROM (SELECT user_id, uniqExact(cohort) AS n, min(date) = any(cohort) AS first FROM {DATABASE}"
    assert facts(admin, "max(n), min(first)", f"{cohorts}.user_activity GROUP BY user_id)") == (1, 1)
    first, last = dt.date.fromisoformat(FIRST_DATE), dt.date.fromisoformat(LAST_DATE)
    assert facts(admin, "min(cohort), max(date)") == (first, last)
    assert facts(admin, "min(match(user_id, '^u[0-9]{7}$'))") == (1,)


def test_platforms_have_their_shares(admin: ClickHouse, made: DemoData) -> None:
    rows = admin.rows(CompiledQuery(f"SELECT platform_main, count() FROM {DATABASE}.user_activity GROUP BY 1"))
    shares = {platform: count / made.rows for platform, count in rows}
    assert set(shares) == {"android", "ios", "web", "ipados", "windows", "macos", "huawei"}
    assert shares["android"] == pytest.approx(0.45, abs=0.05)
    assert shares["ios"] == pytest.approx(0.27, abs=0.05)
    platforms = f"FROM (SELECT uniqExact(platform_main) AS n FROM {DATABASE}.user_activity GROUP BY user_id)"
    (most, several) = facts(admin, "max(n), countIf(n > 1) / count()", platforms)
    assert most == 2
    assert 0.05 < several < 0.13


def test_activity_fades_and_a_few_users_make_much_of_it(admin: ClickHouse, made: DemoData) -> None:
    kept = ", ".join(f"uniqExactIf(user_id, date - cohort = {day})" for day in (0, 1, 7, 30, 180))
    retention = facts(admin, kept, f"FROM {DATABASE}.user_activity WHERE cohort < '2026-01-01'")
    assert list(retention) == sorted(retention, reverse=True)
    assert retention[0] / 5 < retention[1] < retention[0] / 2
    median, top = facts(admin, "quantileExact(0.5)(visits), max(visits)", BY_USER)
    assert top > 15 * median


def test_killed_build_leaves_the_old_table_and_no_other(
    admin: ClickHouse, made: DemoData, clickhouse_server: ClickHouseServer
) -> None:
    before = content(admin, DATABASE)
    builder = ClickHouse(clickhouse_server.admin_url)
    with ThreadPoolExecutor(1) as pool:
        build = pool.submit(create_demo, builder, DATABASE, 50_000_000)
        insert = f"query LIKE 'INSERT INTO {DATABASE}.%' AND written_rows > 0"
        while not admin.rows(CompiledQuery(f"SELECT 1 FROM system.processes WHERE {insert}")):
            assert not build.done()
            time.sleep(0.1)
        admin.execute(CompiledQuery(f"KILL QUERY WHERE {insert} ASYNC"))
        with pytest.raises(UserError, match="query_cancelled"):
            build.result(timeout=20)
    builder.close()
    assert content(admin, DATABASE) == before
    assert admin.rows(CompiledQuery(f"SELECT name FROM system.tables WHERE database = '{DATABASE}'")) == [
        ("user_activity",)
    ]
