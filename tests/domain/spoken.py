"""A catalogue with labels, a library with names, and short spellings of rules, for the tests of sentences."""

from __future__ import annotations

from typing import Any

from segmentator_dagster.domain.catalogue import Catalogue, Dataset, Field, field_type, is_nullable
from segmentator_dagster.domain.references import KnownList, KnownSegment, Library
from segmentator_dagster.domain.rule import Everyone

Json = dict[str, Any]


def column(name: str, clickhouse_type: str, ru: str = "", en: str = "") -> Field:
    return Field(name, field_type(clickhouse_type), clickhouse_type, is_nullable(clickhouse_type), ru, en)


ACTIVITY = (
    column("user_id", "String"),
    column("platform", "String", "платформа", "platform"),
    column("date", "Date", "дата", "date"),
    column("cohort", "Nullable(Date)"),
    column("city", "Nullable(String)", "город", "city"),
    column("vip", "Bool"),
    column("interests", "Array(String)", "интересы", "interests"),
    column("days", "Array(Date)"),
    column("tags", "Map(String, String)", "метки", "tags"),
    column("born", "Nullable(Date)", "день рождения", "birthday"),
    column("first_name", "String", "имя", "name"),
    column("full_name", "String", "имя", "name"),
)
PAYMENTS = (
    column("user_id", "String"),
    column("amount", "Decimal(18, 2)", "чек", "amount"),
    column("city", "Nullable(String)", "город", "city"),
    column("paid_at", "Nullable(DateTime)", "время оплаты", "payment time"),
)
_DATASETS = (
    Dataset("user_activity", "d", "t", "user_id", "date", ACTIVITY, "Активность", "Activity"),
    Dataset("payments", "d", "t", "user_id", "paid_at", PAYMENTS, "Платежи", "Payments"),
    Dataset("raw", "d", "t", "user_id", None, ACTIVITY),
    Dataset("orders_2025", "d", "t", "user_id", None, PAYMENTS, "Заказы", "Orders"),
    Dataset("orders_2026", "d", "t", "user_id", None, PAYMENTS, "Заказы", "Orders"),
)
CATALOGUE = Catalogue({dataset.name: dataset for dataset in _DATASETS})
_NAMES = {17: "Refunds", 18: "Twins", 19: "Twins"}
LIBRARY = Library(
    {id_: KnownSegment(id_, name, Everyone(), "user_activity", "UTC") for id_, name in _NAMES.items()},
    {3: KnownList(3, "VIP", ())},
)


def group(combinator: str, *rules: Json, **keys: Any) -> Json:
    return {"combinator": combinator, "rules": list(rules), **keys}


def audience(combinator: str, *rules: Json, **keys: Any) -> Json:
    return {"kind": "group", **group(combinator, *rules, **keys)}


def where(field: str, operator: str, value: Any = None, **keys: Any) -> Json:
    return {"field": field, "operator": operator, "value": value, **keys}


def did(*conditions: Json, dataset: str = "user_activity", **keys: Any) -> Json:
    rows = {"where": group("and", *conditions)} if conditions else {}
    return {"kind": "activity", "dataset": dataset, **rows, **keys}


def paid(*conditions: Json, **keys: Any) -> Json:
    return did(*conditions, dataset="payments", **keys)


def of(function: str, field: str | None = None, **keys: Any) -> Json:
    return {"function": function, **({"field": field} if field else {}), **keys}


def span(count: int, unit: str = "day") -> Json:
    return {"count": count, "unit": unit}


def last(count: int, unit: str = "day") -> Json:
    return {"operator": "inLast", "value": span(count, unit)}


def sequence(*steps: Json, **keys: Any) -> Json:
    return {"kind": "sequence", "dataset": "user_activity", "steps": list(steps), **keys}


def top(count: int, *conditions: Json, **keys: Any) -> Json:
    return {**did(*conditions), "kind": "top", "count": count, "order": "desc", "aggregate": of("rows"), **keys}


NOT = {"not": True}
EVERYONE = {"kind": "everyone"}
SEGMENT = {"kind": "segment", "segment_id": 17}
VIP_LIST = {"kind": "list", "list_id": 3}
SAMPLE = {"kind": "sample", "from": 0, "to": 10, "seed": "spring"}
IOS, CITY, VIP = where("platform", "=", "ios"), where("city", "=", "Москва"), where("vip", "=", True)
APPLE, MARCH = where("platform", "in", ["ios", "ipados"]), where("date", ">=", "2026-03-01")
