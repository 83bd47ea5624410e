from __future__ import annotations

import time

from segmentator_dagster.api.links import Links
from tests.api.conftest import Stack
from tests.api.exporting import CONTENT, ask, published


def download(export_id: str) -> str:
    return f"/api/v1/exports/{export_id}/download"


def test_of_several_files_each_is_listed_and_downloaded_by_its_number(stack: Stack) -> None:
    export_id = published(stack, parts=3)["id"]
    shown = stack.client.get(f"/api/v1/exports/{export_id}").json()
    assert [(file["name"], file["rows"], file["value"]) for file in shown["files"]] == [
        ("Отчёт iOS 1.csv", 2, "значение 1"),
        ("Отчёт iOS 2.csv", 4, "значение 2"),
        ("Отчёт iOS 3.csv", 6, "значение 3"),
    ]
    assert (shown["rows"], shown["bytes"], shown["sha256"]) == (12, 6 * len(CONTENT), None)
    assert shown["links"]["download"] is None
    for number, file in enumerate(shown["files"], start=1):
        assert file["link"] == f"{download(export_id)}?file={number}"
        answer = stack.client.get(file["link"], follow_redirects=True)
        assert (answer.status_code, answer.content) == (200, CONTENT * number)
        assert f"iOS%20{number}.csv" in answer.headers["content-disposition"]
        assert len(answer.content) == file["bytes"]


def test_without_a_number_several_files_are_409_and_say_how_many(stack: Stack) -> None:
    export_id = published(stack, parts=3)["id"]
    answer = stack.client.get(download(export_id))
    assert (answer.status_code, answer.json()["code"], answer.json()["pointer"]) == (409, "several_files", "/file")
    assert "3" in answer.json()["message"]
    assert "?file=3" in answer.json()["hint"]


def test_a_number_beyond_the_last_file_is_404(stack: Stack) -> None:
    export_id = published(stack, parts=2)["id"]
    answer = stack.client.get(download(export_id), params={"file": 3})
    assert (answer.status_code, answer.json()["code"]) == (404, "file_not_found")
    assert stack.client.get(download(export_id), params={"file": "x"}).status_code == 422


def test_the_only_file_may_be_asked_for_by_its_number(stack: Stack) -> None:
    export_id = published(stack)["id"]
    answer = stack.client.get(download(export_id), params={"file": 1}, follow_redirects=True)
    assert (answer.status_code, answer.content) == (200, CONTENT)
    assert stack.client.get(download(export_id), params={"file": 2}).status_code == 404


def test_a_link_is_for_its_file_alone(stack: Stack) -> None:
    export_id = published(stack, parts=2)["id"]
    links = Links("k" * 32)
    ends = time.time() + 60
    for number in (1, 2):
        assert stack.client.get(f"/api/v1/files/{links.token(export_id, number, ends)}").content == CONTENT * number
    assert stack.client.get(f"/api/v1/files/{links.token(export_id, 3, ends)}").status_code == 404


def test_a_file_has_the_type_and_suffix_of_its_form(stack: Stack) -> None:
    gzip = {"csv": {"compression": "gzip"}}
    answer = stack.client.get(download(published(stack, export=gzip)["id"]), follow_redirects=True)
    assert answer.headers["content-type"] == "application/gzip"
    assert answer.headers["content-disposition"].endswith(".csv.gz")
    assert "content-encoding" not in answer.headers


def test_head_of_a_download_gives_its_link_and_of_the_link_its_size(stack: Stack) -> None:
    path = download(published(stack)["id"])
    head = stack.client.head(path)
    assert (head.status_code, head.content) == (307, b"")
    file = stack.client.head(head.headers["location"])
    assert (file.status_code, file.headers["content-length"]) == (200, str(len(CONTENT)))


def test_deleted_files_are_410_since_when_and_the_manifest_stays(stack: Stack) -> None:
    export_id = published(stack)["id"]
    link = stack.client.get(download(export_id)).headers["location"]
    stack.exports.files_deleted(export_id)
    shown = stack.client.get(f"/api/v1/exports/{export_id}").json()
    assert (shown["status"], shown["links"]["download"], shown["files"][0]["link"]) == ("published", None, None)
    assert shown["expires_at"] > shown["deleted_at"] > shown["finished_at"]
    for url in (download(export_id), link):
        answer = stack.client.get(url)
        assert (answer.status_code, answer.json()["code"]) == (410, "file_expired")
        assert shown["deleted_at"][:10] in answer.json()["message"]
    assert stack.client.get(f"/api/v1/exports/{export_id}/manifest").status_code == 200


def test_the_manifest_is_a_json_file_with_the_name_of_the_segment(stack: Stack) -> None:
    answer = stack.client.get(f"/api/v1/exports/{published(stack)['id']}/manifest")
    assert answer.json() == {"segment_name": "Отчёт: iOS", "rows": 2}
    assert answer.headers["content-type"] == "application/json"
    assert "%D0%9E%D1%82%D1%87%D1%91%D1%82_%20iOS%20" in answer.headers["content-disposition"]
    assert answer.headers["content-disposition"].endswith("%20csv.manifest.json")
    assert "Отчёт" in answer.text  # for people too


def test_there_is_no_manifest_before_an_export_is_published(stack: Stack) -> None:
    made = ask(stack, stack.segment()["id"], ["csv"]).json()["items"][0]
    answer = stack.client.get(f"/api/v1/exports/{made['id']}/manifest")
    assert (answer.status_code, answer.json()["code"]) == (409, "export_not_published")
