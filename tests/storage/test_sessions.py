from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
import sqlalchemy as sa

from segmentator_dagster.domain.access import Scope
from segmentator_dagster.domain.data_access import AccessLayer
from segmentator_dagster.domain.people import Person, Profile, Role
from segmentator_dagster.storage.metadata import sessions as sessions_module
from segmentator_dagster.storage.metadata.database import Database, now
from segmentator_dagster.storage.metadata.installation import Installation
from segmentator_dagster.storage.metadata.people import People
from segmentator_dagster.storage.metadata.people_models import SessionRow, TokenRow
from segmentator_dagster.storage.metadata.sessions import MOST_TOKENS, Sessions, Token, Tokens
from tests.parallel import in_parallel
from tests.storage.referring import refusal

IDLE, LONGEST = timedelta(days=7), timedelta(days=30)
SECOND = timedelta(seconds=1)
READ = (Scope.READ,)


@pytest.fixture
def people(database: Database) -> People:
    return People(database)


@pytest.fixture
def sessions(database: Database) -> Sessions:
    return Sessions(database, idle=IDLE, longest=LONGEST)


@pytest.fixture
def tokens(database: Database) -> Tokens:
    return Tokens(database)


@pytest.fixture
def anna(people: People) -> Person:
    return somebody(people, "anna", Role.ADMINISTRATOR)


