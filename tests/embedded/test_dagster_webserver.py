from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from tests.servers.dagster_web import DagsterWeb, dagster_web

GRAPHQL = "/dagster/graphql"
QUERY = {"query": "{version}"}


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DagsterWeb]:
    with dagster_web(tmp_path_factory.mktemp("dagster")) as server:
        yield server


def test_program_is_answered(web: DagsterWeb) -> None:
    answer = httpx.post(web.url + GRAPHQL, json=QUERY, trust_env=False)
    assert answer.json()["data"]["version"]


@pytest.mark.parametrize(
    "marks",
    [
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
def test_page_in_a_browser_is_refused(web: DagsterWeb, marks: dict[str, str]) -> None:
    assert httpx.get(web.url + GRAPHQL, params=QUERY, headers=marks, trust_env=False).status_code == 403
    assert httpx.post(web.url + GRAPHQL, json=QUERY, headers=marks, trust_env=False).status_code == 403


def test_name_that_was_made_to_lead_here_is_refused(web: DagsterWeb) -> None:
    """DNS rebinding: to the browser it is one site, so no mark tells."""
    answer = httpx.get(web.url + GRAPHQL, params=QUERY, headers={"Host": "evil.example"}, trust_env=False)
    assert answer.status_code == 400


def test_socket_of_a_page_is_refused(web: DagsterWeb) -> None:
    with (
        pytest.raises(InvalidStatus) as refused,
        connect(web.url.replace("http", "ws") + GRAPHQL, origin=Origin("https://evil.example"), proxy=None),
    ):
        pass
    assert refused.value.response.status_code == 403
