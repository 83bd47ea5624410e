"""Requirement 20: every field x whoever asks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import httpx
import pytest
import strawberry
from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLList, GraphQLNonNull, GraphQLObjectType

from segmentator_dagster.api.graphql.permissions import BY_REST_ONLY, FIELDS, action_of, close
from segmentator_dagster.api.permissions import ROUTES
from segmentator_dagster.domain.access import Scope
from segmentator_dagster.domain.audit import Event
from segmentator_dagster.domain.data_access import AccessLayer
from segmentator_dagster.domain.errors import InternalError
from segmentator_dagster.domain.people import Role
from segmentator_dagster.storage.metadata.audit import Audit, Search
from segmentator_dagster.storage.metadata.database import Database
from segmentator_dagster.storage.metadata.people import People
from tests.api.behaviour import SDL, selection_of, session_of
from tests.api.conftest import Stack, running_stack
from tests.api.people import bearer, person, token_of
from tests.graphql.conftest import ADMINISTRATOR, ask, code, codes, database_of

# By hand, so that a change of the tables is seen here. Every field is in one of the sets of SCOPES.
SCOPES = {
    Scope.READ: {
        *("Query.me", "Query.mySessions", "Query.myTokens", "Mutation.createToken", "Mutation.revokeToken"),
        *("Mutation.endSession", "Mutation.endSessions"),
        *("Query.segment", "Query.segments", "Query.versions", "Query.ruleFile", "Segment.versions"),
        *("Query.lists", "Query.list", "Query.exports", "Query.export", "Query.snapshots", "Segment.exports"),
        *("Segment.snapshots", "Subscription.exportProgress"),
        *("Query.datasets", "Query.dataset", "Query.values", "Query.operators", "Query.ruleSchema"),
        *("Query.exportOptions", "Query.checkRule", "Query.count", "Query.preview", "Query.breakdown"),
        "Query.funnel",
    },
    Scope.EDIT: {
        *("Mutation.createSegment", "Mutation.updateSegment", "Mutation.shareSegment", "Mutation.deleteSegment"),
        *("Mutation.restoreSegment", "Mutation.copySegment", "Mutation.importRule"),
        *("Mutation.renameList", "Mutation.shareList", "Mutation.deleteList", "Mutation.restoreList"),
    },
    Scope.EXPORT: {"Mutation.requestExports", "Mutation.cancelExport", "Mutation.downloadUrl"},
    Scope.ADMIN: {
        *("Query.people", "Query.person", "Query.invites", "Query.access", "Query.settings", "Query.audit"),
        *("Mutation.setRole", "Mutation.blockPerson", "Mutation.unblockPerson", "Mutation.deletePerson"),
        *("Mutation.createInvite", "Mutation.withdrawInvite", "Mutation.setAccess", "Mutation.setAccessOfPerson"),
        "Mutation.changeSettings",
    },
}
BY_HAND = {
    *("Query.mySessions", "Query.myTokens", "Mutation.createToken", "Mutation.revokeToken", "Mutation.endSession"),
    *("Mutation.endSessions", "Mutation.setRole", "Mutation.blockPerson", "Mutation.unblockPerson"),
    *("Mutation.deletePerson", "Mutation.createInvite", "Mutation.withdrawInvite", "Mutation.setAccess"),
    "Mutation.setAccessOfPerson",
}
TAKES_DATA_OUT = {"Mutation.requestExports", "Mutation.downloadUrl"}
REFUSALS = {"administrators_only", "session_only", "scope_missing", "export_not_allowed"}


@dataclass(frozen=True)
class Callers:
    url: str
    database: Database
    opened: ExitStack
    tokens: dict[tuple[Scope, ...], str]

    def browser(self, login: str, role: Role = Role.USER) -> httpx.Client:
        return self.opened.enter_context(session_of(self.database, self.url, login, role))

    def program(self, *scopes: Scope) -> httpx.Client:
        """Of an administrator, so that it is the scopes that count."""
        if scopes not in self.tokens:
            self.tokens[scopes] = token_of(self.database, ADMINISTRATOR, scopes=scopes)
        return self.anonymous(bearer(self.tokens[scopes]))

    def anonymous(self, headers: dict[str, str] | None = None) -> httpx.Client:
        client = httpx.Client(base_url=self.url, timeout=20, trust_env=False, headers=headers)
        return self.opened.enter_context(client)


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """ClickHouse is down: who may ask it is told so."""
    folder: Path = tmp_path_factory.mktemp("permissions")
    with running_stack(folder, ()) as stack, closing(database_of(stack)) as database:
        with database.writing() as session:
            session.connection().exec_driver_sql(
                "INSERT INTO segments (name, rule, rule_version, updated_at, name_key, search_text, description, "
                "dataset, time_zone, version, fingerprint, visibility, created_at) VALUES ('a', '{}', 2, "
                "'2026-01-01 00:00:00', 'a', 'a', '', 'visits', 'Europe/Moscow', 1, '', 'team', '2026-01-01 00:00:00')"
            )
        yield stack


@pytest.fixture(scope="module")
def tokens() -> dict[tuple[Scope, ...], str]:
    """A person has no more than twenty."""
    return {}


@pytest.fixture
def callers(closed: Stack, tokens: dict[tuple[Scope, ...], str]) -> Iterator[Callers]:
    with closing(database_of(closed)) as database, ExitStack() as opened:
        yield Callers(str(closed.client.base_url), database, opened, tokens)


def dummy(type_: Any) -> Any:
    """A literal that the type takes."""
    if isinstance(type_, GraphQLNonNull):
        return dummy(type_.of_type)
    if isinstance(type_, GraphQLList):
        return "[]"
    if isinstance(type_, GraphQLEnumType):
        return next(iter(type_.values))
    if isinstance(type_, GraphQLInputObjectType):
        required = {name: one.type for name, one in type_.fields.items() if isinstance(one.type, GraphQLNonNull)}
        return "{" + ", ".join(f"{name}: {dummy(one)}" for name, one in required.items()) + "}"
    return {"Int": "999999999", "Boolean": "true", "JSON": "{}", "String": '"nothing"'}[type_.name]


def query_of(field: str) -> str:
    parent, _, name = field.partition(".")
    type_ = SDL.get_type(parent)
    assert isinstance(type_, GraphQLObjectType)
    one = type_.fields[name]
    arguments = {key: dummy(arg.type) for key, arg in one.args.items() if isinstance(arg.type, GraphQLNonNull)}
    if "first" in one.args:
        arguments["first"] = "1"
    given = "(" + ", ".join(f"{key}: {value}" for key, value in arguments.items()) + ")" if arguments else ""
    call = f"{name}{given} {selection_of(one.type)}"
    return (
        f"{{ segments(first: 1) {{ items {{ {call} }} }} }}"
        if parent == "Segment"
        else f"{parent.lower()} {{ {call} }}"
    )


def refusal(client: httpx.Client, field: str) -> str | None:
    """Why the permissions refuse a field; None where they do not."""
    if field.startswith("Subscription."):
        headers = {"Accept": "text/event-stream"}
        answer = client.post("/graphql", json={"query": query_of(field)}, headers=headers)
        events = [line.removeprefix("data: ") for line in answer.text.splitlines() if line.startswith("data: {")]
        found = {one["extensions"]["code"] for one in json.loads(events[0])["errors"]}
    else:
        found = set(codes(ask(client, query_of(field))).values())
    assert "internal_error" not in found
    refused = found & REFUSALS
    return refused.pop() if refused else None


def test_every_field_needs_one_scope_by_hand_too() -> None:
    assert sorted(chain.from_iterable(SCOPES.values())) == sorted(FIELDS)
    assert FIELDS.keys() >= BY_HAND
    assert FIELDS.keys() >= TAKES_DATA_OUT


def test_every_route_has_a_field_or_is_a_file() -> None:
    assert set(FIELDS.values()) | BY_REST_ONLY == ROUTES.keys()
    assert not set(FIELDS.values()) & BY_REST_ONLY


@pytest.mark.parametrize("field", FIELDS)
def test_20_a_field_is_for_whom_the_table_says(callers: Callers, field: str) -> None:
    (needed,) = (scope for scope, fields in SCOPES.items() if field in fields)
    assert code(ask(callers.anonymous(), query_of(field))) == (401, "not_signed_in")
    assert refusal(callers.browser(ADMINISTRATOR, Role.ADMINISTRATOR), field) is None
    expected = "administrators_only" if needed is Scope.ADMIN else None
    assert refusal(callers.browser("anna"), field) == expected
    others = callers.program(*(scope for scope in Scope if scope not in (needed, Scope.READ)), Scope.READ)
    expected = "session_only" if field in BY_HAND else (None if needed is Scope.READ else "scope_missing")
    assert refusal(others, field) == expected
    fitting = callers.program(needed, Scope.READ)
    assert refusal(fitting, field) == ("session_only" if field in BY_HAND else None)


@pytest.mark.parametrize("field", sorted(TAKES_DATA_OUT | {"Mutation.cancelExport", "Query.export"}))
def test_20_who_may_not_export_takes_no_data_out(callers: Callers, field: str) -> None:
    reader = person(callers.database, "reader", Role.USER)
    People(callers.database).set_access(reader.id, AccessLayer(may_export=False))
    expected = "export_not_allowed" if field in TAKES_DATA_OUT else None
    assert refusal(callers.browser("reader"), field) == expected


def test_15_who_is_blocked_gets_no_field(callers: Callers) -> None:
    client = callers.browser("leaver")
    assert ask(client, "{ me { id } }").status_code == 200
    People(callers.database).block(person(callers.database, "leaver", Role.USER).id)
    assert code(ask(client, "{ me { id } }")) == (401, "not_signed_in")


def test_a_refused_field_is_null_and_written_down_once_and_those_beside_it_are_answered(callers: Callers) -> None:
    client = callers.browser("boris")
    twice = "{ me { name } a: people(first: 1) { nextCursor } b: people(first: 1) { nextCursor } settings { version } }"
    answer = ask(client, twice)
    assert answer.json()["data"] == {"me": {"name": "Boris"}, "a": None, "b": None, "settings": None}
    assert codes(answer) == dict.fromkeys(("a", "b", "settings"), "administrators_only")
    found = Audit(callers.database).page(
        Search(event=Event.REFUSED, actor_id=person(callers.database, "boris").id), before_id=None, limit=9
    )
    assert sorted(entry.thing.id for entry in found) == ["Query.people", "Query.settings"]
    assert {entry.request_id for entry in found} == {answer.headers["x-request-id"]}


def test_a_field_that_is_in_no_table_is_not_built() -> None:
    @strawberry.type
    class Query:
        @strawberry.field
        async def secrets(self) -> str:
            return "all of them"

    with pytest.raises(InternalError, match=r"Query\.secrets"):
        close((Query,))
    with pytest.raises(InternalError, match="nothing"):
        action_of("Query.nothing")


def test_a_line_of_the_table_without_its_field_is_not_built() -> None:
    with pytest.raises(InternalError, match=r"Query\.me"):
        close(())
