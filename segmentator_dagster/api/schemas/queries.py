"""What the query strings of several lists share."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from segmentator_dagster.storage.metadata.pages import SORTS

Plain = Annotated[str, Field(pattern=r"^[^\x00]*$")]  # PostgreSQL takes no NUL, not even to look for it
Sort = Literal[SORTS]  # type: ignore[valid-type]
