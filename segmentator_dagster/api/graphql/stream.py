"""Results of an operation -> events of the graphql-sse protocol, "distinct connections" mode.

https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from fastapi.sse import format_sse_event
from starlette.responses import StreamingResponse

_PING_SECONDS = 15.0


class EventStream(StreamingResponse):
    """An event `next` for each result, `complete` at the end, a comment now and then where nothing happens."""

    media_type = "text/event-stream"

    def __init__(self, results: AsyncIterator[dict[str, Any]]) -> None:
        super().__init__(_events(results), headers={"X-Accel-Buffering": "no"})


async def _events(results: AsyncIterator[dict[str, Any]]) -> AsyncIterator[bytes]:
    following = asyncio.ensure_future(anext(results, None))
    try:
        while True:
            done, _ = await asyncio.wait([following], timeout=_PING_SECONDS)
            if not done:
                yield format_sse_event(comment="")
                continue
            result = following.result()
            if result is None:
                break
            yield format_sse_event(event="next", data_str=json.dumps(result, ensure_ascii=False))
            following = asyncio.ensure_future(anext(results, None))
        yield format_sse_event(event="complete", data_str="")
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
