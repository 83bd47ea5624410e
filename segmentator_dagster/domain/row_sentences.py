"""Conditions on one row -> a phrase, from the operator table and the fields' labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import assert_never

from segmentator_dagster.domain.catalogue import Dataset, Field, FieldType
from segmentator_dagster.domain.errors import Language, Problem
from segmentator_dagster.domain.fields import field_of, time_field
from segmentator_dagster.domain.operators import OPERATORS, Operator, Test
from segmentator_dagster.domain.references import Library
from segmentator_dagster.domain.rule import Aggregate, Combinator, Condition, RowGroup, RowRule, Value, Window
from segmentator_dagster.domain.spoken_values import SHOWN_ITEMS, SpokenValues
from segmentator_dagster.domain.wording import RowWords

_TIMES = (FieldType.DATE, FieldType.DATETIME)
_OF_ONE = {"in": "=", "notIn": "!=", "hasAny": "has", "hasAll": "has"}


@dataclass(frozen=True, slots=True)
class Phrase:
    """`joined_by` is what its parts are joined by, where it has parts: inside of another combinator it is bracketed."""

    text: str
    joined_by: Combinator | None = None

    def inside(self, combinator: Combinator) -> str:
        return self.text if self.joined_by in (None, combinator) else f"({self.text})"

    def put_into(self, template: str) -> Phrase:
        return Phrase(template.format(sentence=self.text), self.joined_by)


@dataclass(frozen=True, slots=True)
class Subject:
    """What is compared: how it is called, what it is (where the catalogue knows), sentences of its own by operator."""

    text: str
    field: Field | None
    sentences: Mapping[str, str]

    @property
    def dated(self) -> bool:
        of = self.field.element if self.field is not None and self.field.type is FieldType.ARRAY else self.field
        return of is not None and of.type in _TIMES

    def matches_nothing_too(self, operator: Operator) -> bool:
        """Whether what has no value matches: a negative operator is the complement of its twin."""
        negative = operator.negation_of is not None and operator.test is not Test.IS_NULL
        return negative and self.field is not None and self.field.nullable


class RowSentences:
    """Speaks of rows of one dataset, or of one the catalogue lost."""

    def __init__(self, dataset: Dataset | None, words: RowWords, library: Library) -> None:
        self._dataset = dataset
        self._words = words
        self.values = SpokenValues(words, library)

    def phrase(self, rule: RowRule) -> Phrase:
        match rule:
            case Condition():
                return self._condition(rule)
            case RowGroup():
                return self._group(rule)
            case _:
                assert_never(rule)

    def comparison(self, subject: Subject, operator: Operator, value: Value) -> Phrase:
        """`subject operator value`; a short list is said in full, a long one is counted."""
        operator, value = _simplest(operator, value)
        short = self._words.short_lists.get(operator.key)
        if short is not None and (items := self._items(operator, value, dated=subject.dated)):
            return Phrase(short.sentence.format(field=subject.text, value=items), short.joined_by)
        type_ = FieldType.OTHER if subject.field is None else subject.field.type
        sentence = subject.sentences.get(operator.key) or operator.sentence(self._words.language, type_)
        text = self._nested(subject.text) if self._words.quotes[0] + "{field}" in sentence else subject.text
        said = self.values.of(operator, value, dated=subject.dated)
        return Phrase(sentence.format_map({"field": text, **said}))

    def window(self, window: Window) -> str:
        """A condition on the time of the rows as an adverbial: `in the last 30 days`."""
        operator, value = _simplest(OPERATORS[window.operator], window.value)
        time = Subject(self.label(Aggregate()), None if self._dataset is None else time_field(self._dataset), {})
        template = self._words.window.get(operator.key)
        if template is None:  # no operator of times: the rule was not checked
            return f"({self.comparison(time, operator, value).text})"
        items = self._items(operator, value, dated=True)
        said = {"value": items} if items else self.values.of(operator, value, dated=True)
        text = template.format_map(said)
        return self._words.or_no_date.format(sentence=text) if time.matches_nothing_too(operator) else text

    def label(self, named: Condition | Aggregate) -> str:
        """What people call the field, the time field where none is named; an entry of a map or JSON by its path."""
        name = named.field or (self._dataset and self._dataset.time_field) or ""
        label = self._known_label(name) if self._dataset else name
        entry = label if named.key is None else f"{label}.{named.key}"
        read_as = named.read_as and self._words.read_as.get(named.read_as)
        return read_as.format(field=entry) if read_as else entry

    def quoted_label(self, named: Condition | Aggregate) -> str:
        """The same for a place inside quotes."""
        return self._nested(self.label(named))

    def _group(self, rule: RowGroup) -> Phrase:
        phrases = [self.phrase(child) for child in _flat(rule)]
        if len(phrases) == 1:
            joined = phrases[0]
        else:
            *first, last = (phrase.inside(rule.combinator) for phrase in phrases)
            joined = Phrase(self._words.joins[rule.combinator].join([", ".join(first), last]), rule.combinator)
        return Phrase(self._words.not_true.format(conditions=joined.text)) if rule.negated else joined

    def _condition(self, rule: Condition) -> Phrase:
        found = field_of(self._dataset, rule) if self._dataset else None
        subject = Subject(self.label(rule), None if isinstance(found, Problem) else found, {})
        operator = OPERATORS[rule.operator]
        phrase = self.comparison(subject, operator, rule.value)
        if rule.ignore_case:
            phrase = phrase.put_into(self._words.ignoring_case)
        return phrase.put_into(self._words.or_no_value) if subject.matches_nothing_too(operator) else phrase

    def _items(self, operator: Operator, value: Value, *, dated: bool) -> str:
        """A list short enough to be said in full; "" where it is none."""
        words = self._words.short_lists.get(operator.key)
        if words is None or not isinstance(value, tuple) or len(value) > SHOWN_ITEMS:
            return ""
        *first, last = (self.values.scalar(item, dated=dated) for item in value)
        return words.last.join([words.between.join(first), last])

    def _known_label(self, name: str) -> str:
        fields = self._dataset.fields if self._dataset else ()
        labels = {one.name: label_of(one, self._words.language) for one in fields}
        label = labels.get(name, name)
        return label if list(labels.values()).count(label) <= 1 else f"{label} [{name}]"

    def _nested(self, text: str) -> str:
        for outer, inner in zip(self._words.quotes, self._words.inner_quotes, strict=True):
            text = text.replace(outer, inner)
        return text


def _flat(group: RowGroup) -> Iterator[RowRule]:
    """Its children, and in place of groups joined as it is (or of one child) theirs."""
    for child in group.rules:
        joined_so = isinstance(child, RowGroup) and (child.combinator is group.combinator or len(child.rules) == 1)
        if isinstance(child, RowGroup) and joined_so and not child.negated:
            yield from _flat(child)
        else:
            yield child


def label_of(named: Field | Dataset, language: Language) -> str:
    """What people call it in that language, else its name."""
    return (named.label_ru if language == "ru" else named.label_en) or named.name


def _simplest(operator: Operator, value: Value) -> tuple[Operator, Value]:
    """A list of one as that one value."""
    if operator.key in _OF_ONE and isinstance(value, tuple) and len(value) == 1:
        return OPERATORS[_OF_ONE[operator.key]], value[0]
    return operator, value
