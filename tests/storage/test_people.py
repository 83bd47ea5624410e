from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest

from segmentator_dagster.domain.data_access import AccessLayer
from segmentator_dagster.domain.people import Person, Profile, Role
from segmentator_dagster.storage.metadata import people as people_module
from segmentator_dagster.storage.metadata.database import Database, now
from segmentator_dagster.storage.metadata.pages import SORTS
from segmentator_dagster.storage.metadata.people import INVITE_DAYS, People
from segmentator_dagster.storage.metadata.people_models import PersonRow
from tests.parallel import in_parallel
from tests.storage.referring import refusal

ANNA = Profile("1", "Anna.S", "Anna@Example.ru", "Анна С.")
BORIS = Profile("2", "boris", "boris@example.ru", "Борис")
VERA = Profile("3", "vera", None, "Вера")


@pytest.fixture
def people(database: Database) -> People:
    return People(database)


def code(action: Callable[[], object]) -> str:
    return refusal(action).code


def come_in(people: People, profile: Profile, role: Role = Role.USER) -> Person:
    people.invite(profile.login, role, None)
    return people.sign_in(profile, None).person


def administrators(people: People) -> list[Person]:
    return [one for one in people.page(role=Role.ADMINISTRATOR).items if one.active]


@pytest.mark.parametrize("contact", ["anna.s", "ANNA-S", " Anna-S ", "anna@example.ru", "ANNA@EXAMPLE.RU"])
def test_an_invite_lets_in_by_login_or_address_in_any_letter_case_and_once(people: People, contact: str) -> None:
    boss = come_in(people, BORIS, Role.ADMINISTRATOR)
    invite = people.invite(contact, Role.ADMINISTRATOR, boss.id)
    assert people.invites() == (invite,)
    signed_in = people.sign_in(ANNA, None)
    assert signed_in.invited_by == f"invite {invite.id}"
    anna = signed_in.person
    assert (anna.login, anna.email, anna.name, anna.role) == (
        "Anna.S",
        "Anna@Example.ru",
        "Анна С.",
        Role.ADMINISTRATOR,
    )
    assert anna.active
    assert people.get(anna.id) == anna
    assert people.invites() == ()
    again = people.sign_in(ANNA, None)
    assert (again.person.id, again.invited_by) == (anna.id, None)


def test_whoever_is_not_invited_leaves_nothing_behind(people: People) -> None:
    come_in(people, BORIS, Role.ADMINISTRATOR)
    people.invite("vera", Role.USER, None)
    assert code(lambda: people.sign_in(ANNA, None)) == "not_invited"
    assert [one.name for one in people.page().items] == ["Борис"]
    assert [one.contact for one in people.invites()] == ["vera"]


def test_a_second_person_with_the_address_of_an_invite_is_not_let_in(people: People) -> None:
    people.invite("ANNA@example.ru", Role.USER, None)
    first = people.sign_in(ANNA, None).person
    twin = Profile("9", "somebody", "anna@example.ru", "Не Анна")
    assert code(lambda: people.sign_in(twin, None)) == "not_invited"
    assert [one.id for one in people.page().items] == [first.id]


def test_the_same_id_with_another_login_and_address_is_the_same_person(people: People) -> None:
    anna = come_in(people, ANNA)
    renamed = Profile("1", "anna-new", "new@example.ru", "Анна Новая")
    again = people.sign_in(renamed, None).person
    assert (again.id, again.login, again.email, again.name) == (anna.id, "anna-new", "new@example.ru", "Анна Новая")
    assert [one.id for one in people.page(search="новая NEW@example.ru").items] == [anna.id]
    assert people.page(search="anna@example.ru").items == ()


def test_whoever_takes_over_an_old_address_is_somebody_else(people: People) -> None:
    anna = come_in(people, ANNA)
    people.sign_in(Profile("1", "anna-new", None, "Анна"), None)
    successor = Profile("9", ANNA.login, ANNA.email, "Преемник")
    assert code(lambda: people.sign_in(successor, None)) == "not_invited"
    people.invite(ANNA.login, Role.USER, None)
    assert people.sign_in(successor, None).person.id != anna.id


def test_the_first_administrator_comes_in_only_while_there_is_none(people: People) -> None:
    assert code(lambda: people.sign_in(BORIS, "anna-s")) == "not_invited"
    signed_in = people.sign_in(ANNA, "ANNA-S")
    assert (signed_in.person.role, signed_in.invited_by) == (Role.ADMINISTRATOR, "setting")
    assert code(lambda: people.sign_in(BORIS, "boris")) == "not_invited"
    people.invite("boris", Role.USER, None)
    assert people.sign_in(BORIS, "boris").person.role is Role.USER


@pytest.mark.parametrize("contact", ["anna@example.ru", "anna-s"])
def test_the_first_administrator_is_one_also_with_an_invite_as_user(people: People, contact: str) -> None:
    people.invite(contact, Role.USER, None)
    signed_in = people.sign_in(ANNA, "anna@EXAMPLE.ru")
    assert signed_in.person.role is Role.ADMINISTRATOR
    assert people.invites() == ()


