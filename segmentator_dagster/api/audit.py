"""The use cases of the audit log: search it, take it away as CSV."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator

from segmentator_dagster.domain.access import Action, Actor, require
from segmentator_dagster.domain.audit import Entry, Event
from segmentator_dagster.storage.metadata.audit import Audit, Search

CSV_COLUMNS = (
    *("id", "at", "actor_id", "actor", "via", "address", "request_id", "event", "outcome"),
    *("object_kind", "object_id", "object", "before", "after"),
)
# what a spreadsheet would take for the start of a formula (OWASP: CSV injection)
_FORMULA_STARTS = tuple("=+-@\t\r\n＝＋－＠")


class AuditService:
    def __init__(self, audit: Audit) -> None:
        self._audit = audit

    def page(self, actor: Actor, search: Search, before_id: int | None, limit: int) -> tuple[Entry, ...]:
        """Newest first; those older than `before_id` where one is given."""
        require(actor, Action.AUDIT_READ)
        return self._audit.page(search, before_id=before_id, limit=limit)

    def as_csv(self, actor: Actor, search: Search) -> Iterator[bytes]:
        """All of them as UTF-8 with a header; that it was taken is written down too."""
        require(actor, Action.AUDIT_READ)
        self._audit.write(actor, Event.AUDIT_DOWNLOAD)
        return _csv(self._audit.every(search))


def _csv(entries: Iterator[Entry]) -> Iterator[bytes]:
    yield _lines([CSV_COLUMNS])
    batch = []
    for entry in entries:
        batch.append(_cells(entry))
        if len(batch) == 500:
            yield _lines(batch)
            batch = []
    yield _lines(batch)


def _cells(entry: Entry) -> tuple[str, ...]:
    actor_id = "" if entry.actor_id is None else str(entry.actor_id)
    texts = (
        *(str(entry.id), entry.at.isoformat(), actor_id, entry.actor_name, entry.via.value, entry.address),
        *(entry.request_id, entry.event.value, entry.outcome.value),
        *(entry.thing.kind, entry.thing.id, entry.thing.name, _json(entry.before), _json(entry.after)),
    )
    return tuple(f"'{text}" if text.lstrip().startswith(_FORMULA_STARTS) else text for text in texts)


def _json(document: object) -> str:
    return "" if document is None else json.dumps(document, ensure_ascii=False)


def _lines(rows: list[tuple[str, ...]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode("utf-8", "replace")
