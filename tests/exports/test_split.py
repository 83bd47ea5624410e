from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segmentator_dagster.compiler.query import CompiledQuery
from segmentator_dagster.domain.catalogue import Field, field_type
from segmentator_dagster.domain.errors import UserError
from segmentator_dagster.domain.export_options import SplitOptions
from segmentator_dagster.exports.extract import drop_table
from segmentator_dagster.exports.source import Source
from segmentator_dagster.exports.split import MOST_FILES, Part, parts_of
from segmentator_dagster.storage.clickhouse import ClickHouse
from segmentator_dagster.storage.members import create_databases

Make = Callable[..., Source]


@pytest.fixture(scope="module")
def make(admin: ClickHouse) -> Iterator[Make]:
    create_databases(admin, "segmentator", "datasets")
    made = []

    def make(values: str, type_: str = "Nullable(String)") -> Source:
        """A source of a user id and one field `f`, from the VALUES or SELECT of an INSERT."""
        name = f"extract_test_{uuid.uuid4().hex}"
        made.append(name)
        admin.execute(
            CompiledQuery(f"CREATE TABLE segmentator.{name} (c0 String, c1 {type_}) ENGINE = MergeTree ORDER BY c0")
        )
        if values:
            admin.execute(CompiledQuery(f"INSERT INTO segmentator.{name} {values}"))
        fields = (
            Field("user_id", field_type("String"), "String", nullable=False),
            Field("f", field_type(type_), type_, nullable=True),
        )
        count = admin.scalar(CompiledQuery(f"SELECT count() FROM segmentator.{name}"))
        return Source("segmentator", name, fields, count, "Europe/Moscow")

    yield make
    for name in made:
        drop_table(admin, "segmentator", name)


def split(admin: ClickHouse, source: Source, **options: object) -> list[Part]:
    return parts_of(admin, source, SplitOptions(**options), {})


def contents(admin: ClickHouse, parts: list[Part]) -> list[list[str]]:
    found = [[user for (user,) in admin.rows(part.source.query("c0"))] for part in parts]
    assert [len(users) for users in found] == [part.source.rows for part in parts]
    return found


def test_without_a_split_there_is_one_part(admin: ClickHouse, make: Make) -> None:
    source = make("VALUES ('a', NULL)")
    assert parts_of(admin, source, None, {}) == [Part(source)]
    assert split(admin, source) == [Part(source)]


@settings(max_examples=15, deadline=None)
@given(users=st.sets(st.text(max_size=3), max_size=12), rows=st.integers(1, 13))
def test_parts_of_so_many_rows_are_the_source_in_its_order(
    admin: ClickHouse, make: Make, users: set[str], rows: int
) -> None:
    source = make("")
    if users:
        listed = CompiledQuery(
            f"INSERT INTO segmentator.{source.table} SELECT arrayJoin({{users:Array(String)}}), NULL",
            {"users": list(users)},
        )
        admin.execute(listed)
    source = Source(source.database, source.table, source.fields, len(users), source.time_zone)
    parts = split(admin, source, rows=rows)
    in_order = sorted(users, key=lambda user: user.encode())
    expected = [in_order[start : start + rows] for start in range(0, len(users), rows)] or [[]]
    assert contents(admin, parts) == expected
    assert [part.name for part in parts] == [f"{n + 1:0{len(str(len(expected)))}}" for n in range(len(expected))]


def test_every_value_of_a_field_has_its_part_and_so_has_null(admin: ClickHouse, make: Make) -> None:
    source = make("VALUES ('a', 'Омск'), ('b', NULL), ('c', 'Омск'), ('d', ''), ('e', '\\xFF'), ('f', 'NULL')")
    parts = split(admin, source, field="f")
    assert contents(admin, parts) == [["d"], ["f"], ["a", "c"], ["e"], ["b"]]
    assert [part.value for part in parts] == ["", "NULL", "Омск", "\ufffd", None]
    assert [part.name for part in parts] == ["''", "NULL", "Омск", "\ufffd", "NULL"]


@pytest.mark.parametrize(
    ("type_", "values", "expected"),
    [
        ("Float64", "VALUES ('a', nan), ('b', 0.1), ('c', nan)", {"nan": ["a", "c"], "0.1": ["b"]}),
        ("Date", "VALUES ('a', '2026-01-02'), ('b', '2026-01-01')", {"2026-01-01": ["b"], "2026-01-02": ["a"]}),
        (
            "DateTime('UTC')",
            "VALUES ('a', '2026-01-01 22:00:00'), ('b', '2026-01-01 20:00:00')",
            {"2026-01-01 23:00:00": ["b"], "2026-01-02 01:00:00": ["a"]},
        ),
        ("Enum8('x' = 1, 'y' = 2)", "VALUES ('a', 'y'), ('b', 'x')", {"x": ["b"], "y": ["a"]}),
        ("Bool", "VALUES ('a', true), ('b', false)", {"false": ["b"], "true": ["a"]}),
    ],
)
def test_values_of_any_type_part_as_they_are_shown(
    admin: ClickHouse, make: Make, type_: str, values: str, expected: dict[str, list[str]]
) -> None:
    parts = split(admin, make(values, type_), field="f")
    assert dict(zip([part.value for part in parts], contents(admin, parts), strict=True)) == expected


def test_an_empty_source_is_one_part(admin: ClickHouse, make: Make) -> None:
    assert len(split(admin, make(""), field="f")) == len(split(admin, make(""), rows=5)) == 1


@pytest.mark.parametrize("options", [{"rows": 1}, {"field": "f"}])
def test_more_files_than_anyone_can_want_are_refused(admin: ClickHouse, make: Make, options: dict[str, object]) -> None:
    source = make(f"SELECT toString(number), toString(number) FROM numbers({MOST_FILES + 1})")
    with pytest.raises(UserError) as refused:
        split(admin, source, **options)
    assert refused.value.code == "too_many_files"
