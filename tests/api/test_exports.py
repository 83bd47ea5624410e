from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import boto3
import httpx
import pytest
from botocore.config import Config  # type: ignore[import-untyped]

from segmentator_dagster.api.links import Links
from segmentator_dagster.domain.export_options import resolved
from segmentator_dagster.storage.metadata.database import Database
from segmentator_dagster.storage.metadata.datasets import RegisteredDataset
from segmentator_dagster.storage.metadata.sessions import Sessions
from tests.api.conftest import Stack
from tests.api.exporting import CONTENT, ask, published
from tests.api.people import person
from tests.api.servers import RUN_ID, DagsterServer, dagster_server, eventually
from tests.servers.clickhouse import ClickHouseServer
from tests.servers.s3 import S3Server

KEYS = [
    *("id", "segment_id", "version", "snapshot_id", "format", "status", "progress", "rows", "bytes", "sha256", "files"),
    *("created_at", "finished_at", "expires_at", "deleted_at", "error", "run_id", "links"),
]


@pytest.fixture
def dagster() -> Iterator[DagsterServer]:
    with dagster_server() as server:
        yield server


@pytest.fixture
def with_dagster(
    make_stack: Callable[..., Stack],
    clickhouse_server: ClickHouseServer,
    visits: RegisteredDataset,
    dagster: DagsterServer,
) -> Stack:
    return make_stack((visits,), clickhouse_url=clickhouse_server.reader_url, dagster_port=dagster.port)


def test_exports_asked_for_while_dagster_is_down_are_written_down(stack: Stack) -> None:
    segment_id = stack.segment()["id"]
    answer = ask(stack, segment_id, ["xlsx", "csv"])
    assert answer.status_code == 202
    items = answer.json()["items"]
    assert {item["format"] for item in items} == {"csv", "xlsx"}
    assert list(items[0]) == KEYS
    assert items[0]["status"] == "requested"
    assert items[0]["progress"] == {
        "phase": "waiting",
        "rows": 0,
        "total_rows": None,
        "bytes": 0,
        "read_rows": 0,
        "total_read_rows": None,
        "rate": None,
        "eta_seconds": None,
    }
    assert items[0]["links"] == {"download": None, "dagster": None}
    listed = stack.client.get(f"/api/v1/segments/{segment_id}/exports").json()["items"]
    assert sorted(listed, key=str) == sorted(items, key=str)
    detail = stack.client.get(f"/api/v1/exports/{items[0]['id']}").json()
    assert detail == {**items[0], "options": resolved().as_json(), "compare": None, "manifest": None}
    assert stack.client.get(f"/api/v1/segments/{segment_id}").json()["last_export"] in items


@pytest.mark.parametrize(
    ("formats", "code", "pointer"),
    [
        (["pdf"], "unknown_format", "/formats/0"),
        (["csv", "csv"], "duplicate_value", "/formats/1"),
        ([], "empty_list", "/formats"),
        ("csv", "wrong_json_type", "/formats"),
        ([1], "wrong_json_type", "/formats/0"),
        (["csv"] * 100_000, "duplicate_value", "/formats/1"),
    ],
)
def test_wrong_formats_are_422_with_the_place(offline: Stack, formats: Any, code: str, pointer: str) -> None:
    answer = ask(offline, 1, formats)
    assert (answer.status_code, answer.json()["code"], answer.json()["pointer"]) == (422, code, pointer)


def test_an_unknown_format_names_the_known_ones(offline: Stack) -> None:
    assert ask(offline, 1, ["pdf"]).json()["hint"] == "Форматы: csv, xlsx, parquet."


@pytest.mark.parametrize("key", ["a b", "x" * 201, "ключ".encode(), b""])
def test_a_bad_idempotency_key_is_422(offline: Stack, key: Any) -> None:
    path = "/api/v1/segments/1/exports"
    answer = offline.client.post(path, json={"formats": ["csv"]}, headers={"Idempotency-Key": key})
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_idempotency_key")


def test_ten_requests_with_one_key_at_once_make_one_request_and_one_run(
    with_dagster: Stack, dagster: DagsterServer
) -> None:
    segment_id = with_dagster.segment()["id"]
    with ThreadPoolExecutor(10) as threads:
        answers = list(threads.map(lambda _: ask(with_dagster, segment_id, ["csv"], "key-1"), range(10)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["items"][0]["id"] for answer in answers}) == 1
    export_id = answers[0].json()["items"][0]["id"]
    assert eventually(lambda: with_dagster.exports.get(export_id).run_id == RUN_ID)
    ask(with_dagster, segment_id, ["csv"], "key-1")
    time.sleep(0.1)
    assert dagster.operations().count("launchRun") == 1
    other = ask(with_dagster, segment_id, ["xlsx"], "key-1")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


