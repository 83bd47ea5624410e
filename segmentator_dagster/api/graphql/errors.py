"""What went wrong in an execution -> the `errors` of its answer: ours as REST says them, everything else masked."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from typing import Any

from graphql import GraphQLError

from segmentator_dagster.api.errors import error_body
from segmentator_dagster.api.extras import shown_extra
from segmentator_dagster.api.graphql.asking import Asking
from segmentator_dagster.api.graphql.problems import GRAPHQL_INVALID
from segmentator_dagster.api.http_problems import INTERNAL_ERROR
from segmentator_dagster.domain.errors import Problem, UserError
from segmentator_dagster.domain.problems import shown

_log = logging.getLogger("segmentator.api")

MOST_ERRORS = 100


def answered(errors: Iterable[GraphQLError], asking: Asking) -> list[dict[str, Any]]:
    """`message`, `locations`, `path`, and as `extensions` the one error body without its message."""
    return [_answered(error, asking) for error, _ in zip(errors, range(MOST_ERRORS), strict=False)]


def is_of_document(error: GraphQLError) -> bool:
    """Whether it is the document or its variables that are wrong, so that nothing was executed."""
    return error.path is None and bool(error.nodes)


def problems_of_document(errors: Iterable[GraphQLError]) -> Iterator[Problem]:
    """Of a document that was not executed."""
    for error in errors:
        place = error.locations[0] if error.locations else None
        where = f" ({place.line}:{place.column})" if place else ""
        yield GRAPHQL_INVALID.at(reason=shown(error.message) + where)


def _answered(error: GraphQLError, asking: Asking) -> dict[str, Any]:
    language, request_id = asking.caller.language, asking.actor.request_id
    cause, extra = error.original_error, {}
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    if isinstance(cause, UserError):
        problems = cause.problems
        extra = shown_extra(cause.extra, *asking.shape)
    elif cause is None:  # graphql-core itself: what a variable gave does not fit after all
        problems = (GRAPHQL_INVALID.at(reason=shown(error.message)),)
    else:
        _log.error("request %s failed at %s", request_id, error.path, exc_info=cause)
        problems = (INTERNAL_ERROR.at(),)
    body = error_body(problems, language, request_id, extra)
    said: dict[str, Any] = {"message": body.pop("message"), "extensions": body}
    if error.locations:
        said["locations"] = [{"line": one.line, "column": one.column} for one in error.locations]
    if error.path is not None:
        said["path"] = list(error.path)
    return said
