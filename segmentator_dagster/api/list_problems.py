"""The vocabulary of refusals of lists and of uploads to them."""

from __future__ import annotations

from segmentator_dagster.domain.errors import Category, ProblemKind

FIELD_NOT_COMPARABLE = ProblemKind(
    "field_not_comparable",
    Category.INVALID,
    en="The field `{name}` of type {type} cannot be compared with a list.",
    ru="Поле `{name}` типа {type} нельзя сравнивать со списком.",
    hint_en="Choose text or whole numbers; without `field` the list is compared with user ids.",
    hint_ru="Выберите текст или целые числа; без `field` список сравнивается с id пользователей.",
)
LIST_NOT_COMPARED = ProblemKind(
    "list_not_compared",
    Category.CONFLICT,
    en="The list cannot be compared: {name} is no longer in ClickHouse.",
    ru="Список не с чем сравнить: в ClickHouse больше нет {name}.",
    hint_en="`GET /datasets` lists what there is.",
    hint_ru="Что есть сейчас: `GET /datasets`.",
)
NOT_A_LIST_FILE = ProblemKind(
    "unsupported_media_type",
    Category.MALFORMED,
    en="The body must be a file with ids.",
    ru="Тело запроса должно быть файлом с идентификаторами.",
    hint_en="Send it with `Content-Type`: {known}.",
    hint_ru="Пришлите его с заголовком `Content-Type`: {known}.",
)
UPLOAD_BROKEN_OFF = ProblemKind(
    "upload_broken_off",
    Category.MALFORMED,
    en="The file broke off in the middle.",
    ru="Файл оборвался на середине.",
)
UPLOAD_NOT_STORED = ProblemKind(
    "upload_not_stored",
    Category.UNAVAILABLE,
    en="The server has no room for the file.",
    ru="На сервере нет места для файла.",
    hint_en="Tell the administrator: the data folder is full or cannot be written to.",
    hint_ru="Сообщите администратору: папка данных заполнена или закрыта для записи.",
)
