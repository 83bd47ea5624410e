"""What is kept no longer -> gone: files past their day, and what attempts that died have left anywhere.

Nothing of an export that is still open is touched: its attempt may be writing it. The database is asked after the store
was listed, and a final export never opens again, so what is removed can no longer be published.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby, islice

from segmentator_dagster.domain.export import Export
from segmentator_dagster.exports.extract import drop_table, extract_tables
from segmentator_dagster.storage.clickhouse import ClickHouse
from segmentator_dagster.storage.metadata.exports import Exports
from segmentator_dagster.storage.objects import Objects
from segmentator_dagster.storage.uploads import Uploads

SAFE_AGE = timedelta(hours=1)  # the clocks of the stores are not ours
_EXPIRED = 100
_OBJECTS = 1000
_OTHERS = 100
_KEY = re.compile(r"exports/\d+/([0-9a-f-]{36})/\d+/")  # objects of any other form are not ours


@dataclass(frozen=True, slots=True)
class Retention:
    """Each of its steps takes a small batch and says how many things it removed."""

    exports: Exports
    objects: Objects
    uploads: Uploads
    writer: ClickHouse
    database: str

    def expire(self, moment: datetime) -> int:
        """Delete the files of exports past their day, then say so on the export, which stays published."""
        expired = self.exports.expired(moment, _EXPIRED)
        for export in expired:
            self.objects.discard(f"exports/{export.segment_id}/{export.id}")
            self.exports.files_deleted(export.id)
        return len(expired)

    def remove_leftovers(self, moment: datetime, after: str) -> tuple[int, str]:
        """Delete old objects that no published export has, of those whose key comes after `after`.

        Also gives the key to go on after, "" at the end.
        """
        listed = self.objects.below("exports", after=after, limit=_OBJECTS)
        old = (one.key for one in listed if moment - one.modified_at > SAFE_AGE)
        leftovers = [key for key, export in self._with_ended_exports(old) if not _published(key, export)]
        if leftovers:
            self.objects.delete(leftovers)
        return len(leftovers), listed[-1].key if len(listed) == _OBJECTS else ""

    def abort_uploads(self, moment: datetime) -> int:
        """Abort old uploads that no open export can be writing."""
        old = {one.key: one for one in self.uploads.unfinished() if moment - one.begun_at > SAFE_AGE}
        leftovers = [old[key] for key, _ in islice(self._with_ended_exports(sorted(old)), _OTHERS)]
        for upload in leftovers:
            self.uploads.abort(upload)
        return len(leftovers)

    def drop_extracts(self) -> int:
        """Drop old extracts of requests that have ended or are not there."""
        dropped = 0
        for table in extract_tables(self.writer, self.database):
            if table.age_seconds > SAFE_AGE.total_seconds() and dropped < _OTHERS:
                request = self.exports.of_request(table.request_id)
                if request is None or request.final:
                    drop_table(self.writer, self.database, table.name)
                    dropped += 1
        return dropped

    def _with_ended_exports(self, keys: Iterable[str]) -> Iterator[tuple[str, Export | None]]:
        """Keys of exports that are final, and of those that are not there, with what the database knows of them."""
        for export_id, same in groupby(keys, _export_id):
            if export_id is not None:
                export = self.exports.owner_of(export_id)
                if export is None or export.status.final:
                    yield from ((key, export) for key in same)


def _export_id(key: str) -> str | None:
    found = _KEY.match(key)
    return found[1] if found else None


def _published(key: str, export: Export | None) -> bool:
    """Whether it is a file of the export or its manifest, which is beside them."""
    if export is None or export.object_key is None or export.deleted_at is not None:
        return False
    return key.rpartition("/")[0] == export.object_key.rpartition("/")[0]
