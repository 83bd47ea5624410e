"""Live segments x the catalogue -> which of them are broken, kept with the reasons."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from segmentator_dagster.domain.catalogue import Catalogue
from segmentator_dagster.domain.definition import examined
from segmentator_dagster.domain.segment import Fault
from segmentator_dagster.storage.metadata.database import Database
from segmentator_dagster.storage.metadata.models import SegmentRow
from segmentator_dagster.storage.metadata.references import gathered_library, lock_references
from segmentator_dagster.storage.metadata.segment_rows import definition_of


@dataclass(frozen=True, slots=True)
class Checkup:
    """How many segments were looked at, and which of them it turned out to have broken or become whole again."""

    segments: int = 0
    broke: tuple[int, ...] = ()
    healed: tuple[int, ...] = ()

    def __add__(self, other: Checkup) -> Checkup:
        return Checkup(self.segments + other.segments, self.broke + other.broke, self.healed + other.healed)


class SegmentHealth:
    def __init__(self, database: Database) -> None:
        self._database = database

    def check(self, catalogue: Catalogue, since: datetime, moment: datetime, limit: int) -> Checkup:
        """Check at most `limit` live segments not checked since then; `moment` is when the catalogue was read.

        One transaction, in which no segment changes: what a rule refers to is that of the same moment.
        """
        with self._database.writing() as session:
            lock_references(session)
            rows = session.scalars(
                select(SegmentRow)
                .where(SegmentRow.deleted_at.is_(None))
                .where(or_(SegmentRow.checked_at.is_(None), SegmentRow.checked_at < since))
                .order_by(SegmentRow.id)
                .limit(limit)
                .with_for_update()
            ).all()
            broken_before = {row.id for row in rows if row.broken is not None}
            for row in rows:
                _check(session, row, catalogue, moment)
            broken = {row.id for row in rows if row.broken is not None}
            return Checkup(len(rows), tuple(sorted(broken - broken_before)), tuple(sorted(broken_before - broken)))


def _check(session: Session, row: SegmentRow, catalogue: Catalogue, moment: datetime) -> None:
    found = examined(definition_of(row), catalogue, lambda rule: gathered_library(session, [rule]), row.id).problems
    row.broken = [asdict(Fault.of(problem)) for problem in found] or None
    row.broken_since = (row.broken_since or moment) if found else None
    row.checked_at = moment
