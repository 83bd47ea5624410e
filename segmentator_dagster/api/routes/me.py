"""HTTP -> oneself: who one is, one's sessions and tokens."""

from __future__ import annotations

from segmentator_dagster.api.documented import CHANGING, STORED, WITH_BODY, errors
from segmentator_dagster.api.gate import closed_router
from segmentator_dagster.api.http_problems import UNKNOWN_PATH
from segmentator_dagster.api.problems import CONTROL_CHARACTER, EMPTY_NAME, OUT_OF_RANGE, TOO_LONG, UNKNOWN_CHOICE
from segmentator_dagster.api.routes.caller import Caller, UseCases
from segmentator_dagster.api.schemas.people import (
    MeOut,
    NewTokenOut,
    SessionOut,
    SessionsOut,
    TokenIn,
    TokenOut,
    TokensOut,
)
from segmentator_dagster.api.sign_in import SCOPE_NOT_YOURS
from segmentator_dagster.storage.metadata.sessions import SESSION_NOT_FOUND, TOKEN_NOT_FOUND, TOO_MANY_TOKENS

router = closed_router(prefix="/me", tags=["me"])


@router.get("", summary="Who am I?", response_description="Who this request came from", responses=errors(*STORED))
def get_me(caller: Caller) -> MeOut:
    """Name, role, and what this session or token may do."""
    return MeOut.of(caller.actor)


@router.get(
    "/sessions", summary="List my sessions", response_description="Where I am signed in", responses=errors(*STORED)
)
def list_own_sessions(use: UseCases, caller: Caller) -> SessionsOut:
    """Sessions that have not ended, the last used first."""
    return SessionsOut(items=[SessionOut.of(one, caller.actor) for one in use.sign_in.sessions(caller.actor)])


@router.delete(
    "/sessions/{session_id}",
    status_code=204,
    summary="End one of my sessions",
    response_description="It is ended",
    responses=errors(*CHANGING, SESSION_NOT_FOUND, UNKNOWN_PATH),
)
def end_own_session(session_id: str, use: UseCases, caller: Caller) -> None:
    """Whoever uses it is signed out with their next request."""
    use.sign_in.end_session(caller.actor, session_id)


@router.delete(
    "/sessions",
    status_code=204,
    summary="Sign out everywhere",
    response_description="All sessions are ended, this one too",
    responses=errors(*CHANGING),
)
def end_own_sessions(use: UseCases, caller: Caller) -> None:
    """Tokens stay: revoke them one by one."""
    use.sign_in.sign_out_everywhere(caller.actor)


@router.get("/tokens", summary="List my tokens", response_description="Newest first", responses=errors(*STORED))
def list_own_tokens(use: UseCases, caller: Caller) -> TokensOut:
    """Also expired and revoked ones, none of them whole."""
    return TokensOut(items=[TokenOut.of(token) for token in use.sign_in.tokens(caller.actor)])


@router.post(
    "/tokens",
    status_code=201,
    summary="Make a token",
    response_description="The token; it is shown this once",
    responses=errors(
        *WITH_BODY,
        EMPTY_NAME,
        TOO_LONG,
        CONTROL_CHARACTER,
        UNKNOWN_CHOICE,
        OUT_OF_RANGE,
        SCOPE_NOT_YOURS,
        TOO_MANY_TOKENS,
    ),
)
def create_token(body: TokenIn, use: UseCases, caller: Caller) -> NewTokenOut:
    """For programs: sent as `Authorization: Bearer`. It may do what its scopes and its owner's role allow at the time,
    and can make no tokens and change no people."""
    token, text = use.sign_in.create_token(caller.actor, body.name, body.scopes, body.days)
    return NewTokenOut.made(token, text)


@router.delete(
    "/tokens/{token_id}",
    status_code=204,
    summary="Revoke one of my tokens",
    response_description="It opens nothing any more",
    responses=errors(*CHANGING, TOKEN_NOT_FOUND, UNKNOWN_PATH),
)
def revoke_token(token_id: str, use: UseCases, caller: Caller) -> None:
    """It stays in the list. Revoking twice changes nothing."""
    use.sign_in.revoke_token(caller.actor, token_id)
