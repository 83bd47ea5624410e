"""Questions about audiences and their answers as JSON."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from segmentator_dagster.api.analysis import Answered, Columns
from segmentator_dagster.api.answers import Breakdown, Count, Funnel, Preview, Values
from segmentator_dagster.api.funnel_steps import SpokenStep, spoken
from segmentator_dagster.api.rules import Sentence, sentence
from segmentator_dagster.api.schemas import examples
from segmentator_dagster.api.schemas.rules import RuleIn
from segmentator_dagster.api.schemas.segments import Columns as ColumnNames
from segmentator_dagster.api.schemas.texts import TextOut
from segmentator_dagster.domain.catalogue import Field as DatasetField
from segmentator_dagster.domain.catalogue import FieldType
from segmentator_dagster.domain.funnel import funnel
from segmentator_dagster.domain.problems import MAX_TEXT
from segmentator_dagster.domain.rule import Aggregate

_STEPS = tuple(spoken(examples.CHECKED, funnel(examples.CHECKED.rule)))
_WHEN: dict[str, Any] = {"milliseconds": 41.7, "data_moment": "2026-01-31T10:00:00.000000Z", "cached": False}

Milliseconds = Annotated[float, Field(description="how long the answer took")]
DataMoment = Annotated[datetime, Field(description="when the data gave this answer")]
Cached = Annotated[bool, Field(description="whether it was remembered; a change of the data makes it forgotten")]
Value = Annotated[
    Any, Field(description="dates in ISO form, moments in the zone asked for; decimals and integers over 2^53 as text")
]
EntryKey = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$", max_length=MAX_TEXT)]
EntryType = Literal["text", "number", "date", "datetime", "boolean"]


def field_named(field: str, key: str | None, read_as: EntryType | None) -> Aggregate:
    """What a caller calls a field, as rules do."""
    return Aggregate(field=field, key=key, read_as=None if read_as is None else FieldType(read_as))


def _when(answered: Answered[Any, Any]) -> dict[str, Any]:
    return {
        "milliseconds": answered.milliseconds,
        "data_moment": answered.found.data_moment,
        "cached": answered.cached,
    }


class CountOut(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"count": 3127, **_WHEN, "sentence": {**sentence(examples.CHECKED)}}]}
    )

    count: int
    milliseconds: Milliseconds
    data_moment: DataMoment
    cached: Cached
    sentence: TextOut = Field(description="what the rule means")

    @classmethod
    def of(cls, answered: Answered[Sentence, Count]) -> Self:
        return cls(count=answered.found.count, sentence=TextOut(**answered.about), **_when(answered))


class PreviewIn(RuleIn):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"rule": examples.RULE, "columns": ["platform_main"], "limit": 2}]}
    )

    columns: ColumnNames = None
    limit: int = Field(20, ge=1, le=100, description="most rows")


class ColumnOut(BaseModel):
    name: str
    type: str = Field(description="text, number, date, datetime, boolean, array, map, json, other")


class PreviewOut(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "columns": [{"name": "user_id", "type": "text"}, {"name": "platform_main", "type": "text"}],
                    "rows": [["u0000017", "ios"], ["u0000042", "ipados"]],
                    **_WHEN,
                }
            ]
        }
    )

    columns: list[ColumnOut]
    rows: list[list[Value]]
    milliseconds: Milliseconds
    data_moment: DataMoment
    cached: Cached

    @classmethod
    def of(cls, answered: Answered[Columns, Preview]) -> Self:
        columns = zip(answered.about.names, answered.about.types, strict=True)
        return cls(
            columns=[ColumnOut(name=name, type=type_.value) for name, type_ in columns],
            rows=[list(row) for row in answered.found.rows],
            **_when(answered),
        )


class BreakdownIn(RuleIn):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"rule": examples.RULE, "field": "platform_main", "limit": 2}]}
    )

    field: str = Field(description="a field of the base dataset")
    key: EntryKey | None = Field(None, description="the entry of a map, or the path of JSON")
    read_as: EntryType | None = Field(None, alias="as", description="the type a text in a map or JSON is read as")
    limit: int = Field(20, ge=1, le=1000, description="most values")

    def named(self) -> Aggregate:
        return field_named(self.field, self.key, self.read_as)


class FieldNameOut(BaseModel):
    name: str
    key: str | None
    type: str = Field(description="text, number, date, datetime, boolean; of an array that of its elements")

    @classmethod
    def of(cls, field: DatasetField) -> Self:
        type_ = field.element.type if field.type is FieldType.ARRAY else field.type
        return cls(name=field.name, key=field.key, type=type_.value)


class ShareOut(BaseModel):
    value: Value
    members: int = Field(description="members of the audience whose latest value it is")
    users: int = Field(description="users of the base dataset whose latest value it is")
    share_of_members: float | None = Field(description="0 to 1; null where the audience is empty")
    share_of_users: float = Field(description="0 to 1")
    index: float | None = Field(
        description="share of members over share of users: over 1 where the audience has more of it than the base"
    )

    @classmethod
    def of(cls, value: Any, members: int, users: int, found: Breakdown) -> Self:
        share_of_users = users / found.users
        share_of_members = members / found.members if found.members else None
        index = None if share_of_members is None else share_of_members / share_of_users
        return cls(
            value=value,
            members=members,
            users=users,
            share_of_members=share_of_members,
            share_of_users=share_of_users,
            index=index,
        )


class BreakdownOut(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "field": {"name": "platform_main", "key": None, "type": "text"},
                    "members": 2000,
                    "users": 10000,
                    "values": [
                        {
                            "value": "ios",
                            "members": 1500,
                            "users": 3000,
                            "share_of_members": 0.75,
                            "share_of_users": 0.3,
                            "index": 2.5,
                        }
                    ],
                    "more_values": 6,
                    **_WHEN,
                }
            ]
        }
    )

    field: FieldNameOut
    members: int = Field(description="members of the audience; as many as `count` says")
    users: int = Field(description="users of the base dataset")
    values: list[ShareOut] = Field(description="those most members have first; null: the latest row has no value")
    more_values: int = Field(description="how many further values users have")
    milliseconds: Milliseconds
    data_moment: DataMoment
    cached: Cached

    @classmethod
    def of(cls, answered: Answered[DatasetField, Breakdown]) -> Self:
        found = answered.found
        return cls(
            field=FieldNameOut.of(answered.about),
            members=found.members,
            users=found.users,
            values=[ShareOut.of(value, members, users, found) for value, members, users in found.values],
            more_values=found.distinct - len(found.values),
            **_when(answered),
        )


class StepOut(BaseModel):
    pointer: str = Field(description="JSON pointer (RFC 6901) to the condition in the request")
    depth: int = Field(description="how many groups it is in")
    sentence: TextOut = Field(description="the condition alone")
    remaining: int = Field(description="users left when it and all before it are applied")
    alone: int = Field(description="users who satisfy it alone")


class FunnelOut(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "total": 200000,
                    "steps": [
                        {**asdict(step), "remaining": remaining, "alone": alone}
                        for step, (remaining, alone) in zip(_STEPS, ((74902, 74902), (3127, 9105)), strict=True)
                    ],
                    **_WHEN,
                }
            ]
        }
    )

    total: int = Field(description="users of the base dataset")
    steps: list[StepOut] = Field(
        description="in the order they are written, outer before inner; the last one of depth 0 is the whole rule"
    )
    milliseconds: Milliseconds
    data_moment: DataMoment
    cached: Cached

    @classmethod
    def of(cls, answered: Answered[tuple[SpokenStep, ...], Funnel]) -> Self:
        steps = zip(answered.about, answered.found.steps, strict=True)
        return cls(
            total=answered.found.total,
            steps=[
                StepOut(
                    pointer=step.pointer,
                    depth=step.depth,
                    sentence=TextOut(**step.sentence),
                    remaining=remaining,
                    alone=alone,
                )
                for step, (remaining, alone) in steps
            ],
            **_when(answered),
        )


class ValueOut(BaseModel):
    value: Value
    rows: int = Field(description="rows that have it")


class ValuesOut(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "field": {"name": "platform_main", "key": None, "type": "text"},
                    "items": [{"value": "ios", "rows": 1204331}, {"value": "ipados", "rows": 80211}],
                    **_WHEN,
                }
            ]
        }
    )

    field: FieldNameOut
    items: list[ValueOut] = Field(description="the most frequent first; NULL is no value")
    milliseconds: Milliseconds
    data_moment: DataMoment
    cached: Cached

    @classmethod
    def of(cls, answered: Answered[DatasetField, Values]) -> Self:
        return cls(
            field=FieldNameOut.of(answered.about),
            items=[ValueOut(value=value, rows=rows) for value, rows in answered.found.values],
            **_when(answered),
        )
