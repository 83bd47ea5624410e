"""What is written down of what people do: entries of the audit log, and what may stand in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from segmentator_dagster.domain.access import Via
from segmentator_dagster.domain.export import ExportRequest
from segmentator_dagster.domain.segment import Definition

_HELD_BACK = "…"
_STRUCTURE = frozenset(
    {
        "kind",
        "combinator",
        "not",
        "field",
        "operator",
        "dataset",
        "function",
        "key",
        "as",
        "unit",
        "segment_id",
        "list_id",
    }
)


class Outcome(StrEnum):
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"


class Event(StrEnum):
    """Everything that is written down."""

    SIGN_IN = "sign_in"
    SIGN_OUT = "sign_out"
    SIGN_OUT_EVERYWHERE = "sign_out_everywhere"
    SESSION_END = "session.end"
    TOKEN_CREATE = "token.create"  # noqa: S105
    TOKEN_REVOKE = "token.revoke"  # noqa: S105
    REFUSED = "refused"
    PERSON_CREATE = "person.create"
    PERSON_ROLE = "person.role"
    PERSON_BLOCK = "person.block"
    PERSON_UNBLOCK = "person.unblock"
    PERSON_DELETE = "person.delete"
    PERSON_ACCESS = "person.access"
    EVERYBODY_ACCESS = "everybody.access"
    INVITE_CREATE = "invite.create"
    INVITE_WITHDRAW = "invite.withdraw"
    SETTINGS_CHANGE = "settings.change"
    SEGMENT_CREATE = "segment.create"
    SEGMENT_CHANGE = "segment.change"
    SEGMENT_SHARE = "segment.share"
    SEGMENT_DELETE = "segment.delete"
    SEGMENT_RESTORE = "segment.restore"
    LIST_CREATE = "list.create"
    LIST_FILL = "list.fill"
    LIST_CHANGE = "list.change"
    LIST_SHARE = "list.share"
    LIST_DELETE = "list.delete"
    LIST_RESTORE = "list.restore"
    LIST_DOWNLOAD = "list.download"
    EXPORT_REQUEST = "export.request"
    EXPORT_CANCEL = "export.cancel"
    EXPORT_DOWNLOAD = "export.download"
    AUDIT_DOWNLOAD = "audit.download"


@dataclass(frozen=True, slots=True)
class Thing:
    """What an entry is about: `kind` is a noun such as `segment`, `id` its key, `name` what it is called now."""

    kind: str
    id: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the log, as it is read."""

    id: int
    at: datetime
    actor_id: int | None
    actor_name: str
    via: Via
    address: str
    request_id: str
    event: Event
    thing: Thing
    outcome: Outcome
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None


def definition_entry(definition: Definition, version: int) -> dict[str, Any]:
    """A definition as the log has it. The values of its rule stand in the version, not here: they may be user data."""
    return {
        "version": version,
        "name": definition.name,
        "description": definition.description,
        "tags": list(definition.tags),
        "dataset": definition.dataset,
        "time_zone": definition.time_zone,
        "columns": list(definition.columns) if definition.columns is not None else None,
        "schedule": asdict(definition.schedule) if definition.schedule else None,
        "export": definition.export.as_json() if definition.export is not None else None,
        "rule": structure(definition.rule),
    }


def request_entry(request: ExportRequest) -> dict[str, Any]:
    """What was asked for; the options stand with the exports."""
    return {"version": request.version, "exports": {one.format.value: one.id for one in request.exports}}


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The keys that differ, as they were and as they are; `version` always stays."""
    keys = [key for key in after if key == "version" or before.get(key) != after[key]]
    return {key: before.get(key) for key in keys}, {key: after[key] for key in keys}


def structure(rule: object) -> Any:
    """A rule without its values: kinds, fields and operators stay, everything a person typed in is held back."""
    if isinstance(rule, Mapping):
        return {
            key: value if key in _STRUCTURE and not isinstance(value, Mapping | list) else structure(value)
            for key, value in rule.items()
        }
    if isinstance(rule, list | tuple) and rule and all(isinstance(one, Mapping) for one in rule):
        return [structure(one) for one in rule]
    return _HELD_BACK
