"""What holds of the sentence of every rule."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import replace
from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from segmentator_dagster.domain.aggregates import Function
from segmentator_dagster.domain.catalogue import FieldType
from segmentator_dagster.domain.describe import describe
from segmentator_dagster.domain.errors import Language
from segmentator_dagster.domain.fingerprint import fingerprint
from segmentator_dagster.domain.placing import placed
from segmentator_dagster.domain.references import KnownList, KnownSegment, Library, expanded, with_conditions
from segmentator_dagster.domain.rule import Activity, Everyone, Rule
from segmentator_dagster.domain.wording_en import EN
from segmentator_dagster.domain.wording_ru import RU
from tests.domain import worlds

LANGUAGES: tuple[Language, ...] = ("ru", "en")
_QUOTED = re.compile(r'«[^»]*»|“[^”]*”|"(?:[^"\\]|\\.)*"')
LIBRARY = Library(
    {id_: KnownSegment(id_, f"segment {id_}", Everyone(), worlds.BASE, "UTC") for id_ in worlds.SEGMENTS},
    {id_: KnownList(id_, f"list {id_}", ("part",)) for id_ in worlds.LISTS},
)


def said(rule: Rule, language: Language) -> str:
    return describe(rule, worlds.catalogue(), language, LIBRARY)


def well_formed(sentence: str) -> bool:
    outside_quotes = _QUOTED.sub("x", sentence)
    depth = 0
    for character in outside_quotes:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth < 0:
            return False
    return depth == 0 and sentence.isprintable() and "  " not in outside_quotes and "{" not in outside_quotes


@given(worlds.rules(references=True))
def test_every_rule_has_a_sentence_with_balanced_brackets(rule: Rule) -> None:
    assert well_formed(said(rule, "ru"))
    assert well_formed(said(rule, "en"))


@given(worlds.rules(references=True), st.sampled_from(worlds.MOMENTS))
def test_a_rule_put_together_for_the_data_has_a_sentence_too(rule: Rule, moment: datetime) -> None:
    whole = expanded(rule, worlds.BASE, LIBRARY)
    assert well_formed(said(placed(whole, worlds.catalogue(), worlds.ZONE.key, moment), "ru"))


@given(worlds.rules(references=True))
def test_the_complement_of_a_rule_reads_otherwise(rule: Rule) -> None:
    for language in LANGUAGES:
        assert said(rule, language) != said(replace(rule, negated=not rule.negated), language)


def _plainly(rule: Rule) -> Rule:
    """Without saying that a text is read as a text, which it is anyway."""
    assert isinstance(rule, Activity)
    return with_conditions(rule, lambda one: replace(one, read_as=None) if one.read_as is FieldType.TEXT else one)


def test_conditions_that_read_the_same_are_the_same() -> None:
    catalogue = worlds.catalogue()
    meanings: dict[str, set[str]] = defaultdict(set)
    for rule in map(_plainly, worlds.every_simple_rule()):
        meaning = fingerprint(rule, catalogue, worlds.BASE, worlds.ZONE.key)
        for language in LANGUAGES:
            meanings[describe(rule, catalogue, language, LIBRARY)].add(meaning)
    assert {sentence for sentence, found in meanings.items() if len(found) > 1} == set()


def test_every_aggregate_has_its_words_in_both_languages() -> None:
    for words in (RU, EN):
        assert set(words.aggregates) == set(Function)
        assert len({kind.subject for kind in words.aggregates.values()}) == len(Function)
        assert len({kind.ranked for kind in words.aggregates.values()}) == len(Function)
