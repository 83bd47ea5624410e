"""Why an export ends otherwise than published."""

from __future__ import annotations

from segmentator_dagster.domain.errors import Category, InternalError, ProblemKind

DATASET_MISSING = ProblemKind(
    "dataset_missing",
    Category.CONFLICT,
    en="{name} is no longer in ClickHouse.",
    ru="В ClickHouse больше нет {name}.",
    hint_en="Change the segment to what `GET /datasets` lists.",
    hint_ru="Измените сегмент по списку `GET /datasets`.",
)
DATASET_NOT_ALLOWED = ProblemKind(
    "dataset_not_allowed",
    Category.FORBIDDEN,
    en="There is no access to the dataset `{name}`, whose users the segment is made of.",
    ru="Нет доступа к набору данных `{name}`, из пользователей которого состоит сегмент.",
    hint_en="An administrator can open it.",
    hint_ru="Открыть его может администратор.",
)
TOO_MANY_ROWS = ProblemKind(
    "too_many_rows",
    Category.FORBIDDEN,
    en="The export has {rows} rows, and {limit} at most are allowed.",
    ru="В выгрузке {rows} строк, а разрешено не больше {limit}.",
    hint_en="Narrow the segment, or ask an administrator for more.",
    hint_ru="Сузьте сегмент или попросите администратора поднять предел.",
)
OWNER_BLOCKED = ProblemKind(
    "owner_blocked",
    Category.FORBIDDEN,
    en="Nothing is exported for this person: the account is blocked or deleted.",
    ru="Для этого пользователя выгрузки не готовятся: его учётная запись заблокирована или удалена.",
    hint_en="Unblock the person, or give the segment to somebody else: `PUT /segments/{{id}}/sharing`.",
    hint_ru="Разблокируйте пользователя или передайте сегмент другому: `PUT /segments/{{id}}/sharing`.",
)
SEGMENT_BROKEN = ProblemKind(
    "segment_broken",
    Category.CONFLICT,
    en="The segment is broken: {reason_en}",
    ru="Сегмент не работает: {reason_ru}",
    hint_en="Change it to what the data have now, or bring the data back.",
    hint_ru="Приведите его в соответствие с данными или верните данные.",
)
AUDIENCE_MISSING = ProblemKind(
    "audience_missing",
    Category.CONFLICT,
    en="Segment {id} has no audience yet.",
    ru="Аудитория сегмента {id} ещё не посчитана.",
    hint_en="Materialise segment_audience together with the file.",
    hint_ru="Материализуйте segment_audience вместе с файлом.",
)
FILE_INCOMPLETE = ProblemKind(
    "file_incomplete",
    Category.UNAVAILABLE,
    en="The file of {bytes} bytes has {rows} rows for {users} users, or was not stored whole; it was not published.",
    ru="В файле из {bytes} байт {rows} строк на {users} пользователей, или он записан не целиком; он не опубликован.",
)
TOO_MANY_FILES = ProblemKind(
    "too_many_files",
    Category.INVALID,
    en="The split makes {files} files; at most {limit} can be made at once.",
    ru="Разбиение даёт файлов: {files}; за один раз можно сделать не больше {limit}.",
    hint_en="Ask for more rows in a file, or split by a field with fewer values.",
    hint_ru="Увеличьте число строк в файле или разбейте по полю, у которого меньше значений.",
)
AUDIENCE_TOO_SMALL = ProblemKind(
    "audience_too_small",
    Category.INVALID,
    en="Yandex Audience takes at least {limit} entries; {rows} of the {users} users have a usable e-mail or phone.",
    ru="Яндекс Аудитории принимают не меньше {limit} записей, а пользователей с пригодной почтой или телефоном — "
    "{rows} из {users}.",
    hint_en="Widen the segment, or look at the contacts: missing for {no_contact} users, malformed e-mails for "
    "{bad_email}, malformed phones for {bad_phone}.",
    hint_ru="Расширьте сегмент или проверьте контакты. Пользователей без контактов: {no_contact}, с неверной почтой: "
    "{bad_email}, с неверным телефоном: {bad_phone}.",
)
AUDIENCE_FILE_TOO_LARGE = ProblemKind(
    "audience_file_too_large",
    Category.INVALID,
    en="The file is larger than the {limit} bytes that Yandex Audience takes.",
    ru="Файл больше, чем принимают Яндекс Аудитории: предел — {limit} байт.",
    hint_en="Narrow the segment, or leave one of the fields out.",
    hint_ru="Сузьте сегмент или уберите одно из полей.",
)
RUN_FAILED = ProblemKind(
    "run_failed",
    Category.UNAVAILABLE,
    en="The run that made the file ended before it was done: {reason}",
    ru="Запуск, готовивший файл, завершился раньше времени: {reason}",
)
UNEXPECTED = ProblemKind(
    "internal_error",
    Category.UNAVAILABLE,
    en="Something unexpected happened; the run's log has the details.",
    ru="Произошла непредвиденная ошибка; подробности в журнале запуска.",
)


class DuplicateRunError(InternalError):
    """Another run works, or has worked, on this request."""


class ExportCancelledError(Exception):
    """The export was cancelled, or another attempt has it: there is nothing to make any more."""
