"""The use cases of oneself: come in, go, see and end one's sessions, make and revoke tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from segmentator_dagster.api.drafts import name_problems
from segmentator_dagster.domain.access import Action, Actor, Scope, Via, require
from segmentator_dagster.domain.audit import Event, Outcome, Thing
from segmentator_dagster.domain.errors import Category, ProblemKind, UserError
from segmentator_dagster.domain.people import Person, Profile, Role
from segmentator_dagster.storage.metadata.audit import NOTHING, Audit
from segmentator_dagster.storage.metadata.people import People
from segmentator_dagster.storage.metadata.sessions import Sessions, SessionSeen, Token, Tokens

TOKEN_DAYS = 90
MOST_TOKEN_DAYS = 366

SCOPE_NOT_YOURS = ProblemKind(
    "scope_not_yours",
    Category.INVALID,
    en="The scope `{scope}` is for administrators.",
    ru="Право `{scope}` есть только у администраторов.",
)


@dataclass(frozen=True, slots=True)
class Coming:
    """From where somebody comes who is not signed in yet."""

    address: str
    request_id: str
    agent: str = ""

    def actor(self, person: Person | None = None, name: str = "") -> Actor:
        """For the audit log."""
        role = person.role if person else Role.USER
        id_, called = (person.id, person.name) if person else (None, name)
        return Actor(id_, called, role, Via.SESSION, frozenset(), address=self.address, request_id=self.request_id)


class SignInService:
    def __init__(
        self, people: People, sessions: Sessions, tokens: Tokens, audit: Audit, first_administrator: str | None
    ) -> None:
        self._people = people
        self._sessions = sessions
        self._tokens = tokens
        self._audit = audit
        self._first_administrator = first_administrator

    @property
    def session_seconds(self) -> int:
        """How long a session lives at most."""
        return int(self._sessions.longest.total_seconds())

    def sign_in(self, coming: Coming, profile: Profile) -> str:
        """A new session; gives what its cookie shall hold. UserError not_invited, person_blocked, written down."""
        try:
            with self._audit.together():
                signed_in = self._people.sign_in(profile, self._first_administrator)
                person = signed_in.person
                actor = coming.actor(person)
                thing = Thing("person", str(person.id), person.name)
                if signed_in.invited_by is not None:
                    after = {"role": person.role.value, "by": signed_in.invited_by}
                    self._audit.write(actor, Event.PERSON_CREATE, thing, after=after)
                self._audit.write(actor, Event.SIGN_IN, thing)
                return self._sessions.start(person.id, coming.address, coming.agent)
        except UserError as error:
            if error.category is Category.FORBIDDEN:
                actor = coming.actor(name=profile.login)
                self._audit.write(actor, Event.SIGN_IN, outcome=Outcome.REFUSED, after={"reason": error.code})
            raise

    def failed(self, coming: Coming, reason: str) -> None:
        """Write down a sign-in that Yandex ID did not confirm."""
        self._audit.write(coming.actor(), Event.SIGN_IN, NOTHING, Outcome.FAILED, after={"reason": reason})

    def sign_out(self, actor: Actor, secret: str) -> None:
        with self._audit.doing(actor, Event.SIGN_OUT):
            self._sessions.end(secret)

    def sessions(self, actor: Actor) -> tuple[SessionSeen, ...]:
        return self._sessions.of_person(_own(actor))

    def end_session(self, actor: Actor, key_id: str) -> None:
        """UserError session_not_found."""
        person_id = _own(actor)
        with self._audit.doing(actor, Event.SESSION_END) as note:
            self._sessions.end_one(person_id, key_id)
            note.thing = Thing("session", key_id)

    def sign_out_everywhere(self, actor: Actor) -> None:
        person_id = _own(actor)
        with self._audit.doing(actor, Event.SIGN_OUT_EVERYWHERE) as note:
            note.after = {"sessions": self._sessions.end_all(person_id)}

    def tokens(self, actor: Actor) -> tuple[Token, ...]:
        return self._tokens.of_person(_own(actor))

    def create_token(self, actor: Actor, name: str, scopes: Sequence[Scope], days: int) -> tuple[Token, str]:
        """A token of one's own, and its text: this is the one time that it can be seen."""
        person_id = _own(actor)
        problems = list(name_problems(name))
        if Scope.ADMIN in scopes and actor.role is not Role.ADMINISTRATOR:
            problems.append(SCOPE_NOT_YOURS.at("/scopes", scope=Scope.ADMIN.value))
        if problems:
            raise UserError(*problems)
        with self._audit.doing(actor, Event.TOKEN_CREATE) as note:
            token, text = self._tokens.create(person_id, name.strip(), scopes, timedelta(days=days))
            note.thing = Thing("token", token.id, token.name)
            note.after = {"scopes": [scope.value for scope in token.scopes], "days": days}
        return token, text

    def revoke_token(self, actor: Actor, token_id: str) -> None:
        """UserError token_not_found."""
        person_id = _own(actor)
        with self._audit.doing(actor, Event.TOKEN_REVOKE) as note:
            token = self._tokens.revoke(person_id, token_id)
            note.thing = Thing("token", token.id, token.name)


def _own(actor: Actor) -> int:
    require(actor, Action.OWN_KEYS)
    if actor.person_id is None:
        raise ValueError("the installation itself has no sessions and no tokens")
    return actor.person_id
