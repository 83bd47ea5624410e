from __future__ import annotations

import re

import pytest
from hypothesis import given

from segmentator_dagster.domain.catalogue import Catalogue, Dataset, Field, FieldType
from segmentator_dagster.domain.describe import describe
from segmentator_dagster.domain.operators import OPERATORS
from segmentator_dagster.domain.parsing import parse_rule
from segmentator_dagster.domain.rule import Rule
from tests.domain import worlds

FIELDS = (
    Field("platform_main", FieldType.TEXT, "String", False),
    Field("date", FieldType.DATE, "Date", False),
    Field("city", FieldType.TEXT, "Nullable(String)", True, "город", "city name"),
    Field("amount", FieldType.NUMBER, "Float64", False, "сумма"),
    Field("vip", FieldType.BOOLEAN, "Bool", False),
)
CATALOGUE = Catalogue(
    {
        "user_activity": Dataset("user_activity", "d", "user_activity", "user_id", "date", FIELDS),
        "payments": Dataset("payments", "d", "payments", "user_id", None, FIELDS, "платежи", "payments made"),
    }
)


def group(combinator: str, *rules: object, **keys: object) -> dict[str, object]:
    return {"combinator": combinator, "rules": list(rules), **keys}


def where(field: str, operator: str, value: object = None) -> dict[str, object]:
    return {"field": field, "operator": operator, "value": value}


def did(dataset: str, *conditions: object, **keys: object) -> dict[str, object]:
    return {"kind": "activity", "dataset": dataset, "where": group("and", *conditions), **keys}


IOS, MARCH = where("platform_main", "=", "ios"), where("date", ">=", "2026-03-01")


@pytest.mark.parametrize(
    ("rule", "ru", "en"),
    [
        (
            group("and", IOS, MARCH),
            "пользователи, у которых есть строка в user_activity, где platform_main равно «ios» "
            "и date не раньше 2026-03-01",
            "users who have a row in user_activity where platform_main is “ios” and date is not before 2026-03-01",
        ),
        ({"kind": "everyone"}, "все пользователи", "all users"),
        ({"kind": "everyone", "not": True}, "ни один пользователь", "no users"),
        (
            did("payments", where("amount", "between", [1, 2.5]), operator="=", value=0),
            "пользователи, у которых нет строки в «платежи», где сумма от 1 до 2.5 включительно",
            "users who have no row in “payments made” where amount is from 1 to 2.5 inclusive",
        ),
        (
            group("or", where("city", "!=", "Москва"), group("and", IOS, where("vip", "=", True)), **{"not": True}),
            "пользователи, у которых есть строка в user_activity, где неверно, что (город не равно «Москва» "
            "(или не заполнено) или (platform_main равно «ios» и vip равно да))",
            "users who have a row in user_activity where not (city name is not “Москва” (or has no value) "
            "or (platform_main is “ios” and vip is true))",
        ),
        (
            group("and", where("city", "in", list("abcdefg")), where("city", "notNull")),
            "пользователи, у которых есть строка в user_activity, где "
            "город — одно из («a», «b», «c», «d», «e» и ещё 2) и город заполнено",
            "users who have a row in user_activity where city name is one of (“a”, “b”, “c”, “d”, “e” and 2 more) "
            "and city name has a value",
        ),
        (
            {"kind": "group", **group("and", did("user_activity", IOS), did("payments", MARCH, **{"not": True}))},
            "пользователи, (у которых есть строка в user_activity, где platform_main равно «ios») и "
            "(у которых нет строки в «платежи», где date не раньше 2026-03-01)",
            "users (who have a row in user_activity where platform_main is “ios”) and "
            "(who have no row in “payments made” where date is not before 2026-03-01)",
        ),
    ],
)
def test_the_sentence_says_what_the_rule_does(rule: object, ru: str, en: str) -> None:
    parsed = parse_rule(rule, default_dataset="user_activity")
    assert describe(parsed, CATALOGUE, "ru") == ru
    assert describe(parsed, CATALOGUE, "en") == en


def test_names_the_catalogue_lost_are_shown_as_they_are() -> None:
    rule = parse_rule(group("and", where("gone", "=", "{field}")), default_dataset="lost")
    assert describe(rule, CATALOGUE, "en") == "users who have a row in lost where gone is “{field}”"


@given(worlds.rules())
def test_every_rule_has_a_sentence_with_balanced_brackets(rule: Rule) -> None:
    for language in ("ru", "en"):
        sentence = re.sub("[«“].*?[»”]", "", describe(rule, worlds.catalogue(), language), flags=re.DOTALL)
        assert sentence.count("(") == sentence.count(")")


def test_every_operator_has_its_own_label_and_sentence_in_both_languages() -> None:
    for texts in zip(
        *((o.label_ru, o.label_en, o.sentence_ru, o.sentence_en) for o in OPERATORS.values()), strict=True
    ):
        assert all(texts)
        assert len(set(texts)) == len(OPERATORS)