@pytest.fixture
def after(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """Make it so much later for sessions and tokens, from when the test began."""
    began = now()
    return lambda passed: monkeypatch.setattr(sessions_module, "now", lambda: began + passed)


def somebody(people: People, login: str, role: Role = Role.USER) -> Person:
    people.invite(login, role, None)
    return people.sign_in(Profile(login, login, None, login.title()), None).person


def everything_stored(database: Database) -> str:
    with database.reading() as session:
        rows = [*session.scalars(sa.select(SessionRow)), *session.scalars(sa.select(TokenRow))]
        return " ".join(str(value) for row in rows for value in vars(row).values())


def test_a_session_is_held_by_whoever_has_its_secret_and_by_nobody_else(sessions: Sessions, anna: Person) -> None:
    secret = sessions.start(anna.id, "192.0.2.1", "Firefox")
    held = sessions.holder(secret)
    assert held is not None
    assert (held.person.id, held.person.name, held.scopes) == (anna.id, "Anna", None)
    assert sessions.start(anna.id, "192.0.2.1", "Firefox") != secret
    for wrong in ("", "x", secret[:-1], secret + "x", secret.swapcase(), "\ud800", "\0", held.key_id):
        assert sessions.holder(wrong) is None


def test_the_database_keeps_no_secret(sessions: Sessions, tokens: Tokens, anna: Person, database: Database) -> None:
    secret = sessions.start(anna.id, "192.0.2.1", "Firefox")
    _, text = tokens.create(anna.id, "t", READ, timedelta(days=1))
    stored = everything_stored(database)
    assert "192.0.2.1" in stored
    assert secret not in stored
    assert text.rpartition("_")[2] not in stored
    assert len(secret) >= 43
    assert len(text.split("_", 2)[2]) >= 43


def test_a_session_ends_when_it_was_not_used_for_long(
    sessions: Sessions, anna: Person, after: Callable[[timedelta], None]
) -> None:
    after(timedelta())
    secret = sessions.start(anna.id, "", "")
    after(IDLE - SECOND)
    assert sessions.holder(secret) is not None
    after(2 * IDLE - 2 * SECOND)
    assert sessions.holder(secret) is not None
    after(3 * IDLE - 2 * SECOND)
    assert sessions.holder(secret) is None
    assert sessions.of_person(anna.id) == ()


def test_a_session_ends_at_last_however_much_it_is_used(
    sessions: Sessions, anna: Person, after: Callable[[timedelta], None]
) -> None:
    after(timedelta())
    secret = sessions.start(anna.id, "", "")
    for day in range(30):
        after(timedelta(days=day))
        assert sessions.holder(secret) is not None
    after(LONGEST - SECOND)
    assert sessions.holder(secret) is not None
    after(LONGEST)
    assert sessions.holder(secret) is None
    assert sessions.of_person(anna.id) == ()


def test_use_is_noted_once_a_minute(
    sessions: Sessions, people: People, anna: Person, after: Callable[[timedelta], None]
) -> None:
    after(timedelta())
    secret = sessions.start(anna.id, "", "")
    (begun,) = sessions.of_person(anna.id)
    after(timedelta(seconds=60))
    sessions.holder(secret)
    assert sessions.of_person(anna.id) == (begun,)
    after(timedelta(seconds=61))
    sessions.holder(secret)
    (seen,) = sessions.of_person(anna.id)
    assert seen.last_seen_at - begun.last_seen_at == timedelta(seconds=61)
    assert people.get(anna.id).last_seen_at == seen.last_seen_at


def test_ended_sessions_are_swept_when_somebody_comes_in(
    sessions: Sessions, anna: Person, database: Database, after: Callable[[timedelta], None]
) -> None:
    after(timedelta())
    sessions.start(anna.id, "", "old")
    after(IDLE)
    sessions.start(anna.id, "", "new")
    with database.reading() as session:
        assert session.scalars(sa.select(SessionRow.agent)).all() == ["new"]


def test_signing_out_ends_one_session_and_signing_out_everywhere_all(
    sessions: Sessions, people: People, anna: Person
) -> None:
    boris = somebody(people, "boris")
    one, two, three = (sessions.start(anna.id, "", str(n)) for n in range(3))
    other = sessions.start(boris.id, "", "")
    sessions.end(one)
    sessions.end("nothing")
    assert [sessions.holder(secret) is not None for secret in (one, two, three, other)] == [False, True, True, True]
    held = sessions.holder(two)
    assert held is not None
    sessions.end_one(anna.id, held.key_id)
    assert sessions.holder(two) is None
    assert refusal(partial(sessions.end_one, anna.id, held.key_id)).code == "session_not_found"
    assert sessions.end_all(anna.id) == 1
    assert sessions.end_all(anna.id) == 0
    assert sessions.holder(three) is None
    assert sessions.holder(other) is not None


def test_nobody_ends_a_session_of_somebody_else(sessions: Sessions, people: People, anna: Person) -> None:
    boris = somebody(people, "boris")
    secret = sessions.start(boris.id, "", "")
    (seen,) = sessions.of_person(boris.id)
    assert refusal(partial(sessions.end_one, anna.id, seen.id)).code == "session_not_found"
    assert sessions.holder(secret) is not None


def test_sessions_are_seen_with_where_they_come_from_the_last_used_first(
    sessions: Sessions, anna: Person, after: Callable[[timedelta], None]
) -> None:
    secrets = []
    for n in range(3):
        after(timedelta(minutes=n))
        secrets.append(sessions.start(anna.id, f"192.0.2.{n}", "x" * 500))
    after(timedelta(minutes=9))
    sessions.holder(secrets[1])
    seen = sessions.of_person(anna.id)
    assert [one.address for one in seen] == ["192.0.2.1", "192.0.2.2", "192.0.2.0"]
    assert all(secret not in repr(seen) for secret in secrets)
    assert len(seen[0].agent) == 300


@pytest.mark.parametrize("step", ["block", "delete"])
def test_whoever_is_blocked_or_deleted_is_out_at_once_and_for_good(
    sessions: Sessions, tokens: Tokens, people: People, step: str
) -> None:
    boris = somebody(people, "boris")
    secret = sessions.start(boris.id, "", "")
    token, text = tokens.create(boris.id, "t", READ, timedelta(days=1))
    assert sessions.holder(secret) is not None
    assert tokens.holder(text) is not None
    (people.block if step == "block" else people.delete)(boris.id)
    assert sessions.holder(secret) is None
    assert tokens.holder(text) is None
    (revoked,) = tokens.of_person(boris.id)
    assert (revoked.id, revoked.revoked_at is not None) == (token.id, True)
    if step == "block":
        people.unblock(boris.id)
    assert sessions.holder(secret) is None
    assert tokens.holder(text) is None


def test_a_session_or_token_made_while_somebody_is_blocked_opens_nothing(
    sessions: Sessions, tokens: Tokens, people: People
) -> None:
    boris = somebody(people, "boris")
    people.block(boris.id)
    secret, (_, text) = sessions.start(boris.id, "", ""), tokens.create(boris.id, "t", READ, timedelta(days=1))
    assert sessions.holder(secret) is None
    assert tokens.holder(text) is None
    people.unblock(boris.id)
    assert tokens.holder(text) is not None


def test_another_role_ends_sessions_and_the_same_one_does_not(
    sessions: Sessions, tokens: Tokens, people: People
) -> None:
    boris = somebody(people, "boris")
    secret = sessions.start(boris.id, "", "")
    _, text = tokens.create(boris.id, "t", READ, timedelta(days=1))
    people.set_role(boris.id, Role.USER)
    assert sessions.holder(secret) is not None
    people.set_role(boris.id, Role.ADMINISTRATOR)
    assert sessions.holder(secret) is None
    held = tokens.holder(text)
    assert held is not None
    assert held.person.role is Role.ADMINISTRATOR


def test_a_holder_comes_with_what_they_may_see_now(
    sessions: Sessions, tokens: Tokens, people: People, anna: Person, database: Database
) -> None:
    secret, (_, text) = sessions.start(anna.id, "", ""), tokens.create(anna.id, "t", READ, timedelta(days=1))

    def layers() -> list[tuple[AccessLayer, AccessLayer]]:
        held = (sessions.holder(secret), tokens.holder(text))
        return [(one.everybody, one.own) for one in held if one is not None]

    assert layers() == [(AccessLayer(), AccessLayer())] * 2
    everybody, own = AccessLayer(may_export=False), AccessLayer(max_rows=5)
    Installation(database).set_access(everybody)
    people.set_access(anna.id, own)
    assert layers() == [(everybody, own)] * 2


def test_a_token_opens_with_its_text_only(tokens: Tokens, anna: Person) -> None:
    token, text = tokens.create(anna.id, "ночной отчёт", (Scope.READ, Scope.EXPORT, Scope.READ), timedelta(days=90))
    assert (token.name, token.scopes) == ("ночной отчёт", (Scope.READ, Scope.EXPORT))
    assert token.expires_at - token.created_at == timedelta(days=90)
    assert text.startswith(f"sgm_{token.id}_")
    assert token.mask == f"sgm_{token.id}_…"
    held = tokens.holder(text)
    assert held is not None
    assert (held.person.id, held.key_id, held.scopes) == (anna.id, token.id, frozenset({Scope.READ, Scope.EXPORT}))
    _, other = tokens.create(anna.id, "other", READ, timedelta(days=1))
    secret, other_secret = text.split("_", 2)[2], other.split("_", 2)[2]
    assert text.replace(secret, other_secret) != text
    for wrong in (
        *("", "sgm", "sgm_", "sgm__", f"sgm_{token.id}", f"sgm_{token.id}_", text[:-1], text + "x", secret),
        *(text.replace("sgm", "SGM"), text.replace(secret, other_secret), f"sgm_{'0' * 12}_{secret}", "\ud800"),
        *(f"sgm_{token.id}\0_{secret}", f"sgm_{'é' * 12}_{secret}", f"sgm_{'a' * 17}_{secret}", f" {text}"),
    ):
        assert tokens.holder(wrong) is None, wrong


def test_a_token_opens_nothing_once_expired_or_revoked(
    tokens: Tokens, anna: Person, after: Callable[[timedelta], None]
) -> None:
    after(timedelta())
    token, text = tokens.create(anna.id, "t", READ, timedelta(days=1))
    after(timedelta(days=1) - SECOND)
    assert tokens.holder(text) is not None
    after(timedelta(days=1))
    assert tokens.holder(text) is None
    after(timedelta())
    revoked = tokens.revoke(anna.id, token.id)
    assert tokens.holder(text) is None
    after(timedelta(hours=1))
    assert tokens.revoke(anna.id, token.id) == revoked


def test_nobody_revokes_a_token_of_somebody_else(tokens: Tokens, people: People, anna: Person) -> None:
    boris = somebody(people, "boris")
    token, text = tokens.create(boris.id, "t", READ, timedelta(days=1))
    for person_id, id_ in ((anna.id, token.id), (boris.id, "nothing"), (boris.id, "")):
        assert refusal(partial(tokens.revoke, person_id, id_)).code == "token_not_found"
    assert tokens.holder(text) is not None
    assert tokens.of_person(anna.id) == ()


def test_the_last_use_of_a_token_is_seen(tokens: Tokens, anna: Person, after: Callable[[timedelta], None]) -> None:
    def last_used() -> object:
        (token,) = tokens.of_person(anna.id)
        return token.last_used_at and token.last_used_at - token.created_at

    after(timedelta())
    _, text = tokens.create(anna.id, "t", READ, timedelta(days=1))
    assert last_used() is None
    for passed, noted in ((5, 5), (65, 5), (66, 66)):
        after(timedelta(seconds=passed))
        assert tokens.holder(text) is not None
        assert last_used() == timedelta(seconds=noted)


def test_a_person_has_so_many_tokens_and_no_more_until_one_is_revoked_or_expires(
    tokens: Tokens, people: People, anna: Person, after: Callable[[timedelta], None]
) -> None:
    def make(days: int = 30) -> Token:
        return tokens.create(anna.id, "t", READ, timedelta(days=days))[0]

    after(timedelta())
    made = [make(1 if n == 0 else 30) for n in range(MOST_TOKENS)]
    assert refusal(make).code == "too_many_tokens"
    assert tokens.create(somebody(people, "boris").id, "t", READ, timedelta(days=1))
    tokens.revoke(anna.id, made[1].id)
    make()
    assert refusal(make).code == "too_many_tokens"
    after(timedelta(days=1))
    make()
    assert refusal(make).code == "too_many_tokens"
    assert len(tokens.of_person(anna.id)) == MOST_TOKENS + 2


def test_many_who_make_the_last_token_at_once_make_one(tokens: Tokens, anna: Person) -> None:
    def make() -> object:
        return tokens.create(anna.id, "t", READ, timedelta(days=1))

    for _ in range(MOST_TOKENS - 1):
        make()
    for _ in range(20):
        assert sorted(in_parallel(*[make] * 6)) == ["done"] + ["too_many_tokens"] * 5
        tokens.revoke(anna.id, tokens.of_person(anna.id)[0].id)
