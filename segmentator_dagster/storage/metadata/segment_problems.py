"""The vocabulary of refusals about segments."""

from __future__ import annotations

from segmentator_dagster.domain.errors import Category, ProblemKind

SEGMENT_NOT_FOUND = ProblemKind(
    "segment_not_found",
    Category.NOT_FOUND,
    en="There is no segment {id}.",
    ru="Сегмента {id} нет.",
    hint_en="`GET /segments` lists those there are.",
    hint_ru="Список сегментов: `GET /segments`.",
)
SEGMENT_DELETED = ProblemKind(
    "segment_deleted",
    Category.GONE,
    en="Segment {id} is deleted.",
    ru="Сегмент {id} удалён.",
    hint_en="`POST /segments/{id}/restore` brings it back.",
    hint_ru="Вернуть его: `POST /segments/{id}/restore`.",
)
VERSION_NOT_FOUND = ProblemKind(
    "version_not_found",
    Category.NOT_FOUND,
    en="Segment {id} has no version {version}.",
    ru="У сегмента {id} нет версии {version}.",
    hint_en="`GET /segments/{id}/versions` lists those there are.",
    hint_ru="Список версий: `GET /segments/{id}/versions`.",
)
NAME_TAKEN = ProblemKind(
    "name_taken",
    Category.CONFLICT,
    en="Another segment is called “{name}”.",
    ru="Сегмент с именем «{name}» уже есть.",
    hint_en="Choose another name; case and spaces do not make a difference.",
    hint_ru="Выберите другое имя; регистр и пробелы не различаются.",
)
VERSION_CONFLICT = ProblemKind(
    "version_conflict",
    Category.CONFLICT,
    en="The segment was changed meanwhile: your change is based on version {given}, the current one is {current}.",
    ru="Сегмент тем временем изменили: ваша правка основана на версии {given}, текущая — {current}.",
    hint_en="Read the segment again and repeat the change.",
    hint_ru="Прочитайте сегмент заново и повторите правку.",
)
SEGMENT_IN_USE = ProblemKind(
    "segment_in_use",
    Category.CONFLICT,
    en="Segment {id} “{name}” is used by other segments: {dependents}.",
    ru="Сегмент {id} «{name}» используют другие сегменты: {dependents}.",
    hint_en="Take it out of their rules first; they are listed in `used_by`.",
    hint_ru="Сначала уберите его из их правил; они перечислены в `used_by`.",
)
