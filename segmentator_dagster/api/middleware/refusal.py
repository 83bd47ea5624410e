"""A problem -> the answer to a request that no route sees."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.types import Receive, Scope, Send

from segmentator_dagster.api.errors import error_response
from segmentator_dagster.api.languages import language_of
from segmentator_dagster.domain.errors import Problem

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
CLOSING = {"Connection": "close"}  # what is left of the request is not read any more


async def refuse(
    problem: Problem, scope: Scope, receive: Receive, send: Send, headers: Mapping[str, str] | None = None
) -> None:
    """Answer with one problem in the one error body, also to a WebSocket that is not open yet."""
    response = error_response([problem], await language_of(scope), scope["state"]["request_id"], headers=headers)
    await response(scope, receive, send)
