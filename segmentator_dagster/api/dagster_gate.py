"""Request for Dagster's interface x who asks -> why it is refused, or None.

Dagster has no login, and runs a mutation from any site that comes by GET or by POST with the query in its address.
"""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import Scope

from segmentator_dagster.api.http_problems import METHOD_NOT_ALLOWED, UNKNOWN_PATH, UNSUPPORTED_MEDIA_TYPE
from segmentator_dagster.api.origins import has_browser_marks
from segmentator_dagster.domain.access import Action, Actor, decide
from segmentator_dagster.domain.dagster_pages import DAGSTER_PATH
from segmentator_dagster.domain.errors import Category, Problem, ProblemKind
from segmentator_dagster.domain.problems import shown

LINKED_ONLY = ProblemKind(
    "linked_only",
    Category.FORBIDDEN,
    en="A page of another site may link to Dagster and do nothing else with it.",
    ru="Страница другого сайта может только ссылаться на Dagster.",
    hint_en="Open the link in a window of its own.",
    hint_ru="Откройте ссылку в отдельном окне.",
)
QUERY_IN_ADDRESS = ProblemKind(
    "query_in_address",
    Category.FORBIDDEN,
    en="A GraphQL query may not stand in the address.",
    ru="Запрос GraphQL не может стоять в адресе.",
    hint_en="Send it as JSON by POST.",
    hint_ru="Отправьте его как JSON методом POST.",
)

GRAPHQL_PATH = f"{DAGSTER_PATH}/graphql"
_READING = frozenset({"GET", "HEAD"})


def is_proxied(scope: Scope) -> bool:
    """Whether Dagster answers this, and not we."""
    return bool(scope["path"].startswith(f"{DAGSTER_PATH}/"))


def refusal(connection: HTTPConnection, actor: Actor | None) -> Problem | None:
    """Of an HTTP request or the start of a WebSocket.

    Behind `middleware.SameSite`, which keeps changes by pages of other sites away: this refuses what they embed, and
    changes by a cookie that came without a browser's word for it.
    """
    scope, headers = connection.scope, connection.headers
    method: str | None = scope.get("method")  # None: a WebSocket
    if problem := decide(actor, Action.DAGSTER):
        return problem
    if _is_embedded(headers) or (method not in _READING and not has_browser_marks(headers)):
        return LINKED_ONLY.at()
    path: str = scope["path"]
    if not _is_plain(path) or (method is None and path != GRAPHQL_PATH):
        return UNKNOWN_PATH.at(path=shown(path))
    if path.rstrip("/") == GRAPHQL_PATH and "query" in connection.query_params:
        return QUERY_IN_ADDRESS.at()
    if method is None or method in _READING:
        return None
    if method != "POST":
        return METHOD_NOT_ALLOWED.at(method=shown(method))
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    return None if kind == "application/json" else UNSUPPORTED_MEDIA_TYPE.at()


def _is_embedded(headers: Headers) -> bool:
    """Whether a page of another site asks, and not somebody who has followed its link."""
    followed = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
    return headers.get("sec-fetch-site", "none") not in ("same-origin", "none") and not followed


def _is_plain(path: str) -> bool:
    """Whether every server reads the path alike: no step in it goes up, stays, or is empty but the last."""
    *steps, last = path.split("/")[1:]
    return "" not in steps and not {".", ".."} & {*steps, last}
