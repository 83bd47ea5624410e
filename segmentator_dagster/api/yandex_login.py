"""Yandex ID's answer to a sign-in -> who it is, and nothing of the token that said so."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import httpx2
from authlib.integrations.base_client.errors import MismatchingStateError, OAuthError
from authlib.integrations.starlette_client import OAuth
from starlette.requests import Request
from starlette.responses import RedirectResponse

from segmentator_dagster.domain.errors import Category, ProblemKind
from segmentator_dagster.domain.people import Profile, contact_problems
from segmentator_dagster.settings import Settings, secret

CALLBACK_PATH = "/auth/callback"
_SCOPE = "login:info login:email"
_SECONDS = 10
_LONGEST_NAME = 200
# what Yandex's documentation says a token request may be refused with
_REFUSALS = frozenset(
    {
        *("invalid_grant", "invalid_client", "invalid_request", "invalid_scope", "unauthorized_client"),
        *("unsupported_grant_type", "Basic auth required", "Malformed Authorization header"),
    }
)
_log = logging.getLogger(__name__)

SIGN_IN_STALE = ProblemKind(
    "sign_in_stale",
    Category.MALFORMED,
    en="This sign-in was not begun in this browser, is finished already, or took more than ten minutes.",
    ru="Этот вход начат не в этом браузере, уже завершён или длился дольше десяти минут.",
    hint_en="Begin again.",
    hint_ru="Начните заново.",
)
SIGN_IN_DENIED = ProblemKind(
    "sign_in_denied",
    Category.FORBIDDEN,
    en="Yandex ID was not allowed to say who you are.",
    ru="Вы не разрешили Яндекс ID сообщить, кто вы.",
    hint_en="Begin again and allow it.",
    hint_ru="Начните заново и разрешите доступ.",
)
SIGN_IN_REFUSED = ProblemKind(
    "sign_in_refused",
    Category.UNAUTHENTICATED,
    en="Yandex ID does not confirm this sign-in.",
    ru="Яндекс ID не подтвердил этот вход.",
    hint_en="Begin again; if it lasts, tell the administrator.",
    hint_ru="Начните заново; если не помогает, сообщите администратору.",
)
YANDEX_UNAVAILABLE = ProblemKind(
    "yandex_unavailable",
    Category.UPSTREAM,
    en="Yandex ID does not answer as it should.",
    ru="Яндекс ID не отвечает как положено.",
    hint_en="Try again in a minute.",
    hint_ru="Повторите через минуту.",
)

# they log verifiers, codes and tokens when asked to
for _name in ("authlib", "httpx2", "httpcore2"):
    logging.getLogger(_name).setLevel(logging.INFO)


class YandexLogin:
    """The code flow with PKCE; its state is in `request.session`, which is bound to the browser."""

    def __init__(self, settings: Settings) -> None:
        self._client_id = settings.yandex_client_id
        self._callback = f"{settings.public_url}{CALLBACK_PATH}"
        oauth = OAuth()  # no cache: in the past a state kept there was good in any browser
        self._client = oauth.register(
            "yandex",
            client_id=settings.yandex_client_id,
            client_secret=secret(settings.yandex_client_secret, "yandex_client_secret"),
            authorize_url=f"{settings.yandex_oauth_url}/authorize",
            access_token_url=f"{settings.yandex_oauth_url}/token",
            api_base_url=f"{settings.yandex_login_url}/",
            client_kwargs={
                "scope": _SCOPE,
                "code_challenge_method": "S256",
                "token_endpoint_auth_method": "client_secret_basic",
                "timeout": _SECONDS,
                "trust_env": settings.production,  # an emulator on this machine is not behind a proxy
            },
        )

    async def begin(self, request: Request, *, choosing: bool) -> RedirectResponse:
        """To Yandex's page; `choosing` asks which account even somebody who came in from this browser before."""
        asked = {"force_confirm": "yes"} if choosing else {}
        answer: RedirectResponse = await self._client.authorize_redirect(request, self._callback, **asked)
        return answer

    async def finish(self, request: Request) -> Profile:
        """Who came back. One call for the token, one for the person; the token is forgotten.

        UserError sign_in_stale, sign_in_denied, sign_in_refused, yandex_unavailable.
        """
        try:
            token = await self._client.authorize_access_token(request)
            answer = await self._client.get(
                "info",
                withhold_token=True,
                params={"format": "json"},
                headers={"Authorization": f"OAuth {_text(token, 'access_token')}"},
            )
            if answer.status_code in (401, 403):
                raise SIGN_IN_REFUSED.error()
            answer.raise_for_status()
            told = answer.json()
        except MismatchingStateError as error:
            raise SIGN_IN_STALE.error() from error
        except OAuthError as error:
            if error.error == "access_denied":
                raise SIGN_IN_DENIED.error() from error
            if error.error not in _REFUSALS:
                raise YANDEX_UNAVAILABLE.error() from error
            _log.warning("Yandex ID refused a sign-in: %s", error.error)
            raise SIGN_IN_REFUSED.error() from error
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError, TypeError, KeyError) as error:
            raise YANDEX_UNAVAILABLE.error() from error
        return self._profile(told)

    def _profile(self, told: object) -> Profile:
        if not isinstance(told, Mapping):
            raise YANDEX_UNAVAILABLE.error()
        yandex_id, login = told.get("id"), told.get("login")
        named = isinstance(yandex_id, str) and yandex_id.isascii() and yandex_id.isdigit() and isinstance(login, str)
        # a token of another application is answered too: it proves nothing here
        if not named or not login or told.get("client_id") != self._client_id:
            raise SIGN_IN_REFUSED.error()
        return Profile(str(yandex_id), str(login), _email(told.get("default_email")), _name_of(told, str(login)))


def _text(token: Mapping[str, Any], key: str) -> str:
    value = token[key]
    if not isinstance(value, str) or not value:
        raise ValueError(f"no {key}")
    return value


def _email(value: object) -> str | None:
    good = isinstance(value, str) and "@" in value and not list(contact_problems(value))
    return str(value) if good else None


def _name_of(told: Mapping[str, Any], login: str) -> str:
    for key in ("real_name", "display_name"):
        value = told.get(key)
        if isinstance(value, str) and value.strip():
            return "".join(c for c in value if c.isprintable()).strip()[:_LONGEST_NAME]
    return login
