"""A whole installation on real servers in which every secret is one of ours, to be looked for afterwards."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import redis
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from segmentator_dagster.compiler.query import CompiledQuery
from segmentator_dagster.settings import SECRETS_FILE, EmbeddedSecrets
from segmentator_dagster.storage.metadata.database import Database
from segmentator_dagster.storage.metadata.datasets import Datasets, RegisteredDataset
from tests.acceptance.stack import Stack
from tests.servers.buckets import new_bucket
from tests.servers.fault_proxy import FaultProxy, fault_proxy
from tests.servers.s3 import S3Server
from tests.servers.valkey import valkey
from tests.servers.yandex_id import CLIENT_ID, RunningYandexId, consent, running_yandex_id

ANNA = "anna.smirnova"
LINK = "X-Amz-Signature"

Json = dict[str, Any]


@dataclass
class Installation:
    """`segmentator up` with its own ClickHouse, beside PostgreSQL, S3 behind a proxy that can fail, Redis, Yandex ID.

    `secrets` are all that it knows or has given out, by what they are; `answers` is every answer a client of it got,
    but for the ones that hand a secret over.
    """

    stack: Stack
    yandex: RunningYandexId
    s3: S3Server
    proxy: FaultProxy
    bucket: str
    redis_url: str
    database: Database
    secrets: dict[str, str]
    open: ExitStack
    answers: list[str] = field(default_factory=list)

    @property
    def site(self) -> str:
        return f"http://127.0.0.1:{self.stack.api_port}"

    def client(self, **headers: str) -> httpx.Client:
        """Whatever it is answered is kept."""
        given = {"Accept-Language": "en", **headers}
        client = self.open.enter_context(httpx.Client(base_url=self.site, timeout=30, headers=given, trust_env=False))
        client.event_hooks["response"].append(self._keep)
        return client

    def browser(self, login: str | None = None) -> httpx.Client:
        """Somebody's, signed in; of nobody where no login is given."""
        browser = self.client(Origin=self.site)
        if login is not None:
            back = consent(browser, browser.get("/auth/login").headers["location"], login)
            finished = browser.get(back)
            assert finished.status_code == 303, finished.text
            self.secrets[f"session of {login} {len(self.secrets)}"] = browser.cookies["sid"]
        return browser

    def _keep(self, answer: httpx.Response) -> None:
        if answer.request.url.port != self.stack.api_port:
            return
        body = "" if answer.request.url.path == "/api/v1/me/tokens" else answer.read().decode("utf-8", "replace")
        headers = [
            (name, value.partition("?")[0] if LINK in value else value)
            for name, value in answer.headers.multi_items()
            if name != "set-cookie"
        ]
        self.answers.append(f"{answer.status_code} {headers} {body}")

    def dataset(self, name: str, definition: str) -> str:
        """A new dataset out of `CREATE … datasets.<name> <definition>`; its users are in user_id."""
        with self.stack.clickhouse() as clickhouse:
            kind = "VIEW" if definition.startswith("AS ") else "TABLE"
            clickhouse.execute(CompiledQuery(f"CREATE {kind} datasets.{name} {definition}"))
        Datasets(self.database).register(RegisteredDataset(name, "datasets", name, "user_id"))
        return name

    def slow(self, rows: int, seconds: float) -> str:
        """A new dataset whose every reading takes so long."""
        return self.dataset(
            f"slow_{uuid.uuid4().hex[:8]}",
            f"AS SELECT leftPad(toString(number), 9, '0') AS user_id, number AS n FROM numbers({rows}) "
            f"WHERE NOT ignore(sleepEachRow({seconds / rows})) SETTINGS max_block_size = 100",
        )

    def everyone_of(self, dataset: str) -> Json:
        return self.stack.create(f"{dataset} {uuid.uuid4().hex[:6]}", {"kind": "everyone"}, dataset=dataset)

    def seen(self, export_id: str) -> Json:
        found: Json = self.stack.call("GET", f"/exports/{export_id}")
        return found

    def at_work(self, export_id: str) -> Json:
        """The export as soon as a run has it."""
        found: Json = self.stack.wait(lambda: (e := self.seen(export_id))["status"] == "running" and e)
        return found


@contextmanager
def running_installation(folder: Path, postgres_url: str, s3: S3Server) -> Iterator[Installation]:
    stack = Stack(folder / "data", {})
    site = f"http://127.0.0.1:{stack.api_port}"
    marked: dict[str, str] = {}

    def marker(name: str) -> str:
        marked[name] = f"canary{secrets.token_hex(24)}"
        return marked[name]

    embedded = EmbeddedSecrets(
        **{name: marker(name) for name in ("clickhouse_admin", "clickhouse_writer", "clickhouse_reader", "link_key")}
    )
    stack.data_dir.mkdir(parents=True)
    (stack.data_dir / SECRETS_FILE).write_text(embedded.model_dump_json())
    with ExitStack() as running:
        yandex = running.enter_context(
            running_yandex_id(f"{site}/auth/callback", client_secret=marker("yandex client secret"))
        )
        cache = running.enter_context(valkey(folder))
        with redis.Redis.from_url(cache.url) as client:
            client.config_set("requirepass", marker("redis"))
        redis_url = cache.url.replace("redis://", f"redis://:{marked['redis']}@")
        proxy = running.enter_context(fault_proxy(s3.port))
        bucket = new_bucket(s3)
        marked["s3"] = s3.secret_key
        database_url = _own_database(postgres_url, marker("postgresql"))
        database = Database(database_url)
        running.callback(database.close)
        stack.variables = {
            "SEGMENTATOR_DATABASE_URL": database_url,
            "SEGMENTATOR_OBJECT_STORE_URL": f"s3://{bucket}/own",
            "SEGMENTATOR_OBJECT_STORE_ENDPOINT": proxy.url,
            "SEGMENTATOR_OBJECT_STORE_REGION": s3.region,
            "SEGMENTATOR_OBJECT_STORE_ACCESS_KEY_ID": s3.access_key,
            "SEGMENTATOR_OBJECT_STORE_SECRET_ACCESS_KEY": s3.secret_key,
            "SEGMENTATOR_REDIS_URL": redis_url,
            "SEGMENTATOR_SECRET_KEY": marker("secret key"),
            "SEGMENTATOR_YANDEX_CLIENT_ID": CLIENT_ID,
            "SEGMENTATOR_YANDEX_CLIENT_SECRET": marked["yandex client secret"],
            "SEGMENTATOR_YANDEX_OAUTH_URL": yandex.url,
            "SEGMENTATOR_YANDEX_LOGIN_URL": yandex.url,
            "SEGMENTATOR_FIRST_ADMINISTRATOR": ANNA,
        }
        opened = running.enter_context(ExitStack())
        own = Installation(stack, yandex, s3, proxy, bucket, redis_url, database, marked, opened)
        running.callback(stack.stop)
        stack.start()
        stack.http.event_hooks["response"].append(own._keep)
        marked["token"] = stack.http.headers["Authorization"].removeprefix("Bearer ").split("_", 2)[2]
        yield own


def _own_database(server_url: str, password: str) -> str:
    """A database of a role of its own; its URL."""
    name = f"r{uuid.uuid4().hex[:12]}"
    server = Database(server_url)
    with server.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text(f"CREATE ROLE {name} LOGIN PASSWORD '{password}'"))
        connection.execute(sa.text(f"CREATE DATABASE {name} OWNER {name}"))
    server.close()
    url = make_url(server_url).set(username=name, password=password, database=name)
    return url.render_as_string(hide_password=False)
