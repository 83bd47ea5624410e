"""Corners of the expressions that whole rules reach seldom."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa

from segmentator_dagster.compiler.columns import column_of
from segmentator_dagster.compiler.conditions import Surroundings, compared
from segmentator_dagster.compiler.expressions import (
    FALSE,
    TRUE,
    Infix,
    Predicate,
    all_of,
    any_of,
    complement,
    constant,
    fn,
)
from segmentator_dagster.compiler.facts import bit_of, words
from segmentator_dagster.compiler.query import compile_statement
from segmentator_dagster.compiler.tables import dataset_table, key_type
from segmentator_dagster.domain.aggregates import Function
from segmentator_dagster.domain.catalogue import Dataset, Field, FieldType, field_type, is_nullable
from segmentator_dagster.domain.errors import InternalError
from segmentator_dagster.domain.fields import known_aggregated, known_field, known_time
from segmentator_dagster.domain.rule import Aggregate, Condition

TYPES = {
    "user": "String",
    "real": "BFloat16",
    "born": "Nullable(Date)",
    "level": "Enum8('a' = 1)",
    "at": "DateTime64(9)",
    "calls": "Array(Nullable(DateTime64(3)))",
    "flag": "Nullable(Bool)",
    "doc": "JSON",
}
FIELDS = tuple(Field(name, field_type(type_), type_, is_nullable(type_)) for name, type_ in TYPES.items())
DATASET = Dataset("d", "db", "t", "user", None, FIELDS)


def rendered(expression: sa.ColumnElement[Any]) -> str:
    return compile_statement(expression).sql


@pytest.mark.parametrize(
    ("field", "operator", "value", "expected"),
    [
        ("real", ">", 1, "ifNull(toFloat32(`t`.`real`) > {p_1:Float32}, 0)"),
        ("level", "=", "a", "toString(`t`.`level`) = {p_1:String}"),
        ("level", "matches", "^a", "match(toString(`t`.`level`), {p_1:String})"),
        ("born", "between", ("2026-01-01", "2026-01-31"), "ifNull(`t`.`born` BETWEEN {p_1:Date} AND {p_2:Date}, 0)"),
        ("at", "in", ("2026-01-31T10:00", "2026-01-31T11:00"),
         "toDateTime64(`t`.`at`, 9, 'UTC') IN {p_1:Array(DateTime64(6, 'UTC'))}"),
        ("calls", "hasAll", ("2026-01-31", "2026-02-01"),
         "arrayAll(value -> arrayExists(element -> ifNull(toDate32(element, {p_1:String}) = value, 0), `t`.`calls`), "
         "{p_2:Array(Date32)})"),
        ("flag", "notNull", None, "not(isNull(`t`.`flag`))"),
        ("flag", "!=", True, "not(ifNull(`t`.`flag` = {p_1:Bool}, 0))"),
    ],
)  # fmt: skip
def test_a_column_is_compared_in_a_form_that_agrees_with_the_value(
    field: str, operator: str, value: Any, expected: str
) -> None:
    named = DATASET.field(field)
    assert named is not None
    around = Surroundings(ZoneInfo("Asia/Tokyo"), "lists")
    assert rendered(compared(column_of(named, dataset_table(DATASET)), named, operator, value, around)) == expected


def test_the_complement_of_a_complement_is_the_predicate() -> None:
    predicate = Infix(constant("x"), ">", constant("5"))
    assert rendered(complement(predicate)) == "not(x > 5)"
    assert complement(complement(predicate)) is predicate
    assert rendered(complement(fn.isNull(predicate))) == "not(isNull(x > 5))"


A, B, C = (constant(name) for name in "abc")


@pytest.mark.parametrize(
    ("joined", "expected"),
    [
        (lambda: all_of([A, B]), "a AND b"),
        (lambda: any_of([A, B]), "a OR b"),
        (lambda: all_of([A]), "a"),
        (lambda: all_of([]), "true"),
        (lambda: any_of([]), "false"),
        # what is always true or always false is folded
        (lambda: all_of([TRUE, A, TRUE, B]), "a AND b"),
        (lambda: all_of([A, FALSE, B]), "false"),
        (lambda: all_of([TRUE, TRUE]), "true"),
        (lambda: any_of([FALSE, A]), "a"),
        (lambda: any_of([A, TRUE]), "true"),
        # joined the same way it is one whole, otherwise a part in brackets
        (lambda: all_of([all_of([A, B]), C]), "a AND b AND c"),
        (lambda: any_of([A, any_of([B, C])]), "a OR b OR c"),
        (lambda: all_of([A, any_of([B, C])]), "a AND (b OR c)"),
        (lambda: any_of([all_of([A, B]), C]), "(a AND b) OR c"),
    ],
)
def test_predicates_are_joined_with_as_few_words_as_say_the_same(
    joined: Callable[[], Predicate], expected: str
) -> None:
    assert rendered(joined()) == expected


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (lambda: [all_of([A, B])], "(a AND b)"),
        (lambda: [all_of([A, B]), C], "a AND b AND c"),
        (lambda: [any_of([A, B]), C], "(a OR b) AND c"),
    ],
)
def test_sqlalchemy_puts_brackets_where_they_are_needed(where: Callable[[], list[Predicate]], expected: str) -> None:
    sql = compile_statement(sa.select(constant("1")).where(*where())).sql
    assert sql.split("WHERE ")[1] == expected


@pytest.mark.parametrize(
    ("bits", "types"),
    [
        (1, ["UInt8"]),
        (8, ["UInt8"]),
        (9, ["UInt16"]),
        (16, ["UInt16"]),
        (17, ["UInt32"]),
        (32, ["UInt32"]),
        (33, ["UInt64"]),
        (64, ["UInt64"]),
        (65, ["UInt64", "UInt8"]),
        (137, ["UInt64", "UInt64", "UInt16"]),
    ],
)
def test_bits_fill_words_of_64_and_the_last_one_is_as_narrow_as_holds_them(bits: int, types: list[str]) -> None:
    found = [rendered(word) for word in words([constant(f"b{bit}") for bit in range(bits)])]
    assert [word.partition("(")[0] for word in found] == [f"to{type_}" for type_ in types]
    for start, word in zip(range(0, bits, 64), found, strict=True):
        terms = [f"multiply(b{bit}, {2 ** (bit - start)})" for bit in range(start, min(start + 64, bits))]
        total = terms[0]
        for term in terms[1:]:
            total = f"plus({total}, {term})"
        assert word.partition("(")[2] == f"{total})"


@pytest.mark.parametrize(
    ("name", "bit", "expected"),
    [
        ("did", 0, "bitTest(`s`.`did_0`, 0)"),
        ("did", 63, "bitTest(`s`.`did_0`, 63)"),
        ("did", 64, "bitTest(`s`.`did_1`, 0)"),
        ("flags", 65, "bitTest(ifNull(`s`.`flags_1`, 0), 1)"),
    ],
)
def test_a_bit_is_looked_up_in_its_word_and_a_user_whom_a_join_did_not_find_has_none(
    name: str, bit: int, expected: str
) -> None:
    source = sa.table("s", *(sa.column(f"{one}_{index}") for one in ("did", "flags") for index in (0, 1)))
    assert rendered(bit_of(source, name, bit)) == expected


def test_what_was_not_checked_is_our_fault() -> None:
    table = dataset_table(DATASET)
    array = Field("doc", FieldType.ARRAY, "Array(String)", nullable=False, key="k", container="JSON")
    for fault, message in (
        (lambda: column_of(array, table), "read as array"),
        (lambda: known_field(DATASET, Condition("nope", "null")), "no field `nope`"),
        (lambda: known_time(DATASET), "'d' has no time field"),
        (lambda: known_aggregated(DATASET, Aggregate()), "rows takes no field"),
        (lambda: known_aggregated(DATASET, Aggregate(Function.SUM, "flag")), "`flag`"),
        (lambda: key_type(Dataset("d", "db", "t", "nobody", None, FIELDS)), "no column for its user key 'nobody'"),
    ):
        with pytest.raises(InternalError, match=message):
            fault()
