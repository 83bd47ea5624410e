from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segmentator_dagster.compiler.audience import compile_audience
from segmentator_dagster.compiler.members import member_rows, output_columns
from segmentator_dagster.compiler.parameters import parameter
from segmentator_dagster.compiler.query import CompiledQuery, compile_statement
from segmentator_dagster.domain.catalogue import Dataset, Field, field_type, is_nullable
from segmentator_dagster.domain.errors import UserError
from segmentator_dagster.domain.rule import Everyone
from segmentator_dagster.storage.clickhouse import ClickHouse
from tests.domain import worlds

DATABASE = "member_rows"
TYPES = {
    "key": "Nullable(UInt32)",
    "at": "Nullable(DateTime('UTC'))",
    "user_id": "LowCardinality(Nullable(String))",
    "amount": "Float64",
    "tags": "Array(Int8)",
    "level": "Enum8('a' = 1, 'b' = 2)",
}
FIELDS = tuple(Field(name, field_type(type_), type_, is_nullable(type_)) for name, type_ in TYPES.items())
TIMED = Dataset("visits", DATABASE, "visits", "key", "at", FIELDS)
TIMELESS = Dataset("visits", DATABASE, "visits", "key", None, FIELDS)
COLUMNS = ["level", "user_id", "amount", "tags"]
Row = tuple[int | None, int | None, str | None, float, list[int], str]


@pytest.fixture(scope="module")
def server(admin: ClickHouse) -> Iterator[ClickHouse]:
    admin.execute(CompiledQuery(f"CREATE DATABASE IF NOT EXISTS {DATABASE}"))
    yield admin
    admin.execute(CompiledQuery(f"DROP DATABASE {DATABASE}"))


def load(server: ClickHouse, rows: list[Row]) -> None:
    columns = ", ".join(f"{name} {type_}" for name, type_ in TYPES.items())
    create = f"CREATE OR REPLACE TABLE {DATABASE}.visits ({columns}) ENGINE = MergeTree ORDER BY tuple()"
    server.execute(CompiledQuery(create))
    lines = (str(tuple("NULL" if cell is None else cell for cell in row)).replace("'NULL'", "NULL") for row in rows)
    if rows:
        server.execute(CompiledQuery(f"INSERT INTO {DATABASE}.visits VALUES {', '.join(lines)}"))


def members(*ids: str) -> sa.Select[Any]:
    texts = [parameter("String", one) for one in ids]
    return sa.select(sa.func.arrayJoin(sa.func.array(*texts)).label("user_id"))


def latest(rows: list[Row], user: str, *, timed: bool) -> tuple[Any, ...]:
    own = [row for row in rows if row[0] is not None and str(row[0]) == user]
    if not own:
        return (None,) * 4

    def rank(row: Row) -> tuple[Any, ...]:
        _, at, text, amount, tags, level = row
        moment = (-1 if at is None else at) if timed else 0
        return (
            moment,
            level,
            (text is not None, text or ""),
            (not math.isnan(amount), amount),
            str(tags).replace(" ", ""),
        )

    _, _, text, amount, tags, level = max(own, key=rank)
    return level, text, amount, str(tags).replace(" ", "")


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    rows=st.lists(
        st.tuples(
            st.sampled_from([None, 1, 2, 3, 40]),
            st.sampled_from([None, 0, 5, 9]),
            st.sampled_from([None, "", "x", "y"]),
            st.sampled_from([0.0, 1.5, math.nan, math.inf]),
            st.sampled_from([[], [1], [1, 2]]),
            st.sampled_from(["a", "b"]),
        ),
        max_size=15,
    ),
    timed=st.booleans(),
)
def test_each_member_comes_once_with_its_latest_row_whole(server: ClickHouse, rows: list[Row], timed: bool) -> None:
    load(server, rows)
    statement = member_rows(TIMED if timed else TIMELESS, COLUMNS, members("1", "2", "3", "4"))
    found = server.rows(compile_statement(statement))
    expected = [(user, *latest(rows, user, timed=timed)) for user in ("1", "2", "3", "4")]
    assert repr(found) == repr(expected)  # by repr: NaN is not equal to itself


def test_columns_are_named_as_asked_and_a_foreign_user_id_is_told_apart(server: ClickHouse) -> None:
    load(server, [])
    columns = ["key", *COLUMNS]
    assert output_columns(TIMED, columns) == ("user_id", "level", "visits.user_id", "amount", "tags")
    query = compile_statement(member_rows(TIMED, columns, members("1")))
    described = server.rows(CompiledQuery(f"DESCRIBE ({query.sql})", query.parameters))
    assert tuple(row[0] for row in described) == output_columns(TIMED, columns)


def test_without_columns_the_ids_alone_come_in_order(server: ClickHouse) -> None:
    query = compile_statement(member_rows(TIMED, ["key"], members("3", "1")))
    assert server.rows(query) == [("1",), ("3",)]


def test_members_of_a_compiled_audience_join_their_rows(server: ClickHouse) -> None:
    server.execute(CompiledQuery(f"CREATE DATABASE IF NOT EXISTS {worlds.DATABASE}"))
    server.execute(CompiledQuery(worlds.create_sql(worlds.BASE)))
    row = {column.name: column.cells[-1] for column in worlds.COLUMNS}
    rows = [row | {"user_id": user} for user in ("b", "a", "b")]
    server.execute(CompiledQuery(worlds.insert_sql(worlds.BASE, rows)))
    audience = compile_audience(Everyone(), worlds.catalogue(), worlds.BASE, "UTC", worlds.MOMENTS[0])
    names = [column.name for column in worlds.columns_of(worlds.BASE)]
    found = server.rows(compile_statement(member_rows(worlds.catalogue().datasets[worlds.BASE], names, audience)))
    assert [row[0] for row in found] == ["a", "b"]
    assert len(found[0]) == len(names)
    server.execute(CompiledQuery(f"DROP DATABASE {worlds.DATABASE}"))


def test_unknown_and_repeated_columns_are_refused_by_place() -> None:
    with pytest.raises(UserError) as caught:
        member_rows(TIMED, ["level", "levle", "level"], members("1"))
    assert [(p.code, p.pointer) for p in caught.value.problems] == [
        ("unknown_field", "/columns/1"),
        ("duplicate_column", "/columns/2"),
    ]
    assert "`level`" in caught.value.problems[0].hint("en")
