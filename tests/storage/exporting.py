"""Short ways to ask for exports and to publish them."""

from __future__ import annotations

from segmentator_dagster.domain.export import ExportRequest, File, Format, Trigger
from segmentator_dagster.domain.segment import Segment
from segmentator_dagster.storage.metadata.attempts import Attempts
from segmentator_dagster.storage.metadata.exports import Exports

BOTH = [Format.CSV, Format.XLSX]
FILE = File("k", "n.csv", 3, 9, "a" * 64)
MANIFEST = {"rows": 3}


def ask(exports: Exports, segment: Segment, formats: list[Format] = BOTH, key: str | None = None) -> ExportRequest:
    return exports.request(segment, formats, trigger=Trigger.API, requested_by_id=None, idempotency_key=key)


def publish(attempts: Attempts, export_id: str, attempt: int) -> bool:
    return attempts.publish(export_id, attempt, files=[FILE], manifest=MANIFEST)
