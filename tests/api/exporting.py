"""Short ways to ask the API for exports, and to do what the Dagster side does with them."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from segmentator_dagster.domain.export import ExportRequest, File, Snapshot, file_kind
from segmentator_dagster.storage.connections import database_of, objects_of
from segmentator_dagster.storage.metadata.snapshots import Snapshots
from tests.api.conftest import Stack
from tests.api.servers import RUN_ID

CONTENT = b"user_id\nu1\nu2\n"


def ask(stack: Stack, segment_id: int, formats: Any, key: str | None = None, **more: Any) -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    path = f"/api/v1/segments/{segment_id}/exports"
    return stack.client.post(path, json={"formats": formats, **more}, headers=headers)


def started(stack: Stack, export_id: str) -> ExportRequest:
    """Its request, as a run has it that works on the export."""
    request = stack.attempts.claim(stack.exports.get(export_id).request_id, RUN_ID, None)
    assert request is not None
    assert stack.attempts.start(export_id, request.attempt)
    return request


def publish(stack: Stack, export_id: str, parts: int = 1) -> None:
    """Write the files of an export that is started, and publish it."""
    export = stack.exports.get(export_id)
    suffix, content_type = file_kind(export.format, export.options)
    files = []
    for part in range(1, parts + 1):
        name = f"Отчёт iOS {part}{suffix}" if parts > 1 else f"Отчёт iOS{suffix}"
        content, value = CONTENT * part, f"значение {part}" if parts > 1 else None
        key = f"exports/{export.segment_id}/{export.id}/{part}"
        file = File(key, name, 2 * part, len(content), f"{part}" * 64, value)
        objects_of(stack.settings).put(key, [content], content_type=content_type, file_name=name)
        files.append(file)
    manifest = {"segment_name": "Отчёт: iOS", "rows": 2}
    assert stack.attempts.publish(export.id, export.attempt, files=files, manifest=manifest)


def published(stack: Stack, format_: str = "csv", *, parts: int = 1, **more: Any) -> dict[str, Any]:
    """An export with its files."""
    made: dict[str, Any] = ask(stack, stack.segment("Отчёт: iOS")["id"], [format_], **more).json()["items"][0]
    started(stack, made["id"])
    publish(stack, made["id"], parts)
    return made


def snapshot(stack: Stack, segment_id: int, users: int = 3) -> Snapshot:
    """An audience that a run has taken of the present version."""
    request_id = stack.exports.get(ask(stack, segment_id, ["csv"]).json()["items"][0]["id"]).request_id
    request = stack.attempts.claim(request_id, str(uuid.uuid4()), None)
    assert request is not None
    taken = Snapshot(str(uuid.uuid4()), segment_id, request.version, users, datetime(2026, 1, 1, 12, tzinfo=UTC))
    database = database_of(stack.settings)
    assert Snapshots(database).record(taken, request_id, request.attempt)
    database.close()
    return taken
