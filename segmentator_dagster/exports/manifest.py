"""What a published export says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from segmentator_dagster.domain.catalogue import Field
from segmentator_dagster.domain.export import Export, Snapshot
from segmentator_dagster.domain.segment import Version
from segmentator_dagster.exports.rendering import Rendering


def manifest(
    export: Export,
    segment: Version,
    snapshot: Snapshot,
    rendering: Rendering,
    *,
    attempt: int,
    replacements: Mapping[str, int],
    run_id: str,
) -> dict[str, Any]:
    """Plain JSON; counts are rows and bytes of the file, moments are ISO 8601 in UTC."""
    return {
        "export_id": export.id,
        "attempt": attempt,
        "run_id": run_id,
        "segment_id": snapshot.segment_id,
        "segment_name": segment.definition.name,
        "version": snapshot.version,
        "rule": dict(segment.definition.rule),
        "fingerprint": segment.fingerprint,
        "snapshot_id": snapshot.id,
        "snapshot_users": snapshot.users,
        "data_moment": _moment(snapshot.data_moment),
        "format": export.format.value,
        "time_zone": segment.definition.time_zone,
        "columns": [_column(field) for field in rendering.fields],
        "rows": rendering.rows,
        "bytes": rendering.size,
        "sha256": rendering.sha256,
        "replacements": dict(replacements),
        "written_at": _moment(datetime.now(UTC)),
    }


def _column(field: Field) -> dict[str, str]:
    return {"name": field.name, "type": field.type.value, "clickhouse_type": field.clickhouse_type}


def _moment(value: datetime) -> str:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
