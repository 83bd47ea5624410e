"""An administrator and a user with less access before one API, and a run's work done for both."""

from __future__ import annotations

import csv
import io
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from segmentator_dagster.compiler.query import CompiledQuery
from segmentator_dagster.domain.data_access import AccessLayer
from segmentator_dagster.domain.export import Format
from segmentator_dagster.domain.people import Role
from segmentator_dagster.exports.exporter import Exporter, Run
from segmentator_dagster.resources.services import Services
from segmentator_dagster.storage.clickhouse import ClickHouse
from segmentator_dagster.storage.members import create_databases
from segmentator_dagster.storage.metadata.database import Database
from segmentator_dagster.storage.metadata.datasets import RegisteredDataset
from segmentator_dagster.storage.metadata.people import People
from tests.api.conftest import Stack
from tests.api.people import bearer, person, token_of
from tests.servers.clickhouse import ClickHouseServer

EVERYONE = {"kind": "everyone"}
LIMITED = {"fields": {"crm": {"email": "masked", "born": "hidden"}}}
COLUMNS = "user_id String, email Nullable(String), city String, born Date"
ROWS = "('a', 'anna@mail.ru', 'Омск', '1990-01-31'), ('b', 'bob@mail.ru', 'Уфа', '2000-02-29'), ('c', NULL, 'Уфа', 0)"


@dataclass(frozen=True)
class Desk:
    """An administrator and Vera before one installation with the dataset `crm`."""

    stack: Stack
    admin: httpx.Client
    vera: httpx.Client
    vera_id: int
    people: People
    exporter: Exporter
    clickhouse: ClickHouse
    table: str

    def limit(self, **layer: Any) -> None:
        self.people.set_access(self.vera_id, AccessLayer.model_validate(layer))

    def export(self, who: httpx.Client, segment_id: int, format_: str = "csv", **more: Any) -> str:
        """The id of an export that somebody asked for, its files made as a run makes them."""
        answer = who.post(f"/api/v1/segments/{segment_id}/exports", json={"formats": [format_], **more})
        assert answer.status_code == 202, answer.text
        export_id: str = answer.json()["items"][0]["id"]
        request_id = self.stack.exports.get(export_id).request_id
        run = Run(str(uuid.uuid4()), None, False, request_id, segment_id, (Format(format_),), True)
        request = self.exporter.begin(run)
        self.exporter.take_audience(request)
        self.exporter.write_file(request, Format(format_), run)
        return export_id


@contextmanager
def open_desk(
    make_stack: Callable[..., Stack], admin: ClickHouse, clickhouse_server: ClickHouseServer
) -> Iterator[Desk]:
    create_databases(admin, "segmentator", "datasets")
    table = f"api_{uuid.uuid4().hex}"
    admin.execute(CompiledQuery(f"CREATE TABLE datasets.{table} ({COLUMNS}) ENGINE = MergeTree ORDER BY user_id"))
    admin.execute(CompiledQuery(f"INSERT INTO datasets.{table} VALUES {ROWS}"))
    stack = make_stack(
        tuple(RegisteredDataset(name, "datasets", table, "user_id") for name in ("crm", "other")),
        clickhouse_url=clickhouse_server.writer_url,
        clickhouse_reader_url=clickhouse_server.reader_url,
        default_dataset="crm",
    )
    services = Services.of(stack.settings)
    database = Database(f"sqlite:///{stack.settings.data_dir / 'metadata.sqlite'}")
    vera = person(database, "vera", Role.USER)
    token = token_of(database, "vera", Role.USER)
    with httpx.Client(base_url=stack.client.base_url, timeout=20, headers=bearer(token)) as client:
        people = People(database)
        yield Desk(stack, stack.client, client, vera.id, people, services.exporter, admin, table)
    database.close()


def segment(who: httpx.Client, rule: Any = EVERYONE, **more: Any) -> int:
    made = who.post("/api/v1/segments", json={"name": uuid.uuid4().hex, "rule": rule, "visibility": "team", **more})
    assert made.status_code == 201, made.text
    found: int = made.json()["id"]
    return found


def refusal(answer: httpx.Response, status: int = 422) -> tuple[str, str]:
    assert answer.status_code == status, answer.text
    return answer.json()["code"], answer.json()["pointer"]


def downloaded(who: httpx.Client, export_id: str) -> list[list[str]]:
    answer = who.get(f"/api/v1/exports/{export_id}/download", follow_redirects=True)
    assert answer.status_code == 200, answer.text
    return list(csv.reader(io.StringIO(answer.text, newline="")))
