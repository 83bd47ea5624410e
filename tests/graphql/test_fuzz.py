"""Generated queries and mutations, of every field, right and wrong: an answer or a refusal, never a fault of ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any

import httpx
import pytest
from graphql import GraphQLObjectType, parse_value
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis_graphql import Mode, strategies

from segmentator_dagster.domain.people import Role
from segmentator_dagster.storage.metadata.datasets import RegisteredDataset
from tests.api.behaviour import SDL, session_of
from tests.api.conftest import Stack, running_stack
from tests.graphql.conftest import ADMINISTRATOR, USER, database_of
from tests.servers.clickhouse import ClickHouseServer

# They would take the askers themselves away.
_LEFT_OUT = {"endSessions", "endSession", "setRole", "blockPerson", "deletePerson"}
_REFUSED = {(400, "graphql_invalid"), (400, "query_too_costly"), (400, "graphql_syntax"), (422, "bad_text")}
_RULES = (
    '{combinator: "and", rules: [{field: "platform_main", operator: "=", value: "ios"}]}',
    '{kind: "segment", segment_id: 1}',
    '{kind: "list", list_id: 1}',
    '{kind: "everyone"}',
    '{segmentator: "rule", version: 2, name: "a", dataset: "visits", time_zone: "UTC", rule: {kind: "everyone"}}',
    '{datasets: {visits: true}, fields: {visits: {platform_main: "masked"}}, max_rows: 7}',
    '{csv: {profile: "excel-ru"}, headers: "ru"}',
)
_JSON = st.recursive(
    st.sampled_from(["null", "true", "0", "-1", "1.5", '""', '"ios"', '"2026-01-31"', "9999999999999999999999"]),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]")
        | st.dictionaries(st.sampled_from(["kind", "rules", "field", "value", "a"]), inner, max_size=3).map(
            lambda pairs: "{" + ", ".join(f"{key}: {value}" for key, value in pairs.items()) + "}"
        )
    ),
    max_leaves=6,
) | st.sampled_from(_RULES)
SCALARS: dict[str, Any] = {
    "JSON": _JSON.map(parse_value),
    "Long": st.integers(-(2**70), 2**70).map(str).map(parse_value),
    "DateTime": st.sampled_from(
        ['"2026-01-31T10:00:00Z"', '"0001-01-01T00:00:00+14:00"', '"9999-12-31T23:59:59-12:00"', '"now"', '""', "7"]
    ).map(parse_value),
}


def names(root: str) -> list[str]:
    type_ = SDL.get_type(root)
    assert isinstance(type_, GraphQLObjectType)
    return sorted(type_.fields.keys() - _LEFT_OUT)


@pytest.fixture(scope="module")
def askers(
    tmp_path_factory: pytest.TempPathFactory, clickhouse_server: ClickHouseServer, visits: RegisteredDataset
) -> Iterator[dict[str, httpx.Client]]:
    folder = tmp_path_factory.mktemp("fuzz")
    with (
        running_stack(folder, (visits,), clickhouse_url=clickhouse_server.reader_url) as stack,
        closing(database_of(stack)) as database,
        ExitStack() as opened,
    ):
        _filled(stack)
        roles = {ADMINISTRATOR: Role.ADMINISTRATOR, USER: Role.USER}
        url = str(stack.client.base_url)
        yield {login: opened.enter_context(session_of(database, url, login, role)) for login, role in roles.items()}


def _filled(stack: Stack) -> None:
    for name in ("a", "b", "c"):
        made = stack.segment(name, visibility="team", tags=["t"])
        stack.client.post(f"/api/v1/segments/{made['id']}/exports", json={"formats": ["csv", "xlsx"]})


def check(client: httpx.Client, query: str) -> None:
    answer = client.post("/graphql", json={"query": query})
    said = answer.json()
    if answer.status_code != 200:
        assert (answer.status_code, said["code"]) in _REFUSED, said
        return
    for error in said.get("errors", ()):
        assert error["extensions"]["code"] not in ("internal_error", "not_signed_in", "cross_site"), error


SETTINGS = settings(
    max_examples=60,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
    derandomize=False,
    database=None,
)


@pytest.mark.slow
@pytest.mark.parametrize("login", [ADMINISTRATOR, USER])
@pytest.mark.parametrize("mode", [Mode.POSITIVE, Mode.NEGATIVE])
def test_29_generated_queries_are_answered_or_refused(askers: dict[str, httpx.Client], login: str, mode: Mode) -> None:
    @SETTINGS
    @given(query=strategies.queries(SDL, fields=names("Query"), custom_scalars=SCALARS, mode=mode))
    def generated(query: str) -> None:
        check(askers[login], query)

    generated()


@pytest.mark.slow
@pytest.mark.parametrize("login", [ADMINISTRATOR, USER])
@pytest.mark.parametrize("mode", [Mode.POSITIVE, Mode.NEGATIVE])
def test_29_generated_mutations_are_made_or_refused(askers: dict[str, httpx.Client], login: str, mode: Mode) -> None:
    @SETTINGS
    @given(query=strategies.mutations(SDL, fields=names("Mutation"), custom_scalars=SCALARS, mode=mode))
    def generated(query: str) -> None:
        check(askers[login], query)

    generated()


@pytest.mark.slow
@pytest.mark.parametrize("field", names("Query") + names("Mutation"))
def test_29_every_field_is_asked_for_by_generated_queries(askers: dict[str, httpx.Client], field: str) -> None:
    make = strategies.queries if field in names("Query") else strategies.mutations

    @settings(SETTINGS, max_examples=12)
    @given(query=make(SDL, fields=[field], custom_scalars=SCALARS))
    def generated(query: str) -> None:
        check(askers[ADMINISTRATOR], query)

    generated()
