"""Requirements 30 to 38: a file is whole and of one snapshot, or it is not there, whatever fails on the way.

Each in depth elsewhere: tests/exports (every named point of a kill, every fault of the store, full sheets),
tests/acceptance/test_faults.py and test_store_faults.py, tests/storage/test_exports.py.
"""

from __future__ import annotations

import csv
import hashlib
import io
import os
import random
import re
import signal
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date
from urllib.parse import parse_qs, unquote, urlsplit

import httpx
import openpyxl
import pyarrow as pa
import pytest

from segmentator_dagster.compiler.query import CompiledQuery
from tests.parallel import in_parallel
from tests.requirements.installation import LINK, Installation, Json
from tests.servers.buckets import s3_client
from tests.servers.fault_proxy import Fault

pytestmark = pytest.mark.acceptance

EXPORTS = int(os.environ.get("SEGMENTATOR_TEST_EXPORTS", "4"))  # while rows come in, in two formats
POOL = "segmentator_dagster.workers.pool"
IOS = {"combinator": "and", "rules": [{"field": "platform_main", "operator": "=", "value": "ios"}]}
ERROR_OF_CLICKHOUSE = (b"DB::Exception", b"__exception__")


@pytest.fixture(scope="package")
def slow(installation: Installation) -> str:
    """A dataset of 1000 users that takes a second to read."""
    return installation.slow(1000, 1.0)


def stored(installation: Installation, export: Json) -> dict[str, bytes]:
    """What the bucket has of an export, seen from outside: key in the export's folder -> bytes."""
    prefix = f"own/exports/{export['segment_id']}/{export['id']}/"
    with closing(s3_client(installation.s3)) as client:
        listed = client.list_objects_v2(Bucket=installation.bucket, Prefix=prefix).get("Contents", [])
        return {
            one["Key"].removeprefix(prefix): client.get_object(Bucket=installation.bucket, Key=one["Key"])[
                "Body"
            ].read()
            for one in listed
        }


def whole_file(installation: Installation, export: Json) -> bytes:
    """The file of a published export, held against what its manifest says of it."""
    data = installation.stack.file_of(export)
    manifest = export["manifest"]
    assert (len(data), hashlib.sha256(data).hexdigest()) == (manifest["bytes"], manifest["sha256"])
    assert manifest["rows"] == export["rows"] == manifest["snapshot_users"]
    if export["format"] == "csv":
        assert len(data.splitlines()) == export["rows"] + 1
    return data


def published_attempts(installation: Installation, export: Json) -> int:
    """Folders of attempts with a manifest in them."""
    return len([key for key in stored(installation, export) if key.endswith("manifest.json")])


def test_30_a_file_is_nowhere_before_it_is_published_and_then_as_its_manifest_says(
    installation: Installation, slow: str
) -> None:
    stack = installation.stack
    [asked] = stack.export(installation.everyone_of(slow)["id"], "csv")
    running = installation.at_work(asked["id"])
    refused = stack.call("GET", f"/exports/{asked['id']}/download", 409)
    assert refused["code"] == "export_not_published"
    assert running["files"] == []
    assert "exports/" not in str(running)
    whole_file(installation, stack.ended(asked["id"]))


def test_31_a_worker_killed_at_a_point_of_chance_costs_an_attempt_and_nothing_else(
    installation: Installation, slow: str, pytestconfig: pytest.Config
) -> None:
    stack = installation.stack
    seconds = random.Random(int(pytestconfig.getoption("hypothesis_seed"))).uniform(0, 1.5)
    [asked] = stack.export(installation.everyone_of(slow)["id"], "csv")
    installation.at_work(asked["id"])
    time.sleep(seconds)  # one for the audience, one for the file
    pool, *_ = stack.processes(POOL)
    for worker in stack.processes(POOL):
        if worker != pool:
            os.kill(worker, signal.SIGKILL)
    ended = stack.ended(asked["id"])
    assert ended["status"] == "published", (seconds, ended)
    assert ended["manifest"]["attempt"] >= 2, seconds
    whole_file(installation, ended)
    assert published_attempts(installation, ended) == 1


