"""The query for the values of a field that begin so."""

from __future__ import annotations

import pytest

from segmentator_dagster.compiler.query import CompiledQuery
from segmentator_dagster.compiler.values import compile_values
from segmentator_dagster.domain.catalogue import Dataset, Field, FieldType, entry, field_type, is_nullable

TYPES = {
    "user": "String",
    "number": "UInt32",
    "day": "Date",
    "code": "Nullable(FixedString(3))",
    "tags": "Array(String)",
    "levels": "Array(Enum8('a' = 1))",
    "numbers": "Array(UInt8)",
    "utm": "Map(String, String)",
}
DATASET = Dataset(
    *("d", "db", "t", "user", "day"),
    tuple(Field(name, field_type(type_), type_, is_nullable(type_)) for name, type_ in TYPES.items()),
)


def values(name: str, prefix: str, key: str | None = None) -> CompiledQuery:
    field = DATASET.field(name)
    assert field is not None
    return compile_values(DATASET, entry(field, key, FieldType.TEXT) if key else field, prefix, limit=7)


def test_values_are_counted_and_the_commonest_come_first() -> None:
    query = values("user", "")
    assert " ".join(query.sql.split()) == (
        "SELECT `v`.`value`, count() AS `rows` FROM (SELECT `t`.`user` AS `value` FROM `db`.`t` AS `t`) AS `v` "
        "WHERE isNotNull(`v`.`value`) GROUP BY `v`.`value` ORDER BY rows DESC, `v`.`value` LIMIT {param_1:Int32}"
    )
    assert query.parameters == {"param_1": 7}


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("user", "`t`.`user`", "`v`.`value`"),
        ("number", "`t`.`number`", "toString(`v`.`value`)"),
        ("day", "`t`.`day`", "toString(`v`.`value`)"),
        ("code", "`t`.`code`", "toString(`v`.`value`)"),
        ("tags", "arrayJoin(`t`.`tags`)", "`v`.`value`"),
        ("levels", "arrayJoin(`t`.`levels`)", "toString(`v`.`value`)"),
        ("numbers", "arrayJoin(`t`.`numbers`)", "toString(`v`.`value`)"),
    ],
)
def test_values_that_begin_so_are_looked_for_in_lower_case(field: str, value: str, text: str) -> None:
    query = values(field, "Мо%")
    assert f"FROM (SELECT {value} AS `value`" in query.sql
    condition = query.sql.split("WHERE isNotNull(`v`.`value`) AND ")[1].split(" GROUP BY")[0]
    assert condition == f"startsWith(lowerUTF8({text}), lowerUTF8({{p_1:String}}))"
    assert query.parameters == {"p_1": "Мо%", "param_1": 7}


def test_entries_of_a_map_are_values_of_their_key() -> None:
    query = values("utm", "c", key="source")
    assert (
        "FROM (SELECT if(mapContains(`t`.`utm`, {p_1:String}), "
        "toNullable(arrayElement(`t`.`utm`, {p_1:String})), NULL) AS `value`" in query.sql
    )
    assert query.parameters == {"p_1": "source", "p_2": "c", "param_1": 7}
