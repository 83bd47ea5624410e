"""Kinds of problems -> the error responses of a route in OpenAPI, each with its example."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from fastapi import FastAPI

from segmentator_dagster.api.errors import status_of
from segmentator_dagster.api.http_problems import (
    BODY_TOO_LARGE,
    CROSS_SITE,
    INTERNAL_ERROR,
    MALFORMED_JSON,
    UNKNOWN_HOST,
    UNSUPPORTED_MEDIA_TYPE,
)
from segmentator_dagster.api.schemas.errors import ErrorOut
from segmentator_dagster.domain.errors import ProblemKind
from segmentator_dagster.domain.problems import MISSING_KEY, UNKNOWN_KEY, WRONG_JSON_TYPE
from segmentator_dagster.storage.metadata.database import DATABASE_UNAVAILABLE

ANY = (UNKNOWN_HOST, INTERNAL_ERROR)
STORED = (*ANY, DATABASE_UNAVAILABLE)
CHANGING = (*STORED, CROSS_SITE)
WITH_BODY = (
    *CHANGING,
    MALFORMED_JSON,
    UNSUPPORTED_MEDIA_TYPE,
    BODY_TOO_LARGE,
    MISSING_KEY,
    UNKNOWN_KEY,
    WRONG_JSON_TYPE,
)

_FASTAPI_ERRORS = ("HTTPValidationError", "ValidationError")
_REQUEST_ID = "3f6c2b1d8e5a4f70a1b2c3d4e5f60718"
_TITLES = {
    400: "The request cannot be read",
    403: "Not allowed",
    404: "There is no such thing",
    409: "It does not go with the present state",
    410: "It is gone",
    413: "Too large",
    415: "Not JSON",
    416: "No such range",
    422: "It can be read and makes no sense",
    500: "Our fault",
    503: "A part of the system is down; try again after `Retry-After` seconds",
}


class _Samples(dict[str, object]):
    """Values for message templates; a name not listed shows as an ellipsis."""

    def __missing__(self, key: str) -> object:
        return "…"


_SAMPLES = _Samples(
    id=17,
    name="Рефанды",
    given=2,
    current=3,
    key="rule",
    line=1,
    column=12,
    limit=10,
    status="running",
    cron="каждый день",
    expected_en="a list",
    expected_ru="список",
    found_en="text",
    found_ru="текст",
    known="csv, xlsx",
)


def errors(*kinds: ProblemKind) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that may refuse with these kinds of problems."""
    by_status: dict[int | str, dict[str, Any]] = defaultdict(dict)
    for kind in kinds:
        by_status[status_of(kind)][kind.code] = {"value": _example(kind)}
    return {
        status: {
            "model": ErrorOut,
            "description": f"{_TITLES[int(status)]}: {', '.join(f'`{code}`' for code in examples)}",
            "content": {"application/json": {"examples": examples}},
        }
        for status, examples in sorted(by_status.items())
    }


def _example(kind: ProblemKind) -> dict[str, Any]:
    problem = {
        "code": kind.code,
        "message": kind.ru.format_map(_SAMPLES),
        "pointer": "",
        "hint": kind.hint_ru.format_map(_SAMPLES),
    }
    return {**problem, "problems": [problem], "request_id": _REQUEST_ID}


class DocumentedApi(FastAPI):
    """FastAPI without its own 422, an error shape this API never answers with; refusals of streams are JSON too."""

    def openapi(self) -> dict[str, Any]:
        document = super().openapi()
        for methods in document["paths"].values():
            for operation in methods.values():
                schema = _schema_of(operation["responses"].get("422", {}))
                if schema.get("$ref") == f"#/components/schemas/{_FASTAPI_ERRORS[0]}":
                    del operation["responses"]["422"]
                for status, response in operation["responses"].items():
                    if int(status) >= 400 and (misplaced := response["content"].pop("text/event-stream", None)):
                        response["content"]["application/json"] |= misplaced
        for name in _FASTAPI_ERRORS:
            document["components"]["schemas"].pop(name, None)
        return document


def _schema_of(response: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = response.get("content", {}).get("application/json", {}).get("schema", {})
    return schema
