"""The data and questions to them in GraphQL: datasets, the rule language, counts, previews, breakdowns."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Self

import strawberry
from pydantic import BaseModel, ConfigDict, Field

from segmentator_dagster.api.graphql.asking import Info
from segmentator_dagster.api.graphql.fields import field
from segmentator_dagster.api.schemas.analysis import (
    BreakdownIn,
    BreakdownOut,
    CountOut,
    EntryKey,
    EntryType,
    FunnelOut,
    PreviewIn,
    PreviewOut,
    ValuesOut,
    field_named,
)
from segmentator_dagster.api.schemas.datasets import DatasetOut, FieldOut
from segmentator_dagster.api.schemas.operators import OperatorsOut
from segmentator_dagster.api.schemas.rules import MeaningOut, RuleIn
from segmentator_dagster.domain.catalogue import Dataset
from segmentator_dagster.domain.rule import Aggregate
from segmentator_dagster.domain.rule_schema import rule_schema


class ValuesIn(BaseModel):
    """A field, and how the values begin that are looked for."""

    model_config = ConfigDict(strict=True, extra="forbid")

    dataset: str
    field: str
    prefix: Annotated[EntryKey, Field(max_length=1000, description="whatever the case; empty: anyhow")] = ""
    key: EntryKey | None = Field(None, description="the entry of a map, or the path of JSON")
    read_as: EntryType | None = Field(None, alias="as", description="the type a text in a map or JSON is read as")
    limit: int = Field(20, ge=1, le=1000, description="most values")

    def named(self) -> Aggregate:
        return field_named(self.field, self.key, self.read_as)


class DatasetDetailOut(DatasetOut):
    fields: list[FieldOut] = Field(description="the columns of the table as it is now")

    @classmethod
    def read(cls, dataset: Dataset) -> Self:
        return cls(**dict(DatasetOut.of(dataset)), fields=[FieldOut.of(one) for one in dataset.fields])


@strawberry.type
class DataQueries:
    @field("Every registered dataset whose table is in ClickHouse now.")
    async def datasets(self, info: Info) -> list[DatasetOut]:
        asking = info.context
        return [DatasetOut.of(one) for one in await asking.run(partial(asking.use.datasets.all, asking.actor))]

    @field("One dataset with its fields and the operators rules may use on them.")
    async def dataset(self, info: Info, name: str) -> DatasetDetailOut:
        asking = info.context
        return DatasetDetailOut.read(await asking.run(partial(asking.use.datasets.get, asking.actor, name)))

    @field("What rules may say: operators, aggregates, periods, units, shapes of values, limits.")
    async def operators(self) -> OperatorsOut:
        return OperatorsOut.whole()

    @field("The JSON Schema (draft 2020-12) of rules.")
    async def rule_schema(self) -> object:
        return rule_schema()

    @field("The rule in words and in its explicit form, or all that is wrong with it. Nothing is counted.")
    async def check_rule(self, info: Info, input: RuleIn) -> MeaningOut:  # noqa: A002
        asking = info.context
        return await asking.run(lambda: MeaningOut.of(asking.use.rules.checked(asking.actor, input.draft())))

    @field("How many users a rule names now, exactly.")
    async def count(self, info: Info, input: RuleIn) -> CountOut:  # noqa: A002
        asking = info.context
        return CountOut.of(await asking.question(asking.use.analysis.count(asking.actor, input.draft())))

    @field("The first users of a rule by id, with the columns a file of them would have.")
    async def preview(self, info: Info, input: PreviewIn) -> PreviewOut:  # noqa: A002
        asking = info.context
        work = asking.use.analysis.preview(asking.actor, input.draft(), input.columns, input.limit)
        return PreviewOut.of(await asking.question(work))

    @field("Who the members of a rule are, by the latest value of a field, and how that differs from everyone.")
    async def breakdown(self, info: Info, input: BreakdownIn) -> BreakdownOut:  # noqa: A002
        asking = info.context
        work = asking.use.analysis.breakdown(asking.actor, input.draft(), input.named(), input.limit)
        return BreakdownOut.of(await asking.question(work))

    @field("Why an audience is as small as it is: every condition in turn, and by itself.")
    async def funnel(self, info: Info, input: RuleIn) -> FunnelOut:  # noqa: A002
        asking = info.context
        return FunnelOut.of(await asking.question(asking.use.analysis.funnel(asking.actor, input.draft())))

    @field("What can be typed into a condition: the most frequent values of a field.")
    async def values(self, info: Info, input: ValuesIn) -> ValuesOut:  # noqa: A002
        asking = info.context
        work = asking.use.analysis.values(asking.actor, input.dataset, input.named(), input.prefix, input.limit)
        return ValuesOut.of(await asking.question(work))
