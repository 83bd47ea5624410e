"""What masks show, on a live server: never more than the module says."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

import pyarrow as pa
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segmentator_dagster.compiler.masks import masked
from segmentator_dagster.compiler.members import member_rows
from segmentator_dagster.compiler.query import CompiledQuery, compile_statement
from segmentator_dagster.domain.catalogue import Dataset, Field, FieldType
from segmentator_dagster.storage.clickhouse import ClickHouse

DATABASE = "masks"
EXAMPLES = {
    "anna@mail.ru": "a***@mail.ru",
    "Анна.Петрова+news@почта.рф": "А***@почта.рф",
    "  anna@mail.ru ": "a***@mail.ru",
    "bob@mail.co.uk": "b***@mail.co.uk",
    "al@mail.ru": "***@mail.ru",  # a name of one or two characters would be told, or all but
    "a@mail.ru": "***@mail.ru",
    "anna@mail@mail.ru": "a***",
    "anna@localhost": "a***",
    "anna@7.9161234567": "a***",  # no host name ends in digits
    "Анна Петрова@паспорт 4509 123456": "А***",
    "anna@mail.ru, bob@mail.ru": "a***",
    "anna@mail.ru\nbob": "a***",
    "@mail.ru": "@***",
    "+7 916 123-45-67": "+7*******67",
    "+7 (916) 123 45 67": "+7*******67",
    "8 (916) 123-45-67": "*******67",
    "79161234567": "*******67",
    "+375.29.123.45.67": "+3*******67",
    "\u00a0+7 916 123-45-67": "\u00a0***",
    "123456": "1***",  # six digits are no telephone number
    "1234567": "*******67",
    "2026-01-31": "*******31",
    "Anna": "A***",
    "Ann": "A***",
    "Al": "***",
    "ж": "***",
    "🧑‍🚀 astronaut": "🧑***",
    "": "",
    "   ": "",
    "a\0b\0": "a***",
    "'; DROP TABLE x; --": "'***",
}
FORM = re.compile(r"(?s).?\*{3}(@.+)?|(\+\d)?\*{7}\d\d|", re.ASCII)


@pytest.fixture(scope="module")
def server(admin: ClickHouse) -> Iterator[ClickHouse]:
    admin.execute(CompiledQuery(f"CREATE DATABASE IF NOT EXISTS {DATABASE}"))
    yield admin
    admin.execute(CompiledQuery(f"DROP DATABASE {DATABASE}"))


def masks_of(server: ClickHouse, values: Sequence[bytes | None]) -> list[str | None]:
    create = f"CREATE OR REPLACE TABLE {DATABASE}.texts (place UInt32, value Nullable(String)) ENGINE = Memory"
    server.execute(CompiledQuery(create))
    places = pa.array(range(len(values)), pa.uint32())
    server.insert_arrow(DATABASE, "texts", pa.table({"place": places, "value": pa.array(values, pa.binary())}))
    statement = sa.select(masked(sa.column("value"))).select_from(sa.table("texts", schema=DATABASE))
    return [mask for (mask,) in server.rows(compile_statement(statement.order_by(sa.column("place"))))]


def possible_masks(text: str) -> set[str]:
    """By the words of the module, written a second time; of a host name in other letters the server may know fewer."""
    text = text.strip(" ")
    first, digits = text[:1] if len(text) > 2 else "", re.sub(r"(?a)\D", "", text)
    if not text:
        return {""}
    if re.fullmatch(r"(?a)[\s()+.\d-]+", text) and len(digits) >= 7:
        return {("+" + digits[0] if text[0] == "+" else "") + "*******" + digits[-2:]}
    name, _, host = text.partition("@")
    labels = host.split(".")
    letters = all(c == "-" or unicodedata.category(c)[0] in "LN" for label in labels for c in label)
    ending = len(labels[-1]) > 1 and unicodedata.category(labels[-1][0])[0] == "L"
    if name and not re.search(r"(?a)\s", name) and len(labels) > 1 and all(labels) and letters and ending:
        address = f"{name[0] if len(name) > 2 else ''}***@{host}"
        return {address} if host.isascii() else {address, first + "***"}
    return {first + "***"}


def test_a_mask_shows_what_the_module_says(server: ClickHouse) -> None:
    assert dict(zip(EXAMPLES, masks_of(server, [text.encode() for text in EXAMPLES]), strict=True)) == EXAMPLES


def test_what_is_no_text_at_all_stays_null(server: ClickHouse) -> None:
    assert masks_of(server, [None, b"Anna"]) == [None, "A***"]


_NAMES = st.text(st.characters(exclude_characters="@", exclude_categories=["Cs"]), max_size=8)
_HOSTS = st.lists(st.text("abcяж1-", max_size=5), min_size=1, max_size=3).map(".".join)
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    st.builds("{}@{}".format, _NAMES, _HOSTS),
    st.builds("{}@{}@{}".format, _NAMES, _NAMES, _HOSTS),
    st.text("0123456789+-() .", max_size=20),
    st.text("0123456789+\t\n٣７–", min_size=6, max_size=14),
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(TEXTS, min_size=1, max_size=60))
def test_no_text_shows_more_than_its_kind_may(server: ClickHouse, texts: list[str]) -> None:
    for text, mask in zip(texts, masks_of(server, [text.encode() for text in texts]), strict=True):
        assert mask in possible_masks(text), text


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.binary(max_size=12), min_size=1, max_size=60))
def test_bytes_that_are_no_text_show_one_character_and_no_more(server: ClickHouse, values: list[bytes]) -> None:
    for value, mask in zip(values, masks_of(server, values), strict=True):
        assert mask is not None
        assert FORM.fullmatch(mask), (value, mask)


@pytest.mark.parametrize(
    ("type_", "value", "expected"),
    [
        ("String", "'Anna'", "A***"),
        ("LowCardinality(String)", "'anna@mail.ru'", "a***@mail.ru"),
        ("LowCardinality(Nullable(String))", "NULL", None),
        ("FixedString(12)", "'ab'", "***"),  # ten zero bytes fill it up
        ("FixedString(4)", "'abcd'", "a***"),
        ("Nullable(FixedString(4))", "NULL", None),
        ("UUID", "'61f0c404-5cb3-11e7-907b-a6006ad3dba0'", "6***"),
        ("Nullable(UUID)", "NULL", None),
        ("Enum8('male' = 1, 'f' = 2)", "'male'", "m***"),
        ("Enum8('male' = 1, 'f' = 2)", "'f'", "***"),
        ("Nullable(Enum16('male' = 1))", "NULL", None),
    ],
)
def test_every_type_of_text_has_a_mask_that_is_a_plain_text(
    server: ClickHouse, type_: str, value: str, expected: str | None
) -> None:
    suspicious = {"allow_suspicious_low_cardinality_types": 1}
    create = f"CREATE OR REPLACE TABLE {DATABASE}.typed (value {type_}) ENGINE = MergeTree ORDER BY tuple()"
    server.execute(CompiledQuery(create), suspicious)
    server.execute(CompiledQuery(f"INSERT INTO {DATABASE}.typed VALUES ({value})"))
    mask = masked(sa.column("value"))
    statement = sa.select(mask, sa.func.toTypeName(mask)).select_from(sa.table("typed", schema=DATABASE))
    [(found, found_type)] = server.rows(compile_statement(statement))
    assert found == expected
    assert found_type == ("Nullable(String)" if "Nullable" in type_ else "String")


def test_a_masked_column_is_a_mask_in_the_sql_and_orders_by_what_is_there() -> None:
    email = Field("email", FieldType.TEXT, "Nullable(String)", nullable=True, masked=True)
    key = Field("id", FieldType.TEXT, "String", nullable=False)
    city = Field("city", FieldType.TEXT, "String", nullable=False)
    people = Dataset("people", "db", "people", "id", None, (key, email, city))
    members = sa.select(sa.literal_column("a").label("user_id"))
    sql = " ".join(compile_statement(member_rows(people, ["email", "city"], members)).sql.split())
    text = "trimBoth(toValidUTF8(toString(`t`.`email`)))"
    name, at = f"substring({text}, 1, position({text}, '@') - 1)", f"position({text}, '@')"
    digits = f"replaceRegexpAll({text}, '\\\\D', '')"
    mask = (
        rf"multiIf(match({text}, '^[^@\\s]+@([\\pL\\pN-]+\\.)+\\pL[\\pL\\pN-]+$'), "
        f"concat(substringUTF8({name}, 1, lengthUTF8({name}) >= 3), '***', substring({text}, {at})), "
        rf"match({text}, '^[\\s()+.\\d-]+$') AND length({digits}) >= 7, "
        f"concat(if(startsWith({text}, '+'), concat('+', substring({digits}, 1, 1)), ''), '*******', "
        f"substring({digits}, -2)), "
        f"if(empty({text}), '', concat(substringUTF8({text}, 1, lengthUTF8({text}) >= 3), '***')))"
    )
    assert f"SELECT `t`.`id` AS `user_id`, 1 AS `has_row`, {mask} AS `c1`, `t`.`city` AS `c2` FROM" in sql
    assert "ORDER BY `t`.`id`, `t`.`email` DESC, `t`.`city` DESC LIMIT 1 BY `t`.`id`" in sql
    assert sql.count("`t`.`email`") == mask.count("`t`.`email`") + 1
