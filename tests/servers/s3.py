"""What tests know of an S3 server, whichever one it is."""

from __future__ import annotations

from dataclasses import dataclass

DOMAIN = "s3.test"  # a bucket is also at <bucket>.s3.test, for those who find their way there


@dataclass(frozen=True, slots=True)
class S3Server:
    """Address and keys of a server, no bucket made yet; `encrypts` where a request may ask it to."""

    url: str
    port: int
    access_key: str
    secret_key: str
    region: str = "us-east-1"
    encrypts: bool = False