def test_a_request_is_launched_at_once_after_its_partition_is_added(
    with_dagster: Stack, dagster: DagsterServer
) -> None:
    segment_id = with_dagster.segment()["id"]
    assert eventually(lambda: dagster.operations() == ["addDynamicPartition"])
    export_id = ask(with_dagster, segment_id, ["csv", "xlsx"]).json()["items"][0]["id"]
    assert eventually(lambda: with_dagster.exports.get(export_id).run_id == RUN_ID)
    assert dagster.operations()[1:] == ["addDynamicPartition", "launchRun"]
    assert dagster.asked[1][1]["k"] == str(segment_id)
    parameters = dagster.asked[2][1]["e"]
    assert parameters["selector"] == {
        "repositoryName": "__repository__",
        "repositoryLocationName": "segmentator",
        "jobName": "__ASSET_JOB",
        "assetSelection": [{"path": [name]} for name in ("segment_audience", "segment_csv", "segment_xlsx")],
    }
    assert parameters["executionMetadata"]["tags"] == [
        {"key": "dagster/partition", "value": str(segment_id)},
        {"key": "segmentator/request_id", "value": with_dagster.exports.get(export_id).request_id},
        {"key": "segmentator/lane", "value": "interactive"},
    ]
    assert link_to_dagster(with_dagster, export_id) is None  # no token opens Dagster
    database = Database(with_dagster.settings.database_url.get_secret_value())
    sessions = Sessions(database, idle=timedelta(hours=1), longest=timedelta(hours=1))
    with_dagster.client.cookies.set("sid", sessions.start(person(database).id, "", ""))
    database.close()
    del with_dagster.client.headers["Authorization"]
    assert link_to_dagster(with_dagster, export_id) == f"{with_dagster.settings.public_url}/dagster/runs/{RUN_ID}"


def link_to_dagster(stack: Stack, export_id: str) -> str | None:
    link: str | None = stack.client.get(f"/api/v1/exports/{export_id}").json()["links"]["dagster"]
    return link


def test_a_refused_launch_is_not_repeated_and_leaves_the_export_requested(
    with_dagster: Stack, dagster: DagsterServer
) -> None:
    dagster.answers["launchRun"] = {"__typename": "InvalidSubsetError", "message": "code server unreachable"}
    export_id = ask(with_dagster, with_dagster.segment()["id"], ["csv"]).json()["items"][0]["id"]
    assert eventually(lambda: "launchRun" in dagster.operations())
    time.sleep(0.1)
    assert dagster.operations().count("launchRun") == 1
    export = with_dagster.exports.get(export_id)
    assert (export.status.value, export.run_id) == ("requested", None)


def test_deleting_and_restoring_mirror_the_partition(with_dagster: Stack, dagster: DagsterServer) -> None:
    path = f"/api/v1/segments/{with_dagster.segment()['id']}"
    assert eventually(lambda: len(dagster.asked) == 1)
    with_dagster.client.delete(path)
    assert eventually(lambda: len(dagster.asked) == 2)
    with_dagster.client.post(f"{path}/restore")
    assert eventually(lambda: len(dagster.asked) == 3)
    assert dagster.operations() == ["addDynamicPartition", "deleteDynamicPartitions", "addDynamicPartition"]


def test_the_run_is_stopped_once_all_its_exports_are_cancelled(with_dagster: Stack, dagster: DagsterServer) -> None:
    first, second = ask(with_dagster, with_dagster.segment()["id"], ["csv", "xlsx"]).json()["items"]
    assert eventually(lambda: with_dagster.exports.get(first["id"]).run_id == RUN_ID)
    answer = with_dagster.client.post(f"/api/v1/exports/{first['id']}/cancel")
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    time.sleep(0.1)
    assert "terminateRun" not in dagster.operations()
    with_dagster.client.post(f"/api/v1/exports/{second['id']}/cancel")
    assert eventually(lambda: dagster.asked[-1] == ("terminateRun", {"id": RUN_ID}))


def test_a_published_export_cannot_be_cancelled(stack: Stack) -> None:
    answer = stack.client.post(f"/api/v1/exports/{published(stack)['id']}/cancel")
    assert (answer.status_code, answer.json()["code"]) == (409, "export_finished")


@pytest.mark.parametrize("export_id", ["x", "00000000-0000-4000-8000-000000000000", "%00", "a%2Fb"])
@pytest.mark.parametrize("rest", ["", "/download"])
def test_an_export_that_is_not_there_is_404(offline: Stack, export_id: str, rest: str) -> None:
    assert offline.client.get(f"/api/v1/exports/{export_id}{rest}").status_code == 404


def test_an_export_has_no_download_before_it_is_published(stack: Stack) -> None:
    made = ask(stack, stack.segment()["id"], ["csv"]).json()["items"][0]
    answer = stack.client.get(f"/api/v1/exports/{made['id']}/download")
    assert (answer.status_code, answer.json()["code"]) == (409, "export_not_published")
    assert "requested" in answer.json()["message"]


