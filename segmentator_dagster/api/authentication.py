"""Cookie or Bearer token of a request -> the actor, as the database has them at this moment."""

from __future__ import annotations

from dataclasses import dataclass

import anyio.to_thread
from starlette.requests import HTTPConnection

from segmentator_dagster.api.callers import address_key, remember_person
from segmentator_dagster.api.http_problems import CROSS_SITE
from segmentator_dagster.api.middleware.refusal import SAFE_METHODS
from segmentator_dagster.api.origins import has_browser_marks
from segmentator_dagster.api.rate_limits import Limit, RateLimits
from segmentator_dagster.domain.access import Actor, Scope, Via
from segmentator_dagster.domain.data_access import access_of
from segmentator_dagster.domain.errors import Category, ProblemKind
from segmentator_dagster.storage.metadata.sessions import Held, Sessions, Tokens

INVALID_TOKEN = ProblemKind(
    "invalid_token",
    Category.UNAUTHENTICATED,
    en="The token is not one of ours, has expired, or is revoked.",
    ru="Такого токена нет, или он истёк, или отозван.",
    hint_en="Make a new one: `POST /me/tokens` after signing in, or `segmentator token create`.",
    hint_ru="Создайте новый: `POST /me/tokens` после входа или `segmentator token create`.",
)


@dataclass(frozen=True, slots=True)
class Cookie:
    """The session's cookie. `__Host-` with https; on this machine's own http no browser but Chromium would keep it."""

    name: str
    secure: bool

    @classmethod
    def of(cls, public_url: str) -> Cookie:
        secure = public_url.startswith("https://")
        return cls("__Host-sid" if secure else "sid", secure)


class Authentication:
    def __init__(self, sessions: Sessions, tokens: Tokens, limits: RateLimits, cookie: Cookie) -> None:
        self._sessions = sessions
        self._tokens = tokens
        self._limits = limits
        self._cookie = cookie

    async def actor_of(self, connection: HTTPConnection) -> Actor | None:
        """None for somebody who brings nothing, or a session that has ended. UserError invalid_token for a bad token,
        cross_site for a change that a cookie asks for and no browser says where it comes from.

        With an `Authorization` header the cookie is not looked at.
        """
        header = connection.headers.get("authorization")
        if header is not None:
            return await self._by_token(connection, header)
        secret = connection.cookies.get(self._cookie.name)
        if not secret:
            return None
        held = await anyio.to_thread.run_sync(self._sessions.holder, secret)
        if held is None:
            return None
        changing = connection.scope.get("method", "GET") not in SAFE_METHODS
        if changing and not has_browser_marks(connection.headers):
            raise CROSS_SITE.error()
        return _actor(connection, held, Via.SESSION)

    async def _by_token(self, connection: HTTPConnection, header: str) -> Actor:
        kind, _, text = header.partition(" ")
        held = None
        if kind.lower() == "bearer":
            held = await anyio.to_thread.run_sync(self._tokens.holder, text.strip())
        if held is None:
            await self._limits.check(Limit.FAILED_TOKEN, address_key(connection.scope))
            raise INVALID_TOKEN.error()
        return _actor(connection, held, Via.TOKEN)


def _actor(connection: HTTPConnection, held: Held, via: Via) -> Actor:
    person, state = held.person, connection.scope["state"]
    remember_person(connection.scope, person.id)
    return Actor(
        person_id=person.id,
        name=person.name,
        role=person.role,
        via=via,
        scopes=frozenset(Scope) if held.scopes is None else held.scopes,
        access=access_of(person.role, held.everybody, held.own),
        address=state["address"],
        request_id=state["request_id"],
        key_id=held.key_id,
    )
