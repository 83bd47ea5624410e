"""Exports and snapshots in GraphQL: ask for files, watch them, cancel them, fetch them."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from functools import partial

import strawberry

from segmentator_dagster.api.export_events import states
from segmentator_dagster.api.graphql.asking import Info
from segmentator_dagster.api.graphql.fields import field
from segmentator_dagster.api.graphql.paging import First, many
from segmentator_dagster.api.graphql.types import output
from segmentator_dagster.api.problems import OUT_OF_RANGE
from segmentator_dagster.api.schemas.export_options import ExportChoicesOut
from segmentator_dagster.api.schemas.exports import ExportDetailOut, ExportOut, ExportsIn, SnapshotOut


@strawberry.type
class ExportQueries:
    @field("One export with its manifest.")
    async def export(self, info: Info, id: str) -> ExportDetailOut:  # noqa: A002
        asking = info.context
        return await asking.run(lambda: ExportDetailOut.of(asking.use.exports.get(asking.actor, id), *asking.shape))

    @field("The exports of a segment, newest first; also of a deleted one.")
    async def exports(self, info: Info, segment_id: int, first: First = None) -> list[ExportOut]:
        asking = info.context
        found = await asking.run(partial(asking.use.exports.of_segment, asking.actor, segment_id, many(first)))
        return [ExportOut.of(export, *asking.shape) for export in found]

    @field("The audiences that were taken of a segment, each at one moment, newest first; also of a deleted one.")
    async def snapshots(self, info: Info, segment_id: int, first: First = None) -> list[SnapshotOut]:
        asking = info.context
        found = await asking.run(partial(asking.use.exports.snapshots, asking.actor, segment_id, many(first)))
        return [SnapshotOut.of(snapshot) for snapshot in found]

    @field("What `export` of a segment or of a request may say, and what holds where nothing is said.")
    async def export_options(self, info: Info) -> ExportChoicesOut:
        asking = info.context
        return ExportChoicesOut.of(await asking.run(partial(asking.use.exports.defaults, asking.actor)))


@strawberry.type
class ExportMutations:
    @field(
        "Asks for a file per format of one snapshot of the audience. It is written down before the answer, and run as "
        "soon as Dagster can. The same `idempotencyKey` again gives the same exports."
    )
    async def request_exports(
        self,
        info: Info,
        segment_id: int,
        input: ExportsIn,  # noqa: A002
        idempotency_key: str | None = None,
    ) -> list[ExportOut]:
        asking = info.context
        request = partial(asking.use.exports.request, asking.actor, segment_id, input.draft(), idempotency_key)
        return [ExportOut.of(export, *asking.shape) for export in await asking.run(request)]

    @field("Cancels an export. Cancelling twice changes nothing.")
    async def cancel_export(self, info: Info, id: str) -> ExportOut:  # noqa: A002
        asking = info.context
        return await asking.run(lambda: ExportOut.of(asking.use.exports.cancel(asking.actor, id), *asking.shape))

    @field(
        "A link to a file, made for this request, that lives for a minute at most. `file` says which one of several, "
        "from 1. It is a mutation because it is written down."
    )
    async def download_url(self, info: Info, export_id: str, file: int | None = None) -> str:
        asking = info.context
        if file is not None and file < 1:
            raise OUT_OF_RANGE.error("/file", bound_en="at least", bound_ru="не меньше", limit=1)
        return await asking.run(partial(asking.use.exports.download_url, asking.actor, export_id, file))


@strawberry.type
class Subscription:
    @strawberry.subscription(  # type: ignore[untyped-decorator]
        graphql_type=AsyncGenerator[output(ExportOut), None],  # type: ignore[misc]
        description="An export whenever it changes and four times a second while it runs; ends when it is final.",
    )
    async def export_progress(self, info: Info, id: str) -> AsyncGenerator[ExportOut, None]:  # noqa: A002
        asking = info.context
        async for state in states(partial(asking.use.exports.get, asking.actor, id), asking.use.stopping):
            yield ExportOut.of(state, *asking.shape)
