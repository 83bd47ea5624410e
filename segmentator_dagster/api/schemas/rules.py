"""Rules as JSON: as they are asked about, and what they mean."""

from __future__ import annotations

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field

from segmentator_dagster.api.analysis import RuleDraft
from segmentator_dagster.api.rules import CheckedRule, sentence
from segmentator_dagster.api.schemas.segments import EXAMPLE_RULE, DatasetName, Rule, TimeZone
from segmentator_dagster.domain.rule_json import rule_json

EXAMPLE_SENTENCE: dict[str, Any] = {
    "ru": "пользователи, у которых есть строка в user_activity, где platform_main равно «ios»",
    "en": "users who have a row in user_activity where platform_main is “ios”",
}
_EXAMPLE_MEANING: dict[str, Any] = {
    "sentence": EXAMPLE_SENTENCE,
    "fingerprint": "5f0c9d3a7c1e4b8f9a2d6c3b1e0f7a8d4c5b6a79880e1f2a3b4c5d6e7f8091a2",
    "rule": {
        "kind": "activity",
        "dataset": "user_activity",
        "where": {
            "combinator": "and",
            "not": False,
            "rules": [{"field": "platform_main", "operator": "=", "value": "ios"}],
        },
        "aggregate": {"function": "rows"},
        "operator": ">=",
        "value": 1,
        "not": False,
    },
    "dataset": "user_activity",
    "time_zone": "Europe/Moscow",
    "reads": ["user_activity"],
    "depends_on_moment": False,
}


class RuleIn(BaseModel):
    """A rule, and what it is read with."""

    model_config = ConfigDict(strict=True, extra="forbid", json_schema_extra={"examples": [{"rule": EXAMPLE_RULE}]})

    rule: Rule
    dataset: DatasetName = None
    time_zone: TimeZone = None

    def draft(self) -> RuleDraft:
        return RuleDraft(self.rule, self.dataset, self.time_zone)


class SentenceOut(BaseModel):
    ru: str
    en: str


class MeaningOut(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE_MEANING]})

    sentence: SentenceOut = Field(description="what the rule means")
    fingerprint: str = Field(description="SHA-256 of the definition: equal for every spelling of one audience")
    rule: dict[str, Any] = Field(description="the rule in its explicit form: nothing left to defaults")
    dataset: str = Field(description="the base dataset: whose users the audience is made of")
    time_zone: str = Field(description="the zone its dates are read in")
    reads: list[str] = Field(description="every dataset the audience is computed from, the base one first")
    depends_on_moment: bool = Field(description="whether it has relative dates, so that it changes by itself")

    @classmethod
    def of(cls, checked: CheckedRule) -> Self:
        return cls(
            sentence=SentenceOut(**sentence(checked)),
            fingerprint=checked.fingerprint,
            rule=rule_json(checked.rule),
            dataset=checked.dataset.name,
            time_zone=checked.time_zone,
            reads=[dataset.name for dataset in checked.reads],
            depends_on_moment=checked.depends_on_moment,
        )
