"""Rules as JSON: as they are asked about, and what they mean."""

from __future__ import annotations

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field

from segmentator_dagster.api.rules import CheckedRule, RuleDraft, sentence
from segmentator_dagster.api.schemas import examples
from segmentator_dagster.api.schemas.segments import DatasetName, Rule, TimeZone
from segmentator_dagster.api.schemas.texts import TextOut
from segmentator_dagster.domain.rule_json import rule_json

_EXAMPLE_MEANING: dict[str, Any] = {
    "sentence": {**sentence(examples.CHECKED)},
    "fingerprint": examples.CHECKED.fingerprint,
    "rule": rule_json(examples.CHECKED.rule),
    "dataset": "user_activity",
    "time_zone": "Europe/Moscow",
    "reads": ["user_activity"],
    "depends_on_moment": False,
}


class RuleIn(BaseModel):
    """A rule, and what it is read with."""

    model_config = ConfigDict(strict=True, extra="forbid", json_schema_extra={"examples": [{"rule": examples.RULE}]})

    rule: Rule
    dataset: DatasetName = None
    time_zone: TimeZone = None

    def draft(self) -> RuleDraft:
        return RuleDraft(self.rule, self.dataset, self.time_zone)


class MeaningOut(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE_MEANING]})

    sentence: TextOut = Field(description="what the rule means")
    fingerprint: str = Field(description="SHA-256 of the definition: equal for every spelling of one audience")
    rule: dict[str, Any] = Field(description="the rule in its explicit form: nothing left to defaults")
    dataset: str = Field(description="the base dataset: whose users the audience is made of")
    time_zone: str = Field(description="the zone its dates are read in")
    reads: list[str] = Field(description="every dataset the audience is computed from, the base one first")
    depends_on_moment: bool = Field(description="whether it has relative dates, so that it changes by itself")

    @classmethod
    def of(cls, checked: CheckedRule) -> Self:
        return cls(
            sentence=TextOut(**sentence(checked)),
            fingerprint=checked.fingerprint,
            rule=rule_json(checked.rule),
            dataset=checked.dataset.name,
            time_zone=checked.time_zone,
            reads=[dataset.name for dataset in checked.reads],
            depends_on_moment=checked.depends_on_moment,
        )
