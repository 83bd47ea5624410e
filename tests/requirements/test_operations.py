"""Requirements 39 and 40: Dagster behind the product, and no secret anywhere after everything that can fail has."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from segmentator_dagster.embedded.yandex_id.faults import Fault as YandexFault
from segmentator_dagster.embedded.yandex_id.state import Endpoint
from segmentator_dagster.settings import SECRETS_FILE
from tests.acceptance.stack import Stack
from tests.api.conftest import RULE
from tests.requirements.canary import everything, files, leaks
from tests.requirements.installation import ANNA, Installation
from tests.servers.child import free_port
from tests.servers.fault_proxy import Fault
from tests.servers.yandex_id import consent

pytestmark = pytest.mark.acceptance

GRAPHQL = "/dagster/graphql"
MUTATION = """mutation($key: String!) { addDynamicPartition(partitionsDefName: "segments", partitionKey: $key,
repositorySelector: {repositoryName: "__repository__", repositoryLocationName: "segmentator"}) { __typename } }"""
PARTITIONS = """{ assetNodeOrError(assetKey: {path: ["segment_csv"]}) { ... on AssetNode { partitionKeys } } }"""


def mutation(key: str) -> dict[str, Any]:
    return {"query": MUTATION, "variables": {"key": key}}


def test_39_dagster_does_what_an_administrator_asks_from_our_pages_and_nothing_else(installation: Installation) -> None:
    """`--read-only` cannot be given to Dagster's web server: the API launches runs through it. In its place the server
    listens on loopback, refuses whatever has a browser's marks on it, and people come through the API, which passes on
    an administrator's session, JSON by POST and no query in an address.
    """
    stack = installation.stack
    administrator = installation.browser(ANNA)
    tried: list[httpx.Response] = []

    def of_another_site(method: str, **more: Any) -> None:
        for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}):
            tried.append(administrator.request(method, GRAPHQL, headers=headers, **more))

    of_another_site("POST", json=mutation("by-post"))
    of_another_site("GET", params={"query": MUTATION, "variables": '{"key": "by-get"}'})
    tried.append(administrator.get(GRAPHQL, params={"query": MUTATION, "variables": '{"key": "in-the-address"}'}))
    direct = f"http://127.0.0.1:{stack.dagster_port}{GRAPHQL}"
    for headers in (
        {"Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": installation.site},
    ):
        tried.append(httpx.post(direct, json=mutation("direct"), headers=headers, trust_env=False))
    assert [answer.status_code for answer in tried] == [403] * len(tried)
    assert httpx.post(direct, json=mutation("host"), headers={"Host": "evil"}, trust_env=False).status_code == 400
    program = installation.client(Authorization=stack.http.headers["Authorization"])
    for who, status in ((installation.browser(), 401), (program, 403)):
        assert who.get("/dagster/runs").status_code == status
        assert who.post(GRAPHQL, json=mutation("not-allowed")).status_code == status
    with pytest.raises(OSError, match=r"refused|unreachable|Can't assign"):
        socket.create_connection(("127.0.0.2", stack.dagster_port), 1).close()
    keys = stack.dagster(PARTITIONS)["assetNodeOrError"]["partitionKeys"]
    assert all(key.isdigit() for key in keys)
    page = administrator.get("/dagster/runs", headers={"Sec-Fetch-Site": "same-origin"})
    assert (page.status_code, page.headers["content-type"].partition(";")[0]) == (200, "text/html")
    done = administrator.post(GRAPHQL, json=mutation("999999"))
    assert done.json()["data"]["addDynamicPartition"]["__typename"] == "AddDynamicPartitionSuccess"


def test_40_no_secret_stands_anywhere_after_everything_that_can_fail_has(installation: Installation) -> None:
    """Besides what this provokes, all that the tests before it did to the same installation has left its traces."""
    provoke(installation)
    stack = installation.stack
    installation.secrets |= {
        f"{kind} of Yandex {n}": getattr(token, kind)
        for n, token in enumerate(installation.yandex.state._tokens.values())
        for kind in ("access", "refresh")
    }
    places = everything(installation)
    stack.stop()
    places |= files(installation)
    assert len(installation.secrets) > 12
    assert all(len(secret) >= 20 for secret in installation.secrets.values())
    for kind in ("s3 own/exports/", "s3 own/dagster/", "redis ", "logs/", "public.audit", "dagster.event_logs"):
        assert [place for place in places if place.startswith(kind)], f"nothing was looked for in {kind}"
    found = leaks(installation.secrets, places)
    assert [leak for leak in found if leak[1] != SECRETS_FILE] == []
    assert ("link_key", SECRETS_FILE) in found, "what is looked for is found where the embedded parts read it"


def provoke(installation: Installation) -> None:
    """One good export, then failures of every part, each with its secret near at hand."""
    stack, http = installation.stack, installation.stack.http
    [good] = stack.export(stack.create("удачный", RULE)["id"], "csv")
    assert stack.file_of(stack.ended(good["id"]))
    assert http.post("/rules/count", json={"rule": {"kind": "everyone"}}).status_code == 200  # fills the cache
    assert http.post("/rules/count", json={"rule": {"kind": "wrong"}}).status_code == 422
    for secret in ("token", "session of nobody"):
        bad = f"Bearer sgm_0123456789ab_{installation.secrets.setdefault(secret, 's' * 43)}"
        assert installation.client(Authorization=bad).get("/api/v1/me").status_code == 401
    with full_store(installation):  # which is asked again and again for a quarter of a minute
        fail_at_yandex(installation)
        find_no_database(installation)
    lose_a_table(installation)
    [asked] = stack.export(installation.everyone_of(installation.slow(1000, 3.0))["id"], "csv")
    installation.at_work(asked["id"])
    assert stack.kill("clickhouse_server") == 1
    assert http.post("/rules/count", json={"rule": RULE}).status_code == 503
    stack.wait(lambda: http.post("/rules/count", json={"rule": RULE}).status_code == 200)


def fail_at_yandex(installation: Installation) -> None:
    state = installation.yandex.state
    for endpoint in (Endpoint.TOKEN, Endpoint.INFO):
        browser = installation.browser()
        back = consent(browser, browser.get("/auth/login").headers["location"], ANNA)
        state.faults[endpoint] = YandexFault.SERVER_ERROR
        assert browser.get(back).status_code == 502
        del state.faults[endpoint]
    registered = state.application
    state.application = replace(registered, client_secret="another secret than ours")
    browser = installation.browser()
    assert browser.get(consent(browser, browser.get("/auth/login").headers["location"], ANNA)).status_code >= 400
    state.application = registered


@contextmanager
def full_store(installation: Installation) -> Iterator[None]:
    """An export that S3 refuses begins with the block and ends with it."""
    proxy, stack = installation.proxy, installation.stack
    proxy.fault_of = lambda _number, seen: Fault.FULL if seen.step in ("part", "put", "create") else None
    [asked] = stack.export(stack.create("в полное хранилище", RULE)["id"], "csv")
    yield
    assert stack.ended(asked["id"])["error"]["code"] == "object_store_full"
    proxy.fault_of = lambda _number, _seen: None


def find_no_database(installation: Installation) -> None:
    stack, password = installation.stack, installation.secrets["postgresql"]
    nowhere = {"SEGMENTATOR_DATABASE_URL": f"postgresql://app:{password}@127.0.0.1:{free_port()}/app"}
    refused = Stack(stack.data_dir, {**stack.variables, **nowhere}).command("migrate")
    assert refused.returncode != 0
    installation.answers.append(refused.stdout + refused.stderr)


def lose_a_table(installation: Installation) -> None:
    """A 500 of the API, and a run that ends as nobody expected."""
    stack = installation.stack
    segment = stack.create("без таблицы", RULE)
    _execute(installation, "ALTER TABLE snapshots RENAME TO snapshots_away")
    answer = stack.http.get(f"/segments/{segment['id']}/snapshots")
    [asked] = stack.export(segment["id"], "csv")
    ended = stack.ended(asked["id"])
    _execute(installation, "ALTER TABLE snapshots_away RENAME TO snapshots")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert (ended["status"], ended["error"]["code"]) == ("failed", "internal_error")


def _execute(installation: Installation, statement: str) -> None:
    with installation.database.engine.begin() as connection:
        connection.execute(sa.text(statement))
