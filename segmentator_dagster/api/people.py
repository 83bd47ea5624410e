"""The use cases of administrators about people: invite, find, say what they are and may see, block, delete."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from segmentator_dagster.domain.access import Action, Actor, require
from segmentator_dagster.domain.audit import Event, Thing
from segmentator_dagster.domain.catalogue import Catalogue
from segmentator_dagster.domain.data_access import AccessLayer, access_problems
from segmentator_dagster.domain.errors import UserError
from segmentator_dagster.domain.people import Invite, Person, Role, contact_problems
from segmentator_dagster.storage.metadata.audit import Audit
from segmentator_dagster.storage.metadata.installation import Installation
from segmentator_dagster.storage.metadata.pages import Page
from segmentator_dagster.storage.metadata.people import People

EVERYBODY = Thing("everybody", "")


@dataclass(frozen=True, slots=True)
class PersonView:
    """A person with what is set for them alone."""

    person: Person
    access: AccessLayer


class PeopleService:
    def __init__(
        self, people: People, installation: Installation, audit: Audit, catalogue: Callable[[], Catalogue]
    ) -> None:
        self._people = people
        self._installation = installation
        self._audit = audit
        self._catalogue = catalogue

    def page(self, actor: Actor, **filters: Any) -> Page[Person]:
        """The filters are those of `People.page`."""
        require(actor, Action.PEOPLE_READ)
        return self._people.page(**filters)

    def get(self, actor: Actor, person_id: int) -> PersonView:
        require(actor, Action.PEOPLE_READ)
        return PersonView(self._people.get(person_id), self._people.access(person_id))

    def set_role(self, actor: Actor, person_id: int, role: Role) -> Person:
        """UserError last_administrator."""
        require(actor, Action.PEOPLE_CHANGE)
        with self._audit.doing(actor, Event.PERSON_ROLE) as note:
            before = self._people.get(person_id)
            person = self._people.set_role(person_id, role)
            note.thing, note.skip = person_thing(person), before.role is person.role
            note.before, note.after = {"role": before.role.value}, {"role": person.role.value}
        return person

    def block(self, actor: Actor, person_id: int) -> Person:
        """They are out with their next request, their tokens are revoked. UserError last_administrator."""
        return self._closing(actor, person_id, Event.PERSON_BLOCK, self._people.block)

    def unblock(self, actor: Actor, person_id: int) -> Person:
        """They may sign in again; tokens stay revoked."""
        return self._closing(actor, person_id, Event.PERSON_UNBLOCK, self._people.unblock)

    def delete(self, actor: Actor, person_id: int) -> None:
        """The account is closed for good and nameless; what they own stays. UserError last_administrator."""
        require(actor, Action.PEOPLE_CHANGE)
        with self._audit.doing(actor, Event.PERSON_DELETE) as note:
            note.thing = person_thing(self._people.get(person_id))
            self._people.delete(person_id)

    def invites(self, actor: Actor) -> tuple[Invite, ...]:
        require(actor, Action.PEOPLE_READ)
        return self._people.invites()

    def invite(self, actor: Actor, contact: str, role: Role) -> Invite:
        """UserError bad_contact, already_invited, already_here."""
        require(actor, Action.PEOPLE_CHANGE)
        if problems := list(contact_problems(contact)):
            raise UserError(*problems)
        with self._audit.doing(actor, Event.INVITE_CREATE) as note:
            invite = self._people.invite(contact, role, actor.person_id)
            note.thing, note.after = _invite_thing(invite), {"role": role.value}
        return invite

    def withdraw(self, actor: Actor, invite_id: int) -> None:
        """UserError invite_not_found."""
        require(actor, Action.PEOPLE_CHANGE)
        with self._audit.doing(actor, Event.INVITE_WITHDRAW) as note:
            note.thing = _invite_thing(self._people.withdraw(invite_id))

    def access(self, actor: Actor) -> AccessLayer:
        """What everybody may see of the data."""
        require(actor, Action.ACCESS_READ)
        return self._installation.access()

    def set_access(self, actor: Actor, layer: AccessLayer) -> AccessLayer:
        """UserError with every name that is not there and every mask that is not possible."""
        require(actor, Action.ACCESS_CHANGE)
        self._check(layer)
        with self._audit.doing(actor, Event.EVERYBODY_ACCESS) as note:
            note.thing, note.before, note.after = EVERYBODY, self._installation.access().as_json(), layer.as_json()
            note.skip = note.before == note.after
            self._installation.set_access(layer)
        return layer

    def set_access_of(self, actor: Actor, person_id: int, layer: AccessLayer) -> PersonView:
        """The same for one person, over what holds for everybody."""
        require(actor, Action.ACCESS_CHANGE)
        self._check(layer)
        with self._audit.doing(actor, Event.PERSON_ACCESS) as note:
            person = self._people.get(person_id)
            note.thing, note.before = person_thing(person), self._people.access(person_id).as_json()
            note.after = layer.as_json()
            note.skip = note.before == note.after
            self._people.set_access(person_id, layer)
        return PersonView(person, layer)

    def _check(self, layer: AccessLayer) -> None:
        if problems := list(access_problems(layer, self._catalogue())):
            raise UserError(*problems)

    def _closing(self, actor: Actor, person_id: int, event: Event, step: Callable[[int], Person]) -> Person:
        require(actor, Action.PEOPLE_CHANGE)
        with self._audit.doing(actor, event) as note:
            before = self._people.get(person_id)
            person = step(person_id)
            note.thing, note.skip = person_thing(person), (before.blocked_at is None) == (person.blocked_at is None)
        return person


def person_thing(person: Person) -> Thing:
    return Thing("person", str(person.id), person.name)


def _invite_thing(invite: Invite) -> Thing:
    return Thing("invite", str(invite.id), invite.contact)
