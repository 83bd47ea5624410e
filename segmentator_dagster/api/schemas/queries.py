"""What the query strings of several lists share."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from segmentator_dagster.storage.metadata.pages import SORTS

Plain = Annotated[str, Field(pattern=r"^[^\x00]*$")]  # PostgreSQL takes no NUL, not even to look for it


def _no_number(value: object) -> object:
    """Pydantic takes numbers for seconds, or for milliseconds where they are great."""
    try:
        float(str(value))
    except ValueError:
        return value
    raise ValueError


def _in_utc(moment: datetime) -> datetime:
    """ValueError for those that another zone has before the year 1 or after 9999."""
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError as error:
        raise ValueError from error


Moment = Annotated[datetime, BeforeValidator(_no_number), AfterValidator(_in_utc)]
"""ISO 8601; without an offset it is UTC."""
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
