"""An installation with people, segments, lists and exports in place, so that ids which a fuzzer tries hit something."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from segmentator_dagster.api.app import create_app
from segmentator_dagster.api.authentication import Cookie
from segmentator_dagster.compiler.query import CompiledQuery
from segmentator_dagster.domain.people import Role
from segmentator_dagster.embedded.demo import LABELS
from segmentator_dagster.settings import Settings
from segmentator_dagster.storage.clickhouse import ClickHouse
from segmentator_dagster.storage.connections import database_of
from segmentator_dagster.storage.members import create_databases
from segmentator_dagster.storage.metadata.attempts import Attempts
from segmentator_dagster.storage.metadata.database import Database
from segmentator_dagster.storage.metadata.datasets import Datasets, RegisteredDataset
from segmentator_dagster.storage.metadata.exports import Exports
from segmentator_dagster.storage.metadata.migrate import migrate
from segmentator_dagster.storage.metadata.people import People
from segmentator_dagster.storage.metadata.segments import Segments
from segmentator_dagster.storage.metadata.sessions import Sessions
from tests.api.conftest import Stack
from tests.api.exporting import ask, publish, snapshot, started
from tests.api.list_requests import made
from tests.api.people import bearer, person, token_of
from tests.api.servers import api_server
from tests.servers.child import free_port
from tests.servers.clickhouse import ClickHouseServer

_TABLE = "datasets.fuzz_activity"
_ROWS = """
('u1', '2026-01-01', 'ios', '2026-01-01'), ('u1', '2026-01-05', 'android', '2026-01-01'),
('u2', '2026-03-02', 'ios', '2026-03-01'), ('u3', '2026-03-03', 'web', '2026-03-03')
"""

RULES: list[Any] = [
    {"combinator": "and", "rules": [{"field": "platform_main", "operator": "in", "value": ["ios", "web"]}]},
    {
        "kind": "group",
        "combinator": "or",
        "rules": [{"kind": "segment", "segment_id": 1}, {"kind": "list", "list_id": 1}],
    },
    {
        "kind": "activity",
        "where": {
            "combinator": "or",
            "rules": [{"field": "date", "operator": "inLast", "value": {"count": 1, "unit": "year"}}],
        },
        "aggregate": {"function": "days"},
        "operator": ">=",
        "value": 0,
        "not": True,
    },
]


@dataclass(frozen=True)
class World:
    url: str
    database: Database
    document: dict[str, Any]
    known: dict[str, list[Any]]


class Caller:
    """Somebody in a browser who, whenever what was fuzzed has thrown them out, is let in and signs in again."""

    def __init__(self, database: Database, login: str, role: Role) -> None:
        self._database = database
        self._login = login
        self._role = role
        self._sessions = Sessions(database, idle=timedelta(days=1), longest=timedelta(days=1))
        self._secret = ""

    def session(self) -> str:
        """What the cookie holds; a session that is alive and of this role."""
        held = self._sessions.holder(self._secret)
        if held is None or held.person.role is not self._role:
            people, somebody = People(self._database), person(self._database, self._login, self._role)
            people.unblock(somebody.id)
            people.set_role(somebody.id, self._role)
            self._secret = self._sessions.start(somebody.id, "127.0.0.1", "tests")
        return self._secret


def activity(admin: ClickHouse) -> RegisteredDataset:
    """A small table under the names of the demo: the examples of the document are questions to it."""
    create_databases(admin, "segmentator", "datasets")
    columns = "user_id String, date Date, platform_main String, cohort Date"
    admin.execute(CompiledQuery(f"CREATE OR REPLACE TABLE {_TABLE} ({columns}) ENGINE = MergeTree ORDER BY user_id"))
    admin.execute(CompiledQuery(f"INSERT INTO {_TABLE} VALUES {_ROWS}"))
    return RegisteredDataset("user_activity", "datasets", "fuzz_activity", "user_id", "date", field_labels=LABELS)


@contextmanager
def running_world(
    folder: Path, clickhouse: ClickHouseServer, dataset: RegisteredDataset, **changes: Any
) -> Iterator[World]:
    settings = Settings.load(
        data_dir=folder,
        default_dataset=dataset.name,
        dagster_port=free_port(),
        clickhouse_url=clickhouse.writer_url,
        clickhouse_reader_url=clickhouse.reader_url,
        secret_key="k" * 32,
        rate_limits=False,
        **changes,
    )
    database = database_of(settings)
    migrate(database)
    Datasets(database).register(dataset)
    with api_server(create_app(settings)) as url:
        for login, role in (("user", Role.USER), ("admin", Role.ADMINISTRATOR), ("other", Role.USER)):
            with httpx.Client(
                base_url=url, timeout=20, trust_env=False, headers=bearer(token_of(database, login, role))
            ) as client:
                stack = Stack(client, settings, Segments(database), Exports(database), Attempts(database))
                _furnish(stack, login)
                document = client.get("/api/v1/openapi.json").raise_for_status().json()
        document["components"]["securitySchemes"]["session"]["name"] = Cookie.of(url).name
        yield World(url, database, document, _known(stack))
    database.close()


def _known(stack: Stack) -> dict[str, list[Any]]:
    segments = range(1, 13)
    exports = [export.id for segment in segments for export in stack.exports.of_segment(segment, 10)]
    return {
        "segment_id": list(segments),
        "list_id": list(range(1, 7)),
        "person_id": [1, 2, 3],
        "export_id": exports,
        "name": ["user_activity"],
        "field": ["platform_main", "date", "cohort", "user_id"],
    }


def _furnish(stack: Stack, login: str) -> None:
    """What one person has: live, broken by reference, shared and deleted things; exports in every state."""
    first, second, third = (stack.segment(f"{login} {number}", tags=[login]) for number in range(3))
    stack.client.put(f"/api/v1/segments/{first['id']}/sharing", json={"visibility": "team"}).raise_for_status()
    stack.segment(f"{login} refers", rule={"kind": "segment", "segment_id": second["id"]})
    stack.client.delete(f"/api/v1/segments/{third['id']}").raise_for_status()
    # the example of a rule file refers to a list of this name
    listed = made(stack, "u1", "u2", "nobody", name="Закрытая группа" if login == "user" else f"{login} list")
    gone = made(stack, "u3", name=f"{login} gone")
    stack.client.put(f"/api/v1/lists/{listed['id']}/sharing", json={"visibility": "team"}).raise_for_status()
    stack.client.delete(f"/api/v1/lists/{gone['id']}").raise_for_status()
    snapshot(stack, first["id"])
    for parts in (1, 2):
        (export,) = ask(stack, first["id"], ["csv"]).raise_for_status().json()["items"]
        started(stack, export["id"])
        publish(stack, export["id"], parts)
    (cancelled,) = ask(stack, second["id"], ["xlsx"]).raise_for_status().json()["items"]
    stack.client.post(f"/api/v1/exports/{cancelled['id']}/cancel").raise_for_status()
    ask(stack, second["id"], ["csv", "parquet"]).raise_for_status()
