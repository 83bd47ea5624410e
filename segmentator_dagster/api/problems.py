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
SNAPSHOT_NOT_FOUND = ProblemKind(
    "snapshot_not_found",
    Category.INVALID,
    en="Segment {id} has no snapshot `{snapshot}`.",
    ru="У сегмента {id} нет снимка `{snapshot}`.",
    hint_en="`GET /segments/{id}/snapshots` lists those there are.",
    hint_ru="Список снимков: `GET /segments/{id}/snapshots`.",
)
SNAPSHOT_OR_COMPARE = ProblemKind(
    "snapshot_or_compare",
    Category.INVALID,
    en="An export is either of one snapshot or of what changed between two.",
    ru="Выгрузить можно либо один снимок, либо разницу двух.",
    hint_en="Leave one of `snapshot_id` and `compare` out.",
    hint_ru="Уберите `snapshot_id` или `compare`.",
)
SEVERAL_FILES = ProblemKind(
    "several_files",
    Category.CONFLICT,
    en="The export has {count} files.",
    ru="У выгрузки несколько файлов: {count}.",
    hint_en="Say which one: `?file=1` to `?file={count}`; `files` of `GET /exports/{id}` says what they are.",
    hint_ru="Укажите, какой нужен: от `?file=1` до `?file={count}`; какие они, говорит `files` в `GET /exports/{id}`.",
)
FILE_NOT_ALLOWED = ProblemKind(
    "file_not_allowed",
    Category.FORBIDDEN,
    en="The file shows data that you may not see like that: {fields}.",
    ru="В файле есть данные, которые вам нельзя видеть в таком виде: {fields}.",
    hint_en="Export the segment yourself: your file will have what you may see.",
    hint_ru="Выгрузите сегмент сами: в вашем файле будет то, что вам можно видеть.",
)
FILE_NOT_FOUND = ProblemKind(
    "file_not_found",
    Category.NOT_FOUND,
    en="The export has no file {file}; it has {count}.",
    ru="У выгрузки нет файла {file}; всего файлов: {count}.",
)
FILE_EXPIRED = ProblemKind(
    "file_expired",
    Category.GONE,
    en="The files of this export were kept until {expires_at} and are deleted since {deleted_at}.",
    ru="Файлы этой выгрузки хранились до {expires_at}; удалены {deleted_at}.",
    hint_en="Export the segment again; the manifest is still there.",
    hint_ru="Выгрузите сегмент ещё раз; манифест сохранился.",
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
