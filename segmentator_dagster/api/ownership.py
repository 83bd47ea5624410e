"""Whose something is and who sees it, as the API shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from segmentator_dagster.domain.segment import Visibility


@dataclass(frozen=True, slots=True)
class Named:
    """A person as others see them; somebody who was deleted has no name."""

    id: int
    name: str


class Shared(Protocol):
    """A segment or a list."""

    @property
    def owner_id(self) -> int | None: ...

    @property
    def visibility(self) -> Visibility: ...


def named(person_id: int | None, names: Mapping[int, str]) -> Named | None:
    return None if person_id is None else Named(person_id, names.get(person_id, ""))


def sharing_entry(one: Shared) -> dict[str, Any]:
    """What the audit log says of who sees something."""
    return {"visibility": one.visibility.value, "owner_id": one.owner_id}
