"""The data and the rules that the page about the rule language shows."""

from __future__ import annotations

from typing import Any

from segmentator_dagster.domain.aggregates import Function
from segmentator_dagster.domain.catalogue import Catalogue, Dataset, Field, field_type, is_nullable
from segmentator_dagster.domain.references import KnownList, KnownSegment, Library
from segmentator_dagster.domain.rule import Everyone

Json = dict[str, Any]


def _dataset(name: str, ru: str, en: str, time_field: str, columns: dict[str, tuple[str, str, str]]) -> Dataset:
    fields = tuple(
        Field(column, field_type(type_), type_, is_nullable(type_), label_ru, label_en)
        for column, (type_, label_ru, label_en) in columns.items()
    )
    return Dataset(name, "datasets", name, "user_id", time_field, fields, ru, en)


CATALOGUE = Catalogue(
    {
        "user_activity": _dataset(
            *("user_activity", "Активность", "Activity", "date"),
            {
                "user_id": ("String", "", ""),
                "date": ("Date", "дата", "date"),
                "platform_main": ("String", "платформа", "platform"),
                "cohort": ("Date", "когорта", "cohort"),
                "city": ("Nullable(String)", "город", "city"),
                "birthday": ("Nullable(Date)", "день рождения", "birthday"),
                "subscribed": ("Bool", "подписка", "subscribed"),
                "interests": ("Array(String)", "интересы", "interests"),
                "utm": ("Map(String, String)", "метки", "utm"),
            },
        ),
        "payments": _dataset(
            *("payments", "Платежи", "Payments", "paid_at"),
            {
                "user_id": ("String", "", ""),
                "paid_at": ("DateTime", "время оплаты", "payment time"),
                "amount": ("Decimal(18, 2)", "чек", "amount"),
                "product": ("String", "товар", "product"),
                "details": ("JSON", "подробности", "details"),
            },
        ),
    }
)
LIBRARY = Library(
    {17: KnownSegment(17, "Возвраты", Everyone(), "user_activity", "Europe/Moscow")},
    {3: KnownList(3, "VIP", ())},
)


def where(*conditions: Json, combinator: str = "and", **keys: Any) -> Json:
    return {"combinator": combinator, **keys, "rules": list(conditions)}


def condition(field: str, operator: str, *value: Any, **keys: Any) -> Json:
    ignore_case = {"ignore_case": keys.pop("ignore_case")} if "ignore_case" in keys else {}
    return {"field": field, **keys, "operator": operator, **({"value": value[0]} if value else {}), **ignore_case}


def _window(count: int, unit: str = "day") -> Json:
    return {"operator": "inLast", "value": {"count": count, "unit": unit}}


_IOS = condition("platform_main", "in", ["ios", "ipados"])
_LOYAL: Json = {
    "kind": "activity",
    "dataset": "user_activity",
    "where": where(_IOS),
    "window": _window(30),
    "aggregate": {"function": "rows"},
    "operator": ">=",
    "value": 2,
}
SHORTHAND = where(_IOS, condition("cohort", ">=", "2026-03-01"))
NODES: dict[str, tuple[str, list[Json]]] = {
    "group": (
        "Intersection (`and`) or union (`or`) of sets of users. Groups nest.",
        [{"kind": "group", "combinator": "and", "rules": [_LOYAL, {"kind": "segment", "segment_id": 17, "not": True}]}],
    ),
    "activity": (
        "Users whose rows in `dataset` that match `where` (without it: all rows) and `window` (a condition on the time "
        "field) give an aggregate that compares so. Without `operator` and `value`: at least one; `= 0` is “did not”.",
        [
            _LOYAL,
            {
                "kind": "activity",
                "dataset": "payments",
                "window": {"operator": "inPeriod", "value": "this_year"},
                "operator": "=",
                "value": 0,
            },
        ],
    ),
    "sequence": (
        "Users with rows of each step at strictly later moments, the last at most `within` after the first.",
        [
            {
                "kind": "sequence",
                "dataset": "payments",
                "steps": [
                    {"where": where(condition("product", "=", "trial"))},
                    {"where": where(condition("product", "=", "year"))},
                ],
                "within": {"count": 2, "unit": "week"},
                "window": _window(1, "year"),
            }
        ],
    ),
    "segment": ("The users of another segment, as it is defined now.", [{"kind": "segment", "segment_id": 17}]),
    "list": ("Users whose id is in an uploaded list.", [{"kind": "list", "list_id": 3, "not": True}]),
    "sample": (
        "A stable random share, in percent. Shares of one `seed` that do not overlap have no user in common; other "
        "seeds are independent.",
        [{"kind": "sample", "from": 0, "to": 12.5, "seed": "spring test"}],
    ),
    "top": (
        "Of the users of `rule` (without it: of all), the `count` with the greatest (`desc`) or least (`asc`) "
        "aggregate.",
        [
            {
                "kind": "top",
                "rule": {"kind": "list", "list_id": 3},
                "count": 100,
                "order": "desc",
                "dataset": "payments",
                "aggregate": {"function": "sum", "field": "amount"},
                "window": _window(3, "month"),
            }
        ],
    ),
    "everyone": ("All users.", [{"kind": "everyone"}]),
}
"""Each kind of node: what it means, and examples of it."""

