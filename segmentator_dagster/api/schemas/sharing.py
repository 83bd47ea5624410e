"""Whose a segment or a list is and who sees it, in JSON."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field

from segmentator_dagster.api.ownership import Named
from segmentator_dagster.domain.segment import Visibility

EXAMPLE_PERSON: dict[str, Any] = {"id": 3, "name": "Анна Смирнова"}
VisibilityOf = Annotated[
    Visibility, Field(strict=False, description="`private`: its owner and administrators see it; `team`: everybody")
]


class NamedOut(BaseModel):
    id: int
    name: str = Field(description="empty where the account is deleted")

    @classmethod
    def of(cls, person: Named | None) -> Self | None:
        return None if person is None else cls(id=person.id, name=person.name)


class SharingIn(BaseModel):
    """The keys that shall change. Those that are not there stay as they are."""

    model_config = ConfigDict(strict=True, extra="forbid", json_schema_extra={"examples": [{"visibility": "team"}]})

    visibility: VisibilityOf | None = None
    owner_id: int | None = Field(None, description="whose it becomes; administrators only")