def test_32_one_idempotency_key_is_one_export_also_at_the_same_time(installation: Installation) -> None:
    stack = installation.stack
    segment = stack.create("по ключу", IOS)
    path, key = f"/api/v1/segments/{segment['id']}/exports", {"Idempotency-Key": "the-key"}
    client = installation.client(Authorization=stack.http.headers["Authorization"])
    answers: list[httpx.Response] = []

    def ask() -> None:
        answers.append(client.post(path, json={"formats": ["csv"]}, headers=key))

    assert in_parallel(*[ask] * 4) == ["done"] * 4
    ask()
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["items"][0]["id"] for answer in answers}) == 1
    other = client.post(path, json={"formats": ["xlsx"]}, headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert len(stack.call("GET", f"/segments/{segment['id']}/exports")["items"]) == 1


def test_33_what_is_asked_for_while_dagster_is_down_is_made_once_when_it_is_back(installation: Installation) -> None:
    stack = installation.stack
    segment = stack.create("пока Dagster лежит", IOS)
    for part in ("dagster_webserver", "dagster._daemon"):
        assert stack.kill(part) >= 1
    [asked] = stack.export(segment["id"], "csv")
    assert asked["status"] == "requested"
    ended = stack.ended(asked["id"], 90)
    whole_file(installation, ended)
    assert ended["manifest"]["attempt"] == 1
    assert published_attempts(installation, ended) == 1


def test_34_a_clickhouse_that_dies_in_the_middle_leaves_nothing_of_its_error_in_a_file(
    installation: Installation, slow: str
) -> None:
    stack = installation.stack
    [asked] = stack.export(installation.everyone_of(slow)["id"], "csv")
    installation.at_work(asked["id"])
    time.sleep(0.5)
    assert stack.kill("clickhouse_server") == 1
    ended = stack.ended(asked["id"], 90)
    if ended["status"] == "published":
        data = whole_file(installation, ended)
        assert not any(text in data for text in ERROR_OF_CLICKHOUSE)
    else:
        assert (ended["status"], ended["error"]["code"]) == ("failed", "clickhouse_unavailable")
        assert stored(installation, ended) == {}
    stack.wait(lambda: stack.http.post("/rules/count", json={"rule": IOS}).status_code == 200)


@contextmanager
def failing(installation: Installation, fault: Fault, *steps: str) -> Iterator[None]:
    """Every second request to S3 of these steps of an upload fails."""
    count = iter(range(1_000_000))
    installation.proxy.fault_of = lambda _number, seen: fault if seen.step in steps and next(count) % 2 == 0 else None
    try:
        yield
    finally:
        installation.proxy.fault_of = lambda _number, _seen: None


@pytest.mark.parametrize("fault", [Fault.SLOW_DOWN, Fault.LOST])
def test_35_an_s3_that_fails_now_and_then_is_asked_again_and_keeps_no_half_upload(
    installation: Installation, fault: Fault
) -> None:
    stack = installation.stack
    with failing(installation, fault, "create", "part", "complete", "put"):
        [asked] = stack.export(stack.create(f"S3 {fault.name}", IOS)["id"], "xlsx")
        ended = stack.ended(asked["id"], 90)
    whole_file(installation, ended)
    assert published_attempts(installation, ended) == 1
    with closing(s3_client(installation.s3)) as client:
        uploads = client.list_multipart_uploads(Bucket=installation.bucket).get("Uploads", [])
    assert [one["Key"] for one in uploads if ended["id"] in one["Key"]] == []


def test_36_count_csv_and_workbook_are_of_one_snapshot_while_rows_come_in(installation: Installation) -> None:
    stack = installation.stack
    table = installation.dataset("growing", "(user_id String, n UInt64) ENGINE = MergeTree ORDER BY user_id")
    segment = installation.everyone_of(table)
    ended, inserted = threading.Event(), [0]

    def insert() -> None:
        with stack.clickhouse() as clickhouse:
            while not ended.wait(0.05):
                rows = f"SELECT toString({inserted[0]} + number), 1 FROM numbers(50)"
                inserted[0] += clickhouse.execute(CompiledQuery(f"INSERT INTO datasets.{table} {rows}"))

    inserting = threading.Thread(target=insert)
    inserting.start()
    try:
        started = time.monotonic()
        rows = set()
        for _ in range(EXPORTS // 2):
            as_csv, as_xlsx = (stack.ended(e["id"]) for e in stack.export(segment["id"], "csv", "xlsx"))
            in_csv = len(whole_file(installation, as_csv).splitlines()) - 1
            workbook = openpyxl.load_workbook(io.BytesIO(whole_file(installation, as_xlsx)), read_only=True)
            in_xlsx = sum(1 for _ in workbook["Data"].iter_rows()) - 1
            shown = stack.call("GET", f"/segments/{segment['id']}")["last_export"]["rows"]
            assert in_csv == in_xlsx == as_csv["rows"] == as_xlsx["rows"] == shown
            rows.add(in_csv)
        rate = inserted[0] / (time.monotonic() - started)
    finally:
        ended.set()
        inserting.join()
    assert len(rows) == EXPORTS // 2, "each saw another moment"
    assert rate > 100, "rows came in all the time"


def test_37_a_link_is_short_names_its_file_and_is_given_to_nobody_who_is_blocked(installation: Installation) -> None:
    stack = installation.stack
    administrator = installation.browser("anna.smirnova")
    login = "dmitry.kuznetsov"
    assert administrator.post("/api/v1/invites", json={"contact": login}).status_code == 201
    person = installation.browser(login)
    segment = person.post("/api/v1/segments", json={"name": "Лето 2026", "rule": IOS}).json()
    [asked] = person.post(f"/api/v1/segments/{segment['id']}/exports", json={"formats": ["csv"]}).json()["items"]
    export = stack.ended(asked["id"])
    download = f"/api/v1/exports/{asked['id']}/download"
    settings = administrator.get("/api/v1/settings").json()
    changed = administrator.patch("/api/v1/settings", json={"version": settings["version"], "link_seconds": 3})
    assert changed.status_code == 200, changed.text
    stack.wait(lambda: "Expires=3&" in person.get(download).headers["location"] + "&")
    link = person.get(download).headers["location"]
    asked_for = {name: values[0] for name, values in parse_qs(urlsplit(link).query).items()}
    installation.secrets["link"] = asked_for[LINK]  # in no log and no table: the canary looks for it
    assert int(asked_for["X-Amz-Expires"]) <= 60
    fetched = httpx.get(link, trust_env=False)
    assert (fetched.status_code, len(fetched.content)) == (200, export["bytes"])
    assert f"filename*=UTF-8''{'Лето 2026'}" in unquote(fetched.headers["content-disposition"])
    stack.wait(lambda: httpx.get(link, trust_env=False).status_code == 403, 10)
    person_id = next(one["id"] for one in administrator.get("/api/v1/people").json()["items"] if one["login"] == login)
    assert administrator.post(f"/api/v1/people/{person_id}/block").status_code == 200
    refused = person.get(download)
    assert (refused.status_code, "location" in refused.headers) == (401, False)
    back = {"version": changed.json()["version"], "link_seconds": None}
    assert administrator.patch("/api/v1/settings", json=back).status_code == 200


TEXTS = [
    *(b"=1+1", b"+7999", b"@x", b"\t=1", b"-5", b"007", b"12345678901234567890", b"x" * 40_000),
    *(b"a\x0bb", b"\xed\xa0\x80", "\uffff".encode()),  # a control character, half a pair, what is no character
]


def test_38_what_a_table_program_could_misread_is_text_in_both_files(installation: Installation) -> None:
    stack = installation.stack
    columns = "user_id String, said String, number Int64, real Float64, born Date32"
    table = installation.dataset("misread", f"({columns}) ENGINE = MergeTree ORDER BY user_id")
    rows = {
        "user_id": [f"{index:03}" for index in range(len(TEXTS))],
        "said": pa.array(TEXTS, pa.binary()),
        "number": [-5] * len(TEXTS),
        "real": [float("nan")] * len(TEXTS),
        "born": [date(1899, 12, 31)] * len(TEXTS),
    }
    with stack.clickhouse() as clickhouse:
        clickhouse.insert_arrow("datasets", table, pa.table(rows))
    segment = installation.everyone_of(table)
    options = {"csv": {"profile": "excel-ru"}, "xlsx": {"sheet_rows": 4}}
    as_csv, as_xlsx = (stack.ended(one["id"]) for one in stack.export(segment["id"], "csv", "xlsx", export=options))
    data = stack.file_of(as_csv)
    assert data.startswith(b"\xef\xbb\xbf")
    assert data.count(b"\r\n") == len(TEXTS) + 1
    _, *rows = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), delimiter=";")
    said = [row[1] for row in rows]
    assert said[:5] == ["'=1+1", "'+7999", "'@x", "'\t=1", "'-5"]
    assert {row[2] for row in rows} == {"-5"}
    workbook = stack.file_of(as_xlsx)
    archive = zipfile.ZipFile(io.BytesIO(workbook))
    sheets = [archive.read(name).decode() for name in archive.namelist() if name.startswith("xl/worksheets/sheet")]
    assert not any(re.search(r"<f[ >]", sheet) for sheet in sheets)
    opened = openpyxl.load_workbook(io.BytesIO(workbook), read_only=True)
    cells = [row for name in opened.sheetnames if name.startswith("Data") for row in list(opened[name].values)[1:]]
    assert [row[0] for row in cells] == [f"{index:03}" for index in range(len(TEXTS))], "no row is lost"
    assert [row[1] for row in cells][:7] == [text.decode() for text in TEXTS[:7]]
    assert {row[2:] for row in cells} == {(-5, "nan", "1899-12-31")}
    assert len(str(cells[7][1])) == 32_767
    assert sum(as_xlsx["manifest"]["replacements"]["said"].values()) == 4
