"""From a rule over REST to a file, and what Dagster shows of it."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openpyxl
import pytest
from python_calamine import CalamineWorkbook

from tests.acceptance.conftest import IOS
from tests.acceptance.stack import Stack

pytestmark = pytest.mark.acceptance

Json = dict[str, Any]
CDNOW = Path(__file__).parents[1] / "data" / "cdnow.csv.gz"

LAUNCH = """mutation($e:ExecutionParams!){launchRun(executionParams:$e){__typename
  ... on LaunchRunSuccess{run{runId}} ... on PythonError{message} ... on InvalidSubsetError{message}}}"""
RUN = "query($id:ID!){runOrError(runId:$id){__typename ... on Run{status}}}"
LATEST = """query($a:AssetKeyInput!,$p:[String!]){assetNodeOrError(assetKey:$a){... on AssetNode{
  dependencyKeys{path} latestMaterializationByPartition(partitions:$p){runId metadataEntries{__typename label
  ... on IntMetadataEntry{intValue} ... on TextMetadataEntry{text} ... on MarkdownMetadataEntry{mdStr}
  ... on JsonMetadataEntry{jsonString}}}}}}"""
CHECKS = """query($a:AssetKeyInput!){assetCheckExecutions(assetKey:$a,checkName:"rows_match_snapshot",limit:5){
  status runId}}"""
PARTITIONS = "query($a:AssetKeyInput!){assetNodeOrError(assetKey:$a){... on AssetNode{partitionKeys}}}"


def csv_rows(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8"), newline="")))


def partitions(stack: Stack, asset: str) -> list[str]:
    return stack.dagster(PARTITIONS, a={"path": [asset]})["assetNodeOrError"]["partitionKeys"]


def launch(stack: Stack, segment_id: int, *assets: str) -> str:
    """Materialise a partition as Dagster's UI does."""
    selector = {
        "repositoryName": "__repository__",
        "repositoryLocationName": "segmentator",
        "jobName": "__ASSET_JOB",
        "assetSelection": [{"path": [asset]} for asset in assets],
    }
    tags = [{"key": "dagster/partition", "value": str(segment_id)}]
    answer = stack.dagster(LAUNCH, e={"selector": selector, "mode": "default", "executionMetadata": {"tags": tags}})[
        "launchRun"
    ]
    assert answer["__typename"] == "LaunchRunSuccess", answer
    return answer["run"]["runId"]


@pytest.fixture(scope="module", autouse=True)
def scheduled(stack: Stack) -> Iterator[Json]:
    """A segment that is exported every minute: the first one goes by while the other tests run."""
    schedule = {"cron": "* * * * *", "formats": ["csv"]}
    segment = stack.create(f"по часам {uuid.uuid4().hex[:6]}", IOS, schedule=schedule)
    yield segment
    stack.call("DELETE", f"/segments/{segment['id']}", 204)


def test_a_rule_becomes_a_csv_and_a_workbook_of_exactly_its_users(stack: Stack, segment: Json) -> None:
    counted = stack.call("POST", "/rules/count", json={"rule": IOS})["count"]
    csv_export, xlsx_export = (stack.ended(e["id"]) for e in stack.export(segment["id"], "csv", "xlsx"))
    assert 0 < counted < 3000
    assert csv_export["rows"] == xlsx_export["rows"] == counted
    assert csv_export["snapshot_id"] == xlsx_export["snapshot_id"]

    data = stack.file_of(csv_export)
    header, *rows = csv_rows(data)
    assert header == ["user_id", "date", "platform_main", "cohort"]
    assert len(rows) == len({row[0] for row in rows}) == counted
    assert len(data) == csv_export["bytes"]
    assert hashlib.sha256(data).hexdigest() == csv_export["sha256"] == csv_export["manifest"]["sha256"]

    workbook = stack.file_of(xlsx_export)
    by_openpyxl = [
        [str(value).removesuffix(" 00:00:00") for value in cells]
        for cells in openpyxl.load_workbook(io.BytesIO(workbook), read_only=True).active.iter_rows(values_only=True)
    ]
    by_calamine = CalamineWorkbook.from_filelike(io.BytesIO(workbook)).get_sheet_by_index(0).to_python()
    assert (
        by_openpyxl
        == [header, *rows]
        == [[str(value).removesuffix(" 00:00:00") for value in cells] for cells in by_calamine]
    )


