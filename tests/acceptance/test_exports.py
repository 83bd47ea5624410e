"""Files as their users ask for them: every format and option over HTTP, on every kind of store."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import uuid
import zipfile
from typing import Any

import httpx
import pandas as pd
import pytest

from segmentator_dagster.compiler.query import CompiledQuery
from tests.acceptance.conftest import IOS
from tests.acceptance.stack import Json, Stack

pytestmark = pytest.mark.acceptance

DATASET = "customers"
ROWS = 1200
CUSTOMERS = "user_id,city,email,spent,since\n" + "".join(
    f"{n:05},{('Омск', 'Уфа', '')[n % 3]},{f'User{n}@Ya.ru' if n % 4 else ''},{n / 4},2026-01-{n % 28 + 1:02}\n"
    for n in range(ROWS)
)
EVERYONE = {"kind": "everyone"}


@pytest.fixture(scope="package")
def customers(stack: Stack) -> Json:
    """A segment of all the users of a dataset of texts, numbers, NULLs and dates."""
    path = stack.data_dir.parent / "customers.csv"
    path.write_text(CUSTOMERS)
    loaded = stack.command("load", str(path), "--dataset", DATASET, "--user-key", "user_id", "--time", "since")
    assert loaded.returncode == 0, loaded.stderr
    return stack.create("Покупатели", EVERYONE, dataset=DATASET)


def exported(stack: Stack, segment: Json, *formats: str, **more: Any) -> list[Json]:
    ended = [stack.ended(export["id"]) for export in stack.export(segment["id"], *formats, **more)]
    assert [export["status"] for export in ended] == ["published"] * len(formats), ended
    return ended


def data_sheet(data: bytes, **more: Any) -> pd.DataFrame:
    return pd.read_excel(io.BytesIO(data), sheet_name="Data", engine="openpyxl", **more)


def test_all_formats_read_by_pandas_are_the_same_table(stack: Stack, customers: Json) -> None:
    as_csv, as_xlsx, as_parquet = exported(stack, customers, "csv", "xlsx", "parquet")
    read = {
        "csv": pd.read_csv(io.BytesIO(stack.file_of(as_csv)), dtype={"user_id": str}, parse_dates=["since"]),
        "xlsx": pd.read_excel(
            io.BytesIO(stack.file_of(as_xlsx)), sheet_name="Data", engine="openpyxl", dtype={"user_id": str}
        ),
        "parquet": pd.read_parquet(io.BytesIO(stack.file_of(as_parquet))),
    }
    expected = pd.read_csv(io.StringIO(CUSTOMERS), dtype={"user_id": str}, parse_dates=["since"])
    for table in read.values():
        table["spent"] = table["spent"].astype(float)
        table["since"] = table["since"].astype("datetime64[ns]")
        wanted = expected.assign(since=expected["since"].astype("datetime64[ns]"))
        both = [one[list(wanted.columns)].where(one.notna(), None) for one in (table, wanted)]
        pd.testing.assert_frame_equal(*both, check_dtype=False)


def test_excel_ru_is_what_a_russian_excel_opens(stack: Stack, customers: Json) -> None:
    options = {"csv": {"profile": "excel-ru"}, "headers": "ru"}
    [export] = exported(stack, customers, "csv", export=options)
    data = stack.file_of(export)
    assert data.startswith(b"\xef\xbb\xbf")
    header, first, second, *_ = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), delimiter=";")
    assert len(header) == 5
    assert first == ["00000", "Омск", "", "0,00", "01.01.2026"]
    assert second == ["00001", "Уфа", "User1@Ya.ru", "0,25", "02.01.2026"]


def test_a_segment_keeps_its_options_and_a_request_may_say_otherwise(stack: Stack) -> None:
    segment = stack.create(
        f"options {uuid.uuid4().hex[:6]}", EVERYONE, dataset=DATASET, export={"csv": {"compression": "gzip"}}
    )
    kept, plain = (
        exported(stack, segment, "csv")[0],
        exported(stack, segment, "csv", export={"csv": {"compression": "none"}})[0],
    )
    assert kept["files"][0]["name"].endswith(".csv.gz")
    assert gzip.decompress(stack.file_of(kept)) == stack.file_of(plain)


def test_a_split_is_downloaded_file_by_file(stack: Stack, customers: Json) -> None:
    [export] = exported(stack, customers, "csv", export={"split": {"field": "city"}})
    assert [(file["value"], file["rows"]) for file in export["files"]] == [("Омск", 400), ("Уфа", 400), (None, 400)]
    for number, file in enumerate(export["files"], start=1):
        data = stack.file_of(export, number)
        assert hashlib.sha256(data).hexdigest() == file["sha256"]
        assert len(data.splitlines()) == 401
    refused = stack.call("GET", f"/exports/{export['id']}/download", 409)
    assert refused["code"] == "several_files"


def test_a_zip_of_workbooks_has_every_row(stack: Stack, customers: Json) -> None:
    [export] = exported(stack, customers, "xlsx", export={"xlsx": {"overflow": "workbooks", "sheet_rows": 500}})
    archive = zipfile.ZipFile(io.BytesIO(stack.file_of(export)))
    tables = [
        pd.read_excel(io.BytesIO(archive.read(name)), sheet_name="Data", engine="openpyxl")
        for name in archive.namelist()
    ]
    assert [len(table) for table in tables] == [500, 500, 200]
    assert archive.namelist() == [f"Покупатели {export['created_at'][:10]} {n}.xlsx" for n in (1, 2, 3)]


def test_yandex_audience_gets_those_who_have_a_contact(stack: Stack, customers: Json) -> None:
    [export] = exported(stack, customers, "csv", export={"yandex_audience": {"email": "email", "hashed": True}})
    header, *lines = stack.file_of(export).decode().splitlines()
    assert header == "email"
    assert lines[0] == hashlib.sha256(b"user1@ya.ru").hexdigest()
    assert (export["rows"], export["manifest"]["skipped"]["no_contact"]) == (900, 300)


def test_who_came_since_the_last_snapshot_is_a_file(stack: Stack) -> None:
    path = stack.data_dir.parent / "comers.csv"
    path.write_text("user_id,n\na,1\nb,2\n")
    assert stack.command("load", str(path), "--dataset", "comers", "--user-key", "user_id").returncode == 0
    segment = stack.create("comers", EVERYONE, dataset="comers")
    exported(stack, segment, "csv")
    [earlier] = stack.call("GET", f"/segments/{segment['id']}/snapshots")["items"]
    with stack.clickhouse() as clickhouse:
        clickhouse.execute(CompiledQuery("INSERT INTO datasets.comers VALUES ('c', 3)"))
    compare = {"from_snapshot_id": earlier["id"], "keep": "added"}
    [added] = exported(stack, segment, "csv", compare=compare)
    assert stack.file_of(added).decode().splitlines() == ['"user_id","n"', '"c",3']
    later, _ = stack.call("GET", f"/segments/{segment['id']}/snapshots")["items"]
    both = {"from_snapshot_id": earlier["id"], "to_snapshot_id": later["id"], "keep": "stayed"}
    [stayed] = exported(stack, segment, "parquet", compare=both)
    assert pd.read_parquet(io.BytesIO(stack.file_of(stayed)))["user_id"].tolist() == ["a", "b"]
    assert len(stack.call("GET", f"/segments/{segment['id']}/snapshots")["items"]) == 2


def test_a_download_takes_ranges_and_names_the_file(stack: Stack, customers: Json) -> None:
    [export] = exported(stack, customers, "csv")
    redirect = stack.http.get(f"/exports/{export['id']}/download")
    link = httpx.URL(str(stack.http.base_url)).join(redirect.headers["location"])
    part = httpx.get(link, headers={"Range": "bytes=1-7"})
    assert (part.status_code, part.content) == (206, b"user_id")
    assert "filename*=UTF-8''%D0%9F%D0%BE%D0%BA" in part.headers["content-disposition"]


def test_progress_is_told_until_the_end(stack: Stack, segment: Json) -> None:
    export = stack.export(segment["id"], "xlsx")[0]
    events: list[tuple[str, Json]] = []
    with stack.http.stream("GET", f"/exports/{export['id']}/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        name = ""
        for line in stream.iter_lines():
            if line.startswith("event: "):
                name = line.removeprefix("event: ")
            elif line.startswith("data: "):
                events.append((name, json.loads(line.removeprefix("data: "))))
    assert {name for name, _ in events[:-1]} <= {"progress"}
    name, last = events[-1]
    assert (name, last["status"]) == ("end", "published")
    assert last["progress"]["rows"] == last["progress"]["total_rows"] == last["rows"]


SLOW = """CREATE OR REPLACE VIEW datasets.slow AS SELECT toString(number) AS user_id FROM numbers(3000)
WHERE NOT ignore(sleepEachRow(0.02)) SETTINGS max_block_size = 10"""


def test_a_cancelled_export_is_gone_from_clickhouse_long_before_its_end(stack: Stack) -> None:
    path = stack.data_dir.parent / "slow.csv"
    path.write_text("user_id\na\n")
    assert stack.command("load", str(path), "--dataset", "slow", "--user-key", "user_id").returncode == 0
    segment = stack.create("slow", EVERYONE, dataset="slow")
    with stack.clickhouse() as clickhouse:
        running = CompiledQuery("SELECT count() FROM system.processes WHERE query LIKE 'INSERT%slow%'")
        clickhouse.execute(CompiledQuery("DROP TABLE datasets.slow SYNC"))
        clickhouse.execute(CompiledQuery(SLOW))
        [export] = stack.export(segment["id"], "csv")
        stack.wait(lambda: clickhouse.scalar(running))
        stack.wait(lambda: stack.call("GET", f"/exports/{export['id']}")["progress"]["read_rows"])
        stack.call("POST", f"/exports/{export['id']}/cancel")
        stack.wait(lambda: not clickhouse.scalar(running), seconds=10)
        clickhouse.execute(CompiledQuery("DROP VIEW datasets.slow SYNC"))
    assert stack.call("GET", f"/exports/{export['id']}")["status"] == "cancelled"


def test_the_manifest_is_a_download(stack: Stack, segment: Json) -> None:
    [export] = exported(stack, segment, "csv")
    answer = stack.http.get(f"/exports/{export['id']}/manifest")
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.json() == export["manifest"]
    assert answer.json()["rule"]["where"]["rules"] == IOS["rules"]
