"""Codes and tokens: what is exchanged for what, how often and how long, and every documented error."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlencode

import httpx
import httpx2
import pytest
from authlib.integrations.httpx_client import OAuth2Client

from tests.embedded.yandex_requests import (
    ANNA,
    CALLBACK,
    VERIFIER,
    answer_of,
    authorize_url,
    code_of,
    exchange,
    info,
    is_error,
    token_of,
)
from tests.servers.yandex_id import CLIENT_ID, CLIENT_SECRET, RunningYandexId, consent

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
DEVICE = "device-0001"


@pytest.fixture
def code(yandex: RunningYandexId, browser: httpx.Client) -> Iterator[str]:
    """A good code; it is still good where a test's request was refused for another reason."""
    return code_of(yandex, browser)


def basic(text: str) -> dict[str, str]:
    return {**FORM, "Authorization": "Basic " + base64.b64encode(text.encode()).decode()}


def good_form(code: str) -> dict[str, str]:
    return {"grant_type": "authorization_code", "code": code, "code_verifier": VERIFIER}


def test_authlib_gets_from_the_page_to_the_person(yandex: RunningYandexId, browser: httpx.Client) -> None:
    with OAuth2Client(
        CLIENT_ID,
        CLIENT_SECRET,
        redirect_uri=CALLBACK,
        scope="login:info login:email login:avatar",
        code_challenge_method="S256",
        token_endpoint_auth_method="client_secret_basic",
        trust_env=False,
    ) as client:
        url, state = client.create_authorization_url(f"{yandex.url}/authorize", code_verifier=VERIFIER)
        back = consent(browser, url, ANNA)
        token = client.fetch_token(
            f"{yandex.url}/token", authorization_response=back, state=state, code_verifier=VERIFIER
        )
        person = client.request(
            "GET",
            f"{yandex.url}/info",
            withhold_token=True,
            headers={"Authorization": f"OAuth {token['access_token']}"},
        )
    assert isinstance(person, httpx2.Response)
    assert person.json()["login"] == ANNA
    assert yandex.state.asked == {"authorize": 1, "token": 1, "info": 1}


def test_a_code_becomes_a_bearer_token_of_a_year(browser: httpx.Client, code: str) -> None:
    document = exchange(browser, code).json()
    assert document.keys() == {"token_type", "access_token", "expires_in", "refresh_token"}
    assert (document["token_type"], document["expires_in"]) == ("bearer", 31_536_000)
    assert info(browser, document["access_token"]).json()["login"] == ANNA