def test_a_download_has_the_name_of_the_segment_and_its_link_is_short_lived(stack: Stack) -> None:
    segment = stack.create(f"Весна {uuid.uuid4().hex[:6]}", IOS)
    export = stack.ended(stack.export(segment["id"], "csv")[0]["id"])
    redirect = stack.http.get(f"/exports/{export['id']}/download")
    assert redirect.status_code == 307
    assert redirect.headers["cache-control"] == "no-store"
    answer = httpx.get(httpx.URL(str(stack.http.base_url)).join(redirect.headers["location"]))
    assert answer.status_code == 200
    assert "filename*=UTF-8''%D0%92%D0%B5%D1%81%D0%BD%D0%B0" in answer.headers["content-disposition"]
    assert answer.headers["content-type"].startswith("text/csv")
    tampered = redirect.headers["location"][:-2] + ("AA" if not redirect.headers["location"].endswith("AA") else "BB")
    refused = httpx.get(httpx.URL(str(stack.http.base_url)).join(tampered))
    assert refused.status_code in (403, 404, 410)


def test_real_purchases_load_whole_and_export_what_the_file_says(stack: Stack) -> None:
    loaded = stack.command(
        "load", str(CDNOW), "--dataset", "cdnow", "--user-key", "user_id", "--time", "date", "--replace"
    )
    assert loaded.returncode == 0, loaded.stderr
    assert "69659 rows, 23570 users" in loaded.stdout
    rule = {"combinator": "and", "rules": [{"field": "quantity", "operator": ">=", "value": 10}]}
    segment = stack.create(f"Оптовые {uuid.uuid4().hex[:6]}", rule, dataset="cdnow", columns=["amount", "date"])
    export = stack.ended(stack.export(segment["id"], "csv")[0]["id"])

    purchases = csv_rows(gzip.decompress(CDNOW.read_bytes()))[1:]
    wholesale = {user for user, _, quantity, _ in purchases if int(quantity) >= 10}
    last_day = {user: max(day for u, day, *_ in purchases if u == user) for user in list(wholesale)[:20]}
    header, *rows = csv_rows(stack.file_of(export))
    assert header == ["user_id", "amount", "date"]
    assert {row[0] for row in rows} == wholesale
    assert all(day == last_day.get(user, day) for user, _, day in rows)
    assert [row[0] for row in rows] == sorted(wholesale)


def test_dagster_shows_lineage_figures_and_a_passed_check_without_links(stack: Stack, segment: Json) -> None:
    export = stack.ended(stack.export(segment["id"], "csv")[0]["id"])
    key = str(segment["id"])

    def node(asset: str) -> Json:
        return stack.dagster(LATEST, a={"path": [asset]}, p=[key])["assetNodeOrError"]

    audience, file = node("segment_audience"), node("segment_csv")
    assert file["dependencyKeys"] == [{"path": ["segment_audience"]}]
    assert audience["dependencyKeys"] == [{"path": ["dataset"]}]
    (materialised,) = file["latestMaterializationByPartition"]
    labels = {entry["label"]: entry for entry in materialised["metadataEntries"]}
    assert materialised["runId"] == export["run_id"]
    assert labels["dagster/row_count"]["intValue"] == export["rows"]
    assert json.loads(labels["manifest"]["jsonString"])["sha256"] == export["sha256"]
    assert "http" not in json.dumps(labels)
    (snapshot,) = audience["latestMaterializationByPartition"]
    said = {entry["label"]: entry for entry in snapshot["metadataEntries"]}
    assert "iOS".lower() in said["rule"]["text"].lower()
    assert "'ios'" not in said["sql"]["mdStr"]
    assert "{" in said["sql"]["mdStr"]

    def statuses() -> list[str]:
        checks = stack.dagster(CHECKS, a={"path": ["segment_csv"]})["assetCheckExecutions"]
        return [check["status"] for check in checks if check["runId"] == export["run_id"]]

    stack.wait(lambda: statuses() == ["SUCCEEDED"], 20)  # Dagster writes it after we have published


def test_a_partition_materialised_in_dagster_is_a_new_export(stack: Stack, segment: Json) -> None:
    first = stack.ended(stack.export(segment["id"], "csv")[0]["id"])
    run = launch(stack, segment["id"], "segment_audience", "segment_csv", "segment_xlsx")

    def by_run() -> list[Json]:
        items = stack.call("GET", f"/segments/{segment['id']}/exports")["items"]
        made = [item for item in items if item["run_id"] == run and item["status"] == "published"]
        return made if len(made) == 2 else []

    made = stack.wait(by_run)
    assert {item["format"] for item in made} == {"csv", "xlsx"}
    assert all(item["rows"] == first["rows"] and item["id"] != first["id"] for item in made)