def test_of_two_who_come_first_at_once_one_is_administrator(people: People) -> None:
    def come(yandex_id: str) -> Callable[[], object]:
        return lambda: people.sign_in(Profile(yandex_id, f"l{yandex_id}", "chief@example.ru", "x"), "chief@example.ru")

    assert sorted(in_parallel(come("1"), come("2"))) == ["done", "not_invited"]
    assert len(administrators(people)) == 1


def test_two_tabs_of_one_person_coming_in_at_once_are_one_person(people: People) -> None:
    people.invite(ANNA.login, Role.USER, None)
    people.invite("anna@example.ru", Role.USER, None)
    assert in_parallel(*[lambda: people.sign_in(ANNA, None)] * 4) == ["done"] * 4
    assert len(people.page().items) == 1


def test_an_expired_invite_lets_nobody_in_and_can_be_made_again(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    people.invite("anna-s", Role.USER, None)
    assert code(lambda: people.invite("Anna.S", Role.USER, None)) == "already_invited"
    later = now() + timedelta(days=INVITE_DAYS)
    monkeypatch.setattr(people_module, "now", lambda: later)
    assert people.invites() == ()
    assert code(lambda: people.sign_in(ANNA, None)) == "not_invited"
    renewed = people.invite("anna.s", Role.ADMINISTRATOR, None)
    assert people.sign_in(ANNA, None).invited_by == f"invite {renewed.id}"


def test_of_two_who_invite_the_same_at_once_one_is_told_so(people: People) -> None:
    invite = [lambda: people.invite("anna", Role.USER, None), lambda: people.invite("ANNA", Role.USER, None)]
    assert sorted(in_parallel(*invite)) == ["already_invited", "done"]


@pytest.mark.parametrize("contact", ["anna-s", "ANNA@example.ru"])
def test_somebody_who_is_here_cannot_be_invited(people: People, contact: str) -> None:
    come_in(people, ANNA)
    error = refusal(lambda: people.invite(contact, Role.USER, None))
    assert (error.code, error.problems[0].pointer) == ("already_here", "/contact")
    assert "Анна С." in error.problems[0].message("ru")


def test_a_withdrawn_invite_lets_nobody_in(people: People) -> None:
    invite = people.invite("anna-s", Role.USER, None)
    assert people.withdraw(invite.id) == invite
    assert code(lambda: people.sign_in(ANNA, None)) == "not_invited"
    for id_ in (invite.id, 0, -1, 2**31, 2**70):
        assert code(partial(people.withdraw, id_)) == "invite_not_found"


@pytest.mark.parametrize("person_id", [0, -1, 999, 2**31, 2**70])
def test_an_unknown_person_is_not_found_whatever_the_id(people: People, person_id: int) -> None:
    for action in (people.get, people.block, people.unblock, people.delete, people.access):
        assert code(partial(action, person_id)) == "person_not_found"
    assert code(lambda: people.set_role(person_id, Role.USER)) == "person_not_found"
    assert code(lambda: people.set_access(person_id, AccessLayer())) == "person_not_found"


def test_a_blocked_person_is_kept_out_until_unblocked(people: People) -> None:
    anna = come_in(people, ANNA)
    blocked = people.block(anna.id)
    assert not blocked.active
    assert people.block(anna.id) == blocked  # the first moment stays
    assert code(lambda: people.sign_in(Profile("1", "other", None, "x"), None)) == "person_blocked"
    assert people.get(anna.id).login == "Anna.S"
    assert [one.id for one in people.page(blocked=True).items] == [anna.id]
    assert people.page(blocked=False).items == ()
    assert people.unblock(anna.id).active
    assert people.sign_in(ANNA, None).person.id == anna.id


def test_a_deleted_person_is_a_number_and_may_come_again_as_somebody_new(people: People, database: Database) -> None:
    come_in(people, BORIS, Role.ADMINISTRATOR)
    anna = come_in(people, ANNA)
    people.set_access(anna.id, AccessLayer(may_export=False))
    deleted = people.delete(anna.id)
    assert (deleted.login, deleted.email, deleted.name, deleted.active) == ("", None, "", False)
    with database.reading() as session:
        row = session.get(PersonRow, anna.id)
        assert row is not None
        assert (row.yandex_id, row.name_key, row.search_text, row.access) == (None, "", "", {})
    assert people.names([anna.id, None]) == {anna.id: ""}
    assert [one.name for one in people.page().items] == ["Борис"]
    assert people.by_contact("anna-s") is None
    for action in (people.block, people.unblock, people.delete, lambda id_: people.set_role(id_, Role.USER)):
        assert code(partial(action, anna.id)) == "person_not_found"
    assert code(lambda: people.sign_in(ANNA, None)) == "not_invited"
    assert come_in(people, ANNA).id > anna.id


def test_people_are_found_by_their_contacts_and_called_by_their_names(people: People) -> None:
    anna, boris = come_in(people, ANNA), come_in(people, BORIS)
    assert people.by_contact(" ANNA-S ") == people.by_contact("anna@EXAMPLE.ru") == people.get(anna.id)
    assert people.by_contact("nobody") is None
    assert people.names({anna.id, boris.id, 999, None}) == {anna.id: "Анна С.", boris.id: "Борис"}
    assert people.names([]) == people.names([None]) == {}


def test_pages_search_filter_and_give_everybody_once(people: People) -> None:
    ids = [come_in(people, Profile(str(n), f"l{n}", f"m{n}@x.ru", f"Имя {n % 3}")).id for n in range(7)]
    chief = come_in(people, Profile("c", "chief", None, "ГЛАВНЫЙ 100%"), Role.ADMINISTRATOR)
    assert people.page(role=Role.ADMINISTRATOR).items == (people.get(chief.id),)
    for text in ("главный", "CHIEF 100%"):
        assert [one.id for one in people.page(search=text).items] == [chief.id]
    assert [one.id for one in people.page(search="m3@x.ru").items] == [ids[3]]
    for sort in SORTS:
        if sort.endswith("updated_at"):
            continue
        seen: list[int] = []
        cursor = None
        while True:
            page = people.page(sort=sort, limit=3, cursor=cursor)
            seen += [one.id for one in page.items]
            cursor = page.next_cursor
            if cursor is None:
                break
        assert sorted(seen) == [*ids, chief.id], sort


def test_access_of_a_person_reads_back_as_it_was_set(people: People) -> None:
    anna = come_in(people, ANNA)
    assert people.access(anna.id) == AccessLayer()
    layer = AccessLayer.model_validate({"datasets": {"d": False}, "fields": {"d": {"x": "masked"}}, "max_rows": 5})
    people.set_access(anna.id, layer)
    assert people.access(anna.id) == layer
    people.set_access(anna.id, AccessLayer())
    assert people.access(anna.id) == AccessLayer()


@pytest.mark.parametrize("way", ["demote", "block", "delete"])
def test_the_last_administrator_cannot_go(people: People, way: str) -> None:
    anna, boris = come_in(people, ANNA, Role.ADMINISTRATOR), come_in(people, BORIS, Role.ADMINISTRATOR)
    vera = come_in(people, VERA, Role.ADMINISTRATOR)

    def go(person: Person) -> object:
        if way == "demote":
            return people.set_role(person.id, Role.USER)
        return people.block(person.id) if way == "block" else people.delete(person.id)

    people.block(vera.id)  # one who is blocked does not count
    go(boris)
    assert code(lambda: go(anna)) == "last_administrator"
    assert people.get(anna.id) == anna
    people.unblock(vera.id)
    go(anna)
    assert [one.id for one in administrators(people)] == [vera.id]


def test_a_user_and_a_blocked_administrator_can_always_go(people: People) -> None:
    anna = come_in(people, ANNA, Role.ADMINISTRATOR)
    boris, vera = come_in(people, BORIS), come_in(people, VERA, Role.ADMINISTRATOR)
    people.block(vera.id)
    people.delete(boris.id)
    people.delete(vera.id)
    assert [one.id for one in administrators(people)] == [anna.id]


def test_two_administrators_who_demote_each_other_at_once_leave_one(people: People) -> None:
    anna, boris = come_in(people, ANNA, Role.ADMINISTRATOR), come_in(people, BORIS, Role.ADMINISTRATOR)
    for _ in range(100):
        outcomes = in_parallel(
            lambda: people.set_role(anna.id, Role.USER), lambda: people.set_role(boris.id, Role.USER)
        )
        assert sorted(outcomes) == ["done", "last_administrator"]
        assert len(administrators(people)) == 1
        for one in (anna, boris):
            people.set_role(one.id, Role.ADMINISTRATOR)


def test_of_administrators_who_block_delete_and_demote_each_other_in_a_circle_one_stays(people: People) -> None:
    for turn in range(10):
        names = [f"turn {turn} {name}" for name in "abc"]
        a, b, c = (come_in(people, Profile(name, name, None, name), Role.ADMINISTRATOR).id for name in names)
        for before in administrators(people):
            if before.id < a:
                people.delete(before.id)
        outcomes = in_parallel(
            partial(people.block, b), partial(people.delete, c), partial(people.set_role, a, Role.USER)
        )
        assert sorted(outcomes) == ["done", "done", "last_administrator"]
        assert len(administrators(people)) == 1


@pytest.mark.parametrize("empty_database", ["postgresql"], indirect=True)  # SQLite lets nobody come between
def test_what_was_read_before_the_lock_does_not_decide(people: People, database: Database) -> None:
    """A transaction sees somebody as user; before it has the lock, others make them the only administrator."""
    anna, boris = come_in(people, ANNA, Role.ADMINISTRATOR), come_in(people, BORIS)

    def meanwhile() -> None:
        people.set_role(boris.id, Role.ADMINISTRATOR)
        people.set_role(anna.id, Role.USER)

    def use_case() -> None:
        with database.writing() as session:
            read = session.get(PersonRow, boris.id)  # kept, so that the session does not forget it
            assert read is not None
            assert read.role == "user"
            other = threading.Thread(target=meanwhile)
            other.start()
            other.join()
            people.delete(boris.id)

    assert code(use_case) == "last_administrator"
    assert [one.id for one in administrators(people)] == [boris.id]
