from __future__ import annotations

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa

from segmentator_dagster.compiler.query import CompiledQuery
from segmentator_dagster.domain.catalogue import Field, FieldType
from segmentator_dagster.domain.errors import UserError
from segmentator_dagster.exports.extract import (
    drop_extracts,
    drop_table,
    extract_name,
    extract_tables,
    make_extract,
)
from segmentator_dagster.exports.source import Source
from segmentator_dagster.storage.clickhouse import ClickHouse
from segmentator_dagster.storage.members import create_databases

FIELDS = (
    Field("user_id", FieldType.TEXT, "String", nullable=False),
    Field("n", FieldType.NUMBER, "UInt64", nullable=False),
)


def rows(count: int) -> sa.Select[Any]:
    numbers = sa.table("numbers", sa.column("number"), schema="system")
    limited = sa.select(sa.func.toString(numbers.c.number).label("user_id"), numbers.c.number.label("n"))
    return limited.limit(count)


@pytest.fixture
def request_id(admin: ClickHouse, writer: ClickHouse) -> Iterator[str]:
    create_databases(admin, "segmentator", "datasets")
    request = str(uuid.uuid4())
    yield request
    drop_extracts(admin, "segmentator", request)


def make(writer: ClickHouse, name: str, statement: sa.Select[Any]) -> Source:
    return make_extract(writer, statement, FIELDS, database="segmentator", name=name, time_zone="UTC", settings={})


def names_of(writer: ClickHouse, request_id: str) -> list[str]:
    return [table.name for table in extract_tables(writer, "segmentator") if table.request_id == request_id]


def test_an_extract_has_the_rows_in_the_order_of_the_ids(admin: ClickHouse, request_id: str) -> None:
    name = extract_name(request_id, str(uuid.uuid4()))
    source = make(admin, name, rows(25))
    assert source.rows == 25
    assert admin.rows(source.query("c0, c1")) == sorted((str(n), n) for n in range(25))
    assert names_of(admin, request_id) == [name]


def test_an_extract_that_is_there_is_not_made_again(admin: ClickHouse, request_id: str) -> None:
    name = extract_name(request_id, str(uuid.uuid4()))
    make(admin, name, rows(3))
    assert make(admin, name, rows(99)).rows == 3


def test_two_who_make_an_extract_at_once_read_the_same_one(admin: ClickHouse, request_id: str) -> None:
    name = extract_name(request_id, str(uuid.uuid4()))
    with ThreadPoolExecutor(4) as threads:
        made = list(threads.map(lambda count: make(admin, name, rows(count)), [100_000, 100_001, 100_002, 100_003]))
    assert len({source.rows for source in made}) == 1
    assert names_of(admin, request_id) == [name]


def test_an_extract_that_fails_leaves_no_table(admin: ClickHouse, request_id: str) -> None:
    name = extract_name(request_id, str(uuid.uuid4()))
    numbers = sa.table("numbers", sa.column("number"), schema="system")
    failing = sa.literal_column("throwIf(number > 5)").label("n")
    broken = sa.select(sa.func.toString(numbers.c.number).label("user_id"), failing).limit(10)
    with pytest.raises(Exception, match="throwIf"):
        make(admin, name, broken)
    assert names_of(admin, request_id) == []


def test_the_tables_of_a_request_are_dropped_and_of_no_other(admin: ClickHouse, request_id: str) -> None:
    other = str(uuid.uuid4())
    make(admin, extract_name(request_id, str(uuid.uuid4())), rows(1))
    make(admin, extract_name(request_id, str(uuid.uuid4())), rows(1))
    kept = extract_name(other, str(uuid.uuid4()))
    make(admin, kept, rows(1))
    drop_extracts(admin, "segmentator", request_id)
    assert (names_of(admin, request_id), names_of(admin, other)) == ([], [kept])
    drop_table(admin, "segmentator", kept)


@pytest.mark.parametrize("name", ["extract_of_sales", f"extract_{'0' * 32}", f"extract_{'z' * 32}_{'0' * 32}"])
def test_a_table_of_another_form_is_nobodys_extract(admin: ClickHouse, request_id: str, name: str) -> None:
    admin.execute(CompiledQuery(f"CREATE TABLE segmentator.{name} (a UInt8) ENGINE = Memory"))
    own = extract_name(request_id, str(uuid.uuid4()))
    make(admin, own, rows(1))
    listed = {table.name for table in extract_tables(admin, "segmentator")}
    drop_table(admin, "segmentator", name)
    assert own in listed
    assert name not in listed


def test_an_extract_may_be_asked_for_a_part(admin: ClickHouse, request_id: str) -> None:
    source = make(admin, extract_name(request_id, str(uuid.uuid4())), rows(25))
    part = Source(
        source.database, source.table, FIELDS, 2, "UTC", condition="c1 >= {least:UInt64}", parameters={"least": 23}
    )
    assert admin.rows(part.query("c1")) == [(23,), (24,)]


def test_the_age_of_an_extract_is_told(admin: ClickHouse, request_id: str) -> None:
    make(admin, extract_name(request_id, str(uuid.uuid4())), rows(1))
    [table] = [one for one in extract_tables(admin, "segmentator") if one.request_id == request_id]
    assert 0 <= table.age_seconds < 60


def test_the_writer_may_make_and_drop_extracts(writer: ClickHouse, request_id: str) -> None:
    name = extract_name(request_id, str(uuid.uuid4()))
    members = sa.table("segment_members", sa.column("user_id"), schema="segmentator")
    statement = sa.select(members.c.user_id, sa.literal_column("toUInt64(1)").label("n")).where(sa.false())
    assert make(writer, name, statement).rows == 0
    drop_extracts(writer, "segmentator", request_id)
    with pytest.raises(UserError):
        writer.rows(CompiledQuery(f"SELECT * FROM segmentator.{name}"))
