"""Counts and previews as JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field

from segmentator_dagster.api.rules import Count, Preview, sentences
from segmentator_dagster.api.schemas.segments import EXAMPLE_RULE, Columns, DatasetName, Rule, TimeZone

_EXACT_IN_JSON = 2**53  # a browser reads greater integers inexactly


class CountIn(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", json_schema_extra={"examples": [{"rule": EXAMPLE_RULE}]})

    rule: Rule
    dataset: DatasetName = None
    time_zone: TimeZone = None


class SentenceOut(BaseModel):
    ru: str
    en: str


class CountOut(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "count": 52314,
                    "milliseconds": 41.7,
                    "data_moment": "2026-01-31T10:00:00.000000Z",
                    "cached": False,
                    "sentence": {
                        "ru": "пользователи, у которых есть строка в user_activity, где platform_main равно «ios»",
                        "en": "users who have a row in user_activity where platform_main is “ios”",
                    },
                }
            ]
        }
    )

    count: int
    milliseconds: float = Field(description="how long the answer took")
    data_moment: datetime = Field(description="when the users were counted")
    cached: bool = Field(description="whether it was remembered; a change of the data makes it forgotten")
    sentence: SentenceOut = Field(description="what the rule means")

    @classmethod
    def of(cls, count: Count) -> Self:
        return cls(
            count=count.found.count,
            milliseconds=count.milliseconds,
            data_moment=count.found.data_moment,
            cached=count.cached,
            sentence=SentenceOut(**sentences(count.rule)),
        )


class PreviewIn(BaseModel):
    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        json_schema_extra={"examples": [{"rule": EXAMPLE_RULE, "columns": ["platform_main"], "limit": 2}]},
    )

    rule: Rule
    dataset: DatasetName = None
    columns: Columns = None
    limit: int = Field(20, ge=1, le=100, description="most rows")


class ColumnOut(BaseModel):
    name: str
    type: str = Field(description="text, number, date, datetime, boolean, other")


class PreviewOut(BaseModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "columns": [{"name": "user_id", "type": "text"}, {"name": "platform_main", "type": "text"}],
                    "rows": [["u0000017", "ios"], ["u0000042", "ipados"]],
                    "milliseconds": 58.2,
                }
            ]
        }
    )

    columns: list[ColumnOut]
    rows: list[list[Any]] = Field(description="dates in ISO form; decimals and integers over 2^53 as text")
    milliseconds: float

    @classmethod
    def of(cls, preview: Preview) -> Self:
        return cls(
            columns=[ColumnOut(name=name, type=type_.value) for name, type_ in preview.columns],
            rows=[[json_safe(value) for value in row] for row in preview.rows],
            milliseconds=preview.milliseconds,
        )


def json_safe(value: object) -> Any:
    """A value of ClickHouse in the form in which any JSON reader gets it without loss."""
    match value:
        case None | bool():
            return value
        case str():
            return value.encode("utf-8", "replace").decode("utf-8")
        case int():
            return value if abs(value) <= _EXACT_IN_JSON else str(value)
        case float():
            return value if math.isfinite(value) else str(value)
        case datetime() | date():
            return value.isoformat()
        case bytes():
            return value.decode("utf-8", "replace")
        case Mapping():
            return {str(key): json_safe(item) for key, item in value.items()}
        case Sequence():
            return [json_safe(item) for item in value]
        case _:
            return str(value)
