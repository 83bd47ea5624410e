"""Each folder of `golden/` is one rule with the SQL and parameters it must compile to, reviewed by eye."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from segmentator_dagster.compiler.audience import compile_audience
from segmentator_dagster.compiler.query import CompiledQuery, compile_statement
from segmentator_dagster.domain.catalogue import Catalogue, Dataset, Field, field_type, is_nullable
from segmentator_dagster.domain.parsing import parse_rule
from segmentator_dagster.domain.references import KnownList, KnownSegment, Library

GOLDEN = Path(__file__).parent / "golden"
MOMENT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


def dataset(name: str, user_key: str, time_field: str, columns: dict[str, str]) -> Dataset:
    fields = tuple(Field(column, field_type(type_), type_, is_nullable(type_)) for column, type_ in columns.items())
    return Dataset(name, "datasets", name, user_key, time_field, fields)


ACTIVITY = {"user_id": "String", "date": "Date", "platform_main": "String", "cohort": "Date"}
PAYMENTS = {
    "client": "Nullable(UInt64)",
    "paid at": "DateTime",
    "sum": "Decimal(18, 2)",
    "score": "Float64",
    "город": "LowCardinality(Nullable(String))",
    "goods": "Array(String)",
    "utm": "Map(String, String)",
    "doc": "JSON",
    "code": "FixedString(4)",
    "level": "Nullable(Enum8('a' = 1, 'b' = 2))",
    "born": "Nullable(Date32)",
    "calls": "Array(DateTime)",
    "clicks": "Map(String, UInt32)",
}
REFUNDS = {"client": "UInt64", "at": "DateTime64(3)", "sum": "Decimal(18, 2)"}
VISITS = {"visitor": "LowCardinality(String)", "at": "Nullable(DateTime)", "page": "String"}
CATALOGUE = Catalogue(
    {
        "user_activity": dataset("user_activity", "user_id", "date", ACTIVITY),
        "payments": dataset("payments", "client", "paid at", PAYMENTS),
        "refunds": dataset("refunds", "client", "at", REFUNDS),
        "visits": dataset("visits", "visitor", "at", VISITS),
    }
)
PART = "61f0c404-5cb3-11e7-907b-a6006ad3dba0"


def of_payments(kind: str = "activity", **keys: object) -> dict[str, object]:
    return {"kind": kind, "dataset": "payments", **keys}


ON_A_DAY = {"combinator": "and", "rules": [{"field": "paid at", "operator": "=", "value": "2026-02-03"}]}
DAYS = {"function": "days"}
PAYERS = parse_rule(of_payments(operator=">=", value=3), default_dataset="payments")
DAYS_OF_A_ZONE = parse_rule(
    {
        "kind": "group",
        "combinator": "or",
        "rules": [
            of_payments(where=ON_A_DAY),
            of_payments(where=ON_A_DAY, operator=">", value=5),
            of_payments(aggregate=DAYS, operator=">", value=2),
            of_payments(aggregate={"function": "last"}, operator="=", value="2026-02-04"),
            of_payments("sequence", steps=[{"where": ON_A_DAY}, {}]),
            of_payments("top", count=9, order="asc", aggregate=DAYS, where=ON_A_DAY),
        ],
    },
    default_dataset="payments",
)
IOS = parse_rule(
    {"combinator": "and", "rules": [{"field": "platform_main", "operator": "=", "value": "ios"}]},
    default_dataset="user_activity",
)
LIBRARY = Library(
    {
        17: KnownSegment(17, "Payers", PAYERS, "payments", "Asia/Tokyo"),
        18: KnownSegment(18, "Days of a zone", DAYS_OF_A_ZONE, "payments", "Asia/Tokyo"),
        19: KnownSegment(19, "iOS", IOS, "user_activity", "Europe/Moscow"),
    },
    {3: KnownList(3, "VIP", (PART,)), 4: KnownList(4, "Nobody", ())},
)


def compiled(case: Path) -> CompiledQuery:
    base = "payments" if case.name.startswith("payments_") else "user_activity"
    rule = parse_rule(json.loads((case / "rule.json").read_text("utf-8")), default_dataset=base)
    return compile_statement(compile_audience(rule, CATALOGUE, base, "Europe/Moscow", MOMENT, library=LIBRARY))


@pytest.mark.parametrize("case", sorted(GOLDEN.iterdir()), ids=lambda case: case.name)
def test_rule_compiles_to_the_reviewed_sql(case: Path) -> None:
    query = compiled(case)
    assert "\n".join(line.rstrip() for line in query.sql.splitlines()) == (case / "sql.sql").read_text("utf-8").strip()
    assert {name: _plain(value) for name, value in query.parameters.items()} == json.loads(
        (case / "parameters.json").read_text("utf-8")
    )


def _plain(value: object) -> object:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value if isinstance(value, str | int | float) else str(value)
