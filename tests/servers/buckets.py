"""A bucket of one's own on an S3 server."""

from __future__ import annotations

import uuid
from typing import Any

import boto3
from botocore.config import Config

from tests.servers.s3 import S3Server


def s3_client(server: S3Server) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=server.url,
        aws_access_key_id=server.access_key,
        aws_secret_access_key=server.secret_key,
        region_name=server.region,
        config=Config(s3={"addressing_style": "path"}),
    )


def new_bucket(server: S3Server) -> str:
    """Make an empty bucket; its name."""
    name = f"b{uuid.uuid4().hex[:12]}"
    client = s3_client(server)
    client.create_bucket(Bucket=name)
    client.close()
    return name
