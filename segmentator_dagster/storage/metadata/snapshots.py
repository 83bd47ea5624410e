"""Snapshots in the metadata database: which there are, and which belongs to a request."""

from __future__ import annotations

from sqlalchemy import select

from segmentator_dagster.domain.export import Snapshot
from segmentator_dagster.storage.metadata.database import Database, now
from segmentator_dagster.storage.metadata.export_rows import OPEN_STATUSES, snapshot_of
from segmentator_dagster.storage.metadata.models import ExportRequestRow, SnapshotRow


class Snapshots:
    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, snapshot: Snapshot, request_id: str, attempt: int) -> bool:
        """Make a finished snapshot the one of its request; False where a newer attempt has the request."""
        with self._database.writing() as session:
            row = session.get(ExportRequestRow, request_id, with_for_update=True)
            if row is None or row.attempt != attempt:
                return False
            session.add(
                SnapshotRow(
                    id=snapshot.id,
                    segment_id=snapshot.segment_id,
                    version=snapshot.version,
                    users=snapshot.users,
                    data_moment=snapshot.data_moment,
                    created_at=now(),
                )
            )
            session.flush()
            row.snapshot_id = snapshot.id
            for export in row.exports:
                if export.status in OPEN_STATUSES:
                    export.total_rows = snapshot.users
            return True

    def get(self, snapshot_id: str) -> Snapshot | None:
        with self._database.reading() as session:
            row = session.get(SnapshotRow, snapshot_id)
            return snapshot_of(row) if row else None

    def of_segment(self, segment_id: int, limit: int) -> tuple[Snapshot, ...]:
        """Newest first."""
        with self._database.reading() as session:
            rows = session.scalars(
                select(SnapshotRow)
                .where(SnapshotRow.segment_id == segment_id)
                .order_by(SnapshotRow.created_at.desc(), SnapshotRow.id)
                .limit(limit)
            )
            return tuple(snapshot_of(row) for row in rows)

    def latest(self, segment_id: int) -> Snapshot | None:
        return next(iter(self.of_segment(segment_id, 1)), None)
