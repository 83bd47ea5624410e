"""What can be wrong with a file of ids for a list."""

from __future__ import annotations

from segmentator_dagster.domain.errors import Category, ProblemKind

VALUE_CHARACTERS = 10_000

COLUMN_WANTED = ProblemKind(
    "column_wanted",
    Category.INVALID,
    en="The file has several columns: {known}.",
    ru="В файле несколько столбцов: {known}.",
    hint_en="Say which one holds the ids: `column=…`.",
    hint_ru="Укажите, в каком из них идентификаторы: `column=…`.",
)
NO_VALUES = ProblemKind(
    "no_values",
    Category.INVALID,
    en="Not one of {rows} rows has a value in column {column!r}.",
    ru="Ни в одной из строк ({rows}) нет значения в столбце {column!r}.",
    hint_en="Choose another column, or another file.",
    hint_ru="Выберите другой столбец или другой файл.",
)
VALUE_TOO_LONG = ProblemKind(
    "value_too_long",
    Category.INVALID,
    en=f"Line {{line}}: the value is longer than {VALUE_CHARACTERS} characters: {{value!r}}.",
    ru=f"Строка {{line}}: значение длиннее {VALUE_CHARACTERS} знаков: {{value!r}}.",
    hint_en="Put one id on each line.",
    hint_ru="Пишите по одному идентификатору на строке.",
)
VALUE_HAS_NUL = ProblemKind(
    "value_has_nul",
    Category.INVALID,
    en="Line {line}: the value has a NUL character: {value!r}.",
    ru="Строка {line}: в значении есть символ NUL: {value!r}.",
    hint_en="Save the file anew from the program it comes from.",
    hint_ru="Сохраните файл заново в программе, где он сделан.",
)
UNPACKS_TOO_LARGE = ProblemKind(
    "file_unpacks_too_large",
    Category.TOO_LARGE,
    en="The file unpacks to more than {limit} MiB.",
    ru="Файл распаковывается больше чем в {limit} МиБ.",
)
LIST_BUSY = ProblemKind(
    "list_busy",
    Category.CONFLICT,
    en="Others keep uploading to list {id}; nothing was changed.",
    ru="В список {id} всё время загружают другие; ничего не изменено.",
    hint_en="Try again later.",
    hint_ru="Повторите позже.",
)
