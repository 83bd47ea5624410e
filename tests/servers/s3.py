"""What tests know of an S3 server, whichever one it is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class S3Server:
    """Address and keys of a server with path-style buckets, none of them made yet."""

    url: str
    port: int
    access_key: str
    secret_key: str
    region: str = "us-east-1"
