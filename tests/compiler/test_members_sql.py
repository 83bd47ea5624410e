"""The query for the rows of members, and what is said of columns it cannot have."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sqlalchemy as sa

from segmentator_dagster.compiler.members import member_rows, output_columns
from segmentator_dagster.compiler.query import compile_statement
from segmentator_dagster.domain.catalogue import Dataset, Field, field_type, is_nullable
from segmentator_dagster.domain.errors import UserError

TYPES = {
    "client": "Nullable(UInt64)",
    "at": "DateTime",
    "user_id": "String",
    "tags": "Array(String)",
    "day": "Date",
    "paid": "Bool",
    "sum": "Decimal(9, 2)",
}
FIELDS = tuple(Field(name, field_type(type_), type_, is_nullable(type_)) for name, type_ in TYPES.items())
VISITS = Dataset("visits", "db", "t", "client", "at", FIELDS)
MEMBERS = sa.select(sa.literal_column("a").label("user_id"))


def sql(dataset: Dataset, *columns: str) -> str:
    query = compile_statement(member_rows(dataset, columns, MEMBERS))
    assert query.parameters == {}
    return " ".join(query.sql.split())


def test_each_member_comes_once_with_the_latest_row_or_with_nulls() -> None:
    assert sql(VISITS, "day", "client", "user_id", "tags") == (
        "SELECT `member_rows`.`user_id` AS `user_id`, `member_rows`.`c1` AS `day`, "
        "`member_rows`.`c2` AS `visits.user_id`, `member_rows`.`c3` AS `tags` FROM "
        "(SELECT `latest`.`user_id` AS `user_id`, `latest`.`has_row` AS `has_row`, "
        "`latest`.`c1` AS `c1`, `latest`.`c2` AS `c2`, `latest`.`c3` AS `c3` FROM "
        "(SELECT toString(assumeNotNull(`t`.`client`)) AS `user_id`, 1 AS `has_row`, "
        "`t`.`day` AS `c1`, `t`.`user_id` AS `c2`, toString(`t`.`tags`) AS `c3` FROM `db`.`t` AS `t` "
        "WHERE toString(assumeNotNull(`t`.`client`)) IN (SELECT `members`.`user_id` FROM "
        "(SELECT a AS `user_id`) AS `members`) AND isNotNull(`t`.`client`) "
        "ORDER BY `t`.`client`, `t`.`at` DESC, `t`.`day` DESC, `t`.`user_id` DESC, toString(`t`.`tags`) DESC "
        "LIMIT 1 BY `t`.`client`) AS `latest` UNION ALL "
        "SELECT `members`.`user_id` AS `user_id`, 0 AS `has_row`, NULL AS `c1`, NULL AS `c2`, NULL AS `c3` FROM "
        "(SELECT a AS `user_id`) AS `members`) AS `member_rows` "
        "ORDER BY `member_rows`.`user_id`, `member_rows`.`has_row` DESC LIMIT 1 BY `member_rows`.`user_id`"
    )


def test_without_a_time_field_the_greatest_values_are_the_latest_and_a_key_without_null_needs_no_filter() -> None:
    latest = sql(replace(VISITS, user_key="user_id", time_field=None), "user_id", "day", "at")
    assert latest.split(" AS `latest`")[0].split("FROM (SELECT `t`.")[1] == (
        "`user_id` AS `user_id`, 1 AS `has_row`, `t`.`day` AS `c1`, `t`.`at` AS `c2` FROM `db`.`t` AS `t` "
        "WHERE `t`.`user_id` IN (SELECT `members`.`user_id` FROM (SELECT a AS `user_id`) AS `members`) "
        "ORDER BY `t`.`user_id`, `t`.`day` DESC, `t`.`at` DESC LIMIT 1 BY `t`.`user_id`)"
    )


def test_only_columns_that_rules_cannot_compare_come_as_text() -> None:
    found = sql(VISITS, "at", "paid", "sum", "tags")
    assert "`t`.`at` AS `c1`, `t`.`paid` AS `c2`, `t`.`sum` AS `c3`, toString(`t`.`tags`) AS `c4`" in found


@pytest.mark.parametrize("columns", [(), ("client",)])
def test_without_columns_the_ids_alone_come_each_once(columns: tuple[str, ...]) -> None:
    assert sql(VISITS, *columns) == (
        "SELECT DISTINCT `members`.`user_id` FROM (SELECT a AS `user_id`) AS `members` ORDER BY `members`.`user_id`"
    )


@pytest.mark.parametrize(
    ("key", "columns", "expected"),
    [
        ("client", (), ("user_id",)),
        ("client", ("day", "client", "tags"), ("user_id", "day", "tags")),
        ("client", ("user_id", "day"), ("user_id", "visits.user_id", "day")),
        ("user_id", ("day", "user_id", "client"), ("user_id", "day", "client")),
    ],
)
def test_the_user_comes_first_and_another_user_id_is_named_after_its_dataset(
    key: str, columns: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    assert output_columns(replace(VISITS, user_key=key), columns) == expected


def test_all_columns_that_cannot_be_are_named_with_their_places() -> None:
    with pytest.raises(UserError) as caught:
        member_rows(VISITS, ["day", "dya", "client", "day", "client"], MEMBERS)
    assert [(problem.pointer, problem.message()) for problem in caught.value.problems] == [
        ("/columns/1", "The dataset `visits` has no field `dya`."),
        ("/columns/3", "The column `day` is asked for twice."),
        ("/columns/4", "The column `client` is asked for twice."),
    ]
    assert caught.value.problems[0].hint() == "Did you mean `day`?"
