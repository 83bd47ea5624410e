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
}
CATALOGUE = Catalogue(
    {
        "user_activity": dataset("user_activity", "user_id", "date", ACTIVITY),
        "payments": dataset("payments", "client", "paid at", PAYMENTS),
    }
)
PART = "61f0c404-5cb3-11e7-907b-a6006ad3dba0"
PAYERS = parse_rule(
    {"kind": "activity", "dataset": "payments", "value": 3, "operator": ">="}, default_dataset="payments"
)
LIBRARY = Library({17: KnownSegment(17, "Payers", PAYERS, "payments", "Asia/Tokyo")}, {3: KnownList(3, "VIP", (PART,))})


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
