"""The servers that tests run on: each answers its own client, with its own keys only."""

from __future__ import annotations

from typing import Any

import boto3
import psycopg2
import pytest
import redis
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.servers.postgres import PostgresServer
from tests.servers.s3 import S3Server
from tests.servers.valkey import ValkeyServer


def test_postgres_over_tcp_keeps_unicode(postgres_server: PostgresServer) -> None:
    connection = psycopg2.connect(postgres_server.url)
    with connection.cursor() as cursor:
        cursor.execute("SELECT lower('ЁЛКА'), current_setting('server_encoding')")
        assert cursor.fetchone() == ("ёлка", "UTF8")
    connection.close()


def test_postgres_refuses_a_wrong_password(postgres_server: PostgresServer) -> None:
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        psycopg2.connect(postgres_server.url, password="wrong")


def test_valkey_answers(valkey_server: ValkeyServer) -> None:
    client = redis.Redis.from_url(valkey_server.url)
    assert client.set("k", "v", nx=True)
    assert client.get("k") == b"v"
    client.close()


def test_s3_gives_back_what_was_put_and_refuses_a_wrong_secret(s3_server: S3Server) -> None:
    def client(secret: str) -> Any:
        return boto3.client(
            "s3",
            endpoint_url=s3_server.url,
            aws_access_key_id=s3_server.access_key,
            aws_secret_access_key=secret,
            region_name=s3_server.region,
            config=Config(s3={"addressing_style": "path"}),
        )

    ours, theirs = client(s3_server.secret_key), client("wrong")
    ours.create_bucket(Bucket="servers")
    ours.put_object(Bucket="servers", Key="выгрузки/файл 1.csv", Body=b"a,b\n")
    assert ours.get_object(Bucket="servers", Key="выгрузки/файл 1.csv")["Body"].read() == b"a,b\n"
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        theirs.list_objects_v2(Bucket="servers")
