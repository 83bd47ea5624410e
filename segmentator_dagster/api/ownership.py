"""Whose something is and who sees it, as the API shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from segmentator_dagster.domain.access import Action, Actor, Shared, require
from segmentator_dagster.domain.segment import Visibility
from segmentator_dagster.storage.metadata.people import People


@dataclass(frozen=True, slots=True)
class Named:
    """A person as others see them; somebody who was deleted has no name."""

    id: int
    name: str


def named(person_id: int | None, names: Mapping[int, str]) -> Named | None:
    return None if person_id is None else Named(person_id, names.get(person_id, ""))


def wanted_sharing(
    actor: Actor, current: Shared, visibility: Visibility | None, owner_id: int | None, people: People
) -> tuple[Visibility, int | None]:
    """Who shall see it and whose it shall be; None leaves that as it is. Giving it away is the administrators' affair.

    UserError administrators_only, person_not_found.
    """
    if owner_id is not None:
        require(actor, Action.PEOPLE_READ)
        people.get(owner_id)
    return visibility or Visibility(current.visibility), current.owner_id if owner_id is None else owner_id


def sharing_entry(one: Shared) -> dict[str, Any]:
    """What the audit log says of who sees something."""
    return {"visibility": str(one.visibility), "owner_id": one.owner_id}
