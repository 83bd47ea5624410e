"""A small shop of every type of field, the API over it, and its rules in short."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx

from segmentator_dagster.compiler.query import CompiledQuery
from segmentator_dagster.storage.clickhouse import ClickHouse
from segmentator_dagster.storage.metadata.datasets import RegisteredDataset

TABLE = "datasets.api_shop"
EVERYONE = {"kind": "everyone"}
NO_ONE = {"kind": "everyone", "not": True}
VIP = {"field": "tags", "operator": "has", "value": "vip"}

_COLUMNS = """
user_id String, at DateTime('UTC'), city Nullable(String), tags Array(String), props Map(String, String), facts JSON,
code FixedString(4), raw String, price Decimal(9, 2), big UInt64, score Float64, odd IPv4
"""
# u1 has been in two cities, u3 in none that is known.
_ROWS = r"""
('u1', '2026-01-01 10:00:00', 'Москва', ['new', 'vip'], {'utm': 'ads', 'n': '7'}, '{"a": {"b": "x"}}',
 'ab', unhex('ff41'), 1.50, 9007199254740993, nan, '1.2.3.4'),
('u1', '2026-01-02 21:30:00', 'Минск', ['new'], {'utm': 'mail'}, '{}', 'ab', '', 2.50, 1, 0.1, '1.2.3.4'),
('u2', '2026-01-01 10:00:00', 'Москва', [], {}, '{"a": {"b": "y"}}', 'abcd', '', 0.10, 2, inf, '1.2.3.4'),
('u3', '2026-01-01 10:00:00', NULL, ['vip'], {'utm': 'ads', 'n': '8'}, '{}', 'abcd', '', 0, 3, 0, '1.2.3.4'),
('u4', '2026-01-01 10:00:00', 'москва', ['VIP'], {'utm': 'ads'}, '{}', 'x', '', 0, 4, 0, '1.2.3.4')
"""


def create_shop(admin: ClickHouse, table: str = TABLE) -> RegisteredDataset:
    admin.execute(CompiledQuery(f"CREATE TABLE {table} ({_COLUMNS}) ENGINE = MergeTree ORDER BY user_id"))
    admin.execute(CompiledQuery(f"INSERT INTO {table} VALUES {_ROWS}"))
    return RegisteredDataset("shop", "datasets", table.partition(".")[2], "user_id", "at")


@dataclass(frozen=True)
class Shop:
    """What one asks of it; every answer is there."""

    client: httpx.Client

    def ask(self, question: str, rule: Any, **more: Any) -> Any:
        answer = self.client.post(f"/api/v1/rules/{question}", json={"rule": rule, **more})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def values(self, field: str, **more: Any) -> list[tuple[Any, int]]:
        answer = self.client.get(f"/api/v1/datasets/shop/fields/{field}/values", params=more)
        assert answer.status_code == 200, answer.text
        return [(item["value"], item["rows"]) for item in answer.json()["items"]]


def city(*names: str) -> dict[str, Any]:
    return {"field": "city", "operator": "in", "value": list(names)}


def rows(*conditions: Any, combinator: str = "and") -> dict[str, Any]:
    return {"combinator": combinator, "rules": list(conditions)}


def activity(*conditions: Any, **more: Any) -> dict[str, Any]:
    return {"kind": "activity", "dataset": "shop", "where": rows(*conditions), **more}


def group(*rules: Any, combinator: str = "and", **more: Any) -> dict[str, Any]:
    return {"kind": "group", "combinator": combinator, "rules": list(rules), **more}
