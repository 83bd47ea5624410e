"""Why a segment is broken, and who depends on a segment or a list, as JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from pydantic import BaseModel, Field

from segmentator_dagster.api.schemas.errors import ProblemOut
from segmentator_dagster.domain.errors import Language
from segmentator_dagster.domain.segment import Broken
from segmentator_dagster.storage.metadata.references import Dependent


class UsedByOut(BaseModel):
    id: int
    name: str

    @classmethod
    def of(cls, dependent: Dependent) -> Self:
        return cls(id=dependent.id, name=dependent.name)


class BrokenOut(BaseModel):
    since: datetime = Field(description="when it was noticed")
    problems: list[ProblemOut] = Field(description="why; pointers lead into the segment")

    @classmethod
    def of(cls, broken: Broken, language: Language) -> Self:
        russian = language == "ru"
        problems = [
            ProblemOut(
                code=fault.code,
                message=fault.message_ru if russian else fault.message_en,
                pointer=fault.pointer,
                hint=fault.hint_ru if russian else fault.hint_en,
            )
            for fault in broken.faults
        ]
        return cls(since=broken.since, problems=problems)
