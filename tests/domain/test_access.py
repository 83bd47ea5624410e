from __future__ import annotations

from dataclasses import replace
from itertools import chain, combinations

import pytest

from segmentator_dagster.domain.access import NEEDS, SYSTEM, Action, Actor, Owned, Scope, Via, decide, require, sees
from segmentator_dagster.domain.data_access import DataAccess
from segmentator_dagster.domain.errors import UserError
from segmentator_dagster.domain.people import Role
from segmentator_dagster.domain.segment import Visibility

# What docs/decisions/0011 says, written once more by hand: every action is in one set of SCOPES.
SCOPES = {
    Scope.READ: {
        *("own.read", "own.keys", "segments.read", "lists.read", "data.read", "data.ask", "exports.read"),
    },
    Scope.EDIT: {"segments.change", "lists.change"},
    Scope.EXPORT: {"exports.request", "exports.cancel", "exports.download"},
    Scope.ADMIN: {
        *("people.read", "people.change", "access.read", "access.change", "settings.read", "settings.change"),
        *("audit.read", "dagster"),
    },
}
BY_HAND = {"own.keys", "people.change", "access.change", "dagster"}
TAKES_DATA_OUT = {"exports.request", "exports.download"}

USER = Actor(7, "Анна", Role.USER, Via.SESSION)
ADMINISTRATOR = Actor(1, "Борис", Role.ADMINISTRATOR, Via.SESSION)
NO_EXPORTS = DataAccess(may_export=False)
EVERY_SCOPES = [frozenset(some) for some in chain.from_iterable(combinations(Scope, size) for size in range(5))]


def code(actor: Actor | None, action: Action, target: Owned | None = None) -> str | None:
    problem = decide(actor, action, target)
    return problem.code if problem else None


def token_of(actor: Actor, *scopes: Scope) -> Actor:
    return replace(actor, via=Via.TOKEN, scopes=frozenset(scopes))


def test_every_action_is_decided_and_needs_one_scope() -> None:
    assert NEEDS.keys() == set(Action)
    assert sorted(chain.from_iterable(SCOPES.values())) == sorted(Action)


@pytest.mark.parametrize("action", Action)
def test_nobody_may_do_anything(action: Action) -> None:
    assert code(None, action) == code(None, action, Owned(None)) == "not_signed_in"


@pytest.mark.parametrize("action", Action)
def test_a_person_in_a_session_may_do_what_their_role_may(action: Action) -> None:
    assert code(ADMINISTRATOR, action) is None
    assert code(USER, action) == ("administrators_only" if action in SCOPES[Scope.ADMIN] else None)
    assert code(SYSTEM, action) is None


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("action", Action)
def test_a_token_may_do_what_its_scopes_and_its_owners_role_may(action: Action, role: Role) -> None:
    """Whatever a token is for, it may read."""
    (needed,) = (scope for scope, actions in SCOPES.items() if action in actions)
    for scopes in EVERY_SCOPES:
        if needed is Scope.ADMIN and role is Role.USER:
            expected = "administrators_only"
        elif action in BY_HAND:
            expected = "session_only"
        else:
            expected = None if needed in scopes or (needed is Scope.READ and scopes) else "scope_missing"
        assert code(token_of(replace(USER, role=role), *scopes), action) == expected, scopes


@pytest.mark.parametrize("action", Action)
def test_whoever_may_not_export_may_do_all_the_rest(action: Action) -> None:
    expected = "export_not_allowed" if action in TAKES_DATA_OUT else None
    assert code(replace(ADMINISTRATOR, access=NO_EXPORTS), action) == expected


def test_what_a_token_lacks_is_named() -> None:
    problem = decide(token_of(USER, Scope.EDIT), Action.EXPORTS_REQUEST)
    assert problem is not None
    assert "`export`" in problem.message("ru")
    assert "`export`" in problem.message("en")


@pytest.mark.parametrize("visibility", Visibility)
@pytest.mark.parametrize(
    ("actor", "owner_id", "expected"),
    [
        (USER, 7, None),
        (USER, 8, "not_yours"),
        (USER, None, "not_yours"),  # of before there were people: the administrators' to change
        (ADMINISTRATOR, 1, None),
        (ADMINISTRATOR, 8, None),
        (ADMINISTRATOR, None, None),
        (SYSTEM, 8, None),
        (replace(USER, person_id=None), None, "not_yours"),  # nobody's things are not those of a nobody
        (token_of(USER, Scope.EDIT), 7, None),
        (token_of(USER, Scope.EDIT), 8, "not_yours"),
        (token_of(USER, Scope.READ), 7, "scope_missing"),
        (token_of(ADMINISTRATOR, Scope.EDIT), 8, None),
    ],
)
def test_only_its_owner_and_administrators_change_something_whoever_sees_it(
    actor: Actor, owner_id: int | None, expected: str | None, visibility: Visibility
) -> None:
    assert code(actor, Action.SEGMENTS_CHANGE, Owned(owner_id, visibility)) == expected


@pytest.mark.parametrize(
    ("actor", "target", "seen"),
    [
        (USER, Owned(7, Visibility.PRIVATE), True),
        (USER, Owned(8, Visibility.PRIVATE), False),
        (USER, Owned(None, Visibility.PRIVATE), False),
        (USER, Owned(8, Visibility.TEAM), True),
        (USER, Owned(None), True),
        (ADMINISTRATOR, Owned(8, Visibility.PRIVATE), True),
        (SYSTEM, Owned(8, Visibility.PRIVATE), True),
        (token_of(USER), Owned(8, Visibility.PRIVATE), False),
        (token_of(ADMINISTRATOR, Scope.READ), Owned(8, Visibility.PRIVATE), True),
    ],
)
def test_own_things_and_the_teams_are_seen_and_by_administrators_all(actor: Actor, target: Owned, seen: bool) -> None:
    assert sees(actor.viewer, target) is seen


def test_what_may_not_be_done_is_refused_with_its_reason() -> None:
    require(USER, Action.SEGMENTS_CHANGE, Owned(7))
    with pytest.raises(UserError) as error:
        require(USER, Action.SEGMENTS_CHANGE, Owned(8))
    assert error.value.code == "not_yours"
    with pytest.raises(UserError) as error:
        require(USER, Action.PEOPLE_CHANGE)
    assert error.value.code == "administrators_only"
