"""Segments, their versions and rule files in GraphQL."""

from __future__ import annotations

from functools import partial

import strawberry

from segmentator_dagster.api.graphql.asking import Asking, Info
from segmentator_dagster.api.graphql.fields import field
from segmentator_dagster.api.graphql.paging import After, First, asked, many, paging
from segmentator_dagster.api.graphql.scalars import Json
from segmentator_dagster.api.graphql.types import extended
from segmentator_dagster.api.schemas.exports import ExportOut, SnapshotOut
from segmentator_dagster.api.schemas.segments import (
    SegmentIn,
    SegmentOut,
    SegmentPageOut,
    SegmentPatch,
    SegmentsQuery,
    VersionOut,
)
from segmentator_dagster.api.schemas.sharing import SharingIn
from segmentator_dagster.api.segments import SegmentView


async def _exports(root: strawberry.Parent[SegmentOut], info: Info, first: First = None) -> list[ExportOut]:
    found = await info.context.exports.load((root.id, many(first)))
    return [ExportOut.of(export, *info.context.shape) for export in found]


async def _snapshots(root: strawberry.Parent[SegmentOut], info: Info, first: First = None) -> list[SnapshotOut]:
    return [SnapshotOut.of(one) for one in await info.context.snapshots.load((root.id, many(first)))]


async def _versions(root: strawberry.Parent[SegmentOut], info: Info, first: First = None) -> list[VersionOut]:
    return [VersionOut.of(view) for view in await info.context.versions.load((root.id, many(first)))]


extended(
    SegmentOut,
    exports=field("Newest first.")(_exports),
    snapshots=field("Newest first.")(_snapshots),
    versions=field("Newest first.")(_versions),
)


@strawberry.type
class SegmentQueries:
    @field("The current version of one segment.")
    async def segment(self, info: Info, id: int) -> SegmentOut:  # noqa: A002
        asking = info.context
        return await asking.run(lambda: _shown(asking, asking.use.segments.get(asking.actor, id)))

    @field(
        "Segments, searched, filtered, sorted, page by page. A segment is on one page only, even while "
        "others are added.",
    )
    async def segments(
        self,
        info: Info,
        *,
        first: First = None,
        after: After = None,
        search: str | None = None,
        dataset: str | None = None,
        tag: str | None = None,
        broken: bool | None = None,
        deleted: bool | None = None,
        owner: int | None = None,
        sort: str | None = None,
    ) -> SegmentPageOut:
        said = {"cursor": after, "search": search, "dataset": dataset, "tag": tag, "sort": sort}
        filters = asked(SegmentsQuery, first, {**said, "broken": broken, "deleted": deleted, "owner": owner})
        asking = info.context
        with paging():
            return await asking.run(
                lambda: SegmentPageOut.of(asking.use.segments.page(asking.actor, **filters.model_dump()), *asking.shape)
            )

    @field(
        "What a segment was after each change, newest first; also of a deleted one.",
    )
    async def versions(self, info: Info, segment_id: int, first: First = None) -> list[VersionOut]:
        most, asking = many(first), info.context
        found = await asking.run(partial(asking.use.segments.versions, asking.actor, segment_id))
        return [VersionOut.of(view) for view in found[:most]]

    @field(
        "The rule of a version of a segment with the names it refers to, for another installation; "
        "no version: the present one.",
    )
    async def rule_file(self, info: Info, segment_id: int, version: int | None = None) -> object:
        asking = info.context
        read_file = partial(asking.use.rule_files.download, asking.actor, segment_id, version)
        return (await asking.run(read_file)).document


@strawberry.type
class SegmentMutations:
    @field(
        "Checks the rule against the data as it is now and saves the segment. Everything that is wrong is "
        "said at once.",
    )
    async def create_segment(self, info: Info, input: SegmentIn) -> SegmentOut:  # noqa: A002
        asking = info.context
        made = partial(asking.use.segments.create, asking.actor, input.draft(), visibility=input.visibility)
        return await asking.run(lambda: _shown(asking, made()))

    @field(
        "Changes what is given and makes the next version. `version` says which one the change is based "
        "on; where that is not the current one, the error has it as `current`. `null` resets.",
    )
    async def update_segment(self, info: Info, id: int, input: SegmentPatch) -> SegmentOut:  # noqa: A002
        asking = info.context
        changed = partial(asking.use.segments.update, asking.actor, id, input.version, input.changes())
        return await asking.run(lambda: _shown(asking, changed()))

    @field("Says who sees a segment; for administrators also whose it is.")
    async def share_segment(self, info: Info, id: int, input: SharingIn) -> SegmentOut:  # noqa: A002
        asking = info.context
        shared = partial(asking.use.segments.share, asking.actor, id, input.visibility, input.owner_id)
        return await asking.run(lambda: _shown(asking, shared()))

    @field(
        "Deletes a segment; it can be restored. Refused while a live one refers to it: the error names "
        "them as `used_by`."
    )
    async def delete_segment(self, info: Info, id: int) -> bool:  # noqa: A002
        asking = info.context
        await asking.run(partial(asking.use.segments.delete, asking.actor, id))
        return True

    @field("Takes back a deletion. The name must still be free.")
    async def restore_segment(self, info: Info, id: int) -> SegmentOut:  # noqa: A002
        asking = info.context
        return await asking.run(lambda: _shown(asking, asking.use.segments.restore(asking.actor, id)))

    @field(
        "A new segment with the same definition, without the schedule. No name: the old one and «(копия)».",
    )
    async def copy_segment(self, info: Info, id: int, name: str | None = None) -> SegmentOut:  # noqa: A002
        asking = info.context
        return await asking.run(lambda: _shown(asking, asking.use.segments.copy(asking.actor, id, name)))

    @field("Saves a segment out of a rule file (`ruleFile`).")
    async def import_rule(self, info: Info, file: Json, name: str | None = None) -> SegmentOut:
        asking = info.context
        return await asking.run(lambda: _shown(asking, asking.use.rule_files.load(asking.actor, file, name)))


def _shown(asking: Asking, view: SegmentView) -> SegmentOut:
    return SegmentOut.of(view, *asking.shape)
