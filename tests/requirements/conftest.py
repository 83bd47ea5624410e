"""One installation whose people sign in through the emulator of Yandex ID, as browsers do."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from segmentator_dagster.api.app import create_app
from segmentator_dagster.embedded.yandex_id.accounts import ACCOUNTS, ODD_ACCOUNTS
from segmentator_dagster.embedded.yandex_id.state import YandexId
from segmentator_dagster.settings import Settings
from segmentator_dagster.storage.metadata.audit import Audit, Search
from segmentator_dagster.storage.metadata.database import Database
from segmentator_dagster.storage.metadata.datasets import Datasets, RegisteredDataset
from segmentator_dagster.storage.metadata.migrate import migrate
from segmentator_dagster.storage.metadata.people import People
from tests.api.conftest import visits as visits  # noqa: PLC0414  a fixture
from tests.api.servers import api_server
from tests.requirements.installation import Installation, running_installation
from tests.servers.child import LOOPBACK, free_port
from tests.servers.clickhouse import ClickHouseServer
from tests.servers.postgres import PostgresServer
from tests.servers.s3 import S3Server
from tests.servers.yandex_id import CLIENT_ID, CLIENT_SECRET, RunningYandexId, consent, running_yandex_id

METADATA, EMPTY = "metadata.sqlite", "empty.sqlite"
YANDEX_ACCOUNTS = (*ACCOUNTS, *ODD_ACCOUNTS)
ANNA = "anna.smirnova"
DMITRY = "dmitry.kuznetsov"
MARIA = "maria.volkova"
STRANGER = "sergey.orlov"


@dataclass
class Site:
    """An API, its database and its Yandex ID."""

    url: str
    settings: Settings
    database: Database
    yandex: RunningYandexId
    open: ExitStack = field(default_factory=ExitStack)

    def browser(self, **headers: str) -> httpx.Client:
        """A new one, that nobody has signed in with yet."""
        given = {"Origin": self.url, "Accept-Language": "en", **headers}
        return self._client(given)

    def program(self, token: str) -> httpx.Client:
        """Something that sends a token and no cookie."""
        headers = {"Authorization": f"Bearer {token}", "Accept-Language": "en"}
        return self._client(headers)

    def _client(self, headers: dict[str, str]) -> httpx.Client:
        # verify: reading the certificates costs 25 ms, and there is nothing to verify on loopback
        client = httpx.Client(base_url=self.url, timeout=30, headers=headers, trust_env=False, verify=False)
        return self.open.enter_context(client)

    def begun(self, browser: httpx.Client, path: str = "/auth/login") -> str:
        """The address at Yandex that a sign-in leads to."""
        answer = browser.get(path)
        assert answer.status_code == 302, answer.text
        return answer.headers["location"]

    def callback(self, browser: httpx.Client, login: str, path: str = "/auth/login", **how: Any) -> str:
        """The address that Yandex sends the browser back to; not opened."""
        return consent(browser, self.begun(browser, path), login, **how)

    def signed_in(self, login: str, browser: httpx.Client | None = None) -> httpx.Client:
        """A browser of somebody who may come in."""
        used = browser or self.browser()
        answer = used.get(self.callback(used, login))
        assert answer.status_code == 303, answer.text
        return used

    def invited(self, login: str, role: str = "user") -> httpx.Client:
        """The same of somebody new, whom the administrator invites."""
        invite = self.administrator.post("/api/v1/invites", json={"contact": login, "role": role})
        assert invite.status_code == 201, invite.text
        return self.signed_in(login)

    @property
    def administrator(self) -> httpx.Client:
        return self.signed_in(ANNA)

    def token(self, browser: httpx.Client, *scopes: str) -> str:
        made = browser.post("/api/v1/me/tokens", json={"name": "t", "scopes": list(scopes), "days": 1})
        assert made.status_code == 201, made.text
        text: str = made.json()["token"]
        return text

    def people(self) -> list[str]:
        """Logins of everybody who has an account."""
        return [one.login for one in People(self.database).page(limit=200).items]

    def sessions(self) -> int:
        with self.database.reading() as session:
            return session.scalar(sa.text("SELECT count(*) FROM sessions")) or 0

    def audit(self, **search: Any) -> list[Any]:
        return list(Audit(self.database).every(Search(**search)))


@contextmanager
def running_site(folder: Path, clickhouse_url: str, dataset: RegisteredDataset, **changes: Any) -> Iterator[Site]:
    port = free_port()
    url = f"http://{LOOPBACK}:{port}"
    with ExitStack() as stack:
        yandex = stack.enter_context(running_yandex_id(f"{url}/auth/callback"))
        given: dict[str, Any] = {
            "data_dir": folder,
            "api_port": port,
            "dagster_port": free_port(),
            "clickhouse_url": clickhouse_url,
            "default_dataset": dataset.name,
            "secret_key": "k" * 32,
            "yandex_client_id": CLIENT_ID,
            "yandex_client_secret": CLIENT_SECRET,
            "yandex_oauth_url": yandex.url,
            "yandex_login_url": yandex.url,
            "first_administrator": ANNA,
            "rate_limits": False,
        }
        settings = Settings.load(**{**given, **changes})
        database = Database(settings.database_url.get_secret_value() if settings.database_url else "")
        stack.callback(database.close)
        migrate(database)
        Datasets(database).register(dataset)
        stack.enter_context(api_server(create_app(settings), port))
        site = Site(url, settings, database, yandex)
        with site.open:
            yield site


@pytest.fixture(scope="session")
def lasting_site(
    tmp_path_factory: pytest.TempPathFactory, clickhouse_server: ClickHouseServer, visits: RegisteredDataset
) -> Iterator[Site]:
    """What takes a second to start and stop."""
    with running_site(tmp_path_factory.mktemp("site"), clickhouse_server.reader_url, visits) as running:
        _copy(running.settings.data_dir, METADATA, EMPTY)
        yield running


@pytest.fixture
def site(lasting_site: Site) -> Iterator[Site]:
    """To each test as if it were started for it alone: nobody has come in yet, and Yandex ID remembers nobody."""
    _copy(lasting_site.settings.data_dir, EMPTY, METADATA)
    fresh = YandexId(lasting_site.yandex.state.application, YANDEX_ACCOUNTS)
    vars(lasting_site.yandex.state).update(vars(fresh))
    with ExitStack() as browsers:
        yield replace(lasting_site, open=browsers)


def _copy(folder: Path, source: str, target: str) -> None:
    """A whole SQLite file into another, whoever has that open."""
    with closing(sqlite3.connect(folder / source)) as read, closing(sqlite3.connect(folder / target)) as written:
        read.backup(written)


@pytest.fixture
def make_site(tmp_path: Path, clickhouse_server: ClickHouseServer, visits: RegisteredDataset) -> Iterator[Any]:
    """The same with other settings."""
    with ExitStack() as stack:

        def make(**changes: Any) -> Site:
            return stack.enter_context(running_site(tmp_path, clickhouse_server.reader_url, visits, **changes))

        yield make


@pytest.fixture(scope="package")
def installation(
    tmp_path_factory: pytest.TempPathFactory, postgres_server: PostgresServer, s3_server: S3Server
) -> Iterator[Installation]:
    """One of this whole folder, in its own processes; the last test of all looks for its secrets."""
    with running_installation(tmp_path_factory.mktemp("installation"), postgres_server.url, s3_server) as running:
        yield running
