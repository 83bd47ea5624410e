"""Sessions and tokens in the metadata database: a secret -> the person who holds it, as they are at this moment."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from sqlalchemy import Update, delete, select, update
from sqlalchemy.orm import Session

from segmentator_dagster.domain.access import Scope
from segmentator_dagster.domain.data_access import AccessLayer
from segmentator_dagster.domain.errors import Category, ProblemKind
from segmentator_dagster.domain.people import Person
from segmentator_dagster.storage.metadata.database import Database, now
from segmentator_dagster.storage.metadata.keys import digest, new_secret
from segmentator_dagster.storage.metadata.people import person_of
from segmentator_dagster.storage.metadata.people_models import InstallationRow, PersonRow, SessionRow, TokenRow

Key = TypeVar("Key", SessionRow, TokenRow)

TOKEN_PREFIX = "sgm"  # noqa: S105  by it secret scanners find one
MOST_TOKENS = 20
_NOTED_EVERY = timedelta(minutes=1)  # of use: a write for every request would be the slowest part of it
_LONGEST_AGENT = 300

TOKEN_NOT_FOUND = ProblemKind(
    "token_not_found", Category.NOT_FOUND, en="You have no token {id}.", ru="Токена {id} у вас нет."
)
SESSION_NOT_FOUND = ProblemKind(
    "session_not_found", Category.NOT_FOUND, en="You have no session {id}.", ru="Сеанса {id} у вас нет."
)
TOO_MANY_TOKENS = ProblemKind(
    "too_many_tokens",
    Category.CONFLICT,
    en="You have {limit} tokens already.",
    ru="У вас уже {limit} токенов.",
    hint_en="Revoke those you do not use.",
    hint_ru="Отзовите те, которыми не пользуетесь.",
)


@dataclass(frozen=True, slots=True)
class Held:
    """Who holds a secret that is good now. `key_id` names the session or token; `scopes` None: all of them."""

    person: Person
    key_id: str
    everybody: AccessLayer
    own: AccessLayer
    scopes: frozenset[Scope] | None = None


@dataclass(frozen=True, slots=True)
class SessionSeen:
    """A session as its person sees it. The id is the beginning of the hash, of no use to anybody else."""

    id: str
    created_at: datetime
    last_seen_at: datetime
    address: str
    agent: str


@dataclass(frozen=True, slots=True)
class Token:
    id: str
    name: str
    scopes: tuple[Scope, ...]
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None

    @property
    def mask(self) -> str:
        return f"{TOKEN_PREFIX}_{self.id}_…"


class Sessions:
    """A session ends `idle` after its last request, and `longest` after it began."""

    def __init__(self, database: Database, *, idle: timedelta, longest: timedelta) -> None:
        self._database = database
        self._idle = idle
        self._longest = longest

    @property
    def longest(self) -> timedelta:
        return self._longest

    def start(self, person_id: int, address: str, agent: str) -> str:
        """A new session; gives what the cookie shall hold. Ended ones of anybody are swept."""
        secret, moment = new_secret(), now()
        with self._database.writing() as session:
            self._sweep(session, moment)
            session.add(
                SessionRow(
                    id=digest(secret),
                    person_id=person_id,
                    created_at=moment,
                    last_seen_at=moment,
                    address=address,
                    agent=agent[:_LONGEST_AGENT],
                )
            )
        return secret

    def holder(self, secret: str) -> Held | None:
        """None where there is no such session, it has ended, or its person is not active."""
        moment, id_ = now(), digest(secret)
        found = _held(self._database, SessionRow, id_)
        if found is None:
            return None
        row, person, everybody = found
        if row.last_seen_at <= moment - self._idle or row.created_at <= moment - self._longest:
            return None
        if row.last_seen_at < moment - _NOTED_EVERY:
            _note_use(
                self._database, person, update(SessionRow).where(SessionRow.id == id_).values(last_seen_at=moment)
            )
        return Held(person_of(person), _short(id_), _layer(everybody), _layer(person.access))

    def end(self, secret: str) -> None:
        """Ending what is not there changes nothing."""
        with self._database.writing() as session:
            session.execute(delete(SessionRow).where(SessionRow.id == digest(secret)))

    def of_person(self, person_id: int) -> tuple[SessionSeen, ...]:
        """Those that have not ended, the last used first."""
        moment = now()
        with self._database.reading() as session:
            rows = session.scalars(
                select(SessionRow)
                .where(
                    SessionRow.person_id == person_id,
                    SessionRow.last_seen_at > moment - self._idle,
                    SessionRow.created_at > moment - self._longest,
                )
                .order_by(SessionRow.last_seen_at.desc())
            )
            return tuple(
                SessionSeen(_short(row.id), row.created_at, row.last_seen_at, row.address, row.agent) for row in rows
            )

    def end_one(self, person_id: int, key_id: str) -> None:
        """UserError session_not_found."""
        with self._database.writing() as session:
            rows = session.scalars(select(SessionRow).where(SessionRow.person_id == person_id))
            row = next((row for row in rows if _short(row.id) == key_id), None)
            if row is None:
                raise SESSION_NOT_FOUND.error(id=key_id[:32])
            session.delete(row)

    def end_all(self, person_id: int) -> int:
        """Log out everywhere; gives how many there were."""
        with self._database.writing() as session:
            ended = session.scalars(
                delete(SessionRow).where(SessionRow.person_id == person_id).returning(SessionRow.id)
            ).all()
            return len(ended)

    def _sweep(self, session: Session, moment: datetime) -> None:
        session.execute(delete(SessionRow).where(SessionRow.last_seen_at <= moment - self._idle))


class Tokens:
    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, person_id: int, name: str, scopes: Sequence[Scope], lives: timedelta) -> tuple[Token, str]:
        """A token, and its text, which nobody can see again. UserError too_many_tokens."""
        secret, moment = new_secret(), now()
        with self._database.writing() as session:
            # the person's row is locked so that two at once do not pass the limit together
            session.get(PersonRow, person_id, with_for_update=True)
            live = [one for one in _of(session, person_id) if one.revoked_at is None and one.expires_at > moment]
            if len(live) >= MOST_TOKENS:
                raise TOO_MANY_TOKENS.error(limit=MOST_TOKENS)
            row = TokenRow(
                id=secrets.token_hex(6),
                person_id=person_id,
                name=name,
                secret_hash=digest(secret),
                scopes=[scope.value for scope in dict.fromkeys(scopes)],
                created_at=moment,
                expires_at=moment + lives,
            )
            session.add(row)
            session.flush()
            return _token(row), f"{TOKEN_PREFIX}_{row.id}_{secret}"

    def holder(self, text: str) -> Held | None:
        """None where there is no such token, it has expired or is revoked, or its person is not active."""
        prefix, _, rest = text.partition("_")
        id_, _, secret = rest.partition("_")
        if prefix != TOKEN_PREFIX or not secret or not id_.isascii() or not id_.isalnum() or len(id_) > 16:
            return None
        moment = now()
        found = _held(self._database, TokenRow, id_)
        if found is None:
            return None
        row, person, everybody = found
        fits = hmac.compare_digest(row.secret_hash, digest(secret))
        if not fits or row.revoked_at is not None or row.expires_at <= moment:
            return None
        if row.last_used_at is None or row.last_used_at < moment - _NOTED_EVERY:
            noted = update(TokenRow).where(TokenRow.id == id_).values(last_used_at=moment)
            _note_use(self._database, person, noted)
        scopes = frozenset(Scope(one) for one in row.scopes)
        return Held(person_of(person), row.id, _layer(everybody), _layer(person.access), scopes)

    def of_person(self, person_id: int) -> tuple[Token, ...]:
        """Newest first, also expired and revoked ones."""
        with self._database.reading() as session:
            return tuple(_token(row) for row in _of(session, person_id))

    def revoke(self, person_id: int, token_id: str) -> Token:
        """Revoking twice changes nothing. UserError token_not_found."""
        with self._database.writing() as session:
            row = next((row for row in _of(session, person_id) if row.id == token_id), None)
            if row is None:
                raise TOKEN_NOT_FOUND.error(id=token_id[:32])
            row.revoked_at = row.revoked_at or now()
            return _token(row)


def _of(session: Session, person_id: int) -> Sequence[TokenRow]:
    query = select(TokenRow).where(TokenRow.person_id == person_id)
    return session.scalars(query.order_by(TokenRow.created_at.desc(), TokenRow.id)).all()


def _token(row: TokenRow) -> Token:
    scopes = tuple(Scope(one) for one in row.scopes)
    return Token(row.id, row.name, scopes, row.created_at, row.expires_at, row.last_used_at, row.revoked_at)


def _held(database: Database, table: type[Key], id_: str) -> tuple[Key, PersonRow, object] | None:
    """A session or token of somebody active, its person, and the layer of access for everybody, in one query."""
    with database.reading() as session:
        found = session.execute(
            select(table, PersonRow, InstallationRow.access)
            .join(PersonRow, PersonRow.id == table.person_id)
            .outerjoin(InstallationRow, InstallationRow.id == 1)
            .where(table.id == id_, PersonRow.blocked_at.is_(None), PersonRow.deleted_at.is_(None))
        ).first()
        return None if found is None else (found[0], found[1], found[2])


def _note_use(database: Database, person: PersonRow, noted: Update) -> None:
    with database.writing() as session:
        session.execute(noted)
        session.execute(update(PersonRow).where(PersonRow.id == person.id).values(last_seen_at=now()))


def _layer(document: object) -> AccessLayer:
    return AccessLayer.model_validate(document or {})


def _short(session_id: str) -> str:
    return session_id[:16]
