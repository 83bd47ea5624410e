"""People and how they come in: plain data, no storage."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from segmentator_dagster.domain.errors import Category, Problem, ProblemKind
from segmentator_dagster.domain.segment import search_key

LONGEST_CONTACT = 254  # characters of an e-mail address (RFC 5321)

BAD_CONTACT = ProblemKind(
    "bad_contact",
    Category.INVALID,
    en="This is neither a Yandex login nor an e-mail address.",
    ru="Это не логин Яндекса и не адрес почты.",
    hint_en="Write it like `anna.smirnova` or `anna@example.ru`.",
    hint_ru="Напишите так: `anna.smirnova` или `anna@example.ru`.",
)


class Role(StrEnum):
    USER = "user"
    ADMINISTRATOR = "administrator"


@dataclass(frozen=True, slots=True)
class Profile:
    """Who somebody is by Yandex ID. Login and e-mail may change and pass to others; `yandex_id` does not."""

    yandex_id: str
    login: str
    email: str | None
    name: str


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account. A deleted one keeps its id and role and nothing that says who it was."""

    id: int
    login: str
    email: str | None
    name: str
    role: Role
    created_at: datetime
    last_seen_at: datetime | None = None
    blocked_at: datetime | None = None
    deleted_at: datetime | None = None

    @property
    def active(self) -> bool:
        return self.blocked_at is None and self.deleted_at is None


@dataclass(frozen=True, slots=True)
class Invite:
    """Lets the first one in who has this login or e-mail. `contact` is as it was written."""

    id: int
    contact: str
    role: Role
    created_at: datetime
    expires_at: datetime
    invited_by: int | None = None


def contact_key(contact: str) -> str:
    """A login or e-mail in the form in which it is compared.

    Yandex takes `.` for `-` in a login, and does not tell letter cases apart.
    """
    key = search_key(contact)
    return key if "@" in key else key.replace(".", "-")


def contact_problems(contact: str, pointer: str = "/contact") -> Iterator[Problem]:
    """Anything that is neither a login nor an address: no blank, one @ at most, something on each side of it."""
    local, at, domain = contact.strip().partition("@")
    plain = contact.isprintable() and len(contact) <= LONGEST_CONTACT and not any(c.isspace() for c in contact.strip())
    if not plain or not local or (at and ("@" in domain or "." not in domain.strip("."))):
        yield BAD_CONTACT.at(pointer)
