"""The tables of people: accounts, invites, sessions, tokens, the audit log, and what administrators set."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from segmentator_dagster.storage.metadata.models import BIG, Base, trigrams


class PersonRow(Base):
    """Never deleted: what they own and did names them by id. A deleted person's names are emptied."""

    __tablename__ = "people"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    yandex_id: Mapped[str | None] = mapped_column(Text, unique=True)
    login: Mapped[str] = mapped_column(Text)
    email: Mapped[str | None] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    name_key: Mapped[str] = mapped_column(Text)
    search_text: Mapped[str] = mapped_column(Text)
    role: Mapped[str] = mapped_column(String(16))
    access: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime | None]
    blocked_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]


class InviteRow(Base):
    """It is there until somebody comes in by it, or it is withdrawn."""

    __tablename__ = "invites"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    contact: Mapped[str] = mapped_column(Text)
    contact_key: Mapped[str] = mapped_column(Text, unique=True)
    role: Mapped[str] = mapped_column(String(16))
    invited_by_id: Mapped[int | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class SessionRow(Base):
    """`id` is the SHA-256 of what the cookie holds."""

    __tablename__ = "sessions"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    created_at: Mapped[datetime]
    last_seen_at: Mapped[datetime] = mapped_column(index=True)
    address: Mapped[str] = mapped_column(Text)
    agent: Mapped[str] = mapped_column(Text)


class TokenRow(Base):
    """`secret_hash` is the SHA-256 of the secret part; a revoked token stays, to be seen."""

    __tablename__ = "tokens"

    id: Mapped[str] = mapped_column(String(16), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    name: Mapped[str] = mapped_column(Text)
    secret_hash: Mapped[str] = mapped_column(String(64))
    scopes: Mapped[list[str]]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class InstallationRow(Base):
    """One row: what administrators set for everybody."""

    __tablename__ = "installation"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    settings: Mapped[dict[str, Any]]
    access: Mapped[dict[str, Any]]
    version: Mapped[int]
    updated_at: Mapped[datetime]


class AuditRow(Base):
    """Only added to."""

    __tablename__ = "audit"
    __table_args__ = (
        Index("audit_by_object", "object_kind", "object_id", "id"),
        Index("audit_by_actor", "actor_id", "id"),
        Index("audit_by_moment", "at", "id"),
        Index("audit_by_event", "action", "id"),
        Index("audit_by_outcome", "outcome", "id"),
        trigrams("audit_search"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BIG, primary_key=True)
    at: Mapped[datetime]
    actor_id: Mapped[int | None]
    actor_name: Mapped[str] = mapped_column(Text)
    via: Mapped[str] = mapped_column(String(16))
    address: Mapped[str] = mapped_column(Text)
    request_id: Mapped[str] = mapped_column(Text)
    action: Mapped[str] = mapped_column(String(40))
    object_kind: Mapped[str] = mapped_column(String(16))
    object_id: Mapped[str] = mapped_column(Text)
    object_name: Mapped[str] = mapped_column(Text)
    search_text: Mapped[str] = mapped_column(Text)
    outcome: Mapped[str] = mapped_column(String(16))
    before: Mapped[dict[str, Any] | None]
    after: Mapped[dict[str, Any] | None]
