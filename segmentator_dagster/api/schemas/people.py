"""People, invites, tokens and sessions in JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

from segmentator_dagster.api.people import PersonView
from segmentator_dagster.api.schemas.queries import Plain
from segmentator_dagster.api.sign_in import MOST_TOKEN_DAYS, TOKEN_DAYS
from segmentator_dagster.domain.access import Actor, Scope, Via
from segmentator_dagster.domain.data_access import EXAMPLE_ACCESS, AccessLayer
from segmentator_dagster.domain.people import Invite, Person, Role
from segmentator_dagster.storage.metadata.pages import Page
from segmentator_dagster.storage.metadata.sessions import SessionSeen, Token

_EXAMPLE_PERSON: dict[str, Any] = {
    "id": 3,
    "login": "anna.smirnova",
    "email": "anna.smirnova@yandex.ru",
    "name": "Анна Смирнова",
    "role": "user",
    "blocked": False,
    "created_at": "2026-01-30T09:00:00.000000Z",
    "last_seen_at": "2026-01-31T09:59:00.000000Z",
}
_EXAMPLE_TOKEN: dict[str, Any] = {
    "id": "5f1c0a9e7b22",
    "mask": "sgm_5f1c0a9e7b22_…",
    "name": "Ночная выгрузка",
    "scopes": ["read", "export"],
    "created_at": "2026-01-30T09:00:00.000000Z",
    "expires_at": "2026-04-30T09:00:00.000000Z",
    "last_used_at": "2026-01-31T02:00:00.000000Z",
    "revoked_at": None,
}
_EXAMPLE_INVITE: dict[str, Any] = {
    "id": 9,
    "contact": "dmitry.kuznetsov",
    "role": "user",
    "created_at": "2026-01-30T09:00:00.000000Z",
    "expires_at": "2026-02-13T09:00:00.000000Z",
}
_EXAMPLE_ME: dict[str, Any] = {
    "id": 3,
    "name": "Анна Смирнова",
    "role": "user",
    "via": "token",
    "scopes": ["export", "read"],
    "access": {"may_export": True, "max_rows": 100_000},
}
_EXAMPLE_SESSION: dict[str, Any] = {
    "id": "9b74c9897bac770f",
    "created_at": "2026-01-30T09:00:00.000000Z",
    "last_seen_at": "2026-01-31T09:59:00.000000Z",
    "address": "192.0.2.17",
    "agent": "Mozilla/5.0 (X11; Linux x86_64; rv:148.0) Gecko/20100101 Firefox/148.0",
    "current": True,
}
PersonSort = Literal["name", "-name", "created_at", "-created_at", "id", "-id"]
OneRole = Annotated[Role, Field(strict=False)]


class _In(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")


class PersonOut(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE_PERSON]})

    id: int
    login: str
    email: str | None
    name: str
    role: Role
    blocked: bool
    created_at: datetime
    last_seen_at: datetime | None

    @classmethod
    def of(cls, person: Person, **more: Any) -> Self:
        return cls(
            id=person.id,
            login=person.login,
            email=person.email,
            name=person.name,
            role=person.role,
            blocked=person.blocked_at is not None,
            created_at=person.created_at,
            last_seen_at=person.last_seen_at,
            **more,
        )


class PersonDetailOut(PersonOut):
    model_config = ConfigDict(json_schema_extra={"examples": [{**_EXAMPLE_PERSON, "access": EXAMPLE_ACCESS}]})

    access: AccessLayer = Field(description="what is set for this person, over what is set for everybody")

    @classmethod
    def seen(cls, view: PersonView) -> Self:
        return cls.of(view.person, access=view.access)


class PeoplePageOut(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [_EXAMPLE_PERSON], "next_cursor": None}]})

    items: list[PersonOut]
    next_cursor: str | None = Field(description="give it as `cursor` for the next page; null: this was the last one")

    @classmethod
    def of(cls, page: Page[Person]) -> Self:
        return cls(items=[PersonOut.of(one) for one in page.items], next_cursor=page.next_cursor)


class PeopleQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    search: Plain = Field("", max_length=200, description="words that name, login or e-mail contain; case is ignored")
    role: Role | None = None
    blocked: bool | None = Field(None, description="only those that are blocked, or only those that are not")
    sort: PersonSort = Field("name", description="`-` turns the order round")
    limit: int = Field(50, ge=1, le=200, description="most of them on a page")
    cursor: Plain | None = Field(
        None, max_length=1000, description="`next_cursor` of the page before, with the same sort"
    )


class RoleIn(_In):
    model_config = ConfigDict(json_schema_extra={"examples": [{"role": "administrator"}]})

    role: OneRole


class InviteIn(_In):
    model_config = ConfigDict(json_schema_extra={"examples": [{"contact": "dmitry.kuznetsov", "role": "user"}]})

    contact: str = Field(description="a Yandex login or an e-mail address")
    role: OneRole = Role.USER


class InviteOut(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE_INVITE]})

    id: int
    contact: str
    role: Role
    created_at: datetime
    expires_at: datetime

    @classmethod
    def of(cls, invite: Invite) -> Self:
        return cls(
            id=invite.id,
            contact=invite.contact,
            role=invite.role,
            created_at=invite.created_at,
            expires_at=invite.expires_at,
        )


class InvitesOut(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [_EXAMPLE_INVITE]}]})

    items: list[InviteOut]


class MyAccessOut(BaseModel):
    may_export: bool
    max_rows: int | None = Field(description="most rows of a file; null: of any length")


class MeOut(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE_ME]})

    id: int | None
    name: str
    role: Role
    via: Via = Field(description="by which way this request came")
    scopes: list[Scope]
    access: MyAccessOut

    @classmethod
    def of(cls, actor: Actor) -> Self:
        return cls(
            id=actor.person_id,
            name=actor.name,
            role=actor.role,
            via=actor.via,
            scopes=sorted(actor.scopes),
            access=MyAccessOut(may_export=actor.access.may_export, max_rows=actor.access.max_rows),
        )


class SessionOut(BaseModel):
    id: str
    created_at: datetime
    last_seen_at: datetime
    address: str
    agent: str = Field(description="what the browser calls itself")
    current: bool = Field(description="whether this request came by it")

    @classmethod
    def of(cls, session: SessionSeen, actor: Actor) -> Self:
        return cls(
            id=session.id,
            created_at=session.created_at,
            last_seen_at=session.last_seen_at,
            address=session.address,
            agent=session.agent,
            current=session.id == actor.key_id,
        )


class SessionsOut(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [_EXAMPLE_SESSION]}]})

    items: list[SessionOut]


class TokenIn(_In):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "Ночная выгрузка", "scopes": ["read", "export"], "days": 90}]}
    )

    name: str = Field(description="1 to 50 characters: what it is for")
    scopes: list[Annotated[Scope, Field(strict=False)]] = Field(
        min_length=1, max_length=4, description="what it may do, of what its owner may at the time"
    )
    days: int = Field(TOKEN_DAYS, ge=1, le=MOST_TOKEN_DAYS, description="how long it is good")


class TokenOut(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE_TOKEN]})

    id: str
    mask: str = Field(description="how it begins")
    name: str
    scopes: list[Scope]
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None = Field(description="to the minute")
    revoked_at: datetime | None

    @classmethod
    def of(cls, token: Token) -> TokenOut:
        return TokenOut(
            id=token.id,
            mask=token.mask,
            name=token.name,
            scopes=list(token.scopes),
            created_at=token.created_at,
            expires_at=token.expires_at,
            last_used_at=token.last_used_at,
            revoked_at=token.revoked_at,
        )


class NewTokenOut(TokenOut):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{**_EXAMPLE_TOKEN, "last_used_at": None, "token": "sgm_5f1c0a9e7b22_Zk3…"}]}
    )

    token: str = Field(description="the token itself: shown this once")

    @classmethod
    def made(cls, token: Token, text: str) -> Self:
        return cls(**TokenOut.of(token).model_dump(), token=text)


class TokensOut(BaseModel):
    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [_EXAMPLE_TOKEN]}]})

    items: list[TokenOut]
