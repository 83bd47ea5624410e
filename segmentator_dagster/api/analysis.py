"""The use cases of a rule that is being built: count, preview, breakdown, funnel, values of a field."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import anyio.to_thread

from segmentator_dagster.api.analysis_problems import NO_BREAKDOWN
from segmentator_dagster.api.answers import Breakdown, Count, Funnel, Preview, Values
from segmentator_dagster.api.datasets import DatasetService
from segmentator_dagster.api.funnel_steps import SpokenStep, spoken
from segmentator_dagster.api.questions import (
    Moment,
    Question,
    breakdown_question,
    count_question,
    funnel_question,
    preview_question,
    values_question,
)
from segmentator_dagster.api.rules import RuleDraft, RuleService, Sentence, sentence
from segmentator_dagster.compiler.members import output_columns
from segmentator_dagster.domain.access import Action, Actor, require
from segmentator_dagster.domain.catalogue import Dataset, Field, FieldType
from segmentator_dagster.domain.errors import Problem, UserError
from segmentator_dagster.domain.fields import field_of
from segmentator_dagster.domain.funnel import funnel
from segmentator_dagster.domain.installation import EffectiveSettings
from segmentator_dagster.domain.problems import shown
from segmentator_dagster.domain.rule import Aggregate
from segmentator_dagster.storage.cache import AnswerCache, Remembered, answer_key, data_version
from segmentator_dagster.storage.clickhouse_async import AsyncClickHouse
from segmentator_dagster.storage.metadata.database import now

Answer = TypeVar("Answer", bound=Remembered)
Subject = TypeVar("Subject")


@dataclass(frozen=True, slots=True)
class Answered(Generic[Subject, Answer]):
    """`about` is what was asked about; `milliseconds` is how long the answer took, checking and all."""

    about: Subject
    found: Answer
    cached: bool
    milliseconds: float


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a preview; the first one is the user id."""

    names: tuple[str, ...]
    types: tuple[FieldType, ...]


class Analysis:
    """Every answer is exact, and remembered until the data of one of the datasets it was read from change."""

    def __init__(
        self,
        rules: RuleService,
        datasets: DatasetService,
        reader: AsyncClickHouse,
        answers: AnswerCache,
        settings_now: Callable[[], EffectiveSettings],
        *,
        lists_database: str,
    ) -> None:
        self._rules = rules
        self._datasets = datasets
        self._reader = reader
        self._answers = answers
        self._settings_now = settings_now
        self._lists_database = lists_database

    async def count(self, actor: Actor, draft: RuleDraft) -> Answered[Sentence, Count]:
        """How many users the audience has, and the rule in words."""
        require(actor, Action.DATA_ASK)

        def question(at: Moment) -> tuple[Sentence, Question[Count]]:
            checked = self._rules.checked(actor, draft)
            return sentence(checked), count_question(checked, at)

        return await self._answered(question)

    async def preview(
        self, actor: Actor, draft: RuleDraft, columns: Sequence[str] | None, limit: int
    ) -> Answered[Columns, Preview]:
        """The first members of the audience by user id, with the columns a file of it would have."""
        require(actor, Action.DATA_ASK)

        def question(at: Moment) -> tuple[Columns, Question[Preview]]:
            checked = self._rules.checked(actor, draft, columns)
            base = checked.dataset
            names = list(columns) if columns is not None else [field.name for field in base.fields]
            types = [field.type for name in names if name != base.user_key and (field := base.field(name))]
            described = Columns(output_columns(base, names), (FieldType.TEXT, *types))
            return described, preview_question(checked, names, limit, at)

        return await self._answered(question)

    async def breakdown(
        self, actor: Actor, draft: RuleDraft, named: Aggregate, limit: int
    ) -> Answered[Field, Breakdown]:
        """The values of a field, the latest of each user, that most members have, compared with all users."""
        require(actor, Action.DATA_ASK)

        def question(at: Moment) -> tuple[Field, Question[Breakdown]]:
            checked = self._rules.checked(actor, draft)
            field = _field(checked.dataset, named)
            if field.type is FieldType.ARRAY:
                raise NO_BREAKDOWN.error("/field", name=shown(field.name))
            return field, breakdown_question(checked, field, limit, at)

        return await self._answered(question)

    async def funnel(self, actor: Actor, draft: RuleDraft) -> Answered[tuple[SpokenStep, ...], Funnel]:
        """How many users each condition of the rule leaves over, and how many it would keep alone."""
        require(actor, Action.DATA_ASK)

        def question(at: Moment) -> tuple[tuple[SpokenStep, ...], Question[Funnel]]:
            checked = self._rules.checked(actor, draft)
            steps = funnel(checked.rule)
            return tuple(spoken(checked, steps)), funnel_question(checked, steps, at)

        return await self._answered(question)

    async def values(
        self, actor: Actor, dataset: str, named: Aggregate, prefix: str, limit: int
    ) -> Answered[Field, Values]:
        """The most frequent values of a field that begin so; UserError dataset_not_found."""
        require(actor, Action.DATA_ASK)

        def question(at: Moment) -> tuple[Field, Question[Values]]:
            known = self._datasets.get(actor, dataset)
            field = _field(known, named)
            zone = self._settings_now().time_zone
            return field, values_question(known, field, prefix=prefix, limit=limit, time_zone=zone, at=at)

        return await self._answered(question)

    async def _answered(self, asked: Callable[[Moment], tuple[Subject, Question[Answer]]]) -> Answered[Subject, Answer]:
        started, at = time.perf_counter(), Moment(now(), self._lists_database)
        (about, question), deadline = await anyio.to_thread.run_sync(
            lambda: (asked(at), self._settings_now().count_deadline_seconds)
        )
        version = await data_version(self._reader, question.reads)
        key = None if version is None else await anyio.to_thread.run_sync(answer_key, question.whole, version)
        found = None if key is None else await self._answers.get(key, question.answers)
        cached = found is not None
        if found is None:
            query = await anyio.to_thread.run_sync(question.query)
            found = question.read(await self._reader.rows(query, deadline_seconds=deadline))
            if key is not None and await data_version(self._reader, question.reads) == version:
                await self._answers.put(key, found)
        return Answered(about, found, cached, round((time.perf_counter() - started) * 1000, 1))


def _field(dataset: Dataset, named: Aggregate) -> Field:
    found = field_of(dataset, named)
    if isinstance(found, Problem):
        raise UserError(found)
    return found