def test_the_client_may_stand_in_the_body(browser: httpx.Client, code: str) -> None:
    form = {**good_form(code), "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    assert browser.post("/token", data=form).status_code == 200


def test_the_body_is_not_looked_at_where_the_header_names_a_client(browser: httpx.Client, code: str) -> None:
    assert exchange(browser, code, client_id="another", client_secret="wrong").status_code == 200


def test_a_code_is_good_once(browser: httpx.Client, code: str) -> None:
    assert exchange(browser, code).status_code == 200
    assert is_error(exchange(browser, code), "invalid_grant")


@pytest.mark.parametrize(("seconds", "good"), [(595, True), (601, False)])
def test_a_code_is_good_for_ten_minutes(
    yandex: RunningYandexId, browser: httpx.Client, code: str, seconds: int, good: bool
) -> None:
    yandex.state.clock = lambda: time.time() + seconds
    answer = exchange(browser, code)
    assert answer.status_code == 200 if good else is_error(answer, "invalid_grant")


@pytest.mark.parametrize("verifier", [VERIFIER[:-1] + "A", None, ""])
def test_a_wrong_verifier_is_invalid_grant_and_spends_the_code(
    browser: httpx.Client, code: str, verifier: str | None
) -> None:
    assert is_error(exchange(browser, code, code_verifier=verifier), "invalid_grant")
    assert is_error(exchange(browser, code), "invalid_grant")


def test_a_plain_challenge_is_the_verifier_itself(yandex: RunningYandexId, browser: httpx.Client) -> None:
    for method in ("plain", None):
        code = code_of(yandex, browser, code_challenge=VERIFIER, code_challenge_method=method)
        assert exchange(browser, code).status_code == 200


def test_a_verifier_without_a_challenge_is_refused(yandex: RunningYandexId, browser: httpx.Client) -> None:
    unbound = {"code_challenge": None, "code_challenge_method": None}
    assert is_error(exchange(browser, code_of(yandex, browser, **unbound)), "invalid_grant")
    assert exchange(browser, code_of(yandex, browser, **unbound), code_verifier=None).status_code == 200


@pytest.mark.parametrize(
    ("authorization", "error"),
    [
        (f"{CLIENT_ID}:wrong", "invalid_client"),
        (f"another:{CLIENT_SECRET}", "invalid_client"),
        (f"{CLIENT_ID}:", "invalid_client"),
        (CLIENT_ID, "Malformed Authorization header"),
    ],
)
def test_a_wrong_client_is_refused_and_the_code_stays_good(
    browser: httpx.Client, code: str, authorization: str, error: str
) -> None:
    answer = browser.post("/token", data=good_form(code), headers=basic(authorization))
    assert is_error(answer, error)
    assert exchange(browser, code).status_code == 200


@pytest.mark.parametrize(
    ("header", "error"),
    [
        ("Bearer abc", "Basic auth required"),
        ("Basic !!!", "Malformed Authorization header"),
        ("Basic /////w==", "Malformed Authorization header"),
        ("Basic", "Malformed Authorization header"),
    ],
)
def test_another_authorization_is_named_by_yandexs_words(
    browser: httpx.Client, code: str, header: str, error: str
) -> None:
    answer = browser.post("/token", data=good_form(code), headers={"Authorization": header})
    assert is_error(answer, error)


@pytest.mark.parametrize("missing", ["client_id", "client_secret", "grant_type", "code"])
def test_a_missing_parameter_is_invalid_request(browser: httpx.Client, code: str, missing: str) -> None:
    form = {**good_form(code), "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    del form[missing]
    assert is_error(browser.post("/token", data=form), "invalid_request")


def test_a_parameter_given_twice_or_in_the_address_is_invalid_request(browser: httpx.Client, code: str) -> None:
    form = urlencode(good_form(code))
    headers = basic(f"{CLIENT_ID}:{CLIENT_SECRET}")
    for address, body in (("/token", f"{form}&code={code}"), (f"/token?{form}", "")):
        assert is_error(browser.post(address, content=body, headers=headers), "invalid_request")
    assert exchange(browser, code).status_code == 200


@pytest.mark.parametrize("body", [b"\xff=1", b"a=%ff", b"&".join(b"a%d=1" % n for n in range(60))])
def test_a_body_that_is_no_form_is_invalid_request(browser: httpx.Client, body: bytes) -> None:
    headers = basic(f"{CLIENT_ID}:{CLIENT_SECRET}")
    assert is_error(browser.post("/token", content=body, headers=headers), "invalid_request")
    assert is_error(browser.post("/token", json={"grant_type": "authorization_code"}), "invalid_request")


def test_a_body_over_the_limit_is_413(browser: httpx.Client) -> None:
    assert browser.post("/token", content=b"a" * (65 << 10), headers=FORM).status_code == 413


def test_another_grant_type_is_unsupported(browser: httpx.Client, code: str) -> None:
    assert is_error(exchange(browser, code, grant_type="password"), "unsupported_grant_type")


def test_rights_taken_from_the_application_after_the_code_are_invalid_scope(
    yandex: RunningYandexId, browser: httpx.Client, code: str
) -> None:
    yandex.state.application = replace(yandex.state.application, scopes=("login:info",))
    assert is_error(exchange(browser, code), "invalid_scope")


def test_a_blocked_application_is_unauthorized_client(
    yandex: RunningYandexId, browser: httpx.Client, code: str
) -> None:
    yandex.state.application = replace(yandex.state.application, blocked=True)
    assert is_error(exchange(browser, code), "unauthorized_client")


def test_scope_is_told_only_where_less_was_given_than_asked(yandex: RunningYandexId, browser: httpx.Client) -> None:
    url = authorize_url(yandex, scope="login:info", optional_scope="login:email login:avatar")
    whole = exchange(browser, answer_of(consent(browser, url, ANNA))["code"]).json()
    part = exchange(browser, answer_of(consent(browser, url, ANNA, keep_back=["login:email"]))["code"]).json()
    assert "scope" not in whole
    assert part["scope"] == "login:info login:avatar"
    assert "default_email" not in info(browser, part["access_token"]).json()


def test_a_refresh_token_gives_the_same_living_token(browser: httpx.Client, code: str) -> None:
    first = exchange(browser, code).json()
    form = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    second = browser.post("/token", data=form, auth=(CLIENT_ID, CLIENT_SECRET))
    assert second.status_code == 200
    assert second.json()["access_token"] == first["access_token"]


def test_a_refresh_token_ends_with_its_token(yandex: RunningYandexId, browser: httpx.Client, code: str) -> None:
    first = exchange(browser, code).json()
    form = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    yandex.state.clock = lambda: time.time() + 31_536_001
    for token in (first["refresh_token"], "1:guessed"):
        answer = browser.post("/token", data={**form, "refresh_token": token}, auth=(CLIENT_ID, CLIENT_SECRET))
        assert is_error(answer, "invalid_grant")
    assert info(browser, first["access_token"]).status_code == 401


def revoke(browser: httpx.Client, token: str, secret: str = CLIENT_SECRET) -> httpx.Response:
    return browser.post("/revoke_token", data={"access_token": token}, auth=(CLIENT_ID, secret))


def test_a_token_of_a_device_can_be_revoked_by_its_application_only(
    yandex: RunningYandexId, browser: httpx.Client
) -> None:
    token = token_of(yandex, browser, device_id=DEVICE)
    assert is_error(revoke(browser, token, "wrong"), "invalid_client")
    assert info(browser, token).status_code == 200
    assert revoke(browser, token).json() == {"status": "ok"}
    assert info(browser, token).status_code == 401
    assert is_error(revoke(browser, token), "invalid_grant")


def test_a_token_of_no_device_cannot_be_revoked(yandex: RunningYandexId, browser: httpx.Client) -> None:
    token = token_of(yandex, browser)
    assert is_error(revoke(browser, token), "unsupported_token_type")
    assert info(browser, token).status_code == 200


def test_a_thirty_first_token_of_a_device_ends_the_oldest(yandex: RunningYandexId, browser: httpx.Client) -> None:
    of_nothing = token_of(yandex, browser)
    tokens = [token_of(yandex, browser, device_id=DEVICE) for _ in range(31)]
    assert [info(browser, token).status_code for token in (of_nothing, *tokens[:2], tokens[-1])] == [200, 401, 200, 200]
