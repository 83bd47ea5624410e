"""Whatever a person writes, the text of the SQL stays the same and the value arrives whole."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from segmentator_dagster.compiler.audience import compile_audience
from segmentator_dagster.compiler.members import member_rows
from segmentator_dagster.compiler.query import CompiledQuery, compile_statement
from segmentator_dagster.compiler.tables import dataset_table
from segmentator_dagster.compiler.values import compile_values
from segmentator_dagster.domain.catalogue import Catalogue, Dataset, Field, FieldType, field_type, is_nullable
from segmentator_dagster.domain.errors import InternalError, UserError
from segmentator_dagster.domain.operators import OPERATORS, Shape
from segmentator_dagster.domain.parsing import parse_rule
from segmentator_dagster.domain.references import KnownList, KnownSegment, Library
from segmentator_dagster.domain.rule import Combinator, Everyone, Group, ListMembers, Rule, Sample, SegmentMembers
from segmentator_dagster.storage.clickhouse import ClickHouse

ATTACKS = [
    *(
        "\\",
        "'",
        "\\' OR 1=1 --",
        "') OR 1=1 --",
        "{x:String}",
        "{p_1:String}",
        "%s",
        "%(p)s",
        "`",
        '"',
        "\u2028",
        "\t\n\r\x1a",
    ),
    *(
        "$$",
        "\\N",
        "\\x27",
        "a\\",
        ";DROP TABLE t",
        "/*",
        "--",
        "\N{GRINNING FACE}",
        "’",
        "?",
        ":p",
        "x" * 10_000,
        "[1]",
        "NULL",
    ),
]
MOMENT = datetime(2026, 1, 31, tzinfo=UTC)
TYPES = {
    "u": "String",
    "x": "String",
    "tags": "Array(String)",
    "props": "Map(String, String)",
    "doc": "JSON",
    "at": "DateTime",
}
T = Dataset(
    *("t", "injection", "t", "u", "at"),
    tuple(Field(name, field_type(type_), type_, is_nullable(type_)) for name, type_ in TYPES.items()),
)
CATALOGUE = Catalogue({"t": T})
LIBRARY = Library(lists={1: KnownList(1, "' OR 1=1 --", ("61f0c404-5cb3-11e7-907b-a6006ad3dba0",))})


def compiled(rule: Rule, catalogue: Catalogue = CATALOGUE, library: Library = LIBRARY) -> CompiledQuery:
    return compile_statement(compile_audience(rule, catalogue, "t", "UTC", MOMENT, library=library))


def rule_of(field: str, operator: str, text: str, **keys: object) -> Rule:
    value = {
        Shape.SCALAR: text,
        Shape.LIST: [text, "z"],
        Shape.PAIR: [text, text],
        Shape.LIST_ID: 1,
        Shape.PATTERN: re.escape(text),
        Shape.NOTHING: None,
    }[OPERATORS[operator].shape]
    condition = {"field": field, "operator": operator, "value": value, **keys}
    return parse_rule({"combinator": "and", "rules": [condition]}, default_dataset="t")


SMALL = Catalogue({"t": replace(T, fields=T.fields[:2], time_field=None)})


def query(operator: str, text: str) -> CompiledQuery:
    return compiled(rule_of("x", operator, text), SMALL)


TEXT_OPERATORS = [operator.key for operator in OPERATORS.values() if FieldType.TEXT in operator.types]
SHORT_ATTACKS = [attack for attack in ATTACKS if len(attack) < 500]  # patterns are shorter than values


@pytest.mark.parametrize("operator", TEXT_OPERATORS)
@pytest.mark.parametrize("ignore_case", [False, True])
def test_sql_text_does_not_depend_on_the_value(operator: str, ignore_case: bool) -> None:
    keys = {"ignore_case": True} if ignore_case and OPERATORS[operator].ignores_case else {}
    attacked = {compiled(rule_of("x", operator, attack, **keys)).sql for attack in SHORT_ATTACKS}
    assert attacked == {compiled(rule_of("x", operator, "plain", **keys)).sql}


@pytest.mark.parametrize("operator", ["has", "hasAny", "hasAll"])
def test_sql_text_does_not_depend_on_what_an_array_is_asked_for(operator: str) -> None:
    attacked = {compiled(rule_of("tags", operator, attack)).sql for attack in ATTACKS}
    assert attacked == {compiled(rule_of("tags", operator, "plain")).sql}


@pytest.mark.parametrize("read_as", ["text", "number", "date", "datetime", "boolean"])
def test_sql_text_does_not_depend_on_the_key_of_a_map(read_as: str) -> None:
    def sql(key: str) -> str:
        return compiled(rule_of("props", "notNull", "", key=key, **{"as": read_as})).sql

    assert {sql(attack) for attack in ATTACKS} == {sql("plain")}


def test_a_path_into_json_is_a_value_or_refused() -> None:
    plain = compiled(rule_of("doc", "notNull", "", key="plain")).sql
    refused = []
    for attack in ATTACKS:
        try:
            sql = compiled(rule_of("doc", "notNull", "", key=attack)).sql
        except UserError as error:
            refused.append(error.code)
        else:
            assert sql == plain
    assert set(refused) == {"bad_path"}
    assert len(refused) > len(ATTACKS) / 2


def test_sql_text_does_not_depend_on_seeds_names_of_lists_and_segments() -> None:
    def sql(text: str) -> str:
        sample = Sample(0, 10, text)
        library = Library(
            {5: KnownSegment(5, text, sample, "t", "UTC")},
            {1: KnownList(1, text, ("61f0c404-5cb3-11e7-907b-a6006ad3dba0",))},
        )
        rule = Group(Combinator.OR, (sample, SegmentMembers(5), ListMembers(1)))
        return compiled(rule, library=library).sql

    assert {sql(attack) for attack in ATTACKS} == {sql("plain")}


def test_sql_text_does_not_depend_on_labels() -> None:
    def sql(label: str) -> str:
        fields = tuple(replace(field, label_ru=label, label_en=label) for field in T.fields)
        catalogue = Catalogue({"t": replace(T, fields=fields, label_ru=label, label_en=label)})
        return compiled(rule_of("x", "=", "a"), catalogue).sql

    assert {sql(attack) for attack in ATTACKS} == {sql("plain")}


def test_sql_text_does_not_depend_on_the_beginning_of_a_value() -> None:
    field = T.fields[1]
    attacked = {compile_values(T, field, attack, limit=5).sql for attack in ATTACKS}
    assert attacked == {compile_values(T, field, "plain", limit=5).sql}


NAMES = ["a b", "a`b", "a\\b", "a'b", "a;--", "a{p:String}", "ключ", "%s", "a.b", "a\nb", "sum(x)", "1", "x AS y"]


@pytest.mark.parametrize("name", NAMES)
def test_names_of_the_catalogue_arrive_as_they_are(admin: ClickHouse, name: str) -> None:
    database, table = f"d {name}", f"t {name}"
    quoted = {one: "`" + one.replace("\\", "\\\\").replace("`", "\\`") + "`" for one in (database, table, name)}
    admin.execute(CompiledQuery(f"CREATE DATABASE IF NOT EXISTS {quoted[database]}"))
    admin.execute(
        CompiledQuery(
            f"CREATE TABLE {quoted[database]}.{quoted[table]} (u String, {quoted[name]} String) ENGINE = Memory"
        )
    )
    admin.execute(CompiledQuery(f"INSERT INTO {quoted[database]}.{quoted[table]} VALUES ('1', 'a'), ('2', 'b')"))
    fields = (Field("u", FieldType.TEXT, "String", False), Field(name, FieldType.TEXT, "String", False))
    catalogue = Catalogue({"t": Dataset("t", database, table, "u", None, fields)})
    assert admin.rows(compiled(rule_of(name, "=", "b"), catalogue)) == [("2",)]
    dataset = catalogue.datasets["t"]
    members = compile_audience(Everyone(), catalogue, "t", "UTC", MOMENT)
    assert admin.rows(compile_statement(member_rows(dataset, [name], members))) == [("1", "a"), ("2", "b")]
    admin.execute(CompiledQuery(f"DROP DATABASE {quoted[database]}"))


def test_each_attack_finds_exactly_the_row_that_holds_it(admin: ClickHouse) -> None:
    admin.execute(CompiledQuery("CREATE DATABASE IF NOT EXISTS injection"))
    admin.execute(CompiledQuery("CREATE OR REPLACE TABLE injection.t (u String, x String) ENGINE = Memory"))
    for index, attack in enumerate(ATTACKS):
        row = CompiledQuery(
            "INSERT INTO injection.t SELECT {u:String}, unhex({x:String})",
            {"u": str(index), "x": attack.encode().hex()},
        )
        admin.execute(row)
    for index, attack in enumerate(ATTACKS):
        for operator in ("=", "in"):
            assert admin.rows(query(operator, attack)) == [(str(index),)]
        for operator, matches in (
            ("contains", str.__contains__),
            ("beginsWith", str.startswith),
            ("endsWith", str.endswith),
        ):
            expected = {str(place) for place, other in enumerate(ATTACKS) if matches(other, attack)}
            assert {user for (user,) in admin.rows(query(operator, attack))} == expected
    admin.execute(CompiledQuery("DROP DATABASE injection"))


def test_a_list_of_100_000_items_is_sent_in_full(admin: ClickHouse) -> None:
    items = [f"'{number:08d}\\" for number in range(100_000)]
    rule = {"combinator": "and", "rules": [{"field": "x", "operator": "in", "value": items}]}
    admin.execute(CompiledQuery("CREATE DATABASE IF NOT EXISTS injection"))
    admin.execute(CompiledQuery("CREATE OR REPLACE TABLE injection.t (u String, x String) ENGINE = Memory"))
    text = "concat('\\'', leftPad(toString(number), 8, '0'), '\\\\')"
    admin.execute(CompiledQuery(f"INSERT INTO injection.t SELECT toString(number), {text} FROM numbers(100500)"))
    found = compiled(parse_rule(rule, default_dataset="t"), SMALL)
    assert len(admin.rows(found)) == 100_000
    admin.execute(CompiledQuery("DROP DATABASE injection"))


@pytest.mark.parametrize("name", ["x", "`x`", "' OR 1=1", "x) FROM t --"])
def test_a_field_that_is_not_in_the_catalogue_never_reaches_sql(name: str) -> None:
    rule = parse_rule({"combinator": "and", "rules": [{"field": name + "?", "operator": "null"}]}, default_dataset="t")
    with pytest.raises(UserError) as caught:
        compiled(rule)
    assert caught.value.code == "unknown_field"


@pytest.mark.parametrize("name", ["`x`", '"x"', "(SELECT 1)"])
def test_a_column_name_the_dialect_would_not_quote_is_refused(name: str) -> None:
    dataset = Dataset("t", "d", "t", "u", None, (Field(name, FieldType.TEXT, "String", False),))
    with pytest.raises(InternalError):
        dataset_table(dataset)
