"""Each folder of `golden/` is one rule with the SQL and parameters it must compile to, reviewed by eye."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from segmentator_dagster.compiler.audience import compile_audience
from segmentator_dagster.compiler.query import compile_statement
from segmentator_dagster.domain.catalogue import Catalogue, Dataset, Field, field_type, is_nullable
from segmentator_dagster.domain.parsing import parse_rule

GOLDEN = Path(__file__).parent / "golden"


def dataset(name: str, user_key: str, time_field: str, columns: dict[str, str]) -> Dataset:
    fields = tuple(Field(column, field_type(type_), type_, is_nullable(type_)) for column, type_ in columns.items())
    return Dataset(name, "datasets", name, user_key, time_field, fields)


ACTIVITY = {"user_id": "String", "date": "Date", "platform_main": "String", "cohort": "Date"}
PAYMENTS = {"client": "Nullable(UInt64)", "paid at": "DateTime", "sum": "Decimal(18, 2)", "score": "Float64"}
CATALOGUE = Catalogue(
    {
        "user_activity": dataset("user_activity", "user_id", "date", ACTIVITY),
        "payments": dataset("payments", "client", "paid at", PAYMENTS | {"город": "LowCardinality(Nullable(String))"}),
    }
)


@pytest.mark.parametrize("case", sorted(GOLDEN.iterdir()), ids=lambda case: case.name)
def test_rule_compiles_to_the_reviewed_sql(case: Path) -> None:
    rule = parse_rule(json.loads((case / "rule.json").read_text("utf-8")), default_dataset="user_activity")
    base = "payments" if case.name.startswith("payments_") else "user_activity"
    query = compile_statement(compile_audience(rule, CATALOGUE, base, "Europe/Moscow"))
    assert "\n".join(line.rstrip() for line in query.sql.splitlines()) == (case / "sql.sql").read_text("utf-8").strip()
    assert {name: _plain(value) for name, value in query.parameters.items()} == json.loads(
        (case / "parameters.json").read_text("utf-8")
    )


def _plain(value: object) -> object:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value if isinstance(value, str | int | float) else str(value)