def test_a_published_file_comes_through_a_signed_link(stack: Stack) -> None:
    made = published(stack)
    shown = stack.client.get(f"/api/v1/exports/{made['id']}").json()
    assert shown["manifest"]["rows"] == shown["rows"] == 2
    redirect = stack.client.get(shown["links"]["download"])
    assert (redirect.status_code, redirect.headers["cache-control"]) == (307, "no-store")
    link = redirect.headers["location"]
    file = stack.client.get(link)
    assert (file.status_code, file.content) == (200, CONTENT)
    assert file.headers["content-type"] == "text/csv; charset=utf-8"
    assert "filename*=UTF-8''%D0%9E%D1%82%D1%87%D1%91%D1%82%20iOS.csv" in file.headers["content-disposition"]
    assert file.headers["cache-control"] == "no-store"
    part = stack.client.get(link, headers={"Range": "bytes=8-9"})
    assert (part.status_code, part.content) == (206, b"u1")
    beyond = stack.client.get(link, headers={"Range": "bytes=100-"})
    assert (beyond.status_code, beyond.json()["code"]) == (416, "range_not_satisfiable")
    head = stack.client.head(link)
    assert (head.status_code, head.headers["content-length"], head.content) == (200, str(len(CONTENT)), b"")


def test_a_file_that_was_removed_is_410(stack: Stack) -> None:
    made = published(stack)
    path = f"/api/v1/exports/{made['id']}/download"
    link = stack.client.get(path).headers["location"]
    stored = stack.exports.get(made["id"])
    (stack.objects / (stored.object_key or "")).unlink()
    assert {stack.client.get(url).json()["code"] for url in (path, link)} == {"object_not_found"}


def test_a_link_that_expired_or_was_tampered_with_gives_nothing(stack: Stack) -> None:
    made = published(stack)
    link = stack.client.get(f"/api/v1/exports/{made['id']}/download").headers["location"]
    prefix, token = link.rsplit("/", 1)
    swapped = token[:5] + ("A" if token[5] != "A" else "B") + token[6:]
    for bad in (swapped, token[:-4], "x", token + token, "%00", "я"):
        answer = stack.client.get(f"{prefix}/{bad}")
        assert (answer.status_code, answer.json()["code"]) == (403, "link_invalid"), bad
    foreign = Links("f" * 32).token(made["id"], 1, time.time() + 60)
    assert stack.client.get(f"{prefix}/{foreign}").status_code == 403
    expired = Links("k" * 32).token(made["id"], 1, time.time() - 1)
    answer = stack.client.get(f"{prefix}/{expired}")
    assert (answer.status_code, answer.json()["code"]) == (410, "link_expired")


def test_a_link_lives_as_long_as_the_setting_says(
    make_stack: Callable[..., Stack], clickhouse_server: ClickHouseServer, visits: RegisteredDataset
) -> None:
    stack = make_stack((visits,), clickhouse_url=clickhouse_server.reader_url, link_seconds=1)
    link = stack.client.get(f"/api/v1/exports/{published(stack)['id']}/download").headers["location"]
    assert eventually(lambda: stack.client.get(link).status_code == 410)


def test_on_s3_the_link_leads_to_the_bucket(
    make_stack: Callable[..., Stack],
    clickhouse_server: ClickHouseServer,
    visits: RegisteredDataset,
    s3_server: S3Server,
) -> None:
    boto3.client(
        "s3",
        endpoint_url=s3_server.url,
        region_name=s3_server.region,
        aws_access_key_id=s3_server.access_key,
        aws_secret_access_key=s3_server.secret_key,
        config=Config(s3={"addressing_style": "path"}),
    ).create_bucket(Bucket="api-downloads")
    stack = make_stack(
        (visits,),
        clickhouse_url=clickhouse_server.reader_url,
        object_store_url="s3://api-downloads/files",
        object_store_endpoint=s3_server.url,
        object_store_region=s3_server.region,
        object_store_access_key_id=s3_server.access_key,
        object_store_secret_access_key=s3_server.secret_key,
    )
    redirect = stack.client.get(f"/api/v1/exports/{published(stack)['id']}/download")
    assert redirect.status_code == 307
    assert redirect.headers["location"].startswith(s3_server.url)
    assert httpx.get(redirect.headers["location"], trust_env=False).content == CONTENT
    unsigned = redirect.headers["location"].partition("?")[0]
    assert 400 <= httpx.get(unsigned, trust_env=False).status_code < 500


def test_a_download_token_is_not_in_the_log(stack: Stack, caplog: pytest.LogCaptureFixture) -> None:
    link = stack.client.get(f"/api/v1/exports/{published(stack)['id']}/download").headers["location"]
    caplog.clear()
    with caplog.at_level("INFO", "segmentator"):
        assert stack.client.get(link).status_code == 200
        assert eventually(lambda: any(getattr(one, "path", "").endswith("/files/{token}") for one in caplog.records))
    logged = [repr(vars(record)) for record in caplog.records if record.name.startswith("segmentator")]
    assert link.rsplit("/", 1)[1] not in "".join(logged)
