"""Real servers for the tests, each started once per run and only when a test asks for it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from segmentator_dagster.storage.clickhouse import ClickHouse
from tests.servers.clickhouse import ClickHouseServer, clickhouse
from tests.servers.postgres import PostgresServer, postgres
from tests.servers.radosgw import VARIABLE, radosgw
from tests.servers.s3 import S3Server
from tests.servers.swift import swift
from tests.servers.valkey import ValkeyServer, valkey


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


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    with postgres() as server:
        yield server


@pytest.fixture(scope="session")
def valkey_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    with valkey(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """Ceph's radosgw where a folder with its packages is named, else OpenStack Swift."""
    folder = tmp_path_factory.mktemp("s3")
    if packages := os.environ.get(VARIABLE):
        with radosgw(folder, Path(packages)) as server:
            yield server
    elif sys.platform == "linux":
        with swift(folder) as server:
            yield server
    else:
        pytest.skip("OpenStack Swift runs on Linux only")
