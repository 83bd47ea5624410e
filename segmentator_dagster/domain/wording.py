"""What a language has to say for `describe` to speak it; `wording_ru` and `wording_en` say it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from segmentator_dagster.domain.aggregates import Function
from segmentator_dagster.domain.catalogue import FieldType
from segmentator_dagster.domain.errors import Language
from segmentator_dagster.domain.plurals import Noun
from segmentator_dagster.domain.rule import Combinator, Order, Unit


@dataclass(frozen=True, slots=True)
class UnitWords:
    """A unit of time in the accusative, and what stands before it where the number ends in one."""

    noun: Noun
    last: str = ""
    nearest: str = ""


@dataclass(frozen=True, slots=True)
class SpanWords:
    """Spans of time; `last` and `nearest` stand before one of several units."""

    units: Mapping[Unit, UnitWords]
    last: str = ""
    nearest: str = ""
    today: str = ""
    today_or_nearest: str = "{value}"


@dataclass(frozen=True, slots=True)
class ListWords:
    """A condition with a short list said in full: its sentence, and what stands between the items."""

    sentence: str
    between: str
    last: str
    joined_by: Combinator


@dataclass(frozen=True, slots=True)
class RowWords:
    """Conditions and their values. `window` are the operators over the time of the rows, without its name."""

    language: Language
    quotes: tuple[str, str]
    inner_quotes: tuple[str, str]
    true: str
    false: str
    decimal_mark: str
    months: tuple[str, ...]
    moment: str
    unnamed: str
    joins: Mapping[Combinator, str]
    more: str
    read_as: Mapping[FieldType, str]
    ignoring_case: str
    or_no_value: str
    not_true: str
    spans: SpanWords
    window: Mapping[str, str]
    or_no_date: str
    short_lists: Mapping[str, ListWords]


@dataclass(frozen=True, slots=True)
class AggregateWords:
    """`subject` of a comparison; `ranked` after "with"; `noun` and what follows it, where it is a count of things."""

    subject: str
    ranked: str
    noun: Noun | None = None
    after_noun: str = ""
    feminine: bool = False


@dataclass(frozen=True, slots=True)
class OrderWords:
    """What the first of a ranking has: the greatest (or least) value."""

    plain: str
    feminine: str
    dated: str


@dataclass(frozen=True, slots=True)
class AudienceWords:
    """Relative clauses that follow "users" and join one to another. `{rows}` are the dataset, window and conditions."""

    rows: RowWords
    users: str
    everyone: str
    no_one: str
    anyone: str
    nobody: str
    not_among: str
    clause_joins: Mapping[Combinator, str]
    dataset_window: str
    where: str
    did: str
    did_not: str
    counted: str
    counts: Mapping[str, str]
    result: str
    result_where: str
    result_sentences: Mapping[str, str]
    or_not_defined: str
    sequence: str
    step: str
    any_step: str
    then: str
    within: str
    in_segment: tuple[str, str]
    on_list: tuple[str, str]
    sampled: tuple[str, str]
    top: tuple[str, str]
    out_of: str
    aggregates: Mapping[Function, AggregateWords]
    orders: Mapping[Order, OrderWords]
