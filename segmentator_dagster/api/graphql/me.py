"""Oneself in GraphQL: who one is, one's sessions and tokens."""

from __future__ import annotations

from functools import partial

import strawberry

from segmentator_dagster.api.graphql.asking import Info
from segmentator_dagster.api.graphql.fields import field
from segmentator_dagster.api.graphql.paging import First, many
from segmentator_dagster.api.schemas.people import MeOut, NewTokenOut, SessionOut, TokenIn, TokenOut


@strawberry.type
class OwnQueries:
    @field("Who asks, and what this session or token may do.")
    async def me(self, info: Info) -> MeOut:
        return MeOut.of(info.context.actor)

    @field("Where I am signed in, the last used first.")
    async def my_sessions(self, info: Info, first: First = None) -> list[SessionOut]:
        most, asking = many(first), info.context
        found = await asking.run(partial(asking.use.sign_in.sessions, asking.actor))
        return [SessionOut.of(one, asking.actor) for one in found[:most]]

    @field("My tokens, newest first; also expired and revoked ones, none of them whole.")
    async def my_tokens(self, info: Info, first: First = None) -> list[TokenOut]:
        most, asking = many(first), info.context
        found = await asking.run(partial(asking.use.sign_in.tokens, asking.actor))
        return [TokenOut.of(token) for token in found[:most]]


@strawberry.type
class OwnMutations:
    @field("Makes a token for programs. It is shown this once.")
    async def create_token(self, info: Info, input: TokenIn) -> NewTokenOut:  # noqa: A002
        asking = info.context
        make = partial(asking.use.sign_in.create_token, asking.actor, input.name, input.scopes, input.days)
        return NewTokenOut.made(*await asking.run(make))

    @field("It opens nothing any more. Revoking twice changes nothing.")
    async def revoke_token(self, info: Info, id: str) -> bool:  # noqa: A002
        asking = info.context
        await asking.run(partial(asking.use.sign_in.revoke_token, asking.actor, id))
        return True

    @field("Whoever uses this session is signed out with their next request.")
    async def end_session(self, info: Info, id: str) -> bool:  # noqa: A002
        asking = info.context
        await asking.run(partial(asking.use.sign_in.end_session, asking.actor, id))
        return True

    @field("Signs me out everywhere, here too. Tokens stay.")
    async def end_sessions(self, info: Info) -> bool:
        asking = info.context
        await asking.run(partial(asking.use.sign_in.sign_out_everywhere, asking.actor))
        return True
