"""Kinds of problems -> the error responses of a route in OpenAPI, each with its example."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import FastAPI

from segmentator_dagster.api.authentication import INVALID_TOKEN, Cookie
from segmentator_dagster.api.errors import status_of
from segmentator_dagster.api.http_problems import (
    BODY_TOO_LARGE,
    BODY_TOO_SLOW,
    CROSS_SITE,
    HEADERS_TOO_LARGE,
    INTERNAL_ERROR,
    MALFORMED_JSON,
    TOO_MANY_REQUESTS,
    UNKNOWN_HOST,
    UNSUPPORTED_MEDIA_TYPE,
)
from segmentator_dagster.api.permissions import OPEN, ROUTES
from segmentator_dagster.api.rate_limits import UNCOUNTED
from segmentator_dagster.api.schemas.errors import ErrorOut
from segmentator_dagster.domain.access import (
    ADMINISTRATORS_ONLY,
    EXPORT_NOT_ALLOWED,
    NEEDS,
    NOT_SIGNED_IN,
    NOT_YOURS,
    SCOPE_MISSING,
    SESSION_ONLY,
    Action,
)
from segmentator_dagster.domain.errors import ProblemKind
from segmentator_dagster.domain.people import Role
from segmentator_dagster.domain.problems import MISSING_KEY, UNKNOWN_KEY, WRONG_JSON_TYPE
from segmentator_dagster.storage.metadata.database import DATABASE_UNAVAILABLE

ANY = (UNKNOWN_HOST, HEADERS_TOO_LARGE, INTERNAL_ERROR)
STORED = (*ANY, DATABASE_UNAVAILABLE)
CHANGING = (*STORED, CROSS_SITE)
WITH_BODY = (
    *CHANGING,
    MALFORMED_JSON,
    UNSUPPORTED_MEDIA_TYPE,
    BODY_TOO_LARGE,
    BODY_TOO_SLOW,
    MISSING_KEY,
    UNKNOWN_KEY,
    WRONG_JSON_TYPE,
)

_OF_ONE_OWNER = (Action.SEGMENTS_CHANGE, Action.LISTS_CHANGE, Action.EXPORTS_CANCEL)
_SECURITY_SCHEMES = {
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": Cookie.of("https://").name,
        "description": "A session, begun at `/auth/login`. On `http://` of this machine the cookie is called "
        f"`{Cookie.of('http://').name}`.",
    },
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "A token of one's own, from `POST /me/tokens` or `segmentator token create`.",
    },
}
_HEADERS = {
    "401": {"WWW-Authenticate": "`Bearer`, and what is wrong with the token where one was sent (RFC 6750)"},
    "429": {"Retry-After": "seconds to wait"},
}
_FASTAPI_ERRORS = ("HTTPValidationError", "ValidationError")
_ERROR = {"$ref": "#/components/schemas/ErrorOut"}
_REQUEST_ID = "3f6c2b1d8e5a4f70a1b2c3d4e5f60718"
_TITLES = {
    400: "The request cannot be read",
    401: "It is not known who asks",
    403: "Not allowed",
    404: "There is no such thing",
    408: "It took too long to arrive",
    409: "It does not go with the present state",
    410: "It is gone",
    413: "Too large",
    415: "Not JSON",
    416: "No such range",
    422: "It can be read and makes no sense",
    429: "Too many of them; try again after `Retry-After` seconds",
    431: "Too large",
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
    retry_after=30,
    scope="export",
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
        status: {"model": ErrorOut, "description": _described(int(status), examples), "content": _json(examples)}
        for status, examples in sorted(by_status.items())
    }


def _described(status: int, examples: Mapping[str, Any]) -> str:
    return f"{_TITLES[status]}: {', '.join(f'`{code}`' for code in examples)}"


def _json(examples: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"application/json": {**more, "examples": examples}}


def _example(kind: ProblemKind) -> dict[str, Any]:
    problem = {
        "code": kind.code,
        "message": kind.ru.format_map(_SAMPLES),
        "pointer": "",
        "hint": kind.hint_ru.format_map(_SAMPLES),
    }
    return {**problem, "problems": [problem], "request_id": _REQUEST_ID}


class DocumentedApi(FastAPI):
    """FastAPI without its own 422, an error shape this API never answers with; refusals of streams are JSON too.

    Who may call an operation, and what is answered to all others, is added to each from the table of permissions.
    """

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            document = super().openapi()
            for methods in document["paths"].values():
                for operation in methods.values():
                    _mend_errors(operation["responses"])
                    _add_access(operation)
            for name in _FASTAPI_ERRORS:
                document["components"]["schemas"].pop(name, None)
            document["components"]["securitySchemes"] = _SECURITY_SCHEMES
        return self.openapi_schema or {}


def _mend_errors(responses: dict[str, Any]) -> None:
    schema = responses.get("422", {}).get("content", {}).get("application/json", {}).get("schema", {})
    if schema.get("$ref") == f"#/components/schemas/{_FASTAPI_ERRORS[0]}":
        del responses["422"]
    for status, response in responses.items():
        if int(status) >= 400 and (misplaced := response["content"].pop("text/event-stream", None)):
            response["content"]["application/json"] |= misplaced


def _add_access(operation: dict[str, Any]) -> None:
    name, responses = operation["operationId"], operation["responses"]
    action = ROUTES[name]
    kinds: list[ProblemKind] = [] if name in UNCOUNTED else [TOO_MANY_REQUESTS]
    if action == OPEN:
        operation["security"] = []
    else:
        kinds += _refusals(action)
        operation["security"] = [{"session": []}] + ([] if NEEDS[action].session else [{"token": []}])
    for status, added in errors(*kinds).items():
        known = responses.setdefault(str(status), {"content": _json({}, schema=_ERROR)})
        examples = known["content"]["application/json"]["examples"]
        examples |= added["content"]["application/json"]["examples"]
        known["description"] = _described(int(status), examples)
    for status, headers in _HEADERS.items():
        if status in responses:
            responses[status]["headers"] = {
                header: {"description": text, "schema": {"type": "string"}} for header, text in headers.items()
            }
    operation["responses"] = dict(sorted(responses.items()))


def _refusals(action: Action) -> Iterator[ProblemKind]:
    """Everything that `decide` can say of an action."""
    needs = NEEDS[action]
    yield from (NOT_SIGNED_IN, INVALID_TOKEN)
    if needs.role is Role.ADMINISTRATOR:
        yield ADMINISTRATORS_ONLY
    yield SESSION_ONLY if needs.session else SCOPE_MISSING
    if needs.exporting:
        yield EXPORT_NOT_ALLOWED
    if action in _OF_ONE_OWNER:
        yield NOT_YOURS
