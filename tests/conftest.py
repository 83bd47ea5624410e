"""Real servers for the tests, each started once per run and only when a test asks for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from segmentator_dagster.storage.clickhouse import ClickHouse
from tests.servers.clickhouse import ClickHouseServer, clickhouse


@pytest.fixture(scope="session")
def clickhouse_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClickHouseServer]:
    with clickhouse(tmp_path_factory.mktemp("clickhouse")) as server:
        yield server


@pytest.fixture(scope="session")
def admin(clickhouse_server: ClickHouseServer) -> Iterator[ClickHouse]:
    client = ClickHouse(clickhouse_server.admin_url)
    yield client
    client.close()


@pytest.fixture(scope="session")
def writer(clickhouse_server: ClickHouseServer) -> Iterator[ClickHouse]:
    client = ClickHouse(clickhouse_server.writer_url)
    yield client
    client.close()


@pytest.fixture(scope="session")
def reader(clickhouse_server: ClickHouseServer) -> Iterator[ClickHouse]:
    client = ClickHouse(clickhouse_server.reader_url)
    yield client
    client.close()
