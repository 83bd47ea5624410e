"""Requests to upload and download lists."""

from __future__ import annotations

import csv
import io
from typing import Any

import httpx
import openpyxl

from tests.api.conftest import Stack

CSV, TEXT = "text/csv", "text/plain"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def send(
    stack: Stack, content: Any, kind: str = TEXT, headers: dict[str, str] | None = None, **query: Any
) -> httpx.Response:
    given = {"name": "Список", **query}
    sent = {"Content-Type": kind, **(headers or {})}
    return stack.client.post("/api/v1/lists", params=given, content=content, headers=sent)


def made(stack: Stack, *ids: str, **query: Any) -> dict[str, Any]:
    answer = send(stack, "\n".join(ids).encode(), **query)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def put(stack: Stack, list_id: int, mode: str, content: bytes | str, kind: str = TEXT, **query: Any) -> httpx.Response:
    return stack.client.put(
        f"/api/v1/lists/{list_id}/items",
        params={"mode": mode, **query},
        content=content,
        headers={"Content-Type": kind},
    )


def downloaded(stack: Stack, list_id: int, what: str = "items") -> list[str]:
    answer = stack.client.get(f"/api/v1/lists/{list_id}/{what}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/csv")
    header, *rows = csv.reader(io.StringIO(answer.text, newline=""))
    assert header == ["value"]
    return [value for (value,) in rows]


def workbook(*rows: tuple[Any, ...]) -> bytes:
    book, target = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(target)
    return target.getvalue()
