"""The vocabulary of refusals that belong to HTTP itself: bodies, hosts, paths, methods."""

from __future__ import annotations

from segmentator_dagster.domain.errors import Category, ProblemKind

MALFORMED_JSON = ProblemKind(
    "malformed_json",
    Category.MALFORMED,
    en="The body is not JSON: it breaks off or goes wrong at line {line}, column {column}.",
    ru="Тело запроса — не JSON: ошибка в строке {line}, столбце {column}.",
    hint_en="Send one JSON document in UTF-8.",
    hint_ru="Пришлите один документ JSON в кодировке UTF-8.",
)
JSON_TOO_DEEP = ProblemKind(
    "json_too_deep",
    Category.MALFORMED,
    en="The JSON is nested deeper than {limit} levels.",
    ru="Вложенность JSON больше {limit} уровней.",
)
JSON_TOO_WIDE = ProblemKind(
    "json_too_wide",
    Category.MALFORMED,
    en="An object of the JSON has over {limit} keys.",
    ru="В одном из объектов JSON больше {limit} ключей.",
)
DUPLICATE_KEY = ProblemKind(
    "duplicate_key",
    Category.MALFORMED,
    en="The key `{key}` is there twice in one object.",
    ru="Ключ `{key}` встречается в одном объекте дважды.",
)
NUMBER_NOT_JSON = ProblemKind(
    "number_not_json",
    Category.MALFORMED,
    en="The body has a number that is not finite or is too long: `{number}`.",
    ru="В теле запроса есть число, которое не конечно или слишком длинно: `{number}`.",
)
UNSUPPORTED_MEDIA_TYPE = ProblemKind(
    "unsupported_media_type",
    Category.MALFORMED,
    en="The body must be JSON.",
    ru="Тело запроса должно быть в формате JSON.",
    hint_en="Send the header `Content-Type: application/json`.",
    hint_ru="Добавьте заголовок `Content-Type: application/json`.",
)
BODY_TOO_LARGE = ProblemKind(
    "body_too_large",
    Category.TOO_LARGE,
    en="The body is over {limit} MiB.",
    ru="Тело запроса больше {limit} МиБ.",
)
BODY_TOO_SLOW = ProblemKind(
    "body_too_slow",
    Category.MALFORMED,
    en="The body did not arrive within {limit} seconds.",
    ru="Тело запроса не пришло за {limit} с.",
    hint_en="Check the connection and send it again.",
    hint_ru="Проверьте соединение и отправьте запрос ещё раз.",
)
HEADERS_TOO_LARGE = ProblemKind(
    "headers_too_large",
    Category.TOO_LARGE,
    en="The request has over {count} headers, or they and the address are over {limit} KiB.",
    ru="В запросе больше {count} заголовков, или вместе с адресом они больше {limit} КиБ.",
    hint_en="Often it is cookies: delete those of this site.",
    hint_ru="Обычно дело в cookie: удалите их для этого сайта.",
)
TOO_MANY_REQUESTS = ProblemKind(
    "too_many_requests",
    Category.TOO_MANY,
    en="Too often: at most {limit} such requests a minute.",
    ru="Слишком часто: таких запросов — не больше {limit} в минуту.",
    hint_en="Try again in {retry_after} s.",
    hint_ru="Повторите через {retry_after} с.",
)
UNKNOWN_HOST = ProblemKind(
    "unknown_host",
    Category.MALFORMED,
    en="This server does not answer under the name in the `Host` header.",
    ru="Этот сервер не отвечает под именем из заголовка `Host`.",
    hint_en="Its address is {address}.",
    hint_ru="Его адрес — {address}.",
)
CROSS_SITE = ProblemKind(
    "cross_site",
    Category.FORBIDDEN,
    en="A page of another site may not change anything here.",
    ru="Страница другого сайта не может ничего здесь менять.",
    hint_en="Send the request from this site, or from a program.",
    hint_ru="Отправьте запрос с этого сайта или из программы.",
)
UNKNOWN_PATH = ProblemKind(
    "unknown_path",
    Category.NOT_FOUND,
    en="There is nothing at {path}.",
    ru="По адресу {path} ничего нет.",
    hint_en="The list of addresses: `/api/v1/openapi.json`.",
    hint_ru="Список адресов: `/api/v1/openapi.json`.",
)
METHOD_NOT_ALLOWED = ProblemKind(
    "method_not_allowed",
    Category.MALFORMED,
    en="{method} is not possible here.",
    ru="Метод {method} здесь невозможен.",
    hint_en="The list of addresses and methods: `/api/v1/openapi.json`.",
    hint_ru="Список адресов и методов: `/api/v1/openapi.json`.",
)
RANGE_NOT_SATISFIABLE = ProblemKind(
    "range_not_satisfiable",
    Category.MALFORMED,
    en="The file has no such range of bytes.",
    ru="В файле нет такого диапазона байтов.",
)
BAD_REQUEST = ProblemKind("bad_request", Category.MALFORMED, en="The request cannot be read.", ru="Запрос не читается.")
INTERNAL_ERROR = ProblemKind(
    "internal_error",
    Category.UNAVAILABLE,
    en="Something went wrong on our side.",
    ru="Что-то пошло не так на нашей стороне.",
    hint_en="It is in the log under this request_id; give it to the administrator.",
    hint_ru="Подробности в журнале под этим request_id; сообщите его администратору.",
)
