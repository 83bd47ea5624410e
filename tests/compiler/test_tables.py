"""A user key of every type, as it is stored and as text; names that may become identifiers."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from segmentator_dagster.compiler.query import compile_statement
from segmentator_dagster.compiler.tables import dataset_table, has_user, key_type, known_key, user_id
from segmentator_dagster.domain.catalogue import Dataset, Field, FieldType, field_type, is_nullable
from segmentator_dagster.domain.errors import InternalError

FIELD = Field("x", FieldType.TEXT, "String", nullable=False)


def keyed(type_: str) -> Dataset:
    field = Field("key", field_type(type_), type_, is_nullable(type_))
    return Dataset("d", "db", "t", "key", None, (field,))


def rendered(expression: sa.ColumnElement[object]) -> str:
    return compile_statement(expression).sql


@pytest.mark.parametrize(
    ("type_", "stored", "text"),
    [
        ("String", "`t`.`key`", "`t`.`key`"),
        ("UInt64", "`t`.`key`", "toString(`t`.`key`)"),
        ("UUID", "`t`.`key`", "toString(`t`.`key`)"),
        ("FixedString(8)", "`t`.`key`", "toString(`t`.`key`)"),
        ("LowCardinality(String)", "`t`.`key`", "CAST(`t`.`key` AS String)"),
        ("LowCardinality(UInt32)", "`t`.`key`", "CAST(toString(`t`.`key`) AS String)"),
        ("Nullable(String)", "assumeNotNull(`t`.`key`)", "assumeNotNull(`t`.`key`)"),
        ("Nullable(Int32)", "assumeNotNull(`t`.`key`)", "toString(assumeNotNull(`t`.`key`))"),
        ("LowCardinality(Nullable(String))", "assumeNotNull(`t`.`key`)", "CAST(assumeNotNull(`t`.`key`) AS String)"),
    ],
)
def test_a_key_of_any_type_comes_without_null_and_as_a_string(type_: str, stored: str, text: str) -> None:
    dataset = keyed(type_)
    table = dataset_table(dataset)
    assert rendered(known_key(dataset, table)) == stored
    assert rendered(user_id(dataset, table)) == text


@pytest.mark.parametrize("type_", ["Nullable(UUID)", "LowCardinality(Nullable(String))"])
def test_rows_without_a_user_are_left_out_where_there_may_be_any(type_: str) -> None:
    dataset = keyed(type_)
    found = has_user(dataset, dataset_table(dataset))
    assert found is not None
    assert rendered(found) == "isNotNull(`t`.`key`)"


@pytest.mark.parametrize("type_", ["UUID", "LowCardinality(String)"])
def test_nothing_is_left_out_where_each_row_has_a_user(type_: str) -> None:
    dataset = keyed(type_)
    assert has_user(dataset, dataset_table(dataset)) is None


def test_a_dataset_without_its_key_column_is_our_fault() -> None:
    with pytest.raises(InternalError, match=r"^dataset 'visits' has no column for its user key 'nobody'$"):
        key_type(Dataset("visits", "db", "t", "nobody", None, (FIELD,)))


@pytest.mark.parametrize("name", ["(SELECT 1)", "(", "`x`", '"x"'])
@pytest.mark.parametrize("place", ["database", "table", "field"])
def test_a_name_that_would_not_be_quoted_is_refused_wherever_it_stands(name: str, place: str) -> None:
    names = {"database": "db", "table": "t", "field": "x"} | {place: name}
    field = Field(names["field"], FieldType.TEXT, "String", nullable=False)
    with pytest.raises(InternalError) as caught:
        dataset_table(Dataset("d", names["database"], names["table"], "x", None, (field,)))
    assert str(caught.value) == f"cannot be quoted as an identifier: {name!r}"


@pytest.mark.parametrize("name", ["x", "a(b)", "`", "a`b", '"a', "ключ", "\\"])
def test_any_other_name_is_quoted_whole(name: str) -> None:
    field = Field(name, FieldType.TEXT, "String", nullable=False)
    table = dataset_table(Dataset("d", name, name, name, None, (field,)))
    quoted = "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"
    assert compile_statement(sa.select(table.c[name])).sql.split() == (
        f"SELECT `t`.{quoted} FROM {quoted}.{quoted} AS `t`".split()
    )
