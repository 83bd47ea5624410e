"""The vocabulary of refusals that belong to GraphQL itself."""

from __future__ import annotations

from segmentator_dagster.domain.errors import Category, ProblemKind

GRAPHQL_INVALID = ProblemKind(
    "graphql_invalid",
    Category.MALFORMED,
    en="The query does not fit the schema: {reason}",
    ru="Запрос не соответствует схеме: {reason}",
    hint_en="The schema is there to be asked for: introspection is open to everybody who is signed in.",
    hint_ru="Схему можно запросить: интроспекция открыта всем, кто вошёл.",
)
GRAPHQL_SYNTAX = ProblemKind(
    "graphql_syntax",
    Category.MALFORMED,
    en="The query is not GraphQL: {reason}",
    ru="Это не запрос GraphQL: {reason}",
)
QUERY_TOO_COSTLY = ProblemKind(
    "query_too_costly",
    Category.MALFORMED,
    en="The query asks for too much: {what_en}, at most {limit}.",
    ru="Запрос слишком велик: {what_ru}, не больше {limit}.",
    hint_en="Ask for fewer fields, take a smaller `first`, or make several requests.",
    hint_ru="Запросите меньше полей, уменьшите `first` или разбейте запрос на несколько.",
)
ONE_OPERATION = ProblemKind(
    "one_operation",
    Category.MALFORMED,
    en="A request has exactly one operation, and this one has {count}.",
    ru="В запросе должна быть ровно одна операция, а здесь их {count}.",
    hint_en="Send each operation as a request of its own.",
    hint_ru="Отправьте каждую операцию отдельным запросом.",
)
STREAM_WANTED = ProblemKind(
    "stream_wanted",
    Category.MALFORMED,
    en="A subscription is answered as a stream of events only.",
    ru="Подписка отдаётся только потоком событий.",
    hint_en="Send the header `Accept: text/event-stream`.",
    hint_ru="Добавьте заголовок `Accept: text/event-stream`.",
)
TOO_SLOW = ProblemKind(
    "graphql_too_slow",
    Category.UNAVAILABLE,
    en="The answer was not ready within {limit} seconds.",
    ru="Ответ не был готов за {limit} с.",
    hint_en="Ask for less at once.",
    hint_ru="Запросите меньше за один раз.",
)