def test_only_the_file_materialised_in_dagster_uses_the_audience_as_last_taken(stack: Stack, segment: Json) -> None:
    first = stack.ended(stack.export(segment["id"], "csv")[0]["id"])
    run = launch(stack, segment["id"], "segment_xlsx")

    def made() -> Json | None:
        items = stack.call("GET", f"/segments/{segment['id']}/exports")["items"]
        return next((i for i in items if i["run_id"] == run and i["status"] == "published"), None)

    export = stack.wait(made)
    assert stack.call("GET", f"/exports/{export['id']}")["manifest"]["snapshot_id"] == first["snapshot_id"]


def test_partitions_follow_segments_in_both_directions(stack: Stack, segment: Json) -> None:
    key = str(segment["id"])
    stack.wait(lambda: key in partitions(stack, "segment_csv"))
    stack.call("DELETE", f"/segments/{segment['id']}", 204)
    stack.wait(lambda: key not in partitions(stack, "segment_csv"))
    stack.call("POST", f"/segments/{segment['id']}/restore")
    stack.wait(lambda: key in partitions(stack, "segment_csv"))
    add = """mutation($k:String!,$r:RepositorySelector!){addDynamicPartition(partitionsDefName:"segments",
      partitionKey:$k,repositorySelector:$r){__typename}}"""
    location = {"repositoryName": "__repository__", "repositoryLocationName": "segmentator"}
    stack.dagster(add, k="stray", r=location)
    stack.wait(lambda: "stray" not in partitions(stack, "segment_csv"))
    stack.wait(lambda: "user_activity" in partitions(stack, "dataset"))


def test_a_second_request_with_the_same_key_is_the_first(stack: Stack, segment: Json) -> None:
    key = uuid.uuid4().hex
    first = stack.export(segment["id"], "csv", "xlsx", key=key)
    again = stack.export(segment["id"], "xlsx", "csv", key=key)
    assert [e["id"] for e in first] == [e["id"] for e in again]
    assert stack.ended(first[0]["id"])["status"] == "published"
    assert len(stack.call("GET", f"/segments/{segment['id']}/exports")["items"]) == 2


def test_an_edit_makes_a_version_that_the_next_export_uses(stack: Stack, segment: Json) -> None:
    android = {"combinator": "and", "rules": [{"field": "platform_main", "operator": "=", "value": "android"}]}
    changed = stack.call("PATCH", f"/segments/{segment['id']}", json={"version": 1, "rule": android})
    assert changed["version"] == 2
    refused = stack.call("PATCH", f"/segments/{segment['id']}", 409, json={"version": 1, "name": "другое"})
    assert (refused["code"], refused["current"]["version"]) == ("version_conflict", 2)
    export = stack.ended(stack.export(segment["id"], "csv")[0]["id"])
    assert export["version"] == 2
    assert export["rows"] == stack.call("POST", "/rules/count", json={"rule": android})["count"]


def test_a_copy_exports_the_same_users(stack: Stack, segment: Json) -> None:
    copied = stack.call("POST", f"/segments/{segment['id']}/copy", 201)
    assert (copied["rule"], copied["name"] != segment["name"]) == (segment["rule"], True)
    one, two = (stack.ended(stack.export(s["id"], "csv")[0]["id"]) for s in (segment, copied))
    assert stack.file_of(one) == stack.file_of(two)


def test_a_cancelled_export_is_never_published(stack: Stack, segment: Json) -> None:
    export = stack.export(segment["id"], "csv")[0]
    answer = stack.http.post(f"/exports/{export['id']}/cancel")
    ended = stack.ended(export["id"])
    if answer.status_code == 409:  # it was faster
        assert ended["status"] == "published"
        return
    assert answer.status_code == 200
    time.sleep(2)
    assert stack.call("GET", f"/exports/{export['id']}")["status"] == "cancelled"
    assert stack.call("GET", f"/exports/{export['id']}/download", 409)["code"] == "export_not_published"


@pytest.mark.slow
def test_a_schedule_exports_by_itself(stack: Stack, scheduled: Json) -> None:
    def published() -> list[Json]:
        items = stack.call("GET", f"/segments/{scheduled['id']}/exports")["items"]
        return [item for item in items if item["status"] == "published"]

    assert stack.wait(published, 120)[0]["rows"] > 0
    changed = stack.call("PATCH", f"/segments/{scheduled['id']}", json={"version": 1, "schedule": None})
    assert changed["schedule"] is None
