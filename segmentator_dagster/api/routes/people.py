"""HTTP -> the use cases of administrators about people."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from segmentator_dagster.api.documented import CHANGING, STORED, WITH_BODY, errors
from segmentator_dagster.api.gate import closed_router
from segmentator_dagster.api.http_problems import UNKNOWN_PATH
from segmentator_dagster.api.problems import OUT_OF_RANGE, TOO_LONG, UNKNOWN_CHOICE
from segmentator_dagster.api.routes.caller import Caller, UseCases
from segmentator_dagster.api.schemas.people import (
    InviteIn,
    InviteOut,
    InvitesOut,
    PeoplePageOut,
    PeopleQuery,
    PersonDetailOut,
    PersonOut,
    RoleIn,
)
from segmentator_dagster.domain.data_access import MASK_NOT_TEXT, USER_KEY_STAYS, AccessLayer
from segmentator_dagster.domain.people import BAD_CONTACT
from segmentator_dagster.domain.problems import UNKNOWN_DATASET, UNKNOWN_FIELD, UNKNOWN_KEY
from segmentator_dagster.storage.clickhouse import CLICKHOUSE_UNAVAILABLE
from segmentator_dagster.storage.metadata.pages import BAD_CURSOR
from segmentator_dagster.storage.metadata.people_problems import (
    ALREADY_HERE,
    ALREADY_INVITED,
    INVITE_NOT_FOUND,
    LAST_ADMINISTRATOR,
    PERSON_NOT_FOUND,
)

router = closed_router(tags=["people"])

_ABSENT = (PERSON_NOT_FOUND, UNKNOWN_PATH)
_LAYER = (
    UNKNOWN_DATASET,
    UNKNOWN_FIELD,
    MASK_NOT_TEXT,
    USER_KEY_STAYS,
    UNKNOWN_CHOICE,
    OUT_OF_RANGE,
    CLICKHOUSE_UNAVAILABLE,
)


@router.get(
    "/people",
    summary="List people",
    response_description="One page",
    responses=errors(*STORED, BAD_CURSOR, UNKNOWN_CHOICE, OUT_OF_RANGE, TOO_LONG, UNKNOWN_KEY),
)
def list_people(filters: Annotated[PeopleQuery, Query()], use: UseCases, caller: Caller) -> PeoplePageOut:
    """Everybody who has an account, searched, filtered, sorted, page by page."""
    return PeoplePageOut.of(use.people.page(caller.actor, **filters.model_dump()))


@router.get(
    "/people/{person_id}",
    summary="Read a person",
    response_description="The person and what is set for them",
    responses=errors(*STORED, *_ABSENT),
)
def get_person(person_id: int, use: UseCases, caller: Caller) -> PersonDetailOut:
    """Also of an account that is deleted, which has no name."""
    return PersonDetailOut.seen(use.people.get(caller.actor, person_id))


@router.put(
    "/people/{person_id}/role",
    summary="Change a role",
    response_description="The person",
    responses=errors(*WITH_BODY, *_ABSENT, UNKNOWN_CHOICE, LAST_ADMINISTRATOR),
)
def set_role(person_id: int, body: RoleIn, use: UseCases, caller: Caller) -> PersonOut:
    """Another role ends their sessions. The last administrator stays one."""
    return PersonOut.of(use.people.set_role(caller.actor, person_id, body.role))


@router.put(
    "/people/{person_id}/access",
    summary="Say what a person may see",
    response_description="The person and what is set for them",
    responses=errors(*WITH_BODY, *_ABSENT, *_LAYER),
)
def set_access_of_person(person_id: int, body: AccessLayer, use: UseCases, caller: Caller) -> PersonDetailOut:
    """Over what is set for everybody, key by key; `{}` takes it all back. Administrators see everything anyway."""
    return PersonDetailOut.seen(use.people.set_access_of(caller.actor, person_id, body))


@router.post(
    "/people/{person_id}/block",
    summary="Block a person",
    response_description="The person",
    responses=errors(*CHANGING, *_ABSENT, LAST_ADMINISTRATOR),
)
def block_person(person_id: int, use: UseCases, caller: Caller) -> PersonOut:
    """Their sessions end and their tokens are revoked at once. What they asked for is finished; they cannot fetch it.
    Schedules of their segments are not run while they are blocked."""
    return PersonOut.of(use.people.block(caller.actor, person_id))


@router.post(
    "/people/{person_id}/unblock",
    summary="Unblock a person",
    response_description="The person",
    responses=errors(*CHANGING, *_ABSENT),
)
def unblock_person(person_id: int, use: UseCases, caller: Caller) -> PersonOut:
    """They may sign in again. Their tokens stay revoked."""
    return PersonOut.of(use.people.unblock(caller.actor, person_id))


@router.delete(
    "/people/{person_id}",
    status_code=204,
    summary="Delete a person",
    response_description="The account is closed",
    responses=errors(*CHANGING, *_ABSENT, LAST_ADMINISTRATOR),
)
def delete_person(person_id: int, use: UseCases, caller: Caller) -> None:
    """For good: login, e-mail and name are forgotten. Their segments, lists and files stay and can be given to somebody
    else."""
    use.people.delete(caller.actor, person_id)


@router.get("/invites", summary="List invites", response_description="Newest first", responses=errors(*STORED))
def list_invites(use: UseCases, caller: Caller) -> InvitesOut:
    """Those that nobody has used and that have not expired."""
    return InvitesOut(items=[InviteOut.of(invite) for invite in use.people.invites(caller.actor)])


@router.post(
    "/invites",
    status_code=201,
    summary="Invite somebody",
    response_description="The invite",
    responses=errors(*WITH_BODY, BAD_CONTACT, UNKNOWN_CHOICE, ALREADY_INVITED, ALREADY_HERE),
)
def create_invite(body: InviteIn, use: UseCases, caller: Caller) -> InviteOut:
    """Whoever signs in with this login or e-mail first has an account from then on. It is good for two weeks. Nothing
    is sent: tell them the address."""
    return InviteOut.of(use.people.invite(caller.actor, body.contact, body.role))


@router.delete(
    "/invites/{invite_id}",
    status_code=204,
    summary="Withdraw an invite",
    response_description="Nobody comes in by it",
    responses=errors(*CHANGING, INVITE_NOT_FOUND, UNKNOWN_PATH),
)
def withdraw_invite(invite_id: int, use: UseCases, caller: Caller) -> None:
    """Whoever came in by it already has their account."""
    use.people.withdraw(caller.actor, invite_id)


@router.get(
    "/access",
    summary="What may everybody see?",
    response_description="What is set for all users",
    responses=errors(*STORED),
)
def get_access(use: UseCases, caller: Caller) -> AccessLayer:
    """What is set for all users; what is set for a person is over it."""
    return use.people.access(caller.actor)


@router.put(
    "/access",
    summary="Say what everybody may see",
    response_description="What is set for all users",
    responses=errors(*WITH_BODY, *_LAYER),
)
def set_access(body: AccessLayer, use: UseCases, caller: Caller) -> AccessLayer:
    """Datasets, fields, whether to export and how many rows, for everybody who is not administrator."""
    return use.people.set_access(caller.actor, body)
