"""The shapes of values, described to people who write rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from segmentator_dagster.domain.operators import Shape
from segmentator_dagster.domain.problems import MAX_LIST_ITEMS, MAX_PATTERN, MAX_TEXT


@dataclass(frozen=True, slots=True)
class ShapeWords:
    """What the JSON `value` is, in Markdown, with an example of it in JSON."""

    ru: str
    en: str
    example: str


SHAPES: Mapping[Shape, ShapeWords] = {
    Shape.SCALAR: ShapeWords(
        f"Одно значение типа поля: текст (до {MAX_TEXT} знаков), число, `true` или `false`. Даты и моменты — тексты: "
        "`2026-01-31`, `2026-01-31T10:00:00+03:00`; без смещения — в часовом поясе правила.",
        f"One value of the field's type: a text (up to {MAX_TEXT} characters), a number, `true` or `false`. Dates and "
        "moments are texts: `2026-01-31`, `2026-01-31T10:00:00+03:00`; without an offset in the rule's time zone.",
        '"ios"',
    ),
    Shape.PAIR: ShapeWords(
        "Два значения, `[от, до]`, оба включительно.", "Two values, `[from, to]`, both included.", "[1, 5]"
    ),
    Shape.LIST: ShapeWords(
        f"Одно значение или больше; во всех списках правила вместе — до {MAX_LIST_ITEMS}.",
        f"One value or more; up to {MAX_LIST_ITEMS} in all lists of a rule together.",
        '["ios", "ipados"]',
    ),
    Shape.LIST_ID: ShapeWords("Номер загруженного списка.", "The id of an uploaded list.", "3"),
    Shape.SPAN: ShapeWords(
        "Отрезок времени: сколько и чего. Часы — только для моментов.",
        "A length of time: how many of what. Hours are for moments only.",
        '{"count": 30, "unit": "day"}',
    ),
    Shape.PERIOD: ShapeWords(
        "Имя календарного периода, считая от сегодняшнего дня.",
        "The name of a calendar period around today.",
        '"previous_month"',
    ),
    Shape.PATTERN: ShapeWords(
        f"Регулярное выражение RE2, до {MAX_PATTERN} знаков. Совпадение ищется в любом месте текста; точка совпадает "
        "и с переводом строки.",
        f"A regular expression of RE2, up to {MAX_PATTERN} characters. It may match anywhere in the text; a dot "
        "matches a line break too.",
        '"^i(pad)?os$"',
    ),
    Shape.DAYS_OF_YEAR: ShapeWords(
        'Два дня года, `["ММ-ДД", "ММ-ДД"]`, оба включительно; если первый позже — через Новый год.',
        'Two days of the year, `["MM-DD", "MM-DD"]`, both included; round the new year where the first is later.',
        '["12-25", "01-08"]',
    ),
    Shape.NOTHING: ShapeWords("Значения нет.", "No value at all.", "null"),
}
