"""What an administrator says of the data in a browser is what others get: in answers, in files, and by schedule."""

from __future__ import annotations

import csv
import io
import uuid
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx
import openpyxl
import pandas as pd
import pytest

from segmentator_dagster.embedded.yandex_id.accounts import FIRST_ADMINISTRATOR
from tests.acceptance.stack import Json, Stack

pytestmark = pytest.mark.acceptance

DATASET = "contacts"
CONTACTS = "user_id,email,phone,city\nu1,anna@mail.ru,+7 916 123-45-67,Омск\nu2,,8 916 123-45-68,Уфа\n"
MASKED = [["user_id", "email", "city"], ["u1", "a***@mail.ru", "Омск"], ["u2", "", "Уфа"]]
DMITRY = "dmitry.kuznetsov"


@pytest.fixture(scope="package")
def contacts(stack: Stack) -> str:
    path = stack.data_dir.parent / "contacts.csv"
    path.write_text(CONTACTS)
    loaded = stack.command("load", str(path), "--dataset", DATASET, "--user-key", "user_id")
    assert loaded.returncode == 0, loaded.stderr
    return DATASET


@pytest.fixture(scope="package")
def administrator(stack: Stack) -> Iterator[httpx.Client]:
    with closing(stack.browser(FIRST_ADMINISTRATOR)) as browser:
        yield browser


@pytest.fixture(scope="package")
def dmitry(stack: Stack, administrator: httpx.Client) -> Iterator[httpx.Client]:
    """A user who was invited and works by a token of theirs."""
    invited = administrator.post("/api/v1/invites", json={"contact": DMITRY, "role": "user"})
    assert invited.status_code == 201, invited.text
    headers = {"Authorization": f"Bearer {stack.token_of(DMITRY, 'read', 'edit', 'export')}", "Accept-Language": "en"}
    with httpx.Client(base_url=stack.http.base_url, timeout=30, headers=headers) as client:
        yield client


@pytest.fixture
def masked(administrator: httpx.Client, contacts: str) -> Iterator[None]:
    """For everybody but administrators: e-mails as masks, no telephones."""
    said = {"fields": {contacts: {"email": "masked", "phone": "hidden"}}}
    answer = administrator.put("/api/v1/access", json=said)
    assert (answer.status_code, answer.json()["fields"]) == (200, said["fields"]), answer.text
    yield
    assert administrator.put("/api/v1/access", json={}).status_code == 200


def ended(stack: Stack, who: httpx.Client, segment_id: int, *formats: str) -> list[Json]:
    answer = who.post(f"/segments/{segment_id}/exports", json={"formats": list(formats)})
    assert answer.status_code == 202, answer.text
    return [stack.ended(export["id"]) for export in answer.json()["items"]]


def file_of(who: httpx.Client, export: Json) -> bytes:
    assert export["status"] == "published", export
    answer = who.get(f"/exports/{export['id']}/download", follow_redirects=True)
    assert answer.status_code == 200, answer.text
    return answer.content


@pytest.mark.usefixtures("masked")
def test_a_user_exports_and_gets_masked_emails_and_no_telephones(
    stack: Stack, dmitry: httpx.Client, contacts: str
) -> None:
    shared = stack.create(f"Контакты {uuid.uuid4().hex[:8]}", {"kind": "everyone"}, dataset=contacts)
    assert dmitry.get(f"/segments/{shared['id']}").status_code == 404  # it is the administrator's own
    stack.call("PUT", f"/segments/{shared['id']}/sharing", json={"visibility": "team"})
    as_csv, as_xlsx, as_parquet = ended(stack, dmitry, shared["id"], "csv", "xlsx", "parquet")
    assert list(csv.reader(io.StringIO(file_of(dmitry, as_csv).decode(), newline=""))) == MASKED
    book = openpyxl.load_workbook(io.BytesIO(file_of(dmitry, as_xlsx)))
    assert [[cell or "" for cell in row] for row in book.worksheets[0].iter_rows(values_only=True)] == MASKED
    about: dict[str, Any] = dict(book.worksheets[-1].iter_rows(values_only=True))
    assert (about["Под маской"], about["Скрыты"]) == ("email", "phone")
    table = pd.read_parquet(io.BytesIO(file_of(dmitry, as_parquet)))
    assert [list(table.columns), *table.fillna("").values.tolist()] == MASKED
    for export in (as_csv, as_xlsx, as_parquet):
        assert export["manifest"]["left_out_columns"] == ["phone"]
    [whole] = ended(stack, stack.http, shared["id"], "csv")
    assert b"anna@mail.ru,+7 916 123-45-67" in stack.file_of(whole).replace(b'"', b"")
    refused = dmitry.get(f"/exports/{whole['id']}/download")
    assert (refused.status_code, refused.json()["code"]) == (403, "file_not_allowed")
    preview = dmitry.post("/rules/preview", json={"rule": {"kind": "everyone"}, "dataset": contacts}).json()
    assert preview["rows"] == [[cell or None for cell in row] for row in MASKED[1:]]


@pytest.mark.usefixtures("masked")
def test_a_schedule_of_a_blocked_user_fails_and_says_why(
    stack: Stack, administrator: httpx.Client, dmitry: httpx.Client, contacts: str
) -> None:
    body = {
        "name": f"По расписанию {uuid.uuid4().hex[:8]}",
        "rule": {"kind": "everyone"},
        "dataset": contacts,
        "schedule": {"cron": "* * * * *", "formats": ["csv"]},
    }
    segment = dmitry.post("/segments", json=body).json()
    people = administrator.get("/api/v1/people", params={"search": "kuznetsov"}).json()["items"]
    person = f"/api/v1/people/{people[0]['id']}"
    assert administrator.post(f"{person}/block").status_code == 200
    try:
        exports = stack.wait(lambda: stack.call("GET", f"/segments/{segment['id']}/exports")["items"], 90)
        assert [(one["status"], one["error"]["code"]) for one in exports] == [("failed", "owner_blocked")]
        assert dmitry.get("/segments").status_code == 401
    finally:
        assert administrator.post(f"{person}/unblock").status_code == 200
        stack.call("DELETE", f"/segments/{segment['id']}", 204)
    entries = administrator.get(
        "/api/v1/audit", params={"event": "export.request", "object_id": str(segment["id"])}
    ).json()
    assert [one["outcome"] for one in entries["items"]] == ["refused"]
