"""A checked rule, or a field -> a question to the data: what it is, what it reads, its query, how rows answer it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from segmentator_dagster.api.answers import Breakdown, Count, Funnel, Preview, Values
from segmentator_dagster.api.json_values import json_safe
from segmentator_dagster.api.rules import CheckedRule
from segmentator_dagster.compiler.audience import audience_of_placed, count_of_placed
from segmentator_dagster.compiler.breakdown import compile_breakdown
from segmentator_dagster.compiler.counts import compile_counts
from segmentator_dagster.compiler.members import member_rows
from segmentator_dagster.compiler.query import CompiledQuery, compile_statement
from segmentator_dagster.compiler.tables import USER_ID
from segmentator_dagster.compiler.values import compile_values
from segmentator_dagster.domain.catalogue import Dataset, Field
from segmentator_dagster.domain.fingerprint import fingerprint_of_placed
from segmentator_dagster.domain.funnel import Step
from segmentator_dagster.domain.rule_json import rule_json
from segmentator_dagster.storage.cache import Remembered

Rows = Sequence[tuple[Any, ...]]
Answer = TypeVar("Answer", bound=Remembered)


@dataclass(frozen=True, slots=True)
class Question(Generic[Answer]):
    """`asks` is, as JSON, all that the answer depends on but the datasets it reads."""

    asks: object
    reads: tuple[Dataset, ...]
    answers: type[Answer]
    query: Callable[[], CompiledQuery]
    read: Callable[[Rows], Answer]

    @property
    def whole(self) -> object:
        """All that the answer depends on but the data."""
        return [self.asks, [[one.name, one.database, one.table, one.user_key, one.time_field] for one in self.reads]]


@dataclass(frozen=True, slots=True)
class Moment:
    """When a question is asked, and in which ClickHouse database lists are."""

    now: datetime
    lists_database: str


def count_question(checked: CheckedRule, at: Moment) -> Question[Count]:
    """How many users the audience has."""
    asked, base = checked.asked(at.now), checked.dataset.name
    return Question(
        ["count", fingerprint_of_placed(asked, base)],
        checked.reads,
        Count,
        lambda: count_of_placed(asked, checked.catalogue, base, at.lists_database),
        lambda rows: Count(count=rows[0][0], data_moment=at.now),
    )


def preview_question(checked: CheckedRule, columns: Sequence[str], limit: int, at: Moment) -> Question[Preview]:
    """The first members by user id, with the latest values of these columns."""
    asked, base = checked.asked(at.now), checked.dataset
    masked = [one.name for one in base.fields if one.masked]

    def query() -> CompiledQuery:
        members = audience_of_placed(asked, checked.catalogue, base.name, at.lists_database).subquery("audience")
        user_id = members.c[USER_ID]
        return compile_statement(member_rows(base, columns, sa.select(user_id).order_by(user_id).limit(limit)))

    return Question(
        ["preview", fingerprint_of_placed(asked, base.name), list(columns), masked, limit, checked.time_zone],
        checked.reads,
        Preview,
        query,
        lambda rows: Preview(rows=_json_rows(rows, checked.time_zone), data_moment=at.now),
    )


def breakdown_question(checked: CheckedRule, field: Field, limit: int, at: Moment) -> Question[Breakdown]:
    """The values most members have, and how many members and users have each."""
    asked, base = checked.asked(at.now), checked.dataset.name

    def read(rows: Rows) -> Breakdown:
        members, users, distinct = rows[0][3:] if rows else (0, 0, 0)
        values = _json_rows([row[:3] for row in rows], checked.time_zone)
        return Breakdown(values=values, members=members, users=users, distinct=distinct, data_moment=at.now)

    return Question(
        ["breakdown", fingerprint_of_placed(asked, base), _field_identity(field), limit, checked.time_zone],
        checked.reads,
        Breakdown,
        lambda: compile_breakdown(asked, field, checked.catalogue, base, at.lists_database, limit=limit),
        read,
    )


def funnel_question(checked: CheckedRule, steps: Sequence[Step], at: Moment) -> Question[Funnel]:
    """How many users are left after each step, and how many satisfy each alone."""
    base = checked.dataset.name

    def query() -> CompiledQuery:
        rules = [checked.asked(at.now, part) for step in steps for part in (step.so_far, step.alone)]
        return compile_counts(rules, checked.catalogue, base, at.lists_database)

    def read(rows: Rows) -> Funnel:
        total, *counts = rows[0]
        return Funnel(total=total, steps=zip(counts[::2], counts[1::2], strict=True), data_moment=at.now)

    return Question(
        # steps follow the spelling of the rule, so its fingerprint does not say which they are
        ["funnel", base, rule_json(checked.rule), rule_json(checked.asked(at.now))],
        checked.reads,
        Funnel,
        query,
        read,
    )


def values_question(
    dataset: Dataset, field: Field, *, prefix: str, limit: int, time_zone: str, at: Moment
) -> Question[Values]:
    """The most frequent values of a field that begin so."""
    return Question(
        ["values", dataset.name, _field_identity(field), prefix, limit, time_zone],
        (dataset,),
        Values,
        lambda: compile_values(dataset, field, prefix, limit=limit),
        lambda rows: Values(values=_json_rows(rows, time_zone), data_moment=at.now),
    )


def _field_identity(field: Field) -> object:
    return [field.name, field.key, field.type.value]


def _json_rows(rows: Rows, time_zone: str) -> Any:
    zone = ZoneInfo(time_zone)
    return [[json_safe(value, zone) for value in row] for row in rows]
