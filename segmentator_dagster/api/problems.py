"""The vocabulary of refusals of the use cases: names, lists, formats, zones, links."""

from __future__ import annotations

from segmentator_dagster.domain.errors import Category, ProblemKind

EMPTY_NAME = ProblemKind(
    "empty_name",
    Category.INVALID,
    en="The name has no visible character.",
    ru="В имени нет ни одного видимого знака.",
    hint_en="Write 1 to 50 characters.",
    hint_ru="Напишите от 1 до 50 знаков.",
)
TOO_LONG = ProblemKind(
    "too_long",
    Category.INVALID,
    en="The text is longer than {limit} characters: {length}.",
    ru="Текст длиннее {limit} знаков: {length}.",
    hint_en="Shorten it.",
    hint_ru="Сократите его.",
)
TOO_MANY = ProblemKind(
    "too_many",
    Category.INVALID,
    en="The list has over {limit} items: {length}.",
    ru="В списке больше {limit} элементов: {length}.",
)
CONTROL_CHARACTER = ProblemKind(
    "control_character",
    Category.INVALID,
    en="The text has a control character at position {position}.",
    ru="В тексте есть управляющий символ, позиция {position}.",
    hint_en="Remove line breaks, tabs and other invisible control characters.",
    hint_ru="Уберите переводы строк, табуляции и другие невидимые управляющие символы.",
)
DUPLICATE_VALUE = ProblemKind(
    "duplicate_value",
    Category.INVALID,
    en="`{value}` is in the list twice.",
    ru="`{value}` указано в списке дважды.",
)
UNKNOWN_FORMAT = ProblemKind(
    "unknown_format",
    Category.INVALID,
    en="There is no export format `{name}`.",
    ru="Формата выгрузки `{name}` нет.",
    hint_en="Formats: {known}.",
    hint_ru="Форматы: {known}.",
)
OUT_OF_RANGE = ProblemKind(
    "out_of_range",
    Category.INVALID,
    en="The number must be {bound_en} {limit}.",
    ru="Число должно быть {bound_ru} {limit}.",
)
UNKNOWN_CHOICE = ProblemKind(
    "unknown_choice",
    Category.INVALID,
    en="`{value}` is not one of the possible values.",
    ru="`{value}` — не одно из возможных значений.",
    hint_en="Possible: {known}.",
    hint_ru="Возможны: {known}.",
)
WRONG_VALUE = ProblemKind(
    "wrong_value",
    Category.INVALID,
    en="The value `{value}` does not fit here.",
    ru="Значение `{value}` здесь не подходит.",
    hint_en="The expected form is in `/api/v1/openapi.json`.",
    hint_ru="Ожидаемая форма описана в `/api/v1/openapi.json`.",
)
BAD_IDEMPOTENCY_KEY = ProblemKind(
    "bad_idempotency_key",
    Category.INVALID,
    en="The Idempotency-Key must be 1 to 200 visible ASCII characters.",
    ru="Idempotency-Key — это от 1 до 200 видимых знаков ASCII.",
    hint_en="A UUID is a good key.",
    hint_ru="Хороший ключ — UUID.",
)
EXPORT_NOT_PUBLISHED = ProblemKind(
    "export_not_published",
    Category.CONFLICT,
    en="The export has no file: it is {status}.",
    ru="У выгрузки нет файла: её состояние — {status}.",
    hint_en="Wait until `GET /exports/{id}` says `published`; ask for a new export where this one ended otherwise.",
    hint_ru="Дождитесь, пока `GET /exports/{id}` ответит `published`; если она завершилась иначе, запросите новую.",
)
LINK_INVALID = ProblemKind(
    "link_invalid",
    Category.FORBIDDEN,
    en="This download link was not made by this server.",
    ru="Эта ссылка на скачивание выдана не этим сервером.",
    hint_en="Take a new one: `GET /exports/{{id}}/download`.",
    hint_ru="Получите новую: `GET /exports/{{id}}/download`.",
)
LINK_EXPIRED = ProblemKind(
    "link_expired",
    Category.GONE,
    en="This download link has expired.",
    ru="Срок действия ссылки на скачивание истёк.",
    hint_en="Take a new one: `GET /exports/{{id}}/download`.",
    hint_ru="Получите новую: `GET /exports/{{id}}/download`.",
)
