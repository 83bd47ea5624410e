"""Many segments at once -> the newest exports, snapshots and versions of each, one query for all of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import InstrumentedAttribute, aliased

from segmentator_dagster.domain.export import Export, Snapshot
from segmentator_dagster.domain.segment import Version
from segmentator_dagster.storage.metadata.database import Database
from segmentator_dagster.storage.metadata.export_rows import export_of, snapshot_of
from segmentator_dagster.storage.metadata.models import ExportRow, SegmentRow, SegmentVersionRow, SnapshotRow
from segmentator_dagster.storage.metadata.pages import seen_by
from segmentator_dagster.storage.metadata.segment_rows import version_of

Row = TypeVar("Row", ExportRow, SnapshotRow, SegmentVersionRow)
Item = TypeVar("Item")


class OfSegments:
    """By id of the segment, newest first, at most `limit` of each. Segments that the viewer does not see have none."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def exports(self, ids: Collection[int], limit: int, viewer: int | None) -> Mapping[int, tuple[Export, ...]]:
        order = (ExportRow.created_at.desc(), ExportRow.id)
        return self._newest(ExportRow, ExportRow.segment_id, order, export_of, ids=ids, limit=limit, viewer=viewer)

    def snapshots(self, ids: Collection[int], limit: int, viewer: int | None) -> Mapping[int, tuple[Snapshot, ...]]:
        order = (SnapshotRow.created_at.desc(), SnapshotRow.id)
        return self._newest(
            SnapshotRow, SnapshotRow.segment_id, order, snapshot_of, ids=ids, limit=limit, viewer=viewer
        )

    def versions(self, ids: Collection[int], limit: int, viewer: int | None) -> Mapping[int, tuple[Version, ...]]:
        order = (SegmentVersionRow.version.desc(),)
        return self._newest(
            SegmentVersionRow, SegmentVersionRow.segment_id, order, version_of, ids=ids, limit=limit, viewer=viewer
        )

    def _newest(
        self,
        table: type[Row],
        segment_id: InstrumentedAttribute[int],
        order: tuple[ColumnElement[Any] | InstrumentedAttribute[Any], ...],
        item: Callable[[Row], Item],
        *,
        ids: Collection[int],
        limit: int,
        viewer: int | None,
    ) -> Mapping[int, tuple[Item, ...]]:
        place = func.row_number().over(partition_by=segment_id, order_by=order).label("place")
        query = select(table, place).join(SegmentRow, SegmentRow.id == segment_id).where(segment_id.in_(ids))
        numbered = seen_by(viewer, query, SegmentRow).subquery()
        row_of = aliased(table, numbered)
        with self._database.reading() as session:
            rows = session.scalars(select(row_of).where(numbered.c.place <= limit).order_by(numbered.c.place))
            found: dict[int, list[Item]] = defaultdict(list)
            for row in rows:
                found[row.segment_id].append(item(row))
        return {id_: tuple(items) for id_, items in found.items()}
