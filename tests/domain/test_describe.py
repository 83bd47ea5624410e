from __future__ import annotations

import pytest

from segmentator_dagster.domain.catalogue import Catalogue
from segmentator_dagster.domain.describe import describe, describe_part
from segmentator_dagster.domain.parsing import parse_rule
from segmentator_dagster.domain.rule import Rule
from tests.domain.spoken import (
    APPLE,
    CATALOGUE,
    CITY,
    EVERYONE,
    IOS,
    LIBRARY,
    MARCH,
    NOT,
    SAMPLE,
    SEGMENT,
    VIP,
    VIP_LIST,
    Json,
    audience,
    did,
    group,
    last,
    of,
    paid,
    sequence,
    span,
    top,
)


def parsed(rule: object) -> Rule:
    return parse_rule(rule, default_dataset="user_activity")


@pytest.mark.parametrize(
    ("rule", "ru", "en"),
    [
        (
            EVERYONE,
            "все пользователи",
            "all users",
        ),
        (
            {**EVERYONE, **NOT},
            "ни один пользователь",
            "no users",
        ),
        (
            audience("and", audience("or", {**EVERYONE, **NOT}, **NOT)),
            "все пользователи",
            "all users",
        ),
        (
            audience("and", {**EVERYONE, **NOT}, VIP_LIST),
            "пользователи, которыми не может быть никто и которые есть в списке «VIP»",
            "users who can be no one and who are on the list “VIP”",
        ),
        (
            audience("or", EVERYONE, VIP_LIST),
            "пользователи, которые могут быть кем угодно или которые есть в списке «VIP»",
            "users who may be anyone or who are on the list “VIP”",
        ),
        (
            did(),
            "пользователи, у которых есть строка в «Активность»",
            "users who have a row in “Activity”",
        ),
        (
            did(IOS, operator="=", value=0, **NOT),
            "пользователи, у которых есть строка в «Активность», где платформа — «ios»",
            "users who have a row in “Activity” where platform is “ios”",
        ),
        (
            did(dataset="orders_2026"),
            "пользователи, у которых есть строка в «Заказы» (orders_2026)",
            "users who have a row in “Orders” (orders_2026)",
        ),
        (
            group("and", IOS, MARCH),
            "пользователи, у которых есть строка в «Активность», где платформа — «ios» и дата не раньше 1 марта 2026",
            "users who have a row in “Activity” where platform is “ios” and date is not before 1 March 2026",
        ),
        (
            did(operator=">=", value=21, window={"operator": "inPeriod", "value": "previous_month"}),
            "пользователи, у которых не менее 21 строки в «Активность» в прошлом месяце",
            "users who have at least 21 rows in “Activity” last month",
        ),
        (
            did(operator=">", value=1, **NOT),
            "пользователи, у которых не более 1 строки в «Активность»",
            "users who have at most 1 row in “Activity”",
        ),
        (
            did(operator="=", value=3),
            "пользователи, у которых ровно 3 строки в «Активность»",
            "users who have exactly 3 rows in “Activity”",
        ),
        (
            did(operator="!=", value=3),
            "пользователи, у которых в «Активность» число строк — не 3",
            "users for whom, in “Activity”, the number of rows is not 3",
        ),
        (
            did(operator="in", value=[2, 3], **NOT),
            "пользователи, у которых в «Активность» число строк — не 2 и не 3",
            "users for whom, in “Activity”, the number of rows is neither 2 nor 3",
        ),
        (
            did(operator="<", value=2.5),
            "пользователи, у которых меньше 2,5 строки в «Активность»",
            "users who have fewer than 2.5 rows in “Activity”",
        ),
        (
            did(aggregate=of("days"), operator=">=", value=3, window=last(1, "year")),
            "пользователи, у которых не менее 3 дней со строками в «Активность» за последний год",
            "users who have at least 3 days with rows in “Activity” in the last year",
        ),
        (
            did(aggregate=of("distinct", "city"), operator="=", value=1),
            "пользователи, у которых ровно 1 уникальное значение поля «город» в «Активность»",
            "users who have exactly 1 distinct value of city in “Activity”",
        ),
        (
            did(IOS, aggregate=of("distinct", "city"), operator="notBetween", value=[2, 5]),
            "пользователи, у которых в «Активность», где платформа — «ios», число уникальных значений поля «город» "
            "вне диапазона от 2 до 5",
            "users for whom, in “Activity” where platform is “ios”, the number of distinct values of city is not "
            "between 2 and 5 inclusive",
        ),
        (
            paid(aggregate=of("sum", "amount"), operator=">=", value=1000, window=last(30)),
            "пользователи, у которых в «Платежи» за последние 30 дней сумма по полю «чек» не меньше 1000",
            "users for whom, in “Payments” in the last 30 days, the sum of amount is at least 1000",
        ),
        (
            paid(CITY, aggregate=of("avg", "amount"), operator="<", value=99.5),
            "пользователи, у которых в «Платежи», где город — «Москва», среднее по полю «чек» меньше 99,5",
            "users for whom, in “Payments” where city is “Москва”, the average of amount is less than 99.5",
        ),
        (
            paid(aggregate=of("avg", "amount"), operator="<", value=5, **NOT),
            "пользователи, которые не относятся к тем, у которых в «Платежи» среднее по полю «чек» меньше 5",
            "users who are not among those for whom, in “Payments”, the average of amount is less than 5",
        ),
        (
            paid(aggregate=of("avg", "amount"), operator="=", value=5, **NOT),
            "пользователи, у которых в «Платежи» среднее по полю «чек» — не 5 (или не определено)",
            "users for whom, in “Payments”, the average of amount is not 5 (or has no value)",
        ),
        (
            paid(aggregate=of("max", "amount"), operator="null"),
            "пользователи, у которых в «Платежи» наибольшее значение поля «чек» не определено",
            "users for whom, in “Payments”, the maximum of amount has no value",
        ),
        (
            did(aggregate=of("last", "platform"), operator="in", value=["ios", "ipados"]),
            "пользователи, у которых в «Активность» последнее значение поля «платформа» — «ios» или «ipados»",
            "users for whom, in “Activity”, the last platform is “ios” or “ipados”",
        ),
        (
            did(aggregate=of("first"), operator="inLast", value=span(2, "week")),
            "пользователи, у которых в «Активность» первое значение поля «дата» — за последние 2 недели",
            "users for whom, in “Activity”, the first date is in the last 2 weeks",
        ),
        (
            did(aggregate=of("first", "cohort"), operator="anniversaryWithin", value=span(0)),
            "пользователи, у которых в «Активность» годовщина даты «первое значение поля „cohort“» — сегодня",
            "users for whom, in “Activity”, the anniversary of the first cohort is today",
        ),
        (
            did(aggregate=of("last", "tags", key="price", **{"as": "number"}), operator=">", value=1.5),
            "пользователи, у которых в «Активность» последнее значение поля «метки.price (как число)» больше 1,5",
            "users for whom, in “Activity”, the last tags.price (as a number) is greater than 1.5",
        ),
        (
            sequence({"where": group("and", IOS)}, {}, within=span(1, "week")),
            "пользователи, у которых в «Активность» есть строка, где платформа — «ios», затем любая строка, причём "
            "от первой до последней не больше 1 недели",
            "users who have, in “Activity”, a row where platform is “ios”, then any row, with at most 1 week from "
            "the first to the last",
        ),
        (
            sequence({"where": group("or", IOS, CITY)}, {"where": group("and", VIP)}, window=last(1), **NOT),
            "пользователи, которые не относятся к тем, у которых в «Активность» за последний день есть строка, где "
            "платформа — «ios» или город — «Москва», затем строка, где vip — да",
            "users who are not among those who have, in “Activity” in the last day, a row where platform is “ios” "
            "or city is “Москва”, then a row where vip is true",
        ),
        (
            SEGMENT,
            "пользователи, которые входят в сегмент «Refunds»",
            "users who are in the segment “Refunds”",
        ),
        (
            {**SEGMENT, "segment_id": 40, **NOT},
            "пользователи, которые не входят в сегмент № 40",
            "users who are not in the segment #40",
        ),
        (
            {**SEGMENT, "segment_id": 18},
            "пользователи, которые входят в сегмент «Twins» (№ 18)",
            "users who are in the segment “Twins” (#18)",
        ),
        (
            VIP_LIST,
            "пользователи, которые есть в списке «VIP»",
            "users who are on the list “VIP”",
        ),
        (
            {**VIP_LIST, "list_id": 9, **NOT},
            "пользователи, которых нет в списке № 9",
            "users who are not on the list #9",
        ),
        (
            SAMPLE,
            "пользователи, которые попадают в долю 0–10 % случайного деления «spring»",
            "users who are in the 0–10% share of the random split “spring”",
        ),
        (
            {**SAMPLE, "from": 12.5, "to": 100, **NOT},
            "пользователи, которые не попадают в долю 12,5–100 % случайного деления «spring»",
            "users who are not in the 12.5–100% share of the random split “spring”",
        ),
        (
            top(1, IOS, order="asc", aggregate=of("first"), window=last(21)),
            "пользователи, которые входят в топ-1 с самым ранним первым значением поля «дата» в «Активность» за "
            "последний 21 день, где платформа — «ios»",
            "users who are in the top 1 with the earliest first date in “Activity” in the last 21 days where "
            "platform is “ios”",
        ),
        (
            top(10, aggregate=of("last", "city"), rule=audience("or", SEGMENT, VIP_LIST), **NOT),
            "пользователи, которые не входят в топ-10 (из тех, которые входят в сегмент «Refunds» или которые есть "
            "в списке «VIP») с наибольшим последним значением поля «город» в «Активность»",
            "users who are not in the top 10 (out of those who are in the segment “Refunds” or who are on the list "
            "“VIP”) with the greatest last city in “Activity”",
        ),
        (
            audience("and", did(APPLE, operator=">=", value=2, window=last(30)), {**SEGMENT, **NOT}),
            "пользователи, у которых не менее 2 строк в «Активность» за последние 30 дней, где платформа — «ios» "
            "или «ipados», и которые не входят в сегмент «Refunds»",
            "users who have at least 2 rows in “Activity” in the last 30 days where platform is “ios” or “ipados”, "
            "and who are not in the segment “Refunds”",
        ),
        (
            audience("and", SEGMENT, did(IOS), VIP_LIST),
            "пользователи, которые входят в сегмент «Refunds», и у которых есть строка в «Активность», где "
            "платформа — «ios», и которые есть в списке «VIP»",
            "users who are in the segment “Refunds”, and who have a row in “Activity” where platform is “ios”, and "
            "who are on the list “VIP”",
        ),
        (
            audience("or", SEGMENT, audience("and", VIP_LIST, did(IOS))),
            "пользователи, которые входят в сегмент «Refunds» или (которые есть в списке «VIP» и у которых есть "
            "строка в «Активность», где платформа — «ios»)",
            "users who are in the segment “Refunds” or (who are on the list “VIP” and who have a row in “Activity” "
            "where platform is “ios”)",
        ),
        (
            audience("or", SEGMENT, audience("or", VIP_LIST, did(IOS)), **NOT),
            "пользователи, которые не относятся к тем, (которые входят в сегмент «Refunds», или которые есть в "
            "списке «VIP», или у которых есть строка в «Активность», где платформа — «ios»)",
            "users who are not among those (who are in the segment “Refunds”, or who are on the list “VIP”, or who "
            "have a row in “Activity” where platform is “ios”)",
        ),
        (
            audience("and", audience("or", SEGMENT, VIP_LIST, **NOT), did()),
            "пользователи, которые не относятся к тем, (которые входят в сегмент «Refunds» или которые есть в "
            "списке «VIP»), и у которых есть строка в «Активность»",
            "users who are not among those (who are in the segment “Refunds” or who are on the list “VIP”), and "
            "who have a row in “Activity”",
        ),
    ],
)
def test_the_sentence_says_what_the_rule_does(rule: Json, ru: str, en: str) -> None:
    assert describe(parsed(rule), CATALOGUE, "ru", LIBRARY) == ru
    assert describe(parsed(rule), CATALOGUE, "en", LIBRARY) == en


def test_a_part_is_said_without_the_users() -> None:
    assert (
        describe_part(parsed(did(IOS)), CATALOGUE, "ru")
        == "у которых есть строка в «Активность», где платформа — «ios»"
    )
    assert describe_part(parsed({**SEGMENT, **NOT}), CATALOGUE, "en", LIBRARY) == "who are not in the segment “Refunds”"
    assert describe_part(parsed(audience("or", EVERYONE)), CATALOGUE, "ru") == "все пользователи"


def test_names_the_catalogue_lost_are_shown_as_they_are() -> None:
    ranked = top(3, aggregate=of("last", "gone"), dataset="lost", window=last(2))
    rule = parsed(audience("or", did({"field": "gone", "operator": "=", "value": "{field}"}, dataset="lost"), ranked))
    assert describe(rule, Catalogue(), "en") == (
        "users who have a row in lost where gone is “{field}”, "
        "or who are in the top 3 with the greatest last gone in lost in the last 2 days"
    )
