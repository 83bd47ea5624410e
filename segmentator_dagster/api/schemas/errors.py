"""The one error body, as a schema."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class ProblemOut(BaseModel):
    code: str = Field(description="stable name of what is wrong, for programs", examples=["name_taken"])
    message: str = Field(description="the same for people, in the language of `Accept-Language`")
    pointer: str = Field(description="JSON pointer (RFC 6901) into the request; empty: the whole of it")
    hint: str = Field(description="what to do about it; may be empty")


class ErrorOut(ProblemOut):
    """Every refusal of the API looks like this; the top repeats the first of `problems`."""

    model_config = ConfigDict(extra="allow")  # version_conflict adds `current`

    problems: list[ProblemOut]
    request_id: str = Field(description="under this id the request is in the log; also the header `X-Request-Id`")
