"""Real servers for the tests, each started once per run and only when a test asks for it."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from segmentator_dagster.storage.clickhouse import ClickHouse
from tests.servers.clickhouse import ClickHouseServer, clickhouse
from tests.servers.postgres import PostgresServer, postgres
from tests.servers.radosgw import VARIABLE, radosgw
from tests.servers.s3 import S3Server
from tests.servers.swift import swift
from tests.servers.valkey import ValkeyServer, valkey


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-skips", action="store_true", help="a skipped test is a failed one")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and item.config.getoption("--no-skips"):
        report.outcome = "failed"
    return report


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
    """OpenStack Swift."""
    if sys.platform != "linux":
        pytest.skip("OpenStack Swift runs on Linux only")
    with swift(tmp_path_factory.mktemp("swift")) as server:
        yield server


@pytest.fixture(scope="session")
def radosgw_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """Ceph's radosgw, out of the folder with its packages that the environment names."""
    with radosgw(tmp_path_factory.mktemp("radosgw"), Path(os.environ[VARIABLE])) as server:
        yield server
