"""People for tests of the API, made in the database as signing in would make them."""

from __future__ import annotations

from datetime import timedelta

from segmentator_dagster.domain.access import Scope
from segmentator_dagster.domain.people import Person, Profile, Role
from segmentator_dagster.storage.metadata.database import Database
from segmentator_dagster.storage.metadata.people import People
from segmentator_dagster.storage.metadata.sessions import Tokens

ADMINISTRATOR = "admin"


def person(database: Database, login: str = ADMINISTRATOR, role: Role = Role.ADMINISTRATOR) -> Person:
    """Somebody with an account; the same one for the same login."""
    people = People(database)
    found = people.by_contact(login)
    if found is None:
        people.invite(login, role, None)
        profile = Profile(str(abs(hash(login))), login, f"{login}@example.ru", login.title())
        found = people.sign_in(profile, None).person
    return found


def token_of(
    database: Database,
    login: str = ADMINISTRATOR,
    role: Role = Role.ADMINISTRATOR,
    *,
    scopes: tuple[Scope, ...] = tuple(Scope),
) -> str:
    """A new token of somebody."""
    return Tokens(database).create(person(database, login, role).id, "tests", scopes, timedelta(days=1))[1]


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
