"""People and invites in the metadata database: who comes in, as what, and who no longer does."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from segmentator_dagster.domain.data_access import AccessLayer
from segmentator_dagster.domain.people import Invite, Person, Profile, Role, contact_key
from segmentator_dagster.domain.segment import search_key
from segmentator_dagster.storage.metadata.database import Database, now
from segmentator_dagster.storage.metadata.pages import Page, page_of, with_words
from segmentator_dagster.storage.metadata.people_models import InviteRow, PersonRow, SessionRow, TokenRow
from segmentator_dagster.storage.metadata.people_problems import (
    ALREADY_HERE,
    ALREADY_INVITED,
    INVITE_NOT_FOUND,
    LAST_ADMINISTRATOR,
    NOT_INVITED,
    PERSON_BLOCKED,
    PERSON_NOT_FOUND,
)

INVITE_DAYS = 14
_LOCK = 5367011  # any fixed number: PostgreSQL's advisory lock of whoever changes who is administrator


@dataclass(frozen=True, slots=True)
class SignedIn:
    """`invited_by` says by what a new person came in; None for somebody who had an account."""

    person: Person
    invited_by: str | None = None


class People:
    def __init__(self, database: Database) -> None:
        self._database = database

    def sign_in(self, profile: Profile, first_administrator: str | None) -> SignedIn:
        """The account of a Yandex id, brought up to date; a new one by an invite, or as the first administrator.

        UserError not_invited, person_blocked; then nothing is written.
        """
        with self._database.writing() as session:
            row = _of_yandex(session, profile.yandex_id)
            if row is None:
                _lock_roles(session)
                row = _of_yandex(session, profile.yandex_id)  # they may have come in by another tab at this moment
            if row is not None:
                if row.blocked_at is not None:
                    raise PERSON_BLOCKED.error()
                _write_profile(row, profile)
                session.flush()
                return SignedIn(person_of(row))
            keys = {contact_key(one) for one in (profile.login, profile.email) if one}
            invite = session.scalar(
                select(InviteRow)
                .where(InviteRow.contact_key.in_(keys), InviteRow.expires_at > now())
                .order_by(InviteRow.id)
                .limit(1)
                .with_for_update()
            )
            first = first_administrator and contact_key(first_administrator) in keys and not _administrators(session)
            if invite is None and not first:
                raise NOT_INVITED.error(login=profile.login)
            role = Role.ADMINISTRATOR if first or invite is None else Role(invite.role)
            row = PersonRow(yandex_id=profile.yandex_id, role=role.value, access={}, created_at=now())
            _write_profile(row, profile)
            session.add(row)
            by = "setting" if invite is None else f"invite {invite.id}"
            if invite is not None:
                session.delete(invite)
            session.flush()
            return SignedIn(person_of(row), by)

    def get(self, person_id: int) -> Person:
        """UserError person_not_found."""
        with self._database.reading() as session:
            return person_of(_row(session, person_id))

    def by_contact(self, contact: str) -> Person | None:
        """Somebody active whose login or e-mail it is, as Yandex last told it."""
        with self._database.reading() as session:
            rows = session.scalars(select(PersonRow).where(PersonRow.deleted_at.is_(None)))
            found = [row for row in rows if contact_key(contact) in _contact_keys(row)]
            return person_of(found[0]) if found else None

    def names(self, ids: Collection[int | None]) -> Mapping[int, str]:
        """What these are called, by id; a deleted person has no name."""
        wanted = {id_ for id_ in ids if id_ is not None}
        if not wanted:
            return {}
        with self._database.reading() as session:
            return dict(session.execute(select(PersonRow.id, PersonRow.name).where(PersonRow.id.in_(wanted))).all())

    def page(
        self,
        *,
        search: str = "",
        role: Role | None = None,
        blocked: bool | None = None,
        sort: str = "name",
        limit: int = 50,
        cursor: str | None = None,
    ) -> Page[Person]:
        """People who are not deleted whose name, login or e-mail contain every word of `search`."""
        query = with_words(select(PersonRow).where(PersonRow.deleted_at.is_(None)), PersonRow.search_text, search)
        if role is not None:
            query = query.where(PersonRow.role == role.value)
        if blocked is not None:
            query = query.where(PersonRow.blocked_at.is_not(None) if blocked else PersonRow.blocked_at.is_(None))
        with self._database.reading() as session:
            return page_of(session, query, PersonRow, person_of, sort=sort, limit=limit, cursor=cursor)

    def set_role(self, person_id: int, role: Role) -> Person:
        """Another role ends all sessions. UserError last_administrator."""
        with self._database.writing() as session:
            row = self._changing(session, person_id)
            if row.role != role.value:
                if role is Role.USER:
                    _refuse_last(session, row)
                row.role = role.value
                _end_sessions(session, person_id)
            return person_of(row)

    def block(self, person_id: int) -> Person:
        """Ends all sessions and revokes all tokens. UserError last_administrator."""
        with self._database.writing() as session:
            row = self._changing(session, person_id)
            if row.blocked_at is None:
                _refuse_last(session, row)
                row.blocked_at = now()
                _end_sessions(session, person_id)
                _revoke_tokens(session, person_id)
            return person_of(row)

    def unblock(self, person_id: int) -> Person:
        with self._database.writing() as session:
            row = self._changing(session, person_id)
            row.blocked_at = None
            return person_of(row)

    def delete(self, person_id: int) -> Person:
        """Forget who it was: the account is closed for good, its things stay. UserError last_administrator."""
        with self._database.writing() as session:
            row = self._changing(session, person_id)
            _refuse_last(session, row)
            _end_sessions(session, person_id)
            _revoke_tokens(session, person_id)
            row.deleted_at = now()
            row.yandex_id, row.email, row.access = None, None, {}
            row.login = row.name = row.name_key = row.search_text = ""
            return person_of(row)

    def access(self, person_id: int) -> AccessLayer:
        """What is set for this person, over what is set for everybody."""
        with self._database.reading() as session:
            return AccessLayer.model_validate(_row(session, person_id).access)

    def set_access(self, person_id: int, layer: AccessLayer) -> None:
        with self._database.writing() as session:
            self._changing(session, person_id).access = layer.as_json()

    def invite(self, contact: str, role: Role, invited_by: int | None) -> Invite:
        """UserError already_invited, already_here. An expired invite to the same is replaced."""
        moment, key = now(), contact_key(contact)
        try:
            with self._database.writing() as session:
                rows = session.scalars(select(PersonRow).where(PersonRow.deleted_at.is_(None)))
                for row in rows:
                    if key in _contact_keys(row):
                        raise ALREADY_HERE.error("/contact", name=row.name)
                session.execute(delete(InviteRow).where(InviteRow.contact_key == key, InviteRow.expires_at <= moment))
                invite = InviteRow(
                    contact=contact.strip(),
                    contact_key=key,
                    role=role.value,
                    invited_by_id=invited_by,
                    created_at=moment,
                    expires_at=moment + timedelta(days=INVITE_DAYS),
                )
                session.add(invite)
                session.flush()
                return _invite(invite)
        except IntegrityError as error:
            raise ALREADY_INVITED.error("/contact") from error

    def invites(self) -> tuple[Invite, ...]:
        """Those that can still be used, newest first."""
        with self._database.reading() as session:
            rows = session.scalars(
                select(InviteRow).where(InviteRow.expires_at > now()).order_by(InviteRow.id.desc()).limit(1000)
            )
            return tuple(_invite(row) for row in rows)

    def withdraw(self, invite_id: int) -> Invite:
        """UserError invite_not_found."""
        with self._database.writing() as session:
            row = session.get(InviteRow, invite_id, with_for_update=True) if 0 < invite_id < 2**31 else None
            if row is None:
                raise INVITE_NOT_FOUND.error(id=invite_id)
            session.delete(row)
            return _invite(row)

    def _changing(self, session: Session, person_id: int) -> PersonRow:
        _lock_roles(session)
        row = _row(session, person_id, for_update=True)
        if row.deleted_at is not None:
            raise PERSON_NOT_FOUND.error(id=person_id)
        return row


def person_of(row: PersonRow) -> Person:
    return Person(
        id=row.id,
        login=row.login,
        email=row.email,
        name=row.name,
        role=Role(row.role),
        created_at=row.created_at,
        last_seen_at=row.last_seen_at,
        blocked_at=row.blocked_at,
        deleted_at=row.deleted_at,
    )


def _lock_roles(session: Session) -> None:
    """One transaction at a time says who is administrator; SQLite lets one write at a time anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(_LOCK)))


