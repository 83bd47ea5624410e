"""What a breakdown keeps of each user's latest row, how it is shown, and the query around it."""

from __future__ import annotations

import pytest

from segmentator_dagster.compiler.breakdown import compile_breakdown
from segmentator_dagster.compiler.query import CompiledQuery
from segmentator_dagster.domain.catalogue import Catalogue, Dataset, Field, field_type, is_nullable
from segmentator_dagster.domain.rule import (
    Activity,
    Combinator,
    Condition,
    Everyone,
    Group,
    ListMembers,
    RowGroup,
    Rule,
)

PART = "61f0c404-5cb3-11e7-907b-a6006ad3dba0"
TYPES = {
    "user": "Nullable(UInt64)",
    "at": "Nullable(DateTime64(3))",
    "moment": "DateTime",
    "day": "Date",
    "maybe_day": "Nullable(Date32)",
    "city": "String",
    "maybe_city": "LowCardinality(Nullable(String))",
    "code": "Nullable(FixedString(3))",
    "real": "Float32",
    "maybe_real": "Nullable(BFloat16)",
}
FIELDS = tuple(Field(name, field_type(type_), type_, is_nullable(type_)) for name, type_ in TYPES.items())


def breakdown(name: str, time: str | None, rule: Rule = Everyone()) -> CompiledQuery:  # noqa: B008  frozen
    dataset = Dataset("d", "db", "t", "user", time, FIELDS)
    field = dataset.field(name)
    assert field is not None
    return compile_breakdown(rule, field, Catalogue({"d": dataset}), "d", "lists", limit=5)


@pytest.mark.parametrize(
    ("time", "field", "kept", "shown"),
    [
        # texts and days are kept as: the moment, whether there is a value, the value
        (None, "city", "max(concat('1', `t`.`city`))", "substring({}, 2)"),
        ("day", "city", "max(concat(toString(`t`.`day`), concat('1', `t`.`city`)))", "substring({}, 12)"),
        ("moment", "city", "max(concat(toString(`t`.`moment`, 'UTC'), concat('1', `t`.`city`)))", "substring({}, 21)"),
        ("at", "city", "max(concat(ifNull(toString(`t`.`at`, 'UTC'), repeat(' ', 23)), concat('1', `t`.`city`)))",
         "substring({}, 25)"),
        (None, "maybe_city", "max(if(isNull(`t`.`maybe_city`), '0', concat('1', `t`.`maybe_city`)))",
         "if(substring({}, 1, 1) = '1', substring({}, 2), NULL)"),
        ("day", "maybe_city",
         "max(concat(toString(`t`.`day`), if(isNull(`t`.`maybe_city`), '0', concat('1', `t`.`maybe_city`))))",
         "if(substring({}, 11, 1) = '1', substring({}, 12), NULL)"),
        ("moment", "day", "max(concat(toString(`t`.`moment`, 'UTC'), concat('1', toString(`t`.`day`))))",
         "toDate32(substring({}, 21))"),
        ("maybe_day", "day",
         "max(concat(ifNull(toString(`t`.`maybe_day`), repeat(' ', 10)), concat('1', toString(`t`.`day`))))",
         "toDate32(substring({}, 12))"),
        ("at", "maybe_day", "max(concat(ifNull(toString(`t`.`at`, 'UTC'), repeat(' ', 23)), "
                            "if(isNull(`t`.`maybe_day`), '0', concat('1', toString(`t`.`maybe_day`)))))",
         "if(substring({}, 24, 1) = '1', toDate32(substring({}, 25)), NULL)"),
        # the latest of the time field is its maximum
        ("day", "day", "tuple(maxOrNull(`t`.`day`))", "tupleElement({}, 1)"),
        ("at", "at", "tuple(maxOrNull(`t`.`at`))", "tupleElement({}, 1)"),
        # of anything else the row with the greatest moment and value; NULL is least, then NaN
        (None, "moment", "argMax(tuple(`t`.`moment`), tuple(`t`.`moment`))", "tupleElement({}, 1)"),
        (None, "at", "argMax(tuple(`t`.`at`), tuple(isNotNull(`t`.`at`), `t`.`at`))", "tupleElement({}, 1)"),
        ("day", "code", "argMax(tuple(`t`.`code`), tuple(`t`.`day`, isNotNull(`t`.`code`), `t`.`code`))",
         "toString(tupleElement({}, 1))"),
        ("day", "real", "argMax(tuple(`t`.`real`), tuple(`t`.`day`, not(ifNull(isNaN(`t`.`real`), 1)), `t`.`real`))",
         "tupleElement({}, 1)"),
        ("at", "maybe_real",
         "argMax(tuple(`t`.`maybe_real`), tuple(isNotNull(`t`.`at`), `t`.`at`, "
         "isNotNull(`t`.`maybe_real`), not(ifNull(isNaN(`t`.`maybe_real`), 1)), `t`.`maybe_real`))",
         "tupleElement({}, 1)"),
    ],
)  # fmt: skip
def test_the_latest_value_is_kept_in_a_form_that_sorts_and_shown_as_itself(
    time: str | None, field: str, kept: str, shown: str
) -> None:
    sql = breakdown(field, time).sql
    assert sql.split("AS `user_key`, ")[1].split(" AS `latest`")[0] == kept
    assert sql.split("FROM (SELECT ")[1].split(" AS `value`")[0] == shown.replace("{}", "`facts`.`latest`")


def test_members_and_all_users_are_counted_by_value_and_the_commonest_among_members_come_first() -> None:
    rule = Group(
        Combinator.AND,
        (
            Activity("d", RowGroup(Combinator.AND, (Condition("day", ">=", "2026-01-01"),))),
            ListMembers(1, parts=(PART,)),
        ),
    )
    query = breakdown("city", "day", rule)
    assert " ".join(query.sql.split()) == (
        "SELECT `counted`.`value`, `counted`.`members`, `counted`.`users`, "
        "sum(`counted`.`members`) OVER () AS `anon_1`, sum(`counted`.`users`) OVER () AS `anon_2`, "
        "count(*) OVER () AS `anon_3` "
        "FROM (SELECT substring(`facts`.`latest`, 12) AS `value`, "
        "countIf(bitTest(`facts`.`did_0`, 0) AND toString(`facts`.`user_key`) IN "
        "(SELECT `lists`.`list_items`.`value` FROM `lists`.`list_items` "
        "WHERE `lists`.`list_items`.`part` IN {p_1:Array(UUID)})) AS `members`, count() AS `users` "
        "FROM (SELECT assumeNotNull(`t`.`user`) AS `user_key`, "
        "groupBitOr(toUInt8(multiply(`t`.`day` >= {p_2:Date}, 1))) AS `did_0`, "
        "max(concat(toString(`t`.`day`), concat('1', `t`.`city`))) AS `latest` "
        "FROM `db`.`t` AS `t` WHERE isNotNull(`t`.`user`) GROUP BY `t`.`user`) AS `facts` "
        "GROUP BY value) AS `counted` "
        "ORDER BY `counted`.`members` DESC, `counted`.`users` DESC, `counted`.`value` LIMIT {param_1:Int32}"
    )
    assert query.parameters == {"p_1": [PART], "p_2": "2026-01-01", "param_1": 5}
