"""The vocabulary of refusals: what can be wrong with a rule, in reading it and in checking it against the data."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from segmentator_dagster.domain.errors import Category, ProblemKind

MAX_NODES = 200
MAX_DEPTH = 10
MAX_LIST_ITEMS = 100_000
MAX_TEXT = 10_000


def _kind(code: str, en: str, ru: str, hint_en: str = "", hint_ru: str = "") -> ProblemKind:
    return ProblemKind(code, Category.INVALID, en=en, ru=ru, hint_en=hint_en, hint_ru=hint_ru)


_ONE_OF = ("{suggestion_en}", "{suggestion_ru}")

WRONG_JSON_TYPE = _kind(
    "wrong_json_type",
    "Here must be {expected_en}, not {found_en}.",
    "Ожидалось: {expected_ru}; получено: {found_ru}.",
)
MISSING_KEY = _kind("missing_key", "The key `{key}` is missing.", "Не хватает ключа `{key}`.")
UNKNOWN_KEY = _kind("unknown_key", "Unknown key `{name}`.", "Неизвестный ключ `{name}`.", *_ONE_OF)
UNKNOWN_KIND = _kind("unknown_kind", "Unknown kind of node `{name}`.", "Неизвестный вид узла `{name}`.", *_ONE_OF)
UNKNOWN_COMBINATOR = _kind(
    "unknown_combinator", "Unknown combinator `{name}`.", "Неизвестная связка `{name}`.", *_ONE_OF
)
UNKNOWN_AGGREGATE = _kind("unknown_aggregate", "Unknown aggregate `{name}`.", "Неизвестный агрегат `{name}`.", *_ONE_OF)
UNKNOWN_OPERATOR = _kind("unknown_operator", "Unknown operator `{name}`.", "Неизвестный оператор `{name}`.", *_ONE_OF)
NOT_SUPPORTED = _kind(
    "not_supported",
    "`{name}` is not supported here.",
    "`{name}` здесь не поддерживается.",
    "{suggestion_en}",
    "{suggestion_ru}",
)
EMPTY_GROUP = _kind(
    "empty_group",
    "A group needs at least one rule.",
    "В группе должно быть хотя бы одно правило.",
    'For all users say {{"kind": "everyone"}}.',
    'Для всех пользователей напишите {{"kind": "everyone"}}.',
)
EMPTY_LIST = _kind(
    "empty_list", "The list is empty.", "Список пуст.", "Give at least one value.", "Дайте хотя бы одно значение."
)
EMPTY_NAME = _kind("empty_name", "The name is empty.", "Имя пустое.")
EMPTY_TEXT = _kind(
    "empty_text",
    "Every text contains the empty text, so this condition selects nothing out.",
    "Пустой текст есть в любом тексте, такое условие ничего не отбирает.",
    'Give a text; for empty values use `=` with "".',
    'Дайте текст; пустые значения ищет `=` со значением "".',
)
VALUE_NOT_WANTED = _kind(
    "value_not_wanted", "The operator `{operator}` takes no value.", "Оператору `{operator}` значение не нужно."
)
PAIR_WANTED = _kind(
    "pair_wanted",
    "The operator `{operator}` takes two values: [from, to].",
    "Оператору `{operator}` нужны два значения: [от, до].",
)
NULL_VALUE = _kind(
    "null_value",
    "null is not a value to compare with.",
    "null — не значение для сравнения.",
    "Use the operators `null` and `notNull`.",
    "Для этого есть операторы `null` и `notNull`.",
)
BAD_NUMBER = _kind(
    "bad_number",
    "This number cannot be compared with: it is not finite or has over 77 digits.",
    "С таким числом сравнить нельзя: оно не конечно или в нём больше 77 цифр.",
)
BAD_TEXT = _kind(
    "bad_text",
    "The text has a character that cannot be stored: NUL or half of a surrogate pair.",
    "В тексте есть знак, который нельзя сохранить: NUL или половина суррогатной пары.",
)
TEXT_TOO_LONG = _kind("text_too_long", f"The text is over {MAX_TEXT} characters.", f"Текст длиннее {MAX_TEXT} знаков.")
TOO_MANY_NODES = _kind(
    "too_many_nodes", f"The rule has over {MAX_NODES} nodes.", f"В правиле больше {MAX_NODES} узлов."
)
TOO_DEEP = _kind(
    "too_deep",
    f"The rule is nested deeper than {MAX_DEPTH} levels.",
    f"Вложенность правила больше {MAX_DEPTH} уровней.",
)
TOO_MANY_ITEMS = _kind(
    "too_many_items",
    f"The lists of the rule hold over {MAX_LIST_ITEMS} values together.",
    f"В списках правила вместе больше {MAX_LIST_ITEMS} значений.",
)
UNKNOWN_DATASET = _kind("unknown_dataset", "There is no dataset `{name}`.", "Набора данных `{name}` нет.", *_ONE_OF)
UNKNOWN_TIME_ZONE = _kind("unknown_time_zone", "There is no time zone `{name}`.", "Часового пояса `{name}` нет.")
UNKNOWN_FIELD = _kind(
    "unknown_field",
    "The dataset `{dataset}` has no field `{name}`.",
    "В наборе данных `{dataset}` нет поля `{name}`.",
    *_ONE_OF,
)
DUPLICATE_COLUMN = _kind(
    "duplicate_column", "The column `{name}` is asked for twice.", "Столбец `{name}` запрошен дважды."
)
NOT_FILTERABLE = _kind(
    "not_filterable",
    "The field `{name}` of type {type} can be exported, but rules cannot compare it.",
    "Поле `{name}` типа {type} можно выгрузить, но не сравнивать в правилах.",
)
OPERATOR_NOT_FOR_TYPE = _kind(
    "operator_not_for_type",
    "The operator `{operator}` does not work on the field `{name}`: {type}.",
    "Оператор `{operator}` не для поля `{name}`: {type}.",
    "Operators of this field: {operators}.",
    "Операторы этого поля: {operators}.",
)
WRONG_VALUE_TYPE = _kind(
    "wrong_value_type",
    "The field `{name}` is compared with {expected_en}; `{value}` is something else.",
    "Поле `{name}` сравнивают с {expected_ru}; `{value}` — другое.",
    "{example_en}",
    "{example_ru}",
)
IMPOSSIBLE_DATE = _kind("impossible_date", "There is no such date: {value}.", "Такой даты нет: {value}.")
VALUE_OUT_OF_RANGE = _kind(
    "value_out_of_range",
    "`{value}` is outside of what the field `{name}` can hold ({type}): {low} to {high}.",
    "`{value}` вне того, что вмещает поле `{name}` ({type}): от {low} до {high}.",
)
VALUE_TOO_PRECISE = _kind(
    "value_too_precise",
    "`{value}` has more decimals than the field `{name}` keeps ({type}), so nothing can equal it.",
    "У `{value}` больше знаков после запятой, чем хранит поле `{name}` ({type}), ничто не может быть ему равно.",
)
MIXED_MOMENTS = _kind(
    "mixed_moments",
    "Dates and moments of time are mixed in one condition.",
    "В одном условии смешаны даты и моменты времени.",
    "Write all as dates (2026-01-31) or all as moments (2026-01-31T10:00:00).",
    "Пишите всё датами (2026-01-31) или всё моментами (2026-01-31T10:00:00).",
)
EMPTY_RANGE = _kind(
    "empty_range",
    "The range is empty: {low} is over {high}.",
    "Диапазон пуст: {low} больше {high}.",
    "Swap the bounds.",
    "Поменяйте границы.",
)


def shown(text: object) -> str:
    """A text from outside made fit for a message: at most 60 characters, no broken ones."""
    raw = text if isinstance(text, str) else repr(text) if not isinstance(text, int) or abs(text) < 10**60 else "…"
    cut = raw if len(raw) <= 60 else raw[:59] + "…"
    return cut.encode("utf-8", "backslashreplace").decode("utf-8")


def suggestion(name: str, known: Iterable[str]) -> dict[str, str]:
    """Hint values for an unknown name: the closest known ones, or all where they are few."""
    names = [known_name for known_name in known if len(known_name) <= 60][:500]
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.6) if len(name) <= 60 else []
    if close:
        listed = ", ".join(f"`{shown(match)}`" for match in close)
        return {"suggestion_en": f"Did you mean {listed}?", "suggestion_ru": f"Возможно, {listed}?"}
    if 0 < len(names) <= 20:
        listed = ", ".join(f"`{shown(one)}`" for one in names)
        return {"suggestion_en": f"Known: {listed}.", "suggestion_ru": f"Есть: {listed}."}
    return {"suggestion_en": "", "suggestion_ru": ""}