ROWS = [
    where(
        condition("subscribed", "=", True),
        where(_IOS, condition("city", "=", "казань", ignore_case=True), combinator="or"),
    ),
    where(condition("city", "null"), condition("interests", "empty"), combinator="or", **{"not": True}),
    where(
        condition("utm", "=", "newsletter", key="source"), condition("utm", ">", 3, key="visits", **{"as": "number"})
    ),
]
"""Groups of conditions on one row of user_activity."""

AGGREGATES: dict[Function, Json] = {
    function: {"kind": "activity", "dataset": dataset, "aggregate": {"function": function.value, **field}, **compared}
    for function, dataset, field, compared in (
        (Function.ROWS, "user_activity", {}, {"operator": "between", "value": [2, 5]}),
        (Function.DAYS, "user_activity", {}, {"window": _window(1, "month"), "operator": ">=", "value": 5}),
        (Function.DISTINCT, "payments", {"field": "product"}, {"operator": "=", "value": 1}),
        (Function.SUM, "payments", {"field": "amount"}, {"window": _window(90), "operator": ">=", "value": 10_000}),
        (Function.AVG, "payments", {"field": "amount"}, {"operator": "<", "value": 499.5}),
        (Function.MIN, "payments", {"field": "amount"}, {"operator": "null"}),
        (Function.MAX, "payments", {"field": "amount"}, {"operator": ">", "value": 5000}),
        (Function.FIRST, "payments", {}, {"operator": "inLast", "value": {"count": 30, "unit": "day"}}),
        (Function.LAST, "user_activity", {"field": "platform_main"}, {"operator": "=", "value": "ios"}),
    )
}

OPERATORS: dict[str, Json] = {
    one["operator"]: one
    for one in (
        condition("platform_main", "=", "ios"),
        condition("city", "!=", "Москва"),
        condition("platform_main", "in", ["ios", "ipados"]),
        condition("platform_main", "notIn", ["ios", "ipados"]),
        condition("user_id", "inList", 3),
        condition("user_id", "notInList", 3),
        condition("amount", "<", 100),
        condition("amount", "<=", 99.9),
        condition("date", ">", "2026-01-31"),
        condition("paid_at", ">=", "2026-01-31T10:00:00+03:00"),
        condition("amount", "between", [100, 500]),
        condition("cohort", "notBetween", ["2026-01-01", "2026-03-31"]),
        condition("city", "contains", "бург"),
        condition("city", "doesNotContain", "бург"),
        condition("city", "beginsWith", "Нижн", ignore_case=True),
        condition("city", "doesNotBeginWith", "Нижн"),
        condition("city", "endsWith", "ск"),
        condition("city", "doesNotEndWith", "ск"),
        condition("platform_main", "matches", "^i(pad)?os$"),
        condition("platform_main", "doesNotMatch", "^(web|tv)"),
        condition("date", "inLast", {"count": 30, "unit": "day"}),
        condition("birthday", "notInLast", {"count": 18, "unit": "year"}),
        condition("cohort", "olderThan", {"count": 6, "unit": "month"}),
        condition("date", "inNext", {"count": 1, "unit": "week"}),
        condition("date", "inPeriod", "previous_month"),
        condition("birthday", "anniversaryWithin", {"count": 7, "unit": "day"}),
        condition("birthday", "anniversaryBetween", ["12-25", "01-08"]),
        condition("interests", "has", "спорт"),
        condition("interests", "hasAny", ["спорт", "кино"]),
        condition("interests", "hasAll", ["спорт", "кино"]),
        condition("interests", "empty"),
        condition("interests", "notEmpty"),
        condition("city", "null"),
        condition("city", "notNull"),
    )
}


def dataset_of(one: Json) -> Dataset:
    """The dataset of a condition: the one that has its field."""
    return next(dataset for dataset in CATALOGUE.datasets.values() if dataset.field(one["field"]))
