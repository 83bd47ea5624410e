from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from segmentator_dagster.api import uploads
from tests.api.conftest import Stack
from tests.api.list_requests import CSV, TEXT, XLSX, downloaded, made, put, send, workbook
from tests.api.test_errors import assert_shape


def spooled(stack: Stack) -> list[Path]:
    return list((stack.settings.data_dir / "uploads").glob("*"))


def test_what_is_wrong_with_a_new_list_is_said_before_its_file_is_read(lists: Stack) -> None:
    made(lists, "u1", name="Занято")
    cases: dict[str, dict[str, Any]] = {
        "name_taken": {"name": " занято "},
        "empty_name": {"name": " "},
        "too_long": {"name": "x" * 51},
        "control_character": {"name": "a\nb"},
        "unknown_dataset": {"dataset": "nowhere"},
        "unknown_field": {"field": "cty"},
        "field_not_comparable": {"field": "price"},
        "wrong_value": {"name": "a\0b"},
        "wrong_json_type": {"header": "perhaps"},
    }
    for code, query in cases.items():
        answer = send(lists, iter([b"x" * (1 << 20)] * 5), **query)  # over the limit, were it read
        assert answer.json()["code"] == code, answer.text
        assert answer.status_code == (409 if code == "name_taken" else 422)
        assert_shape(answer)
    several = send(lists, b"x", name=" ", dataset="nowhere", description="y" * 2001)
    assert {one["pointer"] for one in several.json()["problems"]} == {"/name", "/dataset", "/description"}


HOSTILE: dict[str, tuple[bytes, str, int, str]] = {
    "nothing": (b"", CSV, 422, "file_empty"),
    "only a header": (b"id\n", CSV, 422, "no_values"),
    "no text": (b"", TEXT, 422, "file_empty"),
    "UTF-16": ("id\nu1\n".encode("utf-16"), CSV, 400, "file_unreadable"),
    "binary": (bytes(range(256)) * 40, TEXT, 400, "file_unreadable"),
    "a workbook as CSV": (workbook(("id",), ("u1",)), CSV, 400, "file_unreadable"),
    "CSV as a workbook": (b"id\nu1\n", XLSX, 400, "file_unreadable"),
    "no workbook": (b"PK\x03\x04" + b"x" * 500, XLSX, 400, "file_unreadable"),
    "undecodable": ("идентификатор\n".encode() + b"u1\n\xff\xfe\n", CSV, 422, "value_undecodable"),
    "a long value": (b"u1\n" + b"x" * 10_001, TEXT, 422, "value_too_long"),
    "NUL": (b"u" * 5000 + b"\na\0b\n", TEXT, 422, "value_has_nul"),
    "uneven rows": (b"id,b\nu1,1\nu2\n", CSV, 422, "row_field_count"),
    "an open quote": (b'id\n"u1\n', CSV, 422, "quote_unclosed"),
    "two columns of one name": (b"id,id\n1,2\n", CSV, 422, "header_invalid"),
    "gzip that breaks off": (gzip.compress(b"u1\n" * 5000)[:-9], TEXT, 400, "file_unreadable"),
    "gzip that explodes": (gzip.compress(b"u1\n" * 2_000_000), TEXT, 413, "file_unpacks_too_large"),
    "too large": (b"u1\n" * 1_000_000, TEXT, 413, "body_too_large"),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("fills", [False, True])
def test_a_hostile_file_is_refused_whole_and_leaves_nothing(lists: Stack, name: str, fills: bool) -> None:
    content, kind, status, code = HOSTILE[name]
    column = {"column": "id"} if b"id,b" in content else {}
    before = made(lists, "u1", name="before")
    if fills:
        answer = put(lists, before["id"], "replace", content, kind, **column)
    else:
        answer = send(lists, content, kind, **column)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert_shape(answer)
    assert lists.client.get("/api/v1/lists").json()["items"] == [before]
    assert downloaded(lists, before["id"]) == ["u1"]
    assert spooled(lists) == []


def test_an_archive_that_explodes_is_refused(lists: Stack) -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * (40 << 20))
    answer = send(lists, target.getvalue(), XLSX)
    assert (answer.status_code, answer.json()["code"]) == (413, "file_unpacks_too_large")


def test_a_long_file_without_its_length_is_refused_as_it_comes(lists: Stack) -> None:
    answer = send(lists, iter([b"u1\n" * 100_000] * 20))
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert spooled(lists) == []


def test_a_file_of_exactly_the_limit_is_taken(lists: Stack) -> None:
    answer = send(lists, b"u1\n" + b"\n" * ((2 << 20) - 3))
    assert answer.status_code == 201, answer.text


@pytest.mark.parametrize(
    "kind", ["application/json", "multipart/form-data; boundary=x", "", "text/html", "application/octet-stream"]
)
def test_other_bodies_than_files_are_refused(lists: Stack, kind: str) -> None:
    list_id = made(lists, "u1")["id"]
    for answer in (send(lists, b"{}", kind, name="other"), put(lists, list_id, "append", b"{}", kind)):
        assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
        assert "text/csv" in answer.json()["hint"]
        assert_shape(answer)


def test_a_client_that_goes_away_leaves_no_list_and_no_file(lists: Stack, caplog: pytest.LogCaptureFixture) -> None:
    def breaks_off() -> Iterator[bytes]:
        yield b"u1\n" * 1000
        raise RuntimeError("the client is gone")

    with pytest.raises(RuntimeError):
        send(lists, breaks_off())
    again = made(lists, "u1", name="again")
    assert [one["id"] for one in lists.client.get("/api/v1/lists").json()["items"]] == [again["id"]]
    assert spooled(lists) == []
    assert "Traceback" not in caplog.text


def test_files_that_a_killed_server_left_are_removed_a_day_later(lists: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    left = lists.settings.data_dir / "uploads" / "upload-left"
    left.mkdir(parents=True)
    (left / "body.csv").write_bytes(b"x")
    made(lists, "u1", name="a")
    assert spooled(lists) == [left]
    monkeypatch.setattr(uploads, "_LEFT_AFTER_SECONDS", -1)
    made(lists, "u1", name="b")
    assert spooled(lists) == []


def test_a_folder_that_cannot_be_written_to_is_said(lists: Stack) -> None:
    (lists.settings.data_dir / "uploads").write_text("a file where a folder is needed")
    answer = send(lists, b"u1")
    assert (answer.status_code, answer.json()["code"]) == (503, "upload_not_stored")
    assert_shape(answer)
