"""What the query strings of several lists share."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from segmentator_dagster.storage.metadata.pages import SORTS

Plain = Annotated[str, Field(pattern=r"^[^\x00]*$")]  # PostgreSQL takes no NUL, not even to look for it
Sort = Literal[SORTS]  # type: ignore[valid-type]


class PageQuery(BaseModel):
    """One page of what can be searched, sorted and deleted."""

    model_config = ConfigDict(extra="forbid")

    search: Plain = Field("", max_length=200, description="words that its texts contain; case is ignored")
    dataset: Plain | None = Field(None, max_length=63, description="of this dataset only")
    deleted: bool = Field(False, description="deleted ones in place of live ones")
    sort: Sort = Field("-updated_at", description="`-` turns the order round")
    limit: int = Field(50, ge=1, le=200, description="most of them on a page")
    cursor: Plain | None = Field(
        None, max_length=1000, description="`next_cursor` of the page before, with the same sort"
    )
