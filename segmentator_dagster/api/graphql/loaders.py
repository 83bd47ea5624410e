"""Segments of one answer -> what each of them has, asked for together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import TypeVar

from strawberry.dataloader import DataLoader

from segmentator_dagster.api.export_access import as_seen
from segmentator_dagster.api.ownership import named
from segmentator_dagster.api.segments import VersionView
from segmentator_dagster.domain.access import Action, Actor, require
from segmentator_dagster.domain.export import Export, Snapshot
from segmentator_dagster.storage.metadata.database import Database
from segmentator_dagster.storage.metadata.of_segments import OfSegments
from segmentator_dagster.storage.metadata.people import People

Item = TypeVar("Item")
Key = tuple[int, int]
"""Id of a segment, and how many of its newest items are wanted."""
Read = Callable[[Collection[int], int], Mapping[int, tuple[Item, ...]]]
Run = Callable[[Callable[[], Mapping[int, tuple[Item, ...]]]], Awaitable[Mapping[int, tuple[Item, ...]]]]


class SegmentParts:
    """What segments have, for one actor."""

    def __init__(self, database: Database, actor: Actor) -> None:
        self._stored = OfSegments(database)
        self._people = People(database)
        self._actor = actor

    def exports(self, ids: Collection[int], limit: int) -> Mapping[int, tuple[Export, ...]]:
        require(self._actor, Action.EXPORTS_READ)
        found = self._stored.exports(ids, limit, self._actor.viewer)
        return {id_: tuple(as_seen(one, self._actor.access) for one in exports) for id_, exports in found.items()}

    def snapshots(self, ids: Collection[int], limit: int) -> Mapping[int, tuple[Snapshot, ...]]:
        require(self._actor, Action.EXPORTS_READ)
        return self._stored.snapshots(ids, limit, self._actor.viewer)

    def versions(self, ids: Collection[int], limit: int) -> Mapping[int, tuple[VersionView, ...]]:
        require(self._actor, Action.SEGMENTS_READ)
        found = self._stored.versions(ids, limit, self._actor.viewer)
        names = self._people.names({one.created_by_id for versions in found.values() for one in versions})
        return {
            id_: tuple(VersionView(one, named(one.created_by_id, names)) for one in versions)
            for id_, versions in found.items()
        }


def loader(read: Read[Item], run: Run[Item]) -> DataLoader[Key, tuple[Item, ...]]:
    """One call of `read`, in `run`, for all the segments of which as many items are wanted."""

    async def load(keys: Sequence[Key]) -> list[tuple[Item, ...] | BaseException]:
        wanted: dict[int, list[int]] = defaultdict(list)
        for id_, limit in keys:
            wanted[limit].append(id_)
        found = {limit: await run(lambda ids=ids, limit=limit: read(ids, limit)) for limit, ids in wanted.items()}  # type: ignore[misc]
        return [found[limit].get(id_, ()) for id_, limit in keys]

    return DataLoader(load)
