from __future__ import annotations

from typing import Any

import pytest

from segmentator_dagster.domain.catalogue import FieldType
from segmentator_dagster.domain.describe import describe, describe_row
from segmentator_dagster.domain.operators import OPERATORS
from segmentator_dagster.domain.parsing import parse_rule
from segmentator_dagster.domain.rule import Activity
from segmentator_dagster.domain.wording_en import EN
from segmentator_dagster.domain.wording_ru import RU
from tests.domain.spoken import (
    APPLE,
    CATALOGUE,
    CITY,
    IOS,
    LIBRARY,
    MARCH,
    NOT,
    PAYMENTS,
    VIP,
    Json,
    group,
    paid,
    span,
    where,
)


@pytest.mark.parametrize(
    ("row", "ru", "en"),
    [
        (IOS, "платформа — «ios»", "platform is “ios”"),
        (
            where("city", "!=", "Москва", ignore_case=True),
            "город — не «Москва» (без учёта регистра) (или поле не заполнено)",
            "city is not “Москва” (ignoring case) (or has no value)",
        ),
        (
            where("city", "notIn", ["Тверь"]),
            "город — не «Тверь» (или поле не заполнено)",
            "city is not “Тверь” (or has no value)",
        ),
        (
            where("city", "notIn", ["a", "b"]),
            "город — не «a» и не «b» (или поле не заполнено)",
            "city is neither “a” nor “b” (or has no value)",
        ),
        (
            where("city", "in", list("abcdefg")),
            "город — одно из («a», «b», «c», «d», «e» и ещё 2)",
            "city is one of (“a”, “b”, “c”, “d”, “e” and 2 more)",
        ),
        (
            where("city", "notIn", list("abcdef")),
            "город — ни одно из («a», «b», «c», «d», «e» и ещё 1) (или поле не заполнено)",
            "city is none of (“a”, “b”, “c”, “d”, “e” and 1 more) (or has no value)",
        ),
        (where("city", "inList", 3), "город входит в список «VIP»", "city is on the list “VIP”"),
        (
            where("city", "notInList", 4),
            "город не входит в список № 4 (или поле не заполнено)",
            "city is not on the list #4 (or has no value)",
        ),
        (
            where("platform", "contains", "a» или «b"),
            'платформа содержит "a» или «b"',
            'platform contains "a» или «b"',
        ),
        (
            where("platform", "doesNotContain", "x\n\\"),
            'платформа не содержит "x\\n\\\\"',
            'platform does not contain "x\\n\\\\"',
        ),
        (
            where("city", "doesNotEndWith", "a"),
            "город не заканчивается на «a» (или поле не заполнено)",
            "city does not end with “a” (or has no value)",
        ),
        (
            where("platform", "matches", r"^i\w+$"),
            "платформа соответствует выражению «^i\\w+$»",
            "platform matches the pattern “^i\\w+$”",
        ),
        (where("city", "null"), "поле «город» не заполнено", "city has no value"),
        (where("city", "notNull"), "поле «город» заполнено", "city has a value"),
        (where("vip", "in", [True, False]), "vip — да или нет", "vip is true or false"),
        (where("amount", "<", 5), "чек меньше 5", "amount is less than 5"),
        (where("amount", "<=", 5.5), "чек не больше 5,5", "amount is at most 5.5"),
        (
            where("amount", "between", [1, 2.5]),
            "чек от 1 до 2,5 включительно",
            "amount is between 1 and 2.5 inclusive",
        ),
        (
            where("amount", "notBetween", [1, 2.5]),
            "чек вне диапазона от 1 до 2,5",
            "amount is not between 1 and 2.5 inclusive",
        ),
        (where("date", "=", "2026-03-08"), "дата — 8 марта 2026", "date is 8 March 2026"),
        (where("date", "=", "2026-02-30"), "дата — «2026-02-30»", "date is “2026-02-30”"),
        (where("date", ">", "2026-12-31"), "дата позже 31 декабря 2026", "date is after 31 December 2026"),
        (
            where("date", "between", ["2026-03-01", "2026-03-08"]),
            "дата — с 1 марта 2026 по 8 марта 2026",
            "date is between 1 March 2026 and 8 March 2026 inclusive",
        ),
        (
            where("born", "notBetween", ["2026-03-01", "2026-03-08"]),
            "день рождения вне периода с 1 марта 2026 по 8 марта 2026 (или поле не заполнено)",
            "birthday is not between 1 March 2026 and 8 March 2026 inclusive (or has no value)",
        ),
        (
            where("paid_at", ">=", "2026-03-01T10:00"),
            "время оплаты не раньше 1 марта 2026 в 10:00",
            "payment time is not before 1 March 2026 at 10:00",
        ),
        (
            where("paid_at", "<", "2026-03-01 10:00:05.250+03:00"),
            "время оплаты раньше 1 марта 2026 в 10:00:05.25 UTC+03:00",
            "payment time is before 1 March 2026 at 10:00:05.25 UTC+03:00",
        ),
        (
            where("paid_at", "=", "2026-03-01T10:00:00Z"),
            "время оплаты — 1 марта 2026 в 10:00 UTC",
            "payment time is 1 March 2026 at 10:00 UTC",
        ),
        (where("date", "inLast", span(30)), "дата — за последние 30 дней", "date is in the last 30 days"),
        (where("date", "inLast", span(1)), "дата — за последний день", "date is in the last day"),
        (where("date", "inLast", span(2, "month")), "дата — за последние 2 месяца", "date is in the last 2 months"),
        (
            where("paid_at", "inLast", span(1, "hour")),
            "время оплаты — за последний час",
            "payment time is in the last hour",
        ),
        (where("date", "inLast", span(21, "week")), "дата — за последнюю 21 неделю", "date is in the last 21 weeks"),
        (
            where("born", "notInLast", span(5, "year")),
            "день рождения — не за последние 5 лет (или поле не заполнено)",
            "birthday is not in the last 5 years (or has no value)",
        ),
        (
            where("date", "olderThan", span(1, "week")),
            "дата — 1 неделю назад или раньше",
            "date is 1 week ago or earlier",
        ),
        (
            where("date", "olderThan", span(22, "year")),
            "дата — 22 года назад или раньше",
            "date is 22 years ago or earlier",
        ),
        (where("date", "inNext", span(1, "week")), "дата — в ближайшую неделю", "date is in the next week"),
        (where("date", "inPeriod", "this_quarter"), "дата — в этом квартале", "date is this quarter"),
        (
            where("born", "anniversaryWithin", span(7)),
            "годовщина даты «день рождения» — сегодня или в ближайшие 7 дней",
            "the anniversary of birthday is today or in the next 7 days",
        ),
        (
            where("born", "anniversaryBetween", ["12-25", "01-08"]),
            "годовщина даты «день рождения» — с 25 декабря по 8 января",
            "the anniversary of birthday is between 25 December and 8 January inclusive",
        ),
        (where("interests", "has", "спорт"), "в «интересы» есть «спорт»", "“спорт” is in interests"),
        (where("interests", "hasAny", ["спорт"]), "в «интересы» есть «спорт»", "“спорт” is in interests"),
        (
            where("interests", "hasAny", ["спорт", "музыка"]),
            "в «интересы» есть хотя бы одно из («спорт», «музыка»)",
            "any of (“спорт”, “музыка”) is in interests",
        ),
        (where("interests", "empty"), "в «интересы» ничего нет", "interests is empty"),
        (where("interests", "notEmpty"), "в «интересы» что-нибудь есть", "interests is not empty"),
        (where("days", "has", "2026-03-08"), "в «days» есть 8 марта 2026", "8 March 2026 is in days"),
        (where("tags", "=", "ad", key="utm_source"), "метки.utm_source — «ad»", "tags.utm_source is “ad”"),
        (
            where("tags", "null", key="seen", **{"as": "date"}),
            "поле «метки.seen (как дата)» не заполнено",
            "tags.seen (as a date) has no value",
        ),
        (
            where("tags", "=", True, key="seen", **{"as": "boolean"}),
            "метки.seen (как да или нет) — да",
            "tags.seen (as true or false) is true",
        ),
        (where("full_name", "=", "Ann"), "имя [full_name] — «Ann»", "name [full_name] is “Ann”"),
        (where("gone", "!=", "{field}"), "gone — не «{field}»", "gone is not “{field}”"),
        (where("gone", "<", 5, key="x"), "gone.x меньше 5", "gone.x is less than 5"),
        (
            group("or", APPLE, CITY),
            "платформа — «ios» или «ipados» или город — «Москва»",
            "platform is “ios” or “ipados” or city is “Москва”",
        ),
        (
            group("and", APPLE, CITY, group("and", VIP, MARCH)),
            "(платформа — «ios» или «ipados»), город — «Москва», vip — да и дата не раньше 1 марта 2026",
            "(platform is “ios” or “ipados”), city is “Москва”, vip is true and date is not before 1 March 2026",
        ),
        (
            group("and", group("or", IOS, CITY), VIP),
            "(платформа — «ios» или город — «Москва») и vip — да",
            "(platform is “ios” or city is “Москва”) and vip is true",
        ),
        (
            group("or", group("and", IOS, CITY), VIP, **NOT),
            "неверно, что ((платформа — «ios» и город — «Москва») или vip — да)",
            "it is not true that ((platform is “ios” and city is “Москва”) or vip is true)",
        ),
        (
            group("and", group("or", IOS, **NOT), group("or", VIP)),
            "неверно, что (платформа — «ios») и vip — да",
            "it is not true that (platform is “ios”) and vip is true",
        ),
        (
            group("or", where("city", "notIn", ["a", "b"]), VIP),
            "(город — не «a» и не «b» (или поле не заполнено)) или vip — да",
            "(city is neither “a” nor “b” (or has no value)) or vip is true",
        ),
    ],
)
def test_the_phrase_says_what_the_condition_does(row: Json, ru: str, en: str) -> None:
    rule = parse_rule(group("and", row), default_dataset="user_activity")
    assert isinstance(rule, Activity)
    assert rule.where is not None
    of_payments = row.get("field") in {field.name for field in PAYMENTS} - {"city"}
    dataset = CATALOGUE.dataset("payments" if of_payments else "user_activity")
    assert describe_row(rule.where, dataset, "ru", LIBRARY) == ru
    assert describe_row(rule.where.rules[0], dataset, "en", LIBRARY) == en


