"""`/auth/...` and `/`: the way in and out for a person with a browser."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Awaitable, Callable

import anyio.to_thread
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from segmentator_dagster.api.authentication import Authentication, Cookie
from segmentator_dagster.api.callers import address_key
from segmentator_dagster.api.errors import status_of
from segmentator_dagster.api.languages import language_of
from segmentator_dagster.api.page_texts import PAGE_POLICY, home_page, problem_page
from segmentator_dagster.api.rate_limits import Limit, RateLimits, TooManyRequestsError
from segmentator_dagster.api.sign_in import Coming, SignInService
from segmentator_dagster.api.yandex_login import CALLBACK_PATH, YandexLogin
from segmentator_dagster.domain.errors import UserError

LOGIN_PATH = "/auth/login"
LOGOUT_PATH = "/auth/logout"
STATE_COOKIE = "sign_in"
STATE_SECONDS = 600
_NEXT = "next"
_OTHER = "other"
# a path of ours: no host can hide in it, whatever browsers make of back slashes and control characters
_OWN_PATH = re.compile(r"/(?![/\\])[A-Za-z0-9_\-./?=&%:,+~#]*")
_ENCODED_TRICK = re.compile(r"%(?:0|1|2f|5c|7f)", re.IGNORECASE)

Page = Callable[[Request], Awaitable[Response]]


def own_path(wanted: str | None) -> str:
    """Where to go after signing in; `/` for anything that is not plainly a path of this site."""
    path = (wanted or "").partition("?")[0]
    good = wanted is not None and len(wanted) <= 2000 and _OWN_PATH.fullmatch(wanted)
    return wanted if good and wanted is not None and "//" not in path and not _ENCODED_TRICK.search(path) else "/"


def sign_in_routes(
    login: YandexLogin,
    service: SignInService,
    authentication: Authentication,
    *,
    limits: RateLimits,
    cookie: Cookie,
    secret_key: str,
) -> list[Route]:
    """Its pages are for browsers: refusals are pages too."""

    async def begin(request: Request) -> Response:
        await limits.check(Limit.SIGN_IN, address_key(request.scope))
        request.session.clear()  # the sign-in that was begun last is the one that counts
        request.session[_NEXT] = own_path(request.query_params.get("next"))
        return await login.begin(request, choosing=_OTHER in request.query_params)

    async def finish(request: Request) -> Response:
        await limits.check(Limit.SIGN_IN_CALLBACK, address_key(request.scope))
        state = request.state
        coming = Coming(state.address, state.request_id, request.headers.get("user-agent", ""))
        after = own_path(request.session.get(_NEXT))
        try:
            profile = await login.finish(request)
        except UserError as error:
            await anyio.to_thread.run_sync(service.failed, coming, error.code)
            raise
        finally:
            request.session.clear()
        secret = await anyio.to_thread.run_sync(service.sign_in, coming, profile)
        answer = RedirectResponse(after, 303)
        answer.set_cookie(
            cookie.name, secret, service.session_seconds, path="/", secure=cookie.secure, httponly=True, samesite="lax"
        )
        return answer

    async def leave(request: Request) -> Response:
        actor = await authentication.actor_of(request)
        secret = request.cookies.get(cookie.name)
        if actor is not None and secret:
            await anyio.to_thread.run_sync(service.sign_out, actor, secret)
        answer = RedirectResponse("/", 303)
        answer.delete_cookie(cookie.name, path="/", secure=cookie.secure, httponly=True, samesite="lax")
        return answer

    async def home(request: Request) -> Response:
        actor = await authentication.actor_of(request)
        return _page(home_page(actor, await language_of(request.scope)), 200)

    # bound to the browser and to the sign-in: other paths never see it
    state = Middleware(
        SessionMiddleware,
        secret_key=purpose_key(secret_key, "sign-in state"),
        session_cookie=STATE_COOKIE,
        max_age=STATE_SECONDS,
        path="/auth",
        same_site="lax",
        https_only=cookie.secure,
    )
    return [
        Route("/", _paged(home), name="home"),
        Route(LOGIN_PATH, _paged(begin), name="sign_in", middleware=[state]),
        Route(CALLBACK_PATH, _paged(finish), name="sign_in_callback", middleware=[state]),
        Route(LOGOUT_PATH, _paged(leave), name="sign_out", methods=["POST"]),
    ]


def purpose_key(secret_key: str, purpose: str) -> str:
    """A key of its own for each use of the one secret: a signature for one is worth nothing for another."""
    return hmac.digest(secret_key.encode(), f"segmentator {purpose}".encode(), hashlib.sha256).hex()


def _paged(page: Page) -> Page:
    async def answered(request: Request) -> Response:
        try:
            return await page(request)
        except UserError as error:
            problem, language = error.problems[0], await language_of(request.scope)
            headers = error.headers if isinstance(error, TooManyRequestsError) else {}
            text = problem_page(problem.message(language), problem.hint(language), language)
            return _page(text, status_of(problem.kind), headers)

    return answered


def _page(text: str, status: int, headers: dict[str, str] | None = None) -> HTMLResponse:
    return HTMLResponse(text, status, {"Content-Security-Policy": PAGE_POLICY, **(headers or {})})
