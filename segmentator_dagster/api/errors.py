"""Problems -> the one error body of the API, in the caller's language."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from segmentator_dagster.domain.errors import Category, Language, Problem, ProblemKind

RETRY_AFTER_SECONDS = 5
MOST_PROBLEMS = 50  # shown of one request; a person fixes these first

_STATUS = {
    Category.MALFORMED: 400,
    Category.INVALID: 422,
    Category.NOT_FOUND: 404,
    Category.CONFLICT: 409,
    Category.GONE: 410,
    Category.UNAUTHENTICATED: 401,
    Category.FORBIDDEN: 403,
    Category.TOO_LARGE: 413,
    Category.TOO_MANY: 429,
    Category.UPSTREAM: 502,
    Category.UNAVAILABLE: 503,
}
_STATUS_OF_CODE = {
    "unsupported_media_type": 415,
    "method_not_allowed": 405,
    "body_too_slow": 408,
    "headers_too_large": 431,
    "range_not_satisfiable": 416,
    "internal_error": 500,
}


def status_of(kind: ProblemKind) -> int:
    return _STATUS_OF_CODE.get(kind.code, _STATUS[kind.category])


def error_body(
    problems: Sequence[Problem], language: Language, request_id: str, extra: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """What every refusal looks like: the first problem on top, all of them below, `extra` beside."""
    shown = [
        {
            "code": problem.code,
            "message": problem.message(language),
            "pointer": problem.pointer,
            "hint": problem.hint(language),
        }
        for problem in problems[:MOST_PROBLEMS]
    ]
    return {**shown[0], "problems": shown, "request_id": request_id, **(extra or {})}


def error_response(
    problems: Sequence[Problem],
    language: Language,
    request_id: str,
    extra: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    body = json.dumps(error_body(problems, language, request_id, extra), ensure_ascii=False)
    status = status_of(problems[0].kind)
    response = Response(body.encode("utf-8", "replace"), status, headers, "application/json")
    if status == 401:  # RFC 9110: every 401 says how to come in; RFC 6750: what was wrong with a token
        refused = problems[0].code == "invalid_token"
        response.headers["WWW-Authenticate"] = 'Bearer error="invalid_token"' if refused else "Bearer"
    if status == 503:
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response
