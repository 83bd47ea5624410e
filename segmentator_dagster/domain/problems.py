"""The vocabulary of refusals: what can be wrong with a rule, in reading it and in checking it against the data."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from segmentator_dagster.domain.errors import Category, ProblemKind

MAX_NODES = 200
MAX_DEPTH = 10
MAX_LIST_ITEMS = 100_000
MAX_TEXT = 10_000
MAX_PATTERN = 1_000
MAX_REFERENCES = 10
MAX_EXPANDED_NODES = 1_000
MAX_STEPS = 10


def kind_of(code: str, en: str, ru: str, hint_en: str = "", hint_ru: str = "") -> ProblemKind:
    """A refusal of something that can be read and makes no sense."""
    return ProblemKind(code, Category.INVALID, en=en, ru=ru, hint_en=hint_en, hint_ru=hint_ru)


_ONE_OF = ("{suggestion_en}", "{suggestion_ru}")

WRONG_JSON_TYPE = kind_of(
    "wrong_json_type",
    "Here must be {expected_en}, not {found_en}.",
    "Ожидалось: {expected_ru}; получено: {found_ru}.",
)
MISSING_KEY = kind_of("missing_key", "The key `{key}` is missing.", "Не хватает ключа `{key}`.")
UNKNOWN_KEY = kind_of("unknown_key", "Unknown key `{name}`.", "Неизвестный ключ `{name}`.", *_ONE_OF)
UNKNOWN_KIND = kind_of("unknown_kind", "Unknown kind of node `{name}`.", "Неизвестный вид узла `{name}`.", *_ONE_OF)
UNKNOWN_COMBINATOR = kind_of(
    "unknown_combinator", "Unknown combinator `{name}`.", "Неизвестная связка `{name}`.", *_ONE_OF
)
UNKNOWN_AGGREGATE = kind_of(
    "unknown_aggregate", "Unknown aggregate `{name}`.", "Неизвестный агрегат `{name}`.", *_ONE_OF
)
UNKNOWN_OPERATOR = kind_of("unknown_operator", "Unknown operator `{name}`.", "Неизвестный оператор `{name}`.", *_ONE_OF)
UNKNOWN_UNIT = kind_of(
    "unknown_unit", "Unknown unit of time `{name}`.", "Неизвестная единица времени `{name}`.", *_ONE_OF
)
UNKNOWN_PERIOD = kind_of("unknown_period", "Unknown period `{name}`.", "Неизвестный период `{name}`.", *_ONE_OF)
UNKNOWN_ORDER = kind_of("unknown_order", "Unknown order `{name}`.", "Неизвестный порядок `{name}`.", *_ONE_OF)
UNKNOWN_TYPE = kind_of("unknown_type", "Unknown type `{name}`.", "Неизвестный тип `{name}`.", *_ONE_OF)
UNIT_NOT_HERE = kind_of(
    "unit_not_here",
    "The unit `{unit}` cannot be used here.",
    "Единицу `{unit}` здесь использовать нельзя.",
    "Use {units}.",
    "Используйте {units}.",
)
NUMBER_OUT_OF_RANGE = kind_of(
    "number_out_of_range",
    "`{value}` is out of range: {low} to {high}.",
    "`{value}` вне допустимого: от {low} до {high}.",
)
TOO_FEW_STEPS = kind_of(
    "too_few_steps",
    f"A sequence needs 2 to {MAX_STEPS} steps.",
    f"В последовательности должно быть от 2 до {MAX_STEPS} шагов.",
)
BAD_SHARE = kind_of(
    "bad_share",
    "A share is a percent from 0 to 100 with at most four decimals, and `from` is below `to`.",
    "Доля — это проценты от 0 до 100, не больше четырёх знаков после запятой, и `from` меньше `to`.",
)
SEED_TOO_LONG = kind_of("seed_too_long", "A seed has at most 200 characters.", "Имя набора — не больше 200 знаков.")
BAD_PATTERN = kind_of(
    "bad_pattern",
    "This is not a regular expression of RE2: {reason}.",
    "Это не регулярное выражение RE2: {reason}.",
    "The syntax: https://github.com/google/re2/wiki/Syntax",
    "Синтаксис: https://github.com/google/re2/wiki/Syntax",
)
BAD_DAY_OF_YEAR = kind_of(
    "bad_day_of_year",
    "`{value}` is not a day of the year.",
    "`{value}` — не день года.",
    "Month and day, for example `03-08`.",
    "Месяц и день, например `03-08`.",
)
CASE_NOT_HERE = kind_of(
    "case_not_here",
    "`ignore_case` is for comparing texts; the operator `{operator}` on the field `{name}` compares none.",
    "`ignore_case` — для сравнения текстов; оператор `{operator}` на поле `{name}` тексты не сравнивает.",
)
EMPTY_GROUP = kind_of(
    "empty_group",
    "A group needs at least one rule.",
    "В группе должно быть хотя бы одно правило.",
    'For all users say {{"kind": "everyone"}}.',
    'Для всех пользователей напишите {{"kind": "everyone"}}.',
)
EMPTY_LIST = kind_of(
    "empty_list", "The list is empty.", "Список пуст.", "Give at least one value.", "Дайте хотя бы одно значение."
)
EMPTY_NAME = kind_of("empty_name", "The name is empty.", "Имя пустое.")
EMPTY_TEXT = kind_of(
    "empty_text",
    "Every text contains the empty text, so this condition selects nothing out.",
    "Пустой текст есть в любом тексте, такое условие ничего не отбирает.",
    'Give a text; for empty values use `=` with "".',
    'Дайте текст; пустые значения ищет `=` со значением "".',
)
VALUE_NOT_WANTED = kind_of(
    "value_not_wanted", "The operator `{operator}` takes no value.", "Оператору `{operator}` значение не нужно."
)
PAIR_WANTED = kind_of(
    "pair_wanted",
    "The operator `{operator}` takes two values: [from, to].",
    "Оператору `{operator}` нужны два значения: [от, до].",
)
NULL_VALUE = kind_of(
    "null_value",
    "null is not a value to compare with.",
    "null — не значение для сравнения.",
    "Use the operators `null` and `notNull`.",
    "Для этого есть операторы `null` и `notNull`.",
)
BAD_NUMBER = kind_of(
    "bad_number",
    "This number cannot be compared with: it is not finite or has over 77 digits.",
    "С таким числом сравнить нельзя: оно не конечно или в нём больше 77 цифр.",
)
BAD_TEXT = kind_of(
    "bad_text",
    "The text has a character that cannot be stored: NUL or half of a surrogate pair.",
    "В тексте есть знак, который нельзя сохранить: NUL или половина суррогатной пары.",
)
TEXT_TOO_LONG = kind_of(
    "text_too_long", f"The text is over {MAX_TEXT} characters.", f"Текст длиннее {MAX_TEXT} знаков."
)
TOO_MANY_NODES = kind_of(
    "too_many_nodes", f"The rule has over {MAX_NODES} nodes.", f"В правиле больше {MAX_NODES} узлов."
)
TOO_DEEP = kind_of(
    "too_deep",
    f"The rule is nested deeper than {MAX_DEPTH} levels.",
    f"Вложенность правила больше {MAX_DEPTH} уровней.",
)
TOO_MANY_ITEMS = kind_of(
    "too_many_items",
    f"The lists of the rule hold over {MAX_LIST_ITEMS} values together.",
    f"В списках правила вместе больше {MAX_LIST_ITEMS} значений.",
)
LIST_NOT_FOR_NUMBERS_OF = kind_of(
    "list_not_for_numbers_of",
    "Uploaded lists hold values of fields; the result of `{function}` cannot be looked up in one.",
    "В загруженных списках значения полей; результат `{function}` в них не ищут.",
    "Use `in` with the numbers themselves.",
    "Используйте `in` с самими числами.",
)
UNKNOWN_DATASET = kind_of("unknown_dataset", "There is no dataset `{name}`.", "Набора данных `{name}` нет.", *_ONE_OF)
UNKNOWN_TIME_ZONE = kind_of("unknown_time_zone", "There is no time zone `{name}`.", "Часового пояса `{name}` нет.")
UNKNOWN_FIELD = kind_of(
    "unknown_field",
    "The dataset `{dataset}` has no field `{name}`.",
    "В наборе данных `{dataset}` нет поля `{name}`.",
    *_ONE_OF,
)
KEY_WANTED = kind_of(
    "key_wanted",
    "The field `{name}` holds named entries; say which one.",
    "В поле `{name}` именованные значения; укажите, какое.",
    'Add "key", for example {{"field": "{name}", "key": "utm_source", …}}.',
    'Добавьте "key", например {{"field": "{name}", "key": "utm_source", …}}.',
)
KEY_NOT_HERE = kind_of(
    "key_not_here",
    "The field `{name}` has no named entries.",
    "В поле `{name}` нет именованных значений.",
)
BAD_PATH = kind_of(
    "bad_path",
    "`{key}` is not a path: names of letters, digits, `_`, `-`, `$` and spaces, joined by dots.",
    "`{key}` — не путь: имена из букв, цифр, `_`, `-`, `$` и пробелов, соединённые точками.",
)
AS_NOT_HERE = kind_of(
    "as_not_here",
    "`as` is for texts inside a map or JSON; the field `{name}` has a type of its own: {type}.",
    "`as` — для текстов внутри map или JSON; у поля `{name}` свой тип: {type}.",
)
NO_TIME_FIELD = kind_of(
    "no_time_field",
    "The dataset `{dataset}` has no time field, and `{name}` needs one.",
    "В наборе данных `{dataset}` нет поля времени, а `{name}` без него не работает.",
    "An administrator names the time field when the dataset is registered.",
    "Поле времени указывает администратор при подключении набора.",
)
FIELD_WANTED = kind_of(
    "field_wanted",
    "The aggregate `{name}` needs a field.",
    "Агрегату `{name}` нужно поле.",
)
FIELD_NOT_WANTED = kind_of(
    "field_not_wanted",
    "The aggregate `{name}` takes no field.",
    "Агрегату `{name}` поле не нужно.",
)
AGGREGATE_NOT_FOR_TYPE = kind_of(
    "aggregate_not_for_type",
    "The aggregate `{function}` does not work on the field `{name}`: {type}.",
    "Агрегат `{function}` не для поля `{name}`: {type}.",
    "It takes: {types}.",
    "Он принимает: {types}.",
)
DUPLICATE_COLUMN = kind_of(
    "duplicate_column", "The column `{name}` is asked for twice.", "Столбец `{name}` запрошен дважды."
)
NOT_FILTERABLE = kind_of(
    "not_filterable",
    "The field `{name}` of type {type} can be exported, but rules cannot compare it.",
    "Поле `{name}` типа {type} можно выгрузить, но не сравнивать в правилах.",
)
FIELD_MASKED = kind_of(
    "field_masked",
    "You see the field `{name}` as a mask only, and this needs its values.",
    "Поле `{name}` видно вам только под маской, а здесь нужны сами значения.",
    "Choose another field, or ask an administrator to open this one.",
    "Выберите другое поле или попросите администратора открыть это.",
)
OPERATOR_NOT_FOR_TYPE = kind_of(
    "operator_not_for_type",
    "The operator `{operator}` does not work on the field `{name}`: {type}.",
    "Оператор `{operator}` не для поля `{name}`: {type}.",
    "Operators of this field: {operators}.",
    "Операторы этого поля: {operators}.",
)
WRONG_VALUE_TYPE = kind_of(
    "wrong_value_type",
    "The field `{name}` is compared with {expected_en}; `{value}` is something else.",
    "Поле `{name}` сравнивают с {expected_ru}; `{value}` — другое.",
    "{example_en}",
    "{example_ru}",
)
IMPOSSIBLE_DATE = kind_of("impossible_date", "There is no such date: {value}.", "Такой даты нет: {value}.")
VALUE_OUT_OF_RANGE = kind_of(
    "value_out_of_range",
    "`{value}` is outside of what the field `{name}` can hold ({type}): {low} to {high}.",
    "`{value}` вне того, что вмещает поле `{name}` ({type}): от {low} до {high}.",
)
VALUE_TOO_PRECISE = kind_of(
    "value_too_precise",
    "`{value}` has more decimals than the field `{name}` keeps ({type}), so nothing can equal it.",
    "У `{value}` больше знаков после запятой, чем хранит поле `{name}` ({type}), ничто не может быть ему равно.",
)
MIXED_MOMENTS = kind_of(
    "mixed_moments",
    "Dates and moments of time are mixed in one condition.",
    "В одном условии смешаны даты и моменты времени.",
    "Write all as dates (2026-01-31) or all as moments (2026-01-31T10:00:00).",
    "Пишите всё датами (2026-01-31) или всё моментами (2026-01-31T10:00:00).",
)
EMPTY_RANGE = kind_of(
    "empty_range",
    "The range is empty: {low} is over {high}.",
    "Диапазон пуст: {low} больше {high}.",
    "Swap the bounds.",
    "Поменяйте границы.",
)


def shown(text: object) -> str:
    """A text from outside made fit for a message: at most 60 characters, no broken ones."""
    raw = text if isinstance(text, str) else repr(text) if _is_short(text) else "…"
    cut = raw if len(raw) <= 60 else raw[:59] + "…"
    return cut.encode("utf-8", "backslashreplace").decode("utf-8")


def _is_short(value: object) -> bool:
    """Whether its repr is: a list may be as deep as it likes, an integer as long."""
    return isinstance(value, float | bool | None) or (isinstance(value, int) and abs(value) < 10**60)


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
