"""Work for a request -> its result, unless the work is no longer wanted before that; then it is cancelled."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Coroutine
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Header, Request
from starlette.types import Receive

from segmentator_dagster.api.analysis_problems import BAD_EDITOR, SUPERSEDED
from segmentator_dagster.domain.errors import ProblemKind
from segmentator_dagster.storage.clickhouse import QUERY_CANCELLED
from segmentator_dagster.storage.turns import Turn, Turns

T = TypeVar("T")

_EDITOR = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Asker:
    """Who waits for the answer to a question: a connection and, where it says so, an editor."""

    def __init__(self, receive: Receive, editor: str | None, turns: Turns) -> None:
        self._receive = receive
        self._editor = editor
        self._turns = turns

    async def waits(self, kind: str, work: Coroutine[Any, Any, T]) -> T:
        """What `work` gives. The work is cancelled and a UserError raised as soon as the caller is gone, or the same
        editor asks another question of this kind.
        """
        if self._editor is None:
            return await _unless(work, _gone(self._receive))
        async with self._turns.turn(self._editor, kind) as turn:
            return await _unless(work, _gone(self._receive), _superseded(turn))


async def _asker(
    request: Request,
    x_editor: Annotated[
        str | None,
        Header(description="one open editor, up to 64 of `A-Z a-z 0-9 . _ -`: its newer question ends its older one"),
    ] = None,
) -> Asker:
    if x_editor is not None and not _EDITOR.fullmatch(x_editor):
        raise BAD_EDITOR.error()
    if x_editor is not None:  # an editor is one person's own
        x_editor = f"{request.state.actor.person_id}:{x_editor}"
    return Asker(request.receive, x_editor, request.app.state.services.turns)


CallerWaits = Annotated[Asker, Depends(_asker)]


async def _gone(receive: Receive) -> ProblemKind:
    while (await receive())["type"] != "http.disconnect":
        pass
    return QUERY_CANCELLED


async def _superseded(turn: Turn) -> ProblemKind:
    await turn.over()
    return SUPERSEDED


async def _unless(work: Coroutine[Any, Any, T], *ends: Coroutine[Any, Any, ProblemKind]) -> T:
    answer = asyncio.ensure_future(work)
    reasons = [asyncio.ensure_future(end) for end in ends]
    try:
        await asyncio.wait([answer, *reasons], return_when=asyncio.FIRST_COMPLETED)
        if answer.done():
            return answer.result()
        raise next(reason for reason in reasons if reason.done()).result().error()
    finally:
        for task in (answer, *reasons):
            task.cancel()
        await asyncio.gather(answer, *reasons, return_exceptions=True)
