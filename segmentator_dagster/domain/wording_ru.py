"""The words of Russian."""

from __future__ import annotations

from segmentator_dagster.domain.aggregates import Function
from segmentator_dagster.domain.catalogue import FieldType
from segmentator_dagster.domain.plurals import Noun
from segmentator_dagster.domain.rule import Combinator, Order, Unit
from segmentator_dagster.domain.wording import (
    AggregateWords,
    AudienceWords,
    ListWords,
    OrderWords,
    RowWords,
    SpanWords,
    UnitWords,
)

_UNITS = {
    Unit.HOUR: UnitWords(Noun("час", "часов", "часа", "часа", "часов"), "последний", "ближайший"),
    Unit.DAY: UnitWords(Noun("день", "дней", "дня", "дня", "дней"), "последний", "ближайший"),
    Unit.WEEK: UnitWords(Noun("неделю", "недель", "недели", "недели", "недель"), "последнюю", "ближайшую"),
    Unit.MONTH: UnitWords(Noun("месяц", "месяцев", "месяца", "месяца", "месяцев"), "последний", "ближайший"),
    Unit.YEAR: UnitWords(Noun("год", "лет", "года", "года", "лет"), "последний", "ближайший"),
}

_ROWS = RowWords(
    language="ru",
    quotes=("«", "»"),
    inner_quotes=("„", "“"),
    true="да",
    false="нет",
    decimal_mark=",",
    months=(
        *("января", "февраля", "марта", "апреля", "мая", "июня"),
        *("июля", "августа", "сентября", "октября", "ноября", "декабря"),
    ),
    moment="{day} в {time}",
    unnamed="№ {id}",
    joins={Combinator.AND: " и ", Combinator.OR: " или "},
    more="{items} и ещё {count}",
    read_as={
        FieldType.NUMBER: "{field} (как число)",
        FieldType.DATE: "{field} (как дата)",
        FieldType.DATETIME: "{field} (как дата и время)",
        FieldType.BOOLEAN: "{field} (как да или нет)",
    },
    ignoring_case="{sentence} (без учёта регистра)",
    or_no_value="{sentence} (или поле не заполнено)",
    not_true="неверно, что ({conditions})",
    spans=SpanWords(_UNITS, "последние", "ближайшие", "сегодня", "сегодня или в {value}"),
    window={
        "=": "за {value}",
        "!=": "не за {value}",
        "in": "за {value}",
        "notIn": "не за {value}",
        "<": "раньше {value}",
        "<=": "не позже {value}",
        ">": "позже {value}",
        ">=": "не раньше {value}",
        "between": "с {low} по {high}",
        "notBetween": "вне периода с {low} по {high}",
        "inLast": "за {value}",
        "notInLast": "не за {value}",
        "olderThan": "{value} назад или раньше",
        "inNext": "в {value}",
        "inPeriod": "{value}",
        "anniversaryWithin": "с годовщиной {value}",
        "anniversaryBetween": "с годовщиной с {low} по {high}",
        "null": "без даты",
        "notNull": "с датой",
    },
    or_no_date="{sentence} (или без даты)",
    short_lists={
        "in": ListWords("{field} — {value}", ", ", " или ", Combinator.OR),
        "notIn": ListWords("{field} — не {value}", ", не ", " и не ", Combinator.AND),
    },
)

RU = AudienceWords(
    rows=_ROWS,
    users="пользователи, {clause}",
    everyone="все пользователи",
    no_one="ни один пользователь",
    anyone="которые могут быть кем угодно",
    nobody="которыми не может быть никто",
    not_among="которые не относятся к тем, {clause}",
    clause_joins={Combinator.AND: " и ", Combinator.OR: " или "},
    dataset_window="{dataset} {window}",
    where="{rows}, где {conditions}",
    did="у которых есть строка в {rows}",
    did_not="у которых нет строк в {rows}",
    counted="у которых {count} в {rows}",
    counts={
        "=": "ровно {number}",
        "<": "меньше {genitive}",
        "<=": "не более {genitive}",
        ">": "больше {genitive}",
        ">=": "не менее {genitive}",
        "between": "от {low} до {genitive}",
    },
    result="у которых в {rows} {comparison}",
    result_where="у которых в {rows}, {comparison}",
    result_sentences={"null": "{field} не определено", "notNull": "{field} определено"},
    or_not_defined="{sentence} (или не определено)",
    sequence="у которых в {rows} есть {steps}",
    step="строка, где {conditions}",
    any_step="любая строка",
    then=", затем ",
    within="{steps}, причём от первой до последней не больше {span}",
    in_segment=("которые входят в сегмент {name}", "которые не входят в сегмент {name}"),
    on_list=("которые есть в списке {name}", "которых нет в списке {name}"),
    sampled=(
        "которые попадают в долю {start}–{end} % случайного деления {seed}",
        "которые не попадают в долю {start}–{end} % случайного деления {seed}",
    ),
    top=(
        "которые входят в топ-{count}{out_of} с {ranked} в {rows}",
        "которые не входят в топ-{count}{out_of} с {ranked} в {rows}",
    ),
    out_of=" (из тех, {clause})",
    aggregates={
        Function.ROWS: AggregateWords(
            "число строк",
            "{order} числом строк",
            Noun("строка", "строк", "строки", "строки", "строк"),
        ),
        Function.DAYS: AggregateWords(
            "число дней со строками",
            "{order} числом дней со строками",
            Noun("день", "дней", "дня", "дня", "дней"),
            " со строками",
        ),
        Function.DISTINCT: AggregateWords(
            "число уникальных значений поля «{field}»",
            "{order} числом уникальных значений поля «{field}»",
            Noun(
                *("уникальное значение", "уникальных значений", "уникальных значения"),
                *("уникального значения", "уникальных значений"),
            ),
            " поля «{field}»",
        ),
        Function.SUM: AggregateWords("сумма по полю «{field}»", "{order} суммой по полю «{field}»", feminine=True),
        Function.AVG: AggregateWords("среднее по полю «{field}»", "{order} средним по полю «{field}»"),
        Function.MIN: AggregateWords("наименьшее значение поля «{field}»", "{order} минимумом по полю «{field}»"),
        Function.MAX: AggregateWords("наибольшее значение поля «{field}»", "{order} максимумом по полю «{field}»"),
        Function.FIRST: AggregateWords("первое значение поля «{field}»", "{order} первым значением поля «{field}»"),
        Function.LAST: AggregateWords(
            "последнее значение поля «{field}»", "{order} последним значением поля «{field}»"
        ),
    },
    orders={
        Order.DESC: OrderWords("наибольшим", "наибольшей", "самым поздним"),
        Order.ASC: OrderWords("наименьшим", "наименьшей", "самым ранним"),
    },
)
