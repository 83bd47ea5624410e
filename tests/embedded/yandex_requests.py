"""Requests to the emulator, each valid but for what a test changes."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import httpx

from tests.servers.yandex_id import CLIENT_ID, CLIENT_SECRET, RunningYandexId, consent

CALLBACK = "http://127.0.0.1:8000/auth/callback"
# RFC 7636, appendix B
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
PKCE = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
ANNA = "anna.smirnova"


def authorize_url(yandex: RunningYandexId, **changes: str | None) -> str:
    """Without the parameters that are None."""
    query = {"response_type": "code", "client_id": CLIENT_ID, "state": "s-1", **PKCE, **changes}
    return str(
        httpx.URL(f"{yandex.url}/authorize", params={name: one for name, one in query.items() if one is not None})
    )


def answer_of(callback: str) -> dict[str, str]:
    """The parameters of a callback, each given once."""
    found = parse_qs(urlsplit(callback).query, keep_blank_values=True, strict_parsing=True)
    assert all(len(values) == 1 for values in found.values())
    return {name: values[0] for name, values in found.items()}


def code_of(yandex: RunningYandexId, browser: httpx.Client, login: str = ANNA, **changes: str | None) -> str:
    return answer_of(consent(browser, authorize_url(yandex, **changes), login))["code"]


def exchange(browser: httpx.Client, code: str, **changes: str | None) -> httpx.Response:
    form = {"grant_type": "authorization_code", "code": code, "code_verifier": VERIFIER, **changes}
    return browser.post(
        "/token",
        data={name: value for name, value in form.items() if value is not None},
        auth=(CLIENT_ID, CLIENT_SECRET),
    )


def token_of(yandex: RunningYandexId, browser: httpx.Client, login: str = ANNA, **changes: str | None) -> str:
    """An access token of this person."""
    answer = exchange(browser, code_of(yandex, browser, login, **changes))
    assert answer.status_code == 200, answer.text
    return answer.json()["access_token"]


def info(browser: httpx.Client, token: str, **query: str) -> httpx.Response:
    return browser.get("/info", params=query, headers={"Authorization": f"OAuth {token}"})


def is_error(answer: httpx.Response, code: str) -> bool:
    """Whether it is Yandex's body of this error."""
    document = answer.json()
    return answer.status_code == 400 and document["error"] == code and bool(document["error_description"])
