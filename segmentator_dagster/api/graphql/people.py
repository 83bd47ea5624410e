"""People, invites and access to data in GraphQL: the affairs of administrators."""

from __future__ import annotations

from functools import partial

import strawberry

from segmentator_dagster.api.graphql.asking import Info
from segmentator_dagster.api.graphql.fields import field
from segmentator_dagster.api.graphql.paging import After, First, asked, many, paging
from segmentator_dagster.api.graphql.types import enum
from segmentator_dagster.api.schemas.people import (
    InviteIn,
    InviteOut,
    PeoplePageOut,
    PeopleQuery,
    PersonDetailOut,
    PersonOut,
)
from segmentator_dagster.domain.data_access import AccessLayer
from segmentator_dagster.domain.people import Role

enum(Role)


@strawberry.type
class PeopleQueries:
    @field("Everybody who has an account, searched, filtered, sorted, page by page.")
    async def people(
        self,
        info: Info,
        *,
        first: First = None,
        after: After = None,
        search: str | None = None,
        role: Role | None = None,
        blocked: bool | None = None,
        sort: str | None = None,
    ) -> PeoplePageOut:
        said = {"cursor": after, "search": search, "role": role, "blocked": blocked, "sort": sort}
        filters, asking = asked(PeopleQuery, first, said), info.context
        with paging():
            return await asking.run(
                lambda: PeoplePageOut.of(asking.use.people.page(asking.actor, **filters.model_dump()))
            )

    @field("One person and what is set for them; also of an account that is deleted, which has no name.")
    async def person(self, info: Info, id: int) -> PersonDetailOut:  # noqa: A002
        asking = info.context
        return await asking.run(lambda: PersonDetailOut.seen(asking.use.people.get(asking.actor, id)))

    @field("Invites that nobody has used and that have not expired, newest first.")
    async def invites(self, info: Info, first: First = None) -> list[InviteOut]:
        most, asking = many(first), info.context
        found = await asking.run(partial(asking.use.people.invites, asking.actor))
        return [InviteOut.of(invite) for invite in found[:most]]

    @field("What is set for all users; what is set for a person is over it.")
    async def access(self, info: Info) -> AccessLayer:
        asking = info.context
        return await asking.run(partial(asking.use.people.access, asking.actor))


@strawberry.type
class PeopleMutations:
    @field("Another role ends their sessions. The last administrator stays one.")
    async def set_role(self, info: Info, person_id: int, role: Role) -> PersonOut:
        asking = info.context
        return await asking.run(lambda: PersonOut.of(asking.use.people.set_role(asking.actor, person_id, role)))

    @field("Sessions end and tokens are revoked at once.")
    async def block_person(self, info: Info, id: int) -> PersonOut:  # noqa: A002
        asking = info.context
        return await asking.run(lambda: PersonOut.of(asking.use.people.block(asking.actor, id)))

    @field("They may sign in again. Their tokens stay revoked.")
    async def unblock_person(self, info: Info, id: int) -> PersonOut:  # noqa: A002
        asking = info.context
        return await asking.run(lambda: PersonOut.of(asking.use.people.unblock(asking.actor, id)))

    @field("For good: login, e-mail and name are forgotten. What they own stays.")
    async def delete_person(self, info: Info, id: int) -> bool:  # noqa: A002
        asking = info.context
        await asking.run(partial(asking.use.people.delete, asking.actor, id))
        return True

    @field("Whoever signs in with this login or e-mail first has an account from then on.")
    async def create_invite(self, info: Info, input: InviteIn) -> InviteOut:  # noqa: A002
        asking = info.context
        invited = partial(asking.use.people.invite, asking.actor, input.contact, input.role)
        return await asking.run(lambda: InviteOut.of(invited()))

    @field("Nobody comes in by it any more.")
    async def withdraw_invite(self, info: Info, id: int) -> bool:  # noqa: A002
        asking = info.context
        await asking.run(partial(asking.use.people.withdraw, asking.actor, id))
        return True

    @field("Says what everybody who is no administrator may see and export.")
    async def set_access(self, info: Info, access: AccessLayer) -> AccessLayer:
        asking = info.context
        return await asking.run(partial(asking.use.people.set_access, asking.actor, access))

    @field("The same for one person, over what is set for everybody; `{}` takes it all back.")
    async def set_access_of_person(self, info: Info, person_id: int, access: AccessLayer) -> PersonDetailOut:
        asking = info.context
        changed = partial(asking.use.people.set_access_of, asking.actor, person_id, access)
        return await asking.run(lambda: PersonDetailOut.seen(changed()))
