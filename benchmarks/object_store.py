"""An export's bytes -> S3: obstore, as the product uses it, beside boto3 in the two ways it has.

Each upload is a process of its own against one server of this machine (radosgw where SEGMENTATOR_TEST_CEPH names it,
else Swift), with parts of the same size and as many of them under way. Prints medians and ratios of time, of the
process's CPU time and of the memory it grew by. Usage: python -m benchmarks.object_store [mebibytes] [repetitions]
"""

from __future__ import annotations

import io
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.servers.radosgw import VARIABLE, radosgw
from tests.servers.s3 import S3Server
from tests.servers.swift import swift

ROOT = Path(__file__).parents[1]
PART = 8 << 20
UNDER_WAY = 3
BUCKET = "measured"
HOWS = {"obstore": "obstore (ours)", "threads": "boto3, upload_part by threads", "fileobj": "boto3, upload_fileobj"}


def main() -> None:
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 1024
    repetitions = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    packages = os.environ.get(VARIABLE)
    with tempfile.TemporaryDirectory() as folder:
        server = radosgw(Path(folder), Path(packages)) if packages else swift(Path(folder))
        with server as s3:
            measured = compared(s3, megabytes, repetitions)
    print(f"\n{megabytes} MiB to {'radosgw' if packages else 'Swift'}, median of {repetitions}")
    print(f"{'':32}{'seconds':>9}{'CPU s':>9}{'+MiB':>9}     ratio to ours")
    for how, title in HOWS.items():
        ratios = "  ".join(f"{b / a:5.1f}" for a, b in zip(measured["obstore"], measured[how], strict=True))
        seconds, cpu, memory = measured[how]
        print(f"{title:32}{seconds:9.2f}{cpu:9.2f}{memory:9.0f}     {ratios}")


def compared(s3: S3Server, megabytes: int, repetitions: int) -> dict[str, list[float]]:
    """Medians of seconds, CPU seconds and MiB, each way of uploading in turn."""
    with closing(_client(s3)) as client:
        client.create_bucket(Bucket=BUCKET)
        rounds: dict[str, list[list[float]]] = {how: [] for how in HOWS}
        for number in range(repetitions + 1):
            for how, results in rounds.items():
                result = _in_a_process(s3, how, megabytes)
                assert client.head_object(Bucket=BUCKET, Key="x")["ContentLength"] == megabytes << 20
                client.delete_object(Bucket=BUCKET, Key="x")
                if number:  # the first round warms the server up
                    results.append(result)
    return {
        how: [statistics.median(column) for column in zip(*results, strict=True)] for how, results in rounds.items()
    }


def _in_a_process(s3: S3Server, how: str, megabytes: int) -> list[float]:
    command = [sys.executable, "-m", "benchmarks.object_store", "--one", how, str(megabytes), json.dumps(asdict(s3))]
    result: list[float] = json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)
    return result


def one(how: str, megabytes: int, s3: S3Server) -> None:
    """Upload once; print seconds, CPU seconds and MiB of growth."""
    upload = {"obstore": _obstore, "threads": _threads, "fileobj": _fileobj}[how](s3)
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
    upload(_chunks(megabytes))
    seconds, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(json.dumps([seconds, cpu, (after.ru_maxrss - before.ru_maxrss) / 1024]))


def _chunks(megabytes: int) -> Iterator[bytes]:
    block = os.urandom(1 << 20)
    for _ in range(megabytes):
        yield bytes(bytearray(block))  # new memory each time, as a query's answer is


def _obstore(s3: S3Server) -> Any:
    from segmentator_dagster.storage.objects import Objects, S3Access  # noqa: PLC0415  only what is measured is loaded

    access = S3Access(s3.url, s3.region, s3.access_key, s3.secret_key, virtual_host=False)
    objects = Objects(f"s3://{BUCKET}", access)
    objects.ping()
    return lambda chunks: objects.put("x", chunks, content_type="text/csv", file_name="x.csv")


def _threads(s3: S3Server) -> Any:
    client = _client(s3)
    client.head_bucket(Bucket=BUCKET)

    def upload(chunks: Iterator[bytes]) -> None:
        place = {"Bucket": BUCKET, "Key": "x"}
        place["UploadId"] = client.create_multipart_upload(**place)["UploadId"]
        parts: list[Future[str]] = []
        under_way: set[Future[str]] = set()

        def send(number: int, body: bytes) -> str:
            return str(client.upload_part(**place, PartNumber=number, Body=body)["ETag"])

        with ThreadPoolExecutor(UNDER_WAY) as pool:
            for part in _parts(chunks):
                if len(under_way) == UNDER_WAY:
                    under_way = set(wait(under_way, return_when=FIRST_COMPLETED).not_done)
                parts.append(pool.submit(send, len(parts) + 1, part))
                under_way.add(parts[-1])
        done = [{"PartNumber": number, "ETag": part.result()} for number, part in enumerate(parts, start=1)]
        client.complete_multipart_upload(**place, MultipartUpload={"Parts": done})

    return upload


def _parts(chunks: Iterator[bytes]) -> Iterator[bytes]:
    filling: list[bytes] = []
    for chunk in chunks:
        filling.append(chunk)
        if sum(map(len, filling)) >= PART:
            yield b"".join(filling)
            filling = []
    if filling:
        yield b"".join(filling)


def _fileobj(s3: S3Server) -> Any:
    from boto3.s3.transfer import TransferConfig  # noqa: PLC0415

    client = _client(s3)
    client.head_bucket(Bucket=BUCKET)
    config = TransferConfig(multipart_chunksize=PART, max_concurrency=UNDER_WAY)

    class Readable(io.RawIOBase):
        def __init__(self, chunks: Iterator[bytes]) -> None:
            self._chunks, self._rest = chunks, b""

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            self._rest = self._rest or next(self._chunks, b"")
            size = min(len(buffer), len(self._rest))
            buffer[:size], self._rest = self._rest[:size], self._rest[size:]
            return size

    return lambda chunks: client.upload_fileobj(
        io.BufferedReader(Readable(chunks), 1 << 20), BUCKET, "x", Config=config
    )


def _client(s3: S3Server) -> Any:
    import boto3  # noqa: PLC0415
    from botocore.config import Config  # noqa: PLC0415

    return boto3.client(
        "s3",
        endpoint_url=s3.url,
        aws_access_key_id=s3.access_key,
        aws_secret_access_key=s3.secret_key,
        region_name=s3.region,
        config=Config(s3={"addressing_style": "path"}, request_checksum_calculation="when_required"),
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        one(sys.argv[2], int(sys.argv[3]), S3Server(**json.loads(sys.argv[4])))
    else:
        main()
