"""Rule files as JSON."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, RootModel

from segmentator_dagster.api.schemas import examples
from segmentator_dagster.api.schemas.segments import Name
from segmentator_dagster.domain.references import KnownList, Library
from segmentator_dagster.domain.rule import Combinator, Group, ListMembers
from segmentator_dagster.domain.rule_file import rule_file

_EXAMPLE = rule_file(
    "iOS, мартовская когорта, без закрытой группы",
    examples.CHECKED.dataset.name,
    examples.CHECKED.time_zone,
    Group(Combinator.AND, (examples.CHECKED.rule, ListMembers(5, negated=True))),
    Library(lists={5: KnownList(5, "Закрытая группа", ())}),
)


class RuleReferencesOut(BaseModel):
    segments: dict[str, str] = Field(description="id in the rule: name of the segment")
    lists: dict[str, str] = Field(description="id in the rule: name of the list")


class RuleFileOut(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    segmentator: str = Field(description="always `rule`")
    version: int = Field(description="of the rule language")
    name: str = Field(description="what the segment was called")
    dataset: str = Field(description="the base dataset")
    time_zone: str
    rule: dict[str, Any]
    references: RuleReferencesOut = Field(description="what the ids in the rule are called")


class RuleFileIn(RootModel[Any]):
    """A rule file of this version of the rule language or an older one."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})


class ImportQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Name | None = Field(None, description="what to call the segment; none: as the file says")
