"""The same tests on an installation of embedded parts, and on one that is given the addresses of real servers."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.acceptance.stack import Stack
from tests.servers.buckets import new_bucket
from tests.servers.clickhouse import clickhouse
from tests.servers.radosgw import VARIABLE
from tests.storage.conftest import new_postgres_database

IOS = {"combinator": "and", "rules": [{"field": "platform_main", "operator": "=", "value": "ios"}]}


def _embedded(_request: pytest.FixtureRequest, _running: ExitStack) -> dict[str, str]:
    return {}


def _servers(request: pytest.FixtureRequest, running: ExitStack) -> dict[str, str]:
    """PostgreSQL, S3 (Ceph's where it is there), Valkey, and a ClickHouse that the stack does not start itself."""
    own = f"a{uuid.uuid4().hex[:8]}"
    folder = request.getfixturevalue("tmp_path_factory").mktemp("clickhouse")
    tables = running.enter_context(clickhouse(folder))
    s3 = request.getfixturevalue("radosgw_server" if os.environ.get(VARIABLE) else "s3_server")
    bucket = new_bucket(s3)
    return {
        "SEGMENTATOR_CLICKHOUSE_URL": tables.writer_url,
        "SEGMENTATOR_CLICKHOUSE_READER_URL": tables.reader_url,
        "SEGMENTATOR_CLICKHOUSE_ADMIN_URL": tables.admin_url,
        "SEGMENTATOR_DATABASE_URL": new_postgres_database(request.getfixturevalue("postgres_server").url),
        "SEGMENTATOR_OBJECT_STORE_URL": f"s3://{bucket}/{own}",
        "SEGMENTATOR_OBJECT_STORE_ENDPOINT": s3.url,
        "SEGMENTATOR_OBJECT_STORE_REGION": s3.region,
        "SEGMENTATOR_OBJECT_STORE_ACCESS_KEY_ID": s3.access_key,
        "SEGMENTATOR_OBJECT_STORE_SECRET_ACCESS_KEY": s3.secret_key,
        "SEGMENTATOR_REDIS_URL": request.getfixturevalue("valkey_server").url,
    }


KINDS = {"embedded": _embedded, "servers": _servers}


@pytest.fixture(scope="package", params=list(KINDS))
def stack(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with ExitStack() as running:
        variables = KINDS[request.param](request, running)
        started = Stack(tmp_path_factory.mktemp(request.param) / "data", variables)
        running.callback(started.stop)
        started.start()
        yield started


@pytest.fixture
def segment(stack: Stack) -> dict[str, Any]:
    """A new segment: the users of iOS in the demo data."""
    return stack.create(f"iOS {uuid.uuid4().hex[:8]}", IOS)