def _administrators(session: Session) -> int:
    active = (PersonRow.blocked_at.is_(None), PersonRow.deleted_at.is_(None))
    return session.scalar(select(func.count()).where(PersonRow.role == Role.ADMINISTRATOR.value, *active)) or 0


def _refuse_last(session: Session, row: PersonRow) -> None:
    if row.role == Role.ADMINISTRATOR.value and row.blocked_at is None and _administrators(session) == 1:
        raise LAST_ADMINISTRATOR.error()


def _of_yandex(session: Session, yandex_id: str) -> PersonRow | None:
    return session.scalar(select(PersonRow).where(PersonRow.yandex_id == yandex_id).with_for_update())


def _row(session: Session, person_id: int, *, for_update: bool = False) -> PersonRow:
    known = 0 < person_id < 2**31
    # what this transaction read of the row before it had the lock may be old
    row = session.get(PersonRow, person_id, with_for_update=for_update, populate_existing=for_update) if known else None
    if row is None:
        raise PERSON_NOT_FOUND.error(id=person_id)
    return row


def _end_sessions(session: Session, person_id: int) -> None:
    session.execute(delete(SessionRow).where(SessionRow.person_id == person_id))


def _revoke_tokens(session: Session, person_id: int) -> None:
    session.execute(
        update(TokenRow).where(TokenRow.person_id == person_id, TokenRow.revoked_at.is_(None)).values(revoked_at=now())
    )


def _write_profile(row: PersonRow, profile: Profile) -> None:
    row.login, row.email, row.name = profile.login, profile.email, profile.name
    row.name_key = search_key(profile.name)
    row.search_text = search_key("\n".join([profile.name, profile.login, profile.email or ""]))
    row.last_seen_at = now()


def _contact_keys(row: PersonRow) -> set[str]:
    return {contact_key(one) for one in (row.login, row.email) if one}


def _invite(row: InviteRow) -> Invite:
    return Invite(row.id, row.contact, Role(row.role), row.created_at, row.expires_at, row.invited_by_id)
