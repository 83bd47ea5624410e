"""Rule -> one faithful sentence in Russian or English, from the operator table and the fields' labels."""

from __future__ import annotations

from typing import assert_never

from segmentator_dagster.domain.catalogue import Catalogue, Dataset, FieldType
from segmentator_dagster.domain.errors import Language
from segmentator_dagster.domain.operators import OPERATORS, Shape, Test
from segmentator_dagster.domain.rule import (
    Activity,
    Combinator,
    Condition,
    Everyone,
    Group,
    RowGroup,
    RowRule,
    Rule,
    Scalar,
)

_SHOWN_ITEMS = 5

_WORDS = {
    "en": {
        "start": "users {rest}",
        "everyone": "all users",
        "no one": "no users",
        "any": "without any condition",
        "none": "under a condition that no one meets",
        "did": "who have a row in {dataset}",
        "did not": "who have no row in {dataset}",
        "where": "{activity} where {conditions}",
        "not": "for whom it is not true that they are users {rest}",
        "not row": "not ({rest})",
        "and": " and ",
        "or": " or ",
        "more": "{items} and {count} more",
        "or empty": "{sentence} (or has no value)",
        "true": "true",
        "false": "false",
        "quoted": "“{text}”",
    },
    "ru": {
        "start": "пользователи, {rest}",
        "everyone": "все пользователи",
        "no one": "ни один пользователь",
        "any": "без каких-либо условий",
        "none": "с условием, которому не отвечает никто",
        "did": "у которых есть строка в {dataset}",
        "did not": "у которых нет строки в {dataset}",
        "where": "{activity}, где {conditions}",
        "not": "про которых неверно, что это пользователи, {rest}",
        "not row": "неверно, что ({rest})",
        "and": " и ",
        "or": " или ",
        "more": "{items} и ещё {count}",
        "or empty": "{sentence} (или не заполнено)",
        "true": "да",
        "false": "нет",
        "quoted": "«{text}»",
    },
}


def describe(rule: Rule, catalogue: Catalogue, language: Language) -> str:
    """The audience in words. Names the catalogue does not know are shown as they are; long lists are counted."""
    words = _WORDS[language]
    if isinstance(rule, Everyone):
        return words["no one" if rule.negated else "everyone"]
    return words["start"].format(rest=_audience(rule, catalogue, language))


def _audience(rule: Rule, catalogue: Catalogue, language: Language) -> str:
    words = _WORDS[language]
    match rule:
        case Everyone():
            return words["none" if rule.negated else "any"]
        case Activity():
            return _activity(rule, catalogue, language)
        case Group():
            parts = [_audience(child, catalogue, language) for child in rule.rules]
            nested = [not isinstance(child, Everyone) and len(rule.rules) > 1 for child in rule.rules]
            joined = _joined(parts, nested, rule.combinator, language)
            return words["not"].format(rest=f"({joined})") if rule.negated else joined
        case _:
            assert_never(rule)


def _activity(rule: Activity, catalogue: Catalogue, language: Language) -> str:
    words = _WORDS[language]
    dataset = catalogue.dataset(rule.dataset)
    label = dataset and (dataset.label_ru if language == "ru" else dataset.label_en)
    name = words["quoted"].format(text=label) if label else rule.dataset  # in quotes it needs no declension
    activity = words["did" if rule.did else "did not"].format(dataset=name)
    if rule.where is None:
        return activity
    conditions = _row(rule.where, dataset, language)
    return words["where"].format(activity=activity, conditions=conditions)


def _row(rule: RowRule, dataset: Dataset | None, language: Language) -> str:
    match rule:
        case Condition():
            return _condition(rule, dataset, language)
        case RowGroup():
            parts = [_row(child, dataset, language) for child in rule.rules]
            nested = [isinstance(child, RowGroup) and not child.negated and len(rule.rules) > 1 for child in rule.rules]
            joined = _joined(parts, nested, rule.combinator, language)
            return _WORDS[language]["not row"].format(rest=joined) if rule.negated else joined
        case _:
            assert_never(rule)


def _joined(parts: list[str], nested: list[bool], combinator: Combinator, language: Language) -> str:
    whole = (f"({part})" if bracketed else part for part, bracketed in zip(parts, nested, strict=True))
    return _WORDS[language][combinator.value].join(whole)


def _condition(rule: Condition, dataset: Dataset | None, language: Language) -> str:
    operator = OPERATORS[rule.operator]
    field = dataset.field(rule.field) if dataset else None
    label = (field and (field.label_ru if language == "ru" else field.label_en)) or rule.field
    sentence = operator.sentence(language, field.type if field else FieldType.OTHER)
    shown = sentence.format_map({"field": label, **_value(rule, operator.shape, language)})
    matches_empty = operator.negation_of is not None and operator.test is not Test.IS_NULL
    if matches_empty and field is not None and field.nullable:
        return _WORDS[language]["or empty"].format(sentence=shown)
    return shown


def _value(rule: Condition, shape: Shape, language: Language) -> dict[str, str]:
    if shape is Shape.NOTHING or rule.value is None:
        return {}
    if not isinstance(rule.value, tuple):
        return {"value": _scalar(rule.value, language)}
    items = [_scalar(item, language) for item in rule.value[:_SHOWN_ITEMS]]
    if shape is Shape.PAIR:
        return {"low": items[0], "high": items[1]}
    listed, rest = ", ".join(items), len(rule.value) - len(items)
    return {"value": _WORDS[language]["more"].format(items=listed, count=rest) if rest else listed}


def _scalar(value: Scalar, language: Language) -> str:
    words = _WORDS[language]
    if isinstance(value, bool):
        return words["true" if value else "false"]
    return words["quoted"].format(text=value) if isinstance(value, str) and not _is_dated(value) else str(value)


def _is_dated(text: str) -> bool:
    """Dates read better without quotes, as in «date не раньше 2026-01-01»."""
    return len(text) >= 10 and text[:4].isdigit() and text[4] == text[7] == "-" and text[5:7].isdigit()
