"""Audience definition + version of the data it reads -> the remembered count, in Redis or in this process."""

from __future__ import annotations

import hashlib
import json
import logging
import warnings
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cashews import Cache
from cashews.exceptions import CacheError

from segmentator_dagster.compiler.query import CompiledQuery
from segmentator_dagster.domain.catalogue import Dataset
from segmentator_dagster.storage.clickhouse import ClickHouse

_log = logging.getLogger(__name__)

_PREFIX = "segmentator:count:1:"
_SECONDS = 3600
_REDIS: dict[str, Any] = {
    "suppress": True,  # a dead Redis is a miss, never an error
    "pickle_type": "json",  # whoever can write to a shared Redis must not be able to run code here
    "socket_timeout": 0.5,
    "socket_connect_timeout": 0.5,
    "wait_for_connection_timeout": 0.5,
    "max_connections": 20,
}
# Part names carry block numbers and mutations, the hash is over the files: whatever changes the rows, changes these.
# The table's own definition counts too: `ALTER … MODIFY COLUMN … DEFAULT` changes values and touches no part.
_VERSION = """
SELECT t.database, t.name, hex(SHA256(concat(t.create_table_query, toString(p.state)))) FROM system.tables AS t
LEFT JOIN (
    SELECT database, table, arrayStringConcat(arraySort(groupArray(concat(name, ' ', hash_of_all_files)))) AS state
    FROM system.parts
    WHERE active AND (database, table) IN arrayZip({databases:Array(String)}, {tables:Array(String)})
    GROUP BY database, table
) AS p ON p.database = t.database AND p.table = t.name
WHERE (t.database, t.name) IN arrayZip({databases:Array(String)}, {tables:Array(String)})
  AND t.engine LIKE '%MergeTree'
ORDER BY t.database, t.name
"""


@dataclass(frozen=True, slots=True)
class RememberedCount:
    """`data_moment` is when the count was taken, UTC."""

    count: int
    data_moment: datetime


class CountCache:
    """Counts for an hour. Redis where a URL is given, else this process's memory."""

    def __init__(self, redis_url: str | None) -> None:
        self.shared = redis_url is not None
        self._cache = Cache("segmentator")
        if redis_url is None:
            self._cache.setup("mem://", size=10_000)
        else:
            self._cache.setup(redis_url, **_REDIS)

    async def get(self, key: str) -> RememberedCount | None:
        try:
            found: Any = await self._cache.get(_PREFIX + key)
            match found:
                case {"count": int(count), "data_moment": str(moment)}:
                    return RememberedCount(count, datetime.fromisoformat(moment))
        except (CacheError, ValueError) as error:  # what somebody else put there is no count
            _log.warning("unreadable entry in the cache: %s", error)
        return None

    async def put(self, key: str, value: RememberedCount) -> None:
        entry = {"count": value.count, "data_moment": value.data_moment.isoformat()}
        await self._cache.set(_PREFIX + key, entry, expire=_SECONDS)

    async def ping(self) -> None:
        """CacheError where Redis does not answer."""
        await self._cache.ping()

    async def close(self) -> None:
        with warnings.catch_warnings():  # cashews calls a method that redis has renamed
            warnings.simplefilter("ignore", DeprecationWarning)
            await self._cache.close()


def data_version(clickhouse: ClickHouse, datasets: Collection[Dataset]) -> str | None:
    """A text that differs whenever the rows of these tables do; None where one of them has no parts of its own."""
    tables = sorted({(dataset.database, dataset.table) for dataset in datasets})
    parameters = {"databases": [database for database, _ in tables], "tables": [table for _, table in tables]}
    rows = clickhouse.rows(CompiledQuery(_VERSION, parameters))
    return json.dumps(rows) if len(rows) == len(tables) else None


def count_key(fingerprint: str, version: str) -> str:
    """The key of one audience definition over one state of the data."""
    return hashlib.sha256(f"{fingerprint} {version}".encode()).hexdigest()