@pytest.mark.parametrize(
    ("operator", "value", "ru", "en"),
    [
        ("=", "2026-03-08", "за 8 марта 2026", "on 8 March 2026"),
        ("in", ["2026-03-08", "2026-03-09"], "за 8 марта 2026 или 9 марта 2026", "on 8 March 2026 or 9 March 2026"),
        (
            "notIn",
            ["2026-03-08", "2026-03-09"],
            "не за 8 марта 2026 и не 9 марта 2026 (или без даты)",
            "not on 8 March 2026 nor 9 March 2026 (or with no date)",
        ),
        ("<=", "2026-03-08", "не позже 8 марта 2026", "not after 8 March 2026"),
        (
            "between",
            ["2026-03-01", "2026-03-08"],
            "с 1 марта 2026 по 8 марта 2026",
            "between 1 March 2026 and 8 March 2026 inclusive",
        ),
        (
            "notBetween",
            ["2026-03-01", "2026-03-08"],
            "вне периода с 1 марта 2026 по 8 марта 2026 (или без даты)",
            "outside the period from 1 March 2026 to 8 March 2026 (or with no date)",
        ),
        ("notInLast", span(1), "не за последний день (или без даты)", "not in the last day (or with no date)"),
        ("olderThan", span(2), "2 дня назад или раньше", "2 days ago or earlier"),
        ("inNext", span(2), "в ближайшие 2 дня", "in the next 2 days"),
        ("inPeriod", "this_week", "на этой неделе", "this week"),
        (
            "anniversaryWithin",
            span(2),
            "с годовщиной сегодня или в ближайшие 2 дня",
            "with an anniversary today or in the next 2 days",
        ),
        (
            "anniversaryBetween",
            ["12-25", "01-08"],
            "с годовщиной с 25 декабря по 8 января",
            "with an anniversary between 25 December and 8 January inclusive",
        ),
        ("null", None, "без даты", "with no date"),
        ("contains", "x", "(время оплаты содержит «x»)", "(payment time contains “x”)"),
    ],
)
def test_a_window_is_said_as_an_adverbial(operator: str, value: Any, ru: str, en: str) -> None:
    rule = parse_rule(paid(window={"operator": operator, "value": value}), default_dataset="user_activity")
    assert describe(rule, CATALOGUE, "ru") == f"пользователи, у которых есть строка в «Платежи» {ru}"
    assert describe(rule, CATALOGUE, "en") == f"users who have a row in “Payments” {en}"


def test_every_operator_has_its_own_label_and_a_sentence_in_both_languages() -> None:
    for labels in zip(*((one.label_ru, one.label_en) for one in OPERATORS.values()), strict=True):
        assert all(labels)
        assert len(set(labels)) == len(OPERATORS)
    for operator in OPERATORS.values():
        for language in ("ru", "en"):
            for type_ in operator.types:
                assert "{field}" in operator.sentence(language, type_)


def test_every_operator_of_times_has_a_window_in_both_languages() -> None:
    of_times = {key for key, operator in OPERATORS.items() if FieldType.DATE in operator.types}
    for words in (RU, EN):
        assert set(words.rows.window) == of_times
