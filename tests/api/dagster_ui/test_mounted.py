"""Dagster in the whole API, with real accounts, sessions and tokens."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from segmentator_dagster.domain.people import Role
from segmentator_dagster.storage.metadata.database import Database
from segmentator_dagster.storage.metadata.sessions import Sessions
from tests.api.conftest import Stack, running_stack
from tests.api.dagster_ui.conftest import GRAPHQL, assert_refused
from tests.api.dagster_ui.test_socket import socket
from tests.api.people import bearer, person, token_of
from tests.servers.dagster_web import DagsterWeb

QUERY = {"query": "{version}"}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, dagster: DagsterWeb) -> Iterator[Stack]:
    port = httpx.URL(dagster.url).port
    with running_stack(tmp_path_factory.mktemp("whole"), (), dagster_port=port) as stack:
        yield stack


def database_of(stack: Stack) -> Database:
    return Database(f"sqlite:///{stack.settings.data_dir / 'metadata.sqlite'}")


def session_of(stack: Stack, role: Role) -> dict[str, str]:
    """The headers of a page of somebody who has signed in."""
    database = database_of(stack)
    sessions = Sessions(database, idle=timedelta(days=1), longest=timedelta(days=1))
    secret = sessions.start(person(database, role.value, role).id, "127.0.0.1", "tests")
    database.close()
    return {"Cookie": f"sid={secret}", "Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def anybody(whole: Stack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=whole.client.base_url, timeout=20, trust_env=False) as client:
        yield client


def test_administrator_who_has_signed_in_has_pages_files_and_graphql(whole: Stack, anybody: httpx.Client) -> None:
    headers = session_of(whole, Role.ADMINISTRATOR)
    assert "<title" in anybody.get("/dagster/", headers=headers).text
    assert anybody.post(GRAPHQL, json=QUERY, headers=headers).json()["data"]["version"]
    file = anybody.head("/dagster/favicon.svg", headers=headers)
    assert int(file.headers["content-length"]) > 0


def test_user_a_token_and_nobody_are_refused(whole: Stack, anybody: httpx.Client) -> None:
    database = database_of(whole)
    token = bearer(token_of(database))
    database.close()
    assert_refused(anybody.get("/dagster/"), 401, "not_signed_in")
    assert_refused(anybody.get("/dagster/", headers=session_of(whole, Role.USER)), 403, "administrators_only")
    assert_refused(anybody.get("/dagster/", headers=token), 403, "session_only")
    assert_refused(anybody.post(GRAPHQL, json=QUERY, headers=token), 403, "session_only")
    assert_refused(anybody.get("/dagster/", headers=bearer("sgm_1_x")), 401, "invalid_token")


def test_what_dagster_does_not_have_is_404(whole: Stack, anybody: httpx.Client) -> None:
    answer = anybody.get("/dagster/logs/no-such-run/out", headers=session_of(whole, Role.ADMINISTRATOR))
    assert answer.status_code == 404


def test_socket_opens_for_an_administrator_only(whole: Stack) -> None:
    url = str(whole.client.base_url).rstrip("/")
    cookies = {role: session_of(whole, role)["Cookie"] for role in Role}
    with socket(url, Cookie=cookies[Role.ADMINISTRATOR]) as page:
        assert page.subprotocol == "graphql-ws"
    with pytest.raises(InvalidStatus) as refused, socket(url, Cookie=cookies[Role.USER]):
        pass
    assert refused.value.response.status_code == 403
