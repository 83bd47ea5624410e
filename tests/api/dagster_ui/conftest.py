"""Dagster's own web server, and an API with nothing but the proxy to it under our uvicorn."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.requests import HTTPConnection

from segmentator_dagster.api.authentication import INVALID_TOKEN
from segmentator_dagster.api.dagster_proxy import DagsterProxy
from segmentator_dagster.api.middleware import Around, SameSite
from segmentator_dagster.domain.access import Actor, Via
from segmentator_dagster.domain.people import Role
from tests.api.servers import api_server
from tests.servers.child import LOOPBACK
from tests.servers.dagster_web import DagsterWeb, dagster_web

GRAPHQL = "/dagster/graphql"
PEOPLE = {
    "administrator": Actor(1, "Anna", Role.ADMINISTRATOR, Via.SESSION),
    "user": Actor(2, "Boris", Role.USER, Via.SESSION),
    "token": Actor(1, "Anna", Role.ADMINISTRATOR, Via.TOKEN),
}


@dataclass
class Doorkeeper:
    """Knows whoever the cookie `who` names, and one bad token. `people` may be changed while requests run."""

    people: dict[str, Actor] = field(default_factory=lambda: dict(PEOPLE))

    async def actor_of(self, connection: HTTPConnection) -> Actor | None:
        if connection.headers.get("authorization") == "Bearer bad":
            raise INVALID_TOKEN.error()
        return self.people.get(connection.cookies.get("who", ""))


def bare_app(**options: Any) -> FastAPI:
    """One with no routes yet that runs in our server."""
    app = FastAPI(openapi_url=None, **options)
    app.state.services = SimpleNamespace(stopping=threading.Event())
    return app


@contextmanager
def proxied(dagster_url: str, doorkeeper: Doorkeeper | None = None) -> Iterator[str]:
    """The address of an API whose /dagster leads there."""
    proxy = DagsterProxy(dagster_url, (doorkeeper or Doorkeeper()).actor_of)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await proxy.close()

    app = bare_app(lifespan=lifespan)
    app.mount("/dagster", proxy)
    app.add_middleware(SameSite, public_url=f"http://{LOOPBACK}")
    app.add_middleware(Around, public_url=f"http://{LOOPBACK}")
    with api_server(app) as url:
        yield url


@contextmanager
def browser(url: str, who: str = "administrator") -> Iterator[httpx.Client]:
    """Somebody's requests; those that change something come from a page of this site unless they say otherwise."""
    headers = {"Cookie": f"theme=dark; who={who}"}
    with httpx.Client(base_url=url, headers=headers, timeout=30, trust_env=False) as client:
        client.event_hooks["request"].append(_as_of_this_site)
        yield client


def _as_of_this_site(request: httpx.Request) -> None:
    if request.method not in ("GET", "HEAD"):
        request.headers.setdefault("Origin", f"http://{request.headers['host']}")


def assert_refused(answer: httpx.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


@pytest.fixture(scope="package")
def dagster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DagsterWeb]:
    with dagster_web(tmp_path_factory.mktemp("dagster")) as web:
        yield web


@pytest.fixture(scope="package")
def url(dagster: DagsterWeb) -> Iterator[str]:
    with proxied(dagster.url) as address:
        yield address


@pytest.fixture
def page(url: str) -> Iterator[httpx.Client]:
    with browser(url) as client:
        yield client
