"""What a published export says of itself."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from segmentator_dagster.domain.catalogue import Field
from segmentator_dagster.domain.export import Export, ExportRequest, File
from segmentator_dagster.exports.rendering import Changes, Look
from segmentator_dagster.exports.source import Source
from segmentator_dagster.exports.writing import Written


def manifest(
    export: Export,
    look: Look,
    request: ExportRequest,
    source: Source,
    written: Written,
    *,
    changes: Changes,
    run_id: str,
) -> dict[str, Any]:
    """Plain JSON; counts are rows and bytes of the files, moments are ISO 8601 in UTC.

    `rows` are the sums over the files; `users` those the files are about: `rows` and what was `skipped`, by reason.
    `left_out` are values that are missing in their rows, by reason; `replacements` are changed values by column and
    reason. Who asked for the files sees of `columns` with `masked` the masks, and nothing of `left_out_columns`.
    """
    segment, snapshot = look.segment, look.snapshot
    first = written.files[0]
    return {
        "export_id": export.id,
        "attempt": request.attempt,
        "run_id": run_id,
        "segment_id": snapshot.segment_id,
        "segment_name": segment.definition.name,
        "version": snapshot.version,
        "rule": dict(segment.definition.rule),
        "sentence": dict(look.sentences),
        "fingerprint": segment.fingerprint,
        "dataset": segment.definition.dataset,
        "snapshot_id": snapshot.id,
        "snapshot_users": snapshot.users,
        "data_moment": _moment(snapshot.data_moment),
        "compare": request.compare and request.compare.as_json(),
        "format": export.format.value,
        "options": look.options.as_json(),
        "time_zone": segment.definition.time_zone,
        "columns": [_column(field) for field in source.fields],
        "left_out_columns": [field.name for field in look.left_out],
        "users": source.rows,
        "rows": sum(file.rows for file in written.files),
        "bytes": sum(file.bytes for file in written.files),
        "sha256": first.sha256 if len(written.files) == 1 else None,
        "files": [_file(file) for file in written.files],
        "skipped": dict(changes.skipped),
        "left_out": dict(changes.left_out),
        "replacements": {column: dict(reasons) for column, reasons in changes.replacements.items()},
        "written_at": _moment(datetime.now(UTC)),
    }


def _column(field: Field) -> dict[str, Any]:
    masked = {"masked": True} if field.masked else {}
    return {"name": field.name, "type": field.type.value, "clickhouse_type": field.clickhouse_type, **masked}


def _file(file: File) -> dict[str, Any]:
    split = {} if file.value is None else {"value": file.value}
    return {"name": file.file_name, "rows": file.rows, "bytes": file.bytes, "sha256": file.sha256, **split}


def _moment(value: datetime) -> str:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
