"""GraphQL over the whole API, for a person in a browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import httpx
import pytest

from segmentator_dagster.domain.people import Role
from segmentator_dagster.storage.metadata.database import Database
from tests.api.behaviour import session_of
from tests.api.conftest import Stack
from tests.api.conftest import make_stack as make_stack  # noqa: PLC0414  fixtures
from tests.api.conftest import offline as offline  # noqa: PLC0414
from tests.api.conftest import online as online  # noqa: PLC0414
from tests.api.conftest import stack as stack  # noqa: PLC0414
from tests.api.conftest import visits as visits  # noqa: PLC0414

ADMINISTRATOR, USER = "admin", "anna"
ROLES = {ADMINISTRATOR: Role.ADMINISTRATOR, USER: Role.USER}


def database_of(stack: Stack) -> Database:
    return Database(f"sqlite:///{stack.settings.data_dir / 'metadata.sqlite'}")


@pytest.fixture
def browser() -> Iterator[Callable[..., httpx.Client]]:
    """A browser of somebody who is signed in."""
    with ExitStack() as opened:

        def open_one(stack: Stack, login: str = ADMINISTRATOR) -> httpx.Client:
            database = opened.enter_context(closing(database_of(stack)))
            client = session_of(database, str(stack.client.base_url), login, ROLES.get(login, Role.USER))
            return opened.enter_context(client)

        yield open_one


def ask(client: httpx.Client, query: str, /, **variables: Any) -> httpx.Response:
    return client.post("/graphql", json={"query": query, "variables": variables})


def data(client: httpx.Client, query: str, /, **variables: Any) -> Any:
    answer = ask(client, query, **variables)
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert "errors" not in said, said
    return said["data"]


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def codes(answer: httpx.Response) -> dict[str, str]:
    """Of each field that was refused."""
    assert answer.status_code == 200, answer.text
    return {".".join(map(str, one["path"])): one["extensions"]["code"] for one in answer.json().get("errors", ())}
