"""Whatever a person writes, the text of the SQL stays the same and the value arrives whole."""

from __future__ import annotations

import pytest

from segmentator_dagster.compiler.audience import compile_audience
from segmentator_dagster.compiler.query import CompiledQuery, compile_statement
from segmentator_dagster.compiler.tables import dataset_table
from segmentator_dagster.domain.catalogue import Catalogue, Dataset, Field, FieldType
from segmentator_dagster.domain.errors import InternalError, UserError
from segmentator_dagster.domain.operators import OPERATORS, Shape
from segmentator_dagster.domain.parsing import parse_rule
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
CATALOGUE = Catalogue(
    {
        "t": Dataset(
            "t",
            "injection",
            "t",
            "u",
            None,
            (Field("u", FieldType.TEXT, "String", False), Field("x", FieldType.TEXT, "String", False)),
        )
    }
)


def query(operator: str, text: str) -> CompiledQuery:
    value = {Shape.SCALAR: text, Shape.LIST: [text, "z"], Shape.PAIR: [text, text], Shape.NOTHING: None}[
        OPERATORS[operator].shape
    ]
    rule = {"combinator": "and", "rules": [{"field": "x", "operator": operator, "value": value}]}
    return compile_statement(compile_audience(parse_rule(rule, default_dataset="t"), CATALOGUE, "t", "UTC"))


TEXT_OPERATORS = [operator.key for operator in OPERATORS.values() if FieldType.TEXT in operator.types]


@pytest.mark.parametrize("operator", TEXT_OPERATORS)
def test_sql_text_does_not_depend_on_the_value(operator: str) -> None:
    assert {query(operator, attack).sql for attack in ATTACKS} == {query(operator, "plain").sql}


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
    found = compile_statement(compile_audience(parse_rule(rule, default_dataset="t"), CATALOGUE, "t", "UTC"))
    assert len(admin.rows(found)) == 100_000
    admin.execute(CompiledQuery("DROP DATABASE injection"))


@pytest.mark.parametrize("name", ["x", "`x`", "' OR 1=1", "x) FROM t --"])
def test_a_field_that_is_not_in_the_catalogue_never_reaches_sql(name: str) -> None:
    rule = parse_rule({"combinator": "and", "rules": [{"field": name + "?", "operator": "null"}]}, default_dataset="t")
    with pytest.raises(UserError) as caught:
        compile_audience(rule, CATALOGUE, "t", "UTC")
    assert caught.value.code == "unknown_field"


@pytest.mark.parametrize("name", ["`x`", '"x"', "(SELECT 1)"])
def test_a_column_name_the_dialect_would_not_quote_is_refused(name: str) -> None:
    dataset = Dataset("t", "d", "t", "u", None, (Field(name, FieldType.TEXT, "String", False),))
    with pytest.raises(InternalError):
        dataset_table(dataset)
