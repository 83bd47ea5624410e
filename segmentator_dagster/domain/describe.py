"""Rule -> one faithful sentence in Russian or English."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import assert_never

from segmentator_dagster.domain.aggregates import COUNTED, result_field
from segmentator_dagster.domain.catalogue import Catalogue, Dataset, Field, FieldType
from segmentator_dagster.domain.errors import Language, Problem
from segmentator_dagster.domain.fields import aggregated_field
from segmentator_dagster.domain.operators import COMPLEMENTS, OPERATORS
from segmentator_dagster.domain.references import Library
from segmentator_dagster.domain.row_sentences import RowSentences, Subject, label_of
from segmentator_dagster.domain.rule import (
    SLICES,
    Activity,
    Combinator,
    Everyone,
    Group,
    ListMembers,
    RowGroup,
    RowRule,
    Rule,
    Sample,
    SegmentMembers,
    Sequence,
    Top,
    Window,
    did,
)
from segmentator_dagster.domain.spoken_values import SpokenValues
from segmentator_dagster.domain.wording import AudienceWords, OrderWords
from segmentator_dagster.domain.wording_en import EN
from segmentator_dagster.domain.wording_ru import RU

_WORDS: Mapping[Language, AudienceWords] = {"ru": RU, "en": EN}
_COUNT_COMPLEMENTS = {**COMPLEMENTS, "<": ">=", ">=": "<", ">": "<=", "<=": ">"}


def describe(rule: Rule, catalogue: Catalogue, language: Language, library: Library = Library()) -> str:  # noqa: B008
    """The audience in words. Names the catalogue does not know are shown as they are, references the library does not
    know by their ids; long lists are counted.
    """
    words, rule = _WORDS[language], _unwrapped(rule)
    if isinstance(rule, Everyone):
        return words.no_one if rule.negated else words.everyone
    return words.users.format(clause=_Clauses(catalogue, words, library).of(rule).text)


def describe_part(rule: Rule, catalogue: Catalogue, language: Language, library: Library = Library()) -> str:  # noqa: B008
    """The same of one part of a rule, without the "users" that `describe` starts with."""
    rule = _unwrapped(rule)
    if isinstance(rule, Everyone):
        return describe(rule, catalogue, language, library)
    return _Clauses(catalogue, _WORDS[language], library).of(rule).text


def describe_row(rule: RowRule, dataset: Dataset | None, language: Language, library: Library = Library()) -> str:  # noqa: B008
    """One condition, or a group of them, on a row of a dataset."""
    return RowSentences(dataset, _WORDS[language].rows, library).phrase(rule).text


@dataclass(frozen=True, slots=True)
class _Clause:
    """A relative clause. `open`: it ends in a clause of its own, which a comma must close."""

    text: str
    joined_by: Combinator | None = None
    open: bool = False

    def inside(self, combinator: Combinator) -> _Clause:
        return self if self.joined_by in (None, combinator) else _Clause(f"({self.text})")


class _Clauses:
    def __init__(self, catalogue: Catalogue, words: AudienceWords, library: Library) -> None:
        self._catalogue = catalogue
        self._words = words
        self._library = library
        self._values = SpokenValues(words.rows, library)

    def of(self, rule: Rule) -> _Clause:
        words, values = self._words, self._values
        match rule:
            case Everyone():
                return _Clause(words.nobody if rule.negated else words.anyone)
            case Group():
                return self._group(rule)
            case Activity():
                return self._activity(rule)
            case Sequence():
                return self._sequence(rule)
            case SegmentMembers():
                return _Clause(words.in_segment[rule.negated].format(name=values.segment_name(rule.segment_id)))
            case ListMembers():
                return _Clause(words.on_list[rule.negated].format(name=values.list_name(rule.list_id)))
            case Sample():
                share = {"start": self._percent(rule.start), "end": self._percent(rule.end)}
                return _Clause(words.sampled[rule.negated].format(seed=values.quoted(rule.seed), **share))
            case Top():
                return self._top(rule)
            case _:
                assert_never(rule)

    def _group(self, rule: Group) -> _Clause:
        clauses = [self.of(child).inside(rule.combinator) for child in _flat(rule)]
        join = self._words.clause_joins[rule.combinator]
        text = clauses[0].text
        for before, clause in pairwise(clauses):
            text += ("," if before.open or len(clauses) > 2 else "") + join + clause.text
        joined = _Clause(text, rule.combinator, clauses[-1].open)
        return self._complement(joined) if rule.negated else joined

    def _complement(self, clause: _Clause) -> _Clause:
        inner = clause.text if clause.joined_by is None else f"({clause.text})"
        return _Clause(self._words.not_among.format(clause=inner), open=True)

    def _activity(self, rule: Activity) -> _Clause:
        has_row = did(rule)
        if has_row is None and rule.negated:
            complements = _COUNT_COMPLEMENTS if rule.aggregate.function in COUNTED else COMPLEMENTS
            positive = replace(rule, negated=False)
            if rule.operator not in complements:
                return self._complement(self._activity(positive))
            return self._activity(replace(positive, operator=complements[rule.operator]))
        rows = self._rows(rule.dataset, rule.where, rule.window)
        if has_row is not None:
            text = (self._words.did if has_row else self._words.did_not).format(rows=rows)
        elif count := self._count(rule):
            text = self._words.counted.format(count=count, rows=rows)
        else:
            template = self._words.result if rule.where is None else self._words.result_where
            text = template.format(rows=rows, comparison=self._comparison(rule))
        return _Clause(text, open=rule.where is not None)

    def _count(self, rule: Activity) -> str:
        """`at least 2 rows`; "" where the aggregate or the comparison is none of counting."""
        kind, template = self._words.aggregates[rule.aggregate.function], self._words.counts.get(rule.operator)
        bounds = rule.value if isinstance(rule.value, tuple) else (rule.value,)
        last = bounds[-1]
        if kind.noun is None or template is None or isinstance(last, bool) or not isinstance(last, int | float):
            return ""
        language, low, high = self._words.rows.language, str(bounds[0]), self._values.number(last)
        counted = template.format(
            low=low.replace(".", self._words.rows.decimal_mark),
            number=f"{high} {kind.noun.form(last, language)}",
            genitive=f"{high} {kind.noun.genitive(last, language)}",
        )
        return counted + kind.after_noun.format(field=self._label(rule))

    def _comparison(self, rule: Activity) -> str:
        subject = self._words.aggregates[rule.aggregate.function].subject.format(field=self._label(rule))
        sentences = self._words.result_sentences
        compared = Subject(subject, self._result(rule), sentences)
        operator = OPERATORS[rule.operator]
        phrase = self._sentences(rule.dataset).comparison(compared, operator, rule.value)
        if compared.matches_nothing_too(operator):
            phrase = phrase.put_into(self._words.or_not_defined)
        return phrase.text

    def _sequence(self, rule: Sequence) -> _Clause:
        if rule.negated:
            return self._complement(self._sequence(replace(rule, negated=False)))
        words, sentences = self._words, self._sentences(rule.dataset)
        steps = words.then.join(
            words.any_step if step is None else words.step.format(conditions=sentences.phrase(step).text)
            for step in rule.steps
        )
        if rule.within is not None:
            steps = words.within.format(steps=steps, span=self._values.counted_span(rule.within))
        text = words.sequence.format(rows=self._rows(rule.dataset, None, rule.window), steps=steps)
        return _Clause(text, open=True)

    def _top(self, rule: Top) -> _Clause:
        words, kind = self._words, self._words.aggregates[rule.aggregate.function]
        chosen_from_all = isinstance(rule.rule, Everyone) and not rule.rule.negated
        order = _order(words.orders[rule.order], self._result(rule), feminine=kind.feminine)
        text = words.top[rule.negated].format(
            count=rule.count,
            out_of="" if chosen_from_all else words.out_of.format(clause=self.of(rule.rule).text),
            ranked=kind.ranked.format(order=order, field=self._label(rule)),
            rows=self._rows(rule.dataset, rule.where, rule.window),
        )
        return _Clause(text, open=rule.where is not None)

    def _rows(self, dataset: str, where: RowGroup | None, window: Window | None) -> str:
        sentences, rows = self._sentences(dataset), self._dataset_name(dataset)
        if window is not None:
            rows = self._words.dataset_window.format(dataset=rows, window=sentences.window(window))
        if where is None:
            return rows
        return self._words.where.format(rows=rows, conditions=sentences.phrase(where).text)

    def _dataset_name(self, name: str) -> str:
        """The label in quotes, which needs no declension; the name where there is none."""
        language = self._words.rows.language
        labels = {one.name: label_of(one, language) for one in self._catalogue.datasets.values()}
        label = labels.get(name, name)
        if label == name:
            return name
        shown = self._values.quoted(label)
        return shown if list(labels.values()).count(label) == 1 else f"{shown} ({name})"

    def _sentences(self, dataset: str) -> RowSentences:
        return RowSentences(self._catalogue.dataset(dataset), self._words.rows, self._library)

    def _label(self, rule: Activity | Top) -> str:
        return self._sentences(rule.dataset).quoted_label(rule.aggregate)

    def _result(self, rule: Activity | Top) -> Field | None:
        dataset = self._catalogue.dataset(rule.dataset)
        of = None if dataset is None else aggregated_field(dataset, rule.aggregate)
        return None if dataset is None or isinstance(of, Problem) else result_field(rule.aggregate.function, of)

    def _percent(self, slices: int) -> str:
        percent = slices * 100 / SLICES
        return self._values.number(int(percent) if percent.is_integer() else percent)


def _flat(group: Group) -> Iterator[Rule]:
    """Its children, and in place of groups joined as it is theirs."""
    for child in map(_unwrapped, group.rules):
        if isinstance(child, Group) and child.combinator is group.combinator and not child.negated:
            yield from _flat(child)
        else:
            yield child


def _unwrapped(rule: Rule) -> Rule:
    """A group of one as that one."""
    while isinstance(rule, Group) and len(rule.rules) == 1:
        rule = replace(rule.rules[0], negated=rule.rules[0].negated != rule.negated)
    return rule


def _order(words: OrderWords, result: Field | None, *, feminine: bool) -> str:
    if result is not None and result.type in (FieldType.DATE, FieldType.DATETIME):
        return words.dated
    return words.feminine if feminine else words.plain
