"""A secret -> the places where it stands: what an installation wrote anywhere, read as those who steal it would."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import redis
import sqlalchemy as sa

from segmentator_dagster.compiler.query import CompiledQuery
from tests.requirements.installation import Installation
from tests.servers.buckets import s3_client


def forms(secret: str) -> Iterator[bytes]:
    """As it is, and as it stands in base64 wherever it begins there."""
    yield secret.encode()
    for before, skipped in enumerate((0, 2, 3)):
        encoded = base64.b64encode(b"\0" * before + secret.encode())
        yield encoded[skipped : len(encoded) // 4 * 4 - 4]


def leaks(secrets: dict[str, str], places: dict[str, bytes]) -> set[tuple[str, str]]:
    """(secret, place) wherever one stands."""
    return {
        (name, place)
        for name, secret in secrets.items()
        for form in forms(secret)
        for place, content in places.items()
        if form in content
    }


def everything(installation: Installation) -> dict[str, bytes]:
    """Place -> what stands there, of a running installation: answers, PostgreSQL, S3, Redis, ClickHouse's own log."""
    return {
        "answers": "\n".join(installation.answers).encode(),
        **dict(_tables(installation)),
        **dict(_objects(installation)),
        **dict(_cache(installation)),
        "clickhouse query_log": _queries(installation),
    }


def files(installation: Installation) -> dict[str, bytes]:
    """What the supervisor said, and every file of the data folder: logs, Dagster's home, ClickHouse's."""
    folder = installation.stack.data_dir
    found = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return {"supervisor": installation.stack.said().encode(), **found}


def _tables(installation: Installation) -> Iterator[tuple[str, bytes]]:
    """Ours and Dagster's: runs, tags, events, metadata, ticks of sensors."""
    with installation.database.engine.connect() as connection:
        names = connection.execute(
            sa.text("SELECT schemaname, tablename FROM pg_tables WHERE schemaname IN ('public', 'dagster')")
        ).all()
        for schema, table in names:
            rows = connection.execute(sa.text(f'SELECT CAST(t AS text) FROM "{schema}"."{table}" AS t')).scalars()
            yield f"{schema}.{table}", "\n".join(rows).encode()


def _objects(installation: Installation) -> Iterator[tuple[str, bytes]]:
    """Exports, manifests, the output of Dagster's runs."""
    bucket = installation.bucket
    with closing(s3_client(installation.s3)) as client:
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            for one in page.get("Contents", []):
                answer = client.get_object(Bucket=bucket, Key=one["Key"])
                headers = f"{one['Key']} {answer['Metadata']} {answer['ResponseMetadata']['HTTPHeaders']}"
                yield f"s3 {one['Key']}", headers.encode() + answer["Body"].read()


def _cache(installation: Installation) -> Iterator[tuple[str, bytes]]:
    readers: dict[bytes, Any] = {}
    with redis.Redis.from_url(installation.redis_url) as client:
        readers = {
            b"string": client.get,
            b"hash": client.hgetall,
            b"set": client.smembers,
            b"list": lambda key: client.lrange(key, 0, -1),
            b"zset": lambda key: client.zrange(key, 0, -1),
        }
        for key in client.scan_iter():
            yield f"redis {key!r}", key + str(readers[client.type(key)](key)).encode()


def _queries(installation: Installation) -> bytes:
    with installation.stack.clickhouse() as clickhouse:
        clickhouse.execute(CompiledQuery("SYSTEM FLUSH LOGS"))
        rows = clickhouse.rows(
            CompiledQuery("SELECT concat(query, ' ', exception, ' ', log_comment) FROM system.query_log")
        )
    return "\n".join(text for (text,) in rows).encode()
