"""Values on their way to the server: how lists are cut, how parameters are numbered, how long a query may be."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from segmentator_dagster.compiler.conditions import Surroundings, row_predicate
from segmentator_dagster.compiler.expressions import Infix, constant, fn
from segmentator_dagster.compiler.list_items import on_list
from segmentator_dagster.compiler.parameters import list_parameters, parameter
from segmentator_dagster.compiler.query import MAX_SQL_BYTES, compile_statement
from segmentator_dagster.compiler.tables import dataset_table
from segmentator_dagster.domain.catalogue import Dataset, Field, FieldType
from segmentator_dagster.domain.errors import UserError
from segmentator_dagster.domain.rule import Condition

FULL = 60_000
TEN = ["x" * 2_998] * 10  # of 6 000 each: ten fill a part


def parts(values: list[str]) -> list[list[object]]:
    cut = list(list_parameters("String", values))
    assert {one.clickhouse_type for one in cut} == {"Array(String)"}
    return [list(one.value) for one in cut]  # type: ignore[call-overload]


def test_a_list_is_sent_in_parts_the_server_reads() -> None:
    values = [f"{number:0100}" for number in range(1000)]
    cut = parts(values)
    assert [value for part in cut for value in part] == values
    assert len(cut) == 4
    assert max(sum(2 * len(str(value)) + 4 for value in part) for part in cut) <= FULL


def test_a_part_is_full_at_60_000() -> None:
    assert parts(TEN) == [TEN]
    assert parts(TEN + TEN) == [TEN, TEN]
    assert parts([*TEN[1:], "x" * 2_999]) == [TEN[1:], ["x" * 2_999]]


def test_letters_count_by_their_bytes() -> None:
    assert [len(part) for part in parts(["ж" * 1_499] * 11)] == [10, 1]


def test_a_value_longer_than_a_part_goes_alone() -> None:
    assert parts(["x" * 100_000]) == [["x" * 100_000]]
    assert parts(["a", "x" * 100_000, "b"]) == [["a"], ["x" * 100_000], ["b"]]


def test_a_list_of_nothing_is_an_empty_array() -> None:
    assert parts([]) == [[]]


DATASET = Dataset("d", "db", "t", "x", None, (Field("x", FieldType.TEXT, "String", nullable=False),))


@pytest.mark.parametrize(
    ("ignore_case", "expected"),
    [
        (False, "`t`.`x` IN (SELECT arrayJoin(arrayConcat({p_1:Array(String)}, {p_2:Array(String)})) AS `value`)"),
        (
            True,
            "lowerUTF8(`t`.`x`) IN (SELECT arrayJoin(arrayMap(value -> lowerUTF8(value), "
            "arrayConcat({p_1:Array(String)}, {p_2:Array(String)}))) AS `value`)",
        ),
    ],
)
def test_a_list_in_two_parts_is_one_set(ignore_case: bool, expected: str) -> None:
    condition = Condition("x", "in", (*TEN, "a"), ignore_case=ignore_case)
    around = Surroundings(ZoneInfo("UTC"), "lists")
    query = compile_statement(row_predicate(condition, DATASET, dataset_table(DATASET), around))
    assert query.sql == expected
    assert query.parameters == {"p_1": TEN, "p_2": ["a"]}


def test_an_uploaded_list_of_many_parts_is_looked_up_in_each_of_them() -> None:
    ids = [f"{number:036}" for number in range(1_000)]
    query = compile_statement(on_list(constant("id"), ids, "lists"))
    assert " ".join(query.sql.split()) == (
        "id IN (SELECT `lists`.`list_items`.`value` FROM `lists`.`list_items` "
        "WHERE (`lists`.`list_items`.`part` IN {p_1:Array(UUID)} OR `lists`.`list_items`.`part` IN {p_2:Array(UUID)}))"
    )
    assert query.parameters == {"p_1": ids[:789], "p_2": ids[789:]}


def test_parameters_are_numbered_as_the_text_goes_and_one_that_comes_twice_has_one_number() -> None:
    zone, day = parameter("String", "UTC"), parameter("Date", "2026-01-31")
    query = compile_statement(sa.select(fn.f(day, zone, Infix(constant("a"), "=", day), parameter("String", "UTC"))))
    assert query.sql == "SELECT f({p_1:Date}, {p_2:String}, a = {p_1:Date}, {p_3:String})"
    assert query.parameters == {"p_1": "2026-01-31", "p_2": "UTC", "p_3": "UTC"}


def test_a_query_may_be_as_long_as_the_server_takes_and_no_longer() -> None:
    longest = "ж" + "1" * (MAX_SQL_BYTES - 2)
    assert compile_statement(constant(longest)).sql == longest
    with pytest.raises(UserError) as caught:
        compile_statement(constant(longest + "1"))
    assert caught.value.code == "sql_too_long"
