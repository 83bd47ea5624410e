"""The whole API over a real SQLite, a real ClickHouse and a folder; Dagster is not there unless a test brings one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from segmentator_dagster.api.app import create_app
from segmentator_dagster.compiler.query import CompiledQuery
from segmentator_dagster.settings import Settings
from segmentator_dagster.storage.clickhouse import ClickHouse
from segmentator_dagster.storage.members import create_databases
from segmentator_dagster.storage.metadata.attempts import Attempts
from segmentator_dagster.storage.metadata.database import Database
from segmentator_dagster.storage.metadata.datasets import Datasets, RegisteredDataset
from segmentator_dagster.storage.metadata.exports import Exports
from segmentator_dagster.storage.metadata.migrate import migrate
from segmentator_dagster.storage.metadata.segments import Segments
from tests.api.people import bearer, token_of
from tests.api.servers import api_server
from tests.api.shop import Shop, create_shop
from tests.servers.child import free_port
from tests.servers.clickhouse import ClickHouseServer

RULE = {"combinator": "and", "rules": [{"field": "platform_main", "operator": "=", "value": "ios"}]}

_VISITS = "datasets.api_visits"
_ROWS = """
('u1', '2026-01-01', 'ios', 1, 9007199254740993, 1.50), ('u1', '2026-01-05', 'android', 2, 1, 0.10),
('u2', '2026-01-02', 'ios', 3, 2, NULL), ('u3', '2026-01-03', 'web', 4, 3, 2.25)
"""


@dataclass(frozen=True)
class Stack:
    """One API and what stands behind it."""

    client: httpx.Client
    settings: Settings
    segments: Segments
    exports: Exports
    attempts: Attempts

    @property
    def objects(self) -> Path:
        return self.settings.data_dir / "objects"

    def segment(self, name: str = "iOS", **more: Any) -> dict[str, Any]:
        answer = self.client.post("/api/v1/segments", json={"name": name, "rule": RULE, **more})
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made


@pytest.fixture(scope="session")
def visits(admin: ClickHouse) -> RegisteredDataset:
    """A small table: u1 and u2 came by iOS, u3 did not; u1 has a later row of another platform."""
    admin.execute(CompiledQuery("CREATE DATABASE IF NOT EXISTS datasets"))
    admin.execute(
        CompiledQuery(
            f"CREATE OR REPLACE TABLE {_VISITS} (user_id String, date Date, platform_main LowCardinality(String), "
            "visits UInt8, money UInt64, price Nullable(Decimal(9, 2))) ENGINE = MergeTree ORDER BY user_id"
        )
    )
    admin.execute(CompiledQuery(f"INSERT INTO {_VISITS} VALUES {_ROWS}"))
    return RegisteredDataset("visits", "datasets", "api_visits", "user_id", "date", "Визиты", "Visits")


@contextmanager
def running_stack(folder: Path, datasets: tuple[RegisteredDataset, ...], **changes: Any) -> Iterator[Stack]:
    defaults = {
        "data_dir": folder,
        "default_dataset": "visits",
        "dagster_port": free_port(),
        "clickhouse_url": f"http://nobody:x@127.0.0.1:{free_port()}",
        "secret_key": "k" * 32,
        "rate_limits": False,
    }
    settings = Settings.load(**{**defaults, **changes})
    database = Database(f"sqlite:///{settings.data_dir / 'metadata.sqlite'}")
    migrate(database)
    for dataset in datasets:
        Datasets(database).register(dataset)
    with (
        api_server(create_app(settings)) as url,
        httpx.Client(base_url=url, timeout=20, trust_env=False, headers=bearer(token_of(database))) as client,
    ):
        yield Stack(client, settings, Segments(database), Exports(database), Attempts(database))
    database.close()


@pytest.fixture
def make_stack(tmp_path: Path) -> Iterator[Callable[..., Stack]]:
    """Build an API in this test's folder. Keyword arguments are settings."""
    with ExitStack() as stacks:

        def make(datasets: tuple[RegisteredDataset, ...] = (), **changes: Any) -> Stack:
            return stacks.enter_context(running_stack(tmp_path, datasets, **changes))

        yield make


@pytest.fixture
def stack(make_stack: Callable[..., Stack], clickhouse_server: ClickHouseServer, visits: RegisteredDataset) -> Stack:
    """An API of this test alone, on a live ClickHouse."""
    return make_stack((visits,), clickhouse_url=clickhouse_server.reader_url)


@pytest.fixture
def lists(
    make_stack: Callable[..., Stack],
    admin: ClickHouse,
    clickhouse_server: ClickHouseServer,
    visits: RegisteredDataset,
) -> Stack:
    """An API that may write to a live ClickHouse. The users are u1, u2, u3; money is a field of whole numbers."""
    create_databases(admin, "segmentator", "datasets")
    return make_stack(
        (visits,),
        clickhouse_url=clickhouse_server.writer_url,
        clickhouse_reader_url=clickhouse_server.reader_url,
        upload_megabytes=2,
    )


@pytest.fixture(scope="session")
def online(
    tmp_path_factory: pytest.TempPathFactory, clickhouse_server: ClickHouseServer, visits: RegisteredDataset
) -> Iterator[Stack]:
    """An API on a live ClickHouse for tests that save nothing."""
    folder = tmp_path_factory.mktemp("online")
    with running_stack(folder, (visits,), clickhouse_url=clickhouse_server.reader_url) as stack:
        yield stack


@pytest.fixture(scope="session")
def offline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """ClickHouse is down too; a dataset is registered. For tests that save nothing."""
    dataset = RegisteredDataset("visits", "datasets", "api_visits", "user_id")
    with running_stack(tmp_path_factory.mktemp("offline"), (dataset,)) as stack:
        yield stack


@pytest.fixture(scope="session")
def shop_dataset(admin: ClickHouse) -> RegisteredDataset:
    return create_shop(admin)


@pytest.fixture(scope="session")
def shop(
    tmp_path_factory: pytest.TempPathFactory,
    clickhouse_server: ClickHouseServer,
    shop_dataset: RegisteredDataset,
    visits: RegisteredDataset,
) -> Iterator[Shop]:
    """For tests that save nothing."""
    settings = {"clickhouse_url": clickhouse_server.reader_url, "default_dataset": "shop"}
    with running_stack(tmp_path_factory.mktemp("shop"), (shop_dataset, visits), **settings) as stack:
        yield Shop(stack.client)


@pytest.fixture
def new_shop(
    make_stack: Callable[..., Stack],
    clickhouse_server: ClickHouseServer,
    shop_dataset: RegisteredDataset,
    visits: RegisteredDataset,
) -> Shop:
    """One that has answered nothing yet."""
    settings = {"clickhouse_url": clickhouse_server.reader_url, "default_dataset": "shop"}
    return Shop(make_stack((shop_dataset, visits), **settings).client)


@pytest.fixture
def client(online: Stack) -> httpx.Client:
    return online.client
