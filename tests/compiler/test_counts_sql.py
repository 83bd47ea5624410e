"""Counts of many rules: the bits of their parts are computed once for each user, and each rule compares masks."""

from __future__ import annotations

import pytest

from segmentator_dagster.compiler.audience import count_of_placed
from segmentator_dagster.compiler.counts import compile_counts
from segmentator_dagster.compiler.query import CompiledQuery
from segmentator_dagster.domain.catalogue import Catalogue, Dataset, Field, FieldType
from segmentator_dagster.domain.rule import (
    Activity,
    Combinator,
    Condition,
    Everyone,
    Group,
    ListMembers,
    RowGroup,
    Rule,
    Sample,
)

AND, OR = Combinator.AND, Combinator.OR
FIELDS = (
    Field("user", FieldType.TEXT, "String", nullable=False),
    Field("x", FieldType.NUMBER, "Int32", nullable=False),
)
CATALOGUE = Catalogue({"d": Dataset("d", "db", "t", "user", None, FIELDS)})


def has(value: int, *, negated: bool = False) -> Activity:
    return Activity("d", RowGroup(AND, (Condition("x", "=", value),)), negated=negated)


def counts(*rules: Rule) -> CompiledQuery:
    return compile_counts(rules, CATALOGUE, "d", "lists")


def masks(*rules: Rule) -> list[str]:
    """The condition under which each rule counts a user."""
    selected = counts(*rules).sql.partition(" \nFROM")[0].removeprefix("SELECT count() AS `everyone`, ")
    return [one.rpartition(" AS `c")[0].removeprefix("countIf(").removesuffix(")") for one in selected.split("`, ")]


def test_the_base_and_each_rule_are_counted_in_one_row() -> None:
    query = counts(has(1), Group(AND, (has(1), ListMembers(3, parts=("id",)))))
    assert " ".join(query.sql.split()) == (
        "SELECT count() AS `everyone`, countIf(bitAnd(w0, 1) = 1) AS `c0`, countIf(bitAnd(w0, 3) = 3) AS `c1` FROM "
        "(SELECT toUInt8(plus(multiply(bitTest(`facts`.`did_0`, 0), 1), multiply(`facts`.`user_key` IN "
        "(SELECT `lists`.`list_items`.`value` FROM `lists`.`list_items` "
        "WHERE `lists`.`list_items`.`part` IN {p_1:Array(UUID)}), 2))) AS `w0` FROM "
        "(SELECT `t`.`user` AS `user_key`, groupBitOr(toUInt8(multiply(`t`.`x` = {p_2:Int64}, 1))) AS `did_0` "
        "FROM `db`.`t` AS `t` GROUP BY `t`.`user`) AS `facts`) AS `answers`"
    )
    assert query.parameters == {"p_1": ["id"], "p_2": 1}


A, B, C, D = has(1), has(2), has(3), Sample(0, 5, "s")


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ([A, B, D], ["bitAnd(w0, 1) = 1", "bitAnd(w0, 2) = 2", "bitAnd(w0, 4) = 4"]),
        ([Group(AND, (A, B, D))], ["bitAnd(w0, 7) = 7"]),
        ([Group(OR, (A, B))], ["bitAnd(w0, 3) != 0"]),
        ([Group(OR, (A, B), negated=True)], ["not(bitAnd(w0, 3) != 0)"]),
        ([Group(AND, (Group(OR, (A, B)), C))], ["bitAnd(w0, 4) = 4 AND bitAnd(w0, 3) != 0"]),
        ([Group(OR, (Group(AND, (A, B)), Group(AND, (C, D))))], ["bitAnd(w0, 3) = 3 OR bitAnd(w0, 12) = 12"]),
        ([A, Group(OR, (B, A))], ["bitAnd(w0, 1) = 1", "bitAnd(w0, 3) != 0"]),
        ([has(1, negated=True), A], ["bitAnd(w0, 1) = 1", "bitAnd(w0, 2) = 2"]),
        ([Everyone()], ["bitAnd(w0, 1) = 1"]),
    ],
)
def test_the_parts_of_one_group_are_one_comparison(rules: list[Rule], expected: list[str]) -> None:
    assert masks(*rules) == expected


def test_more_than_64_parts_take_a_second_word() -> None:
    many = tuple(has(n) for n in range(66))
    assert masks(Group(AND, many), Group(OR, many), Group(AND, (many[63], many[65])), many[64]) == [
        f"bitAnd(w0, {2**64 - 1}) = {2**64 - 1} AND bitAnd(w1, 3) = 3",
        f"bitAnd(w0, {2**64 - 1}) != 0 OR bitAnd(w1, 3) != 0",
        f"bitAnd(w0, {2**63}) = {2**63} AND bitAnd(w1, 2) = 2",
        "bitAnd(w1, 1) = 1",
    ]
    assert "AS `w0`, toUInt8(" in counts(*many).sql


def test_an_audience_is_counted_by_counting_its_users() -> None:
    query = count_of_placed(Group(AND, (A, ListMembers(3, parts=("id",)))), CATALOGUE, "d", "elsewhere")
    assert " ".join(query.sql.split()) == (
        "SELECT count() AS `users` FROM (SELECT `facts`.`user_key` AS `user_id` FROM "
        "(SELECT `t`.`user` AS `user_key` FROM `db`.`t` AS `t` WHERE `t`.`x` = {p_1:Int64} GROUP BY `t`.`user`) "
        "AS `facts` "
        "WHERE `facts`.`user_key` IN (SELECT `elsewhere`.`list_items`.`value` FROM `elsewhere`.`list_items` "
        "WHERE `elsewhere`.`list_items`.`part` IN {p_2:Array(UUID)})) AS `audience`"
    )
    assert query.parameters == {"p_1": 1, "p_2": ["id"]}


def test_lists_are_in_the_product_s_own_database_where_nothing_else_is_said() -> None:
    query = count_of_placed(ListMembers(3, parts=("id",)), CATALOGUE, "d")
    assert "FROM `segmentator`.`list_items`" in query.sql
