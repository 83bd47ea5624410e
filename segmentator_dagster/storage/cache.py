"""Question + version of the data it reads -> the remembered answer, in Redis or in this process."""

from __future__ import annotations

import hashlib
import json
import logging
import warnings
from collections.abc import Collection
from datetime import datetime
from typing import Any, TypeVar

from cashews import Cache
from cashews.exceptions import CacheError
from pydantic import BaseModel, ConfigDict

from segmentator_dagster.compiler.query import CompiledQuery
from segmentator_dagster.domain.catalogue import Dataset
from segmentator_dagster.storage.clickhouse_async import AsyncClickHouse

_log = logging.getLogger(__name__)

_PREFIX = "segmentator:answer:1:"
_SECONDS = 3600
_MOST_BYTES = 100_000
_MOST_IN_MEMORY = 2_000
_REDIS: dict[str, Any] = {
    "suppress": False,
    "pickle_type": "json",  # whoever can write to a shared Redis must not be able to run code here
    "socket_timeout": 0.5,
    "socket_connect_timeout": 0.5,
    "wait_for_connection_timeout": 0.5,
    "max_connections": 20,
}
# Part names carry block numbers and mutations, the hash is over the files: whatever changes the rows, changes these.
# The table's own definition counts too: `ALTER … MODIFY COLUMN … DEFAULT` changes values and touches no part.
# The plain IN beside that of pairs is what the server narrows its own lists by: 12 ms instead of 61 with 1000 tables.
_VERSION = """
SELECT t.database, t.name, hex(SHA256(concat(t.create_table_query, toString(p.state)))) FROM (
    SELECT database, name, create_table_query FROM system.tables
    WHERE database IN {databases:Array(String)} AND name IN {tables:Array(String)}
      AND (database, name) IN arrayZip({databases:Array(String)}, {tables:Array(String)}) AND engine LIKE '%MergeTree'
) AS t
LEFT JOIN (
    SELECT database, table, arrayStringConcat(arraySort(groupArray(concat(name, ' ', hash_of_all_files)))) AS state
    FROM system.parts
    WHERE active AND database IN {databases:Array(String)} AND table IN {tables:Array(String)}
      AND (database, table) IN arrayZip({databases:Array(String)}, {tables:Array(String)})
    GROUP BY database, table
) AS p ON p.database = t.database AND p.table = t.name
ORDER BY t.database, t.name
"""


class Remembered(BaseModel):
    """An answer as it is kept. `data_moment` is when the data gave it, UTC."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data_moment: datetime


Answer = TypeVar("Answer", bound=Remembered)


class AnswerCache:
    """Answers for an hour. Redis where a URL is given, else this process's memory. A dead Redis remembers nothing."""

    def __init__(self, redis_url: str | None) -> None:
        self.shared = redis_url is not None
        self._cache = cache_at(redis_url)

    async def get(self, key: str, kind: type[Answer]) -> Answer | None:
        try:
            found: object = await self._cache.get(_PREFIX + key)
            if isinstance(found, str) and found.startswith(key):
                return kind.model_validate_json(found.removeprefix(key), strict=True)
        except (CacheError, ValueError) as error:  # what somebody else put there is no answer
            _log.warning("nothing to be had of the cache: %s", type(error).__name__)
        return None

    async def put(self, key: str, answer: Remembered) -> None:
        """Keep it under its key and with it, where it is not too large for that."""
        text = key + answer.model_dump_json()
        if len(text) > _MOST_BYTES:
            return
        try:
            await self._cache.set(_PREFIX + key, text, expire=_SECONDS)
        except CacheError as error:
            _log.warning("the cache takes nothing: %s", type(error).__name__)

    async def ping(self) -> None:
        """CacheError where Redis does not answer."""
        await self._cache.ping()

    async def close(self) -> None:
        await close_cache(self._cache)


def cache_at(redis_url: str | None) -> Cache:
    """A key-value store of texts and numbers: Redis, or the memory of this process. Raises CacheError."""
    cache = Cache("segmentator")
    if redis_url is None:
        cache.setup("mem://", size=_MOST_IN_MEMORY)
    else:
        cache.setup(redis_url, **_REDIS)
    return cache


async def close_cache(cache: Cache) -> None:
    with warnings.catch_warnings():  # cashews calls a method that redis has renamed
        warnings.simplefilter("ignore", DeprecationWarning)
        await cache.close()


async def data_version(clickhouse: AsyncClickHouse, datasets: Collection[Dataset]) -> str | None:
    """A text that differs whenever the rows of these tables do; None where one of them has no parts of its own."""
    tables = sorted({(dataset.database, dataset.table) for dataset in datasets})
    parameters = {"databases": [database for database, _ in tables], "tables": [table for _, table in tables]}
    rows = await clickhouse.rows(CompiledQuery(_VERSION, parameters))
    return json.dumps([[part.decode() for part in row] for row in rows]) if len(rows) == len(tables) else None


def answer_key(question: object, version: str) -> str:
    """The key of one question, any JSON value that says all of it, over one state of the data."""
    return hashlib.sha256(json.dumps([question, version]).encode()).hexdigest()
