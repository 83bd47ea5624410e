from __future__ import annotations

from datetime import UTC, datetime

import pytest

from segmentator_dagster.domain.people import Person, Role, contact_key, contact_problems

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Anna@Example.RU", "anna@example.ru"),
        (" anna@example.ru ", "anna@example.ru"),
        ("Anna.Smirnova", "anna-smirnova"),
        ("АННА@почта.рф", "анна@Почта.РФ"),
    ],
)
def test_one_contact_is_the_same_in_every_way_of_writing_it(one: str, other: str) -> None:
    assert contact_key(one) == contact_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("anna.smirnova@example.ru", "anna-smirnova@example.ru"),  # in addresses the dot is a letter like others
        ("anna", "anna@yandex.ru"),  # somebody else may have that address
        ("anna", "anna1"),
    ],
)
def test_contacts_of_two_people_differ(one: str, other: str) -> None:
    assert contact_key(one) != contact_key(other)


@pytest.mark.parametrize("contact", ["anna", "a", "anna-1.x", " anna ", "a@b.ru", "анна@почта.рф", "a" * 254])
def test_a_login_or_an_address_has_no_problem(contact: str) -> None:
    assert list(contact_problems(contact)) == []


@pytest.mark.parametrize(
    "contact",
    [
        *("", " ", "@", "@b.ru", "a@", "a@b", "a@.ru.", "a@@b.ru", "a@evil.ru@b.ru", "a b", "a b@c.ru", "a\tb"),
        *("a\nb", "a\0", "a\u2028b", "a\u200b", "\ud800", "a" * 255, f"{'a' * 250}@b.ru"),
    ],
)
def test_what_is_neither_is_refused_at_its_place(contact: str) -> None:
    (problem,) = contact_problems(contact)
    assert (problem.code, problem.pointer) == ("bad_contact", "/contact")


def test_a_person_is_active_until_blocked_or_deleted() -> None:
    def person(**more: datetime) -> Person:
        return Person(1, "anna", None, "Анна", Role.USER, MOMENT, **more)

    assert person(last_seen_at=MOMENT).active
    assert not person(blocked_at=MOMENT).active
    assert not person(deleted_at=MOMENT).active
