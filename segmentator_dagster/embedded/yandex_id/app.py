"""YandexId -> the ASGI application that plays oauth.yandex.ru and login.yandex.ru.

A token is taken from the header `Authorization: OAuth …` alone: Yandex also reads it from the address, and calls
that unsafe.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from segmentator_dagster.domain.errors import Language
from segmentator_dagster.embedded.yandex_id import pages
from segmentator_dagster.embedded.yandex_id.authorization import Asked, Refusal, read_query
from segmentator_dagster.embedded.yandex_id.faults import answered
from segmentator_dagster.embedded.yandex_id.person import info_document, info_jwt
from segmentator_dagster.embedded.yandex_id.state import Endpoint, Grant, YandexId
from segmentator_dagster.embedded.yandex_id.token_answers import (
    Document,
    TokenError,
    revoke_document,
    token_document,
)

SESSION_COOKIE = "emulated_yandex_session"
HOSTS = ("127.0.0.1", "localhost")
MAX_BODY_BYTES = 64 << 10
_UNSEEN = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}


def create_app(state: YandexId) -> Starlette:
    server = _Server(state)
    return Starlette(
        routes=[
            Route("/", server.accounts),
            Route("/authorize", server.authorize, methods=["GET"]),
            Route("/authorize", server.answer, methods=["POST"]),
            Route("/token", server.token, methods=["POST"]),
            Route("/revoke_token", server.revoke, methods=["POST"]),
            Route("/info", server.info),
            Route("/get-yapic/{avatar_id:path}/{size}", server.portrait),
        ],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=HOSTS, www_redirect=False)],
        max_body_size=MAX_BODY_BYTES,
    )


class _Server:
    def __init__(self, state: YandexId) -> None:
        self._state = state

    async def accounts(self, request: Request) -> Response:
        people, callback = self._state.accounts.values(), self._state.application.callback
        return self._page(pages.accounts_page(people, callback, _language(request)))

    async def authorize(self, request: Request) -> Response:
        """Ask the person, or go back at once where they have granted the same in this browser before."""
        state = self._state
        state.asked[Endpoint.AUTHORIZE] += 1
        asked = read_query(request.query_params.multi_items(), state.application)
        if isinstance(asked, Refusal):
            return self._page(pages.refusal_page(asked, _language(request)), 400)
        if state.application.blocked:
            return self._back(asked, error="unauthorized_client", error_description="The application is blocked")
        before = state.granted_before(request.cookies.get(SESSION_COOKIE, ""), asked)
        if before and not asked.force_confirm and not asked.login_hint:
            return self._back(asked, code=state.give_code(before))
        question = state.ask(asked)
        chosen = self._hinted(asked.login_hint) if asked.login_hint else before.login if before else None
        page = pages.consent_page(asked, state.accounts.values(), question, chosen, _language(request))
        return self._page(page)

    async def answer(self, request: Request) -> Response:
        """What the person chose, back to the application. The one-time value is spent whatever it is."""
        pairs = parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True)
        form = dict(pairs)
        asked = self._state.take_question(form.get("question", ""))
        login = form.get("login", "")
        allowed = form.get("answer") == "allow"
        if asked is None or (allowed and login not in self._state.accounts):
            return self._page(pages.stale_page(_language(request)), 400)
        if not allowed:
            return self._back(asked, error="access_denied", error_description="The user denied access")
        kept_back = set(asked.optional) - {value for name, value in pairs if name == "scope"}
        scopes = tuple(scope for scope in asked.scopes if scope not in kept_back)
        grant = Grant(login, asked, scopes, self._state.clock())
        back = self._back(asked, code=self._state.give_code(grant))
        session = self._state.remember(grant)
        back.set_cookie(SESSION_COOKIE, session, path="/authorize", httponly=True, samesite="lax")
        return back

    async def token(self, request: Request) -> Response:
        return await self._answered(request, Endpoint.TOKEN, token_document)

    async def revoke(self, request: Request) -> Response:
        return await self._answered(request, Endpoint.REVOKE, revoke_document)

    async def info(self, request: Request) -> Response:
        async def told() -> Response:
            return self._told(request)

        self._state.asked[Endpoint.INFO] += 1
        return await answered(request, self._state.faults.get(Endpoint.INFO), told)

    async def portrait(self, request: Request) -> Response:
        avatar_id = request.path_params["avatar_id"]
        known = {
            account.avatar_id: account if account.has_avatar else None for account in self._state.accounts.values()
        }
        if avatar_id not in known:
            return PlainTextResponse("Not found", 404)
        headers = {**_UNSEEN, "Content-Security-Policy": "default-src 'none'"}
        return Response(pages.portrait(known[avatar_id]), headers=headers, media_type="image/svg+xml")

    def _told(self, request: Request) -> Response:
        scheme, _, access = request.headers.get("authorization", "").partition(" ")
        token = self._state.token(access) if scheme.lower() == "oauth" else None
        if token is None:
            return Response(status_code=401, headers={"WWW-Authenticate": "OAuth"})
        application = self._state.application
        document = info_document(self._state.accounts[token.grant.login], token, application.client_id)
        match request.query_params.get("format", "json"):
            case "json":
                return JSONResponse(document, headers=_UNSEEN)
            case "jwt":
                key = request.query_params.get("jwt_secret", application.client_secret)
                return PlainTextResponse(info_jwt(document, self._state.clock(), key), headers=_UNSEEN)
            case _:
                return PlainTextResponse("Unknown format", 400)

    async def _answered(
        self, request: Request, endpoint: Endpoint, document: Callable[[YandexId, Headers, bytes], Document]
    ) -> Response:
        body = await request.body()

        async def good() -> Response:
            try:
                return JSONResponse(document(self._state, request.headers, body), headers=_UNSEEN)
            except TokenError as error:
                return JSONResponse(error.document, 400, _UNSEEN)

        self._state.asked[endpoint] += 1
        return await answered(request, self._state.faults.get(endpoint), good)

    def _hinted(self, hint: str) -> str | None:
        """The login that a login or an e-mail, in any letter case, belongs to."""
        names = (
            (account.login, {account.login, account.email.casefold()}) for account in self._state.accounts.values()
        )
        return next((login for login, known in names if hint.casefold() in known), None)

    def _back(self, asked: Asked, **answer: str) -> Response:
        state = {"state": asked.state} if asked.state is not None else {}
        query = urlencode({**answer, **state})
        return RedirectResponse(f"{self._state.application.callback}?{query}", 303, headers=_UNSEEN)

    def _page(self, html: str, status: int = 200) -> Response:
        """A form may end at the application: browsers hold redirects after it against `form-action` too."""
        callback = urlsplit(self._state.application.callback)
        # a source of this grammar cannot name an IPv6 address
        target = f"{callback.scheme}:" if "[" in callback.netloc else f"{callback.scheme}://{callback.netloc}"
        policy = (
            f"default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; form-action 'self' {target}; "
            "frame-ancestors 'none'; base-uri 'none'"
        )
        return HTMLResponse(html, status, {**_UNSEEN, "Content-Security-Policy": policy})


def _language(request: Request) -> Language:
    return pages.language_of(request.headers.get("accept-language", ""))
