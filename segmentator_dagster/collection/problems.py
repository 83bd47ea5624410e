"""What can be wrong with a file that is loaded: the error vocabulary of collection."""

from __future__ import annotations

from dataclasses import dataclass

from segmentator_dagster.domain.errors import Category, Problem, ProblemKind

SHOWN_VALUE_CHARACTERS = 80
SHOWN_PROBLEMS = 20

DATASET_NAME_INVALID = ProblemKind(
    "dataset_name_invalid",
    Category.INVALID,
    en="{name!r} cannot be the name of a dataset.",
    ru="{name!r} не может быть именем набора данных.",
    hint_en="Start with a Latin small letter; then small letters, digits and _, 63 characters at most.",
    hint_ru="Начните с латинской строчной буквы; дальше строчные буквы, цифры и _, не больше 63 знаков.",
)
DATASET_EXISTS = ProblemKind(
    "dataset_exists",
    Category.CONFLICT,
    en="A dataset {name} is already there.",
    ru="Набор данных {name} уже есть.",
    hint_en="Choose another name, or ask to replace the dataset.",
    hint_ru="Выберите другое имя или попросите заменить набор данных.",
)
FILE_NOT_FOUND = ProblemKind(
    "file_not_found",
    Category.NOT_FOUND,
    en="There is no file {path}.",
    ru="Файла {path} нет.",
)
FILE_FORMAT_UNKNOWN = ProblemKind(
    "file_format_unknown",
    Category.INVALID,
    en="{path} is not a kind of file that can be loaded.",
    ru="Файлы такого вида, как {path}, не загружаются.",
    hint_en="Known endings: {known}.",
    hint_ru="Известные окончания: {known}.",
)
FILE_UNREADABLE = ProblemKind(
    "file_unreadable",
    Category.MALFORMED,
    en="The file cannot be read: {reason}.",
    ru="Файл не читается: {reason}.",
    hint_en="Open it in the program it comes from and save it again; text files as UTF-8.",
    hint_ru="Откройте его в программе, где он сделан, и сохраните заново; текстовые файлы в UTF-8.",
)
FILE_EMPTY = ProblemKind(
    "file_empty",
    Category.INVALID,
    en="The file has no rows of data.",
    ru="В файле нет строк с данными.",
    hint_en="The first row is the header; at least one row must follow it.",
    hint_ru="Первая строка считается заголовком; за ней нужна хотя бы одна строка.",
)
FILE_UNPACKS_TOO_LARGE = ProblemKind(
    "file_unpacks_too_large",
    Category.TOO_LARGE,
    en="{part} inside the file unpacks to {size_mb} MB, {ratio} times its packed size; that is over the limit.",
    ru="{part} внутри файла распаковывается в {size_mb} МБ, в {ratio} раз больше сжатого; это сверх предела.",
    hint_en="Save the data as CSV or Parquet and load that.",
    hint_ru="Сохраните данные в CSV или Parquet и загрузите их.",
)
SHEET_UNKNOWN = ProblemKind(
    "sheet_unknown",
    Category.NOT_FOUND,
    en="The workbook has no sheet of cells named {sheet!r}.",
    ru="В книге нет листа с ячейками по имени {sheet!r}.",
    hint_en="Its sheets: {known}.",
    hint_ru="Листы в ней: {known}.",
)
HEADER_INVALID = ProblemKind(
    "header_invalid",
    Category.INVALID,
    en="The header is wrong at column {position}: {value!r} {reason_en}.",
    ru="Ошибка в заголовке, столбец {position}: {value!r} {reason_ru}.",
    hint_en="The first row names the columns: not empty, different from each other, no control characters, ` or \\.",
    hint_ru="Первая строка называет столбцы: непустые, разные, без управляющих символов, ` и \\.",
)
TOO_MANY_COLUMNS = ProblemKind(
    "too_many_columns",
    Category.TOO_LARGE,
    en="The file has {found} columns; {limit} is the limit.",
    ru="В файле {found} столбцов; предел {limit}.",
)
COLUMN_UNKNOWN = ProblemKind(
    "column_unknown",
    Category.INVALID,
    en="The file has no column {column!r}.",
    ru="В файле нет столбца {column!r}.",
    hint_en="Its columns: {known}.",
    hint_ru="Столбцы файла: {known}.",
)
COLUMN_TYPE_UNSUPPORTED = ProblemKind(
    "column_type_unsupported",
    Category.INVALID,
    en="Column {column!r} has type {type}, which cannot be loaded.",
    ru="У столбца {column!r} тип {type}, он не загружается.",
    hint_en="Leave the column out, or turn it into text, numbers or dates.",
    hint_ru="Уберите столбец или превратите его в текст, числа или даты.",
)
TYPE_UNKNOWN = ProblemKind(
    "type_unknown",
    Category.INVALID,
    en="{type!r} is not a type for column {column!r}.",
    ru="{type!r} не подходит как тип столбца {column!r}.",
    hint_en="Possible here: {known}.",
    hint_ru="Здесь возможны: {known}.",
)
KEY_IS_TIME = ProblemKind(
    "key_is_time",
    Category.INVALID,
    en="Column {column!r} cannot be both the user key and the time.",
    ru="Столбец {column!r} не может быть и ключом пользователя, и временем.",
)
ROW_FIELD_COUNT = ProblemKind(
    "row_field_count",
    Category.INVALID,
    en="Line {line}: {found} fields where the header has {expected}: {value!r}.",
    ru="Строка {line}: полей {found}, а в заголовке {expected}: {value!r}.",
    hint_en="Put a value that holds the delimiter or a line break into double quotes.",
    hint_ru="Значение с разделителем или переводом строки возьмите в двойные кавычки.",
)
QUOTE_UNCLOSED = ProblemKind(
    "quote_unclosed",
    Category.INVALID,
    en="Line {line}: a quoted value that begins here has no end: {value!r}.",
    ru="Строка {line}: значение в кавычках начинается здесь и не кончается: {value!r}.",
    hint_en='Close the quote; inside a quoted value a quote is written "". A row may have {limit_mb} MB at most.',
    hint_ru='Закройте кавычку; внутри значения кавычка пишется "". В строке может быть не больше {limit_mb} МБ.',
)
VALUE_WRONG_TYPE = ProblemKind(
    "value_wrong_type",
    Category.INVALID,
    en="Line {line}, column {column!r}: {value!r} is not {type_en}.",
    ru="Строка {line}, столбец {column!r}: {value!r} — не {type_ru}.",
    hint_en="Fix the file, or load the column as text: --type '{column}=text'.",
    hint_ru="Исправьте файл или загрузите столбец как текст: --type '{column}=text'.",
)
VALUE_WRONG_TIME = ProblemKind(
    "value_wrong_time",
    Category.INVALID,
    en="Line {line}, column {column!r}: {value!r} is not {type_en}, and this is the time column.",
    ru="Строка {line}, столбец {column!r}: {value!r} — не {type_ru}, а это столбец времени.",
    hint_en="Fix the file, or name another time column.",
    hint_ru="Исправьте файл или назовите другой столбец времени.",
)
DATE_OUTSIDE = ProblemKind(
    "date_outside",
    Category.INVALID,
    en="Line {line}, column {column!r}: {value} is not between the years 1900 and 2299.",
    ru="Строка {line}, столбец {column!r}: {value} не между 1900 и 2299 годами.",
    hint_en="Empty the value, or make the column text in the file.",
    hint_ru="Очистите значение или сделайте столбец в файле текстом.",
)
VALUE_EMPTY = ProblemKind(
    "value_empty",
    Category.INVALID,
    en="Line {line}, column {column!r}: the value is empty; the user key and the time must be in every row.",
    ru="Строка {line}, столбец {column!r}: значение пусто; ключ пользователя и время нужны в каждой строке.",
    hint_en="Fill the value in, or remove the row.",
    hint_ru="Впишите значение или уберите строку.",
)
VALUE_UNDECODABLE = ProblemKind(
    "value_undecodable",
    Category.INVALID,
    en="Line {line}, column {column!r}: some bytes are not text in the file's encoding: {value!r}.",
    ru="Строка {line}, столбец {column!r}: часть байтов не текст в кодировке файла: {value!r}.",
    hint_en="Save the file as UTF-8.",
    hint_ru="Сохраните файл в UTF-8.",
)
CELL_ERROR = ProblemKind(
    "cell_error",
    Category.INVALID,
    en="Row {line}, column {column!r}: the cell holds the error {value}.",
    ru="Строка {line}, столбец {column!r}: в ячейке ошибка {value}.",
    hint_en="Fix the formula, or empty the cell.",
    hint_ru="Исправьте формулу или очистите ячейку.",
)


@dataclass(frozen=True, slots=True)
class BadRow:
    """A problem at a line of the file (CSV: physical line; XLSX: sheet row; Parquet: row of data, from 1)."""

    line: int
    problem: Problem


def shown(value: str) -> str:
    """A value as a message may carry it: its beginning, with … where it was cut."""
    return value if len(value) <= SHOWN_VALUE_CHARACTERS else value[:SHOWN_VALUE_CHARACTERS] + "…"


def shown_names(names: tuple[str, ...]) -> str:
    more = len(names) - SHOWN_PROBLEMS
    return ", ".join(names[:SHOWN_PROBLEMS]) + (f" … (+{more})" if more > 0 else "")
