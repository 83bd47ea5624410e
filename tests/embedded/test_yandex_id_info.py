"""What /info tells of a person, by scope and by account, and what a planted fault makes of the answers."""

from __future__ import annotations

import time
from dataclasses import replace

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from segmentator_dagster.embedded.yandex_id import faults
from segmentator_dagster.embedded.yandex_id.accounts import ACCOUNTS, FIRST_ADMINISTRATOR, ODD_ACCOUNTS
from segmentator_dagster.embedded.yandex_id.faults import Fault
from segmentator_dagster.embedded.yandex_id.state import Endpoint
from tests.embedded.yandex_requests import ANNA, code_of, exchange, info, token_of
from tests.servers.yandex_id import CLIENT_ID, CLIENT_SECRET, RunningYandexId

ALWAYS = {"id", "login", "client_id", "psuid"}


@pytest.mark.parametrize(
    ("scope", "fields"),
    [
        ("login:info", {"first_name", "last_name", "display_name", "real_name", "sex"}),
        ("login:email", {"default_email", "emails"}),
        ("login:avatar", {"default_avatar_id", "is_avatar_empty"}),
        ("login:birthday", {"birthday"}),
        ("login:default_phone", {"default_phone"}),
    ],
)
def test_a_scope_adds_its_fields_and_no_others(
    yandex: RunningYandexId, browser: httpx.Client, scope: str, fields: set[str]
) -> None:
    assert info(browser, token_of(yandex, browser, scope=scope)).json().keys() == ALWAYS | fields


def test_without_scopes_all_registered_rights_are_given(yandex: RunningYandexId, browser: httpx.Client) -> None:
    told = info(browser, token_of(yandex, browser)).json()
    assert told.pop("psuid").startswith("1.AA")
    assert told.pop("default_avatar_id") == ACCOUNTS[0].avatar_id
    assert told == {
        "id": "1000000001",
        "login": ANNA,
        "client_id": CLIENT_ID,
        "default_email": "anna.smirnova@yandex.ru",
        "emails": ["anna.smirnova@yandex.ru"],
        "is_avatar_empty": False,
        "first_name": "Анна",
        "last_name": "Смирнова",
        "display_name": "Анна Смирнова",
        "real_name": "Анна Смирнова",
        "sex": "female",
        "birthday": "1986-04-17",
        "default_phone": {"id": 1, "number": "+79161234501"},
    }


def test_an_account_without_mail_has_no_mail_though_it_was_asked_for(
    yandex: RunningYandexId, browser: httpx.Client
) -> None:
    told = info(browser, token_of(yandex, browser, "no-mail")).json()
    assert not {"default_email", "emails"} & told.keys()


def test_a_renamed_person_keeps_id_and_psuid_and_a_namesake_by_mail_does_not(
    yandex: RunningYandexId, browser: httpx.Client
) -> None:
    before, after, other = (
        info(browser, token_of(yandex, browser, login)).json()
        for login in ("dmitry.kuznetsov", "dmitry.renamed", "same-mail")
    )
    assert (before["id"], before["psuid"]) == (after["id"], after["psuid"])
    assert (before["login"], before["default_email"]) != (after["login"], after["default_email"])
    assert before["default_email"] == other["default_email"]
    assert before["id"] != other["id"]


def test_a_changed_account_is_told_as_it_is_now_and_a_removed_one_not_at_all(
    yandex: RunningYandexId, browser: httpx.Client
) -> None:
    token = token_of(yandex, browser)
    yandex.state.accounts[ANNA] = replace(yandex.state.accounts[ANNA], email="new@yandex.ru")
    assert info(browser, token).json()["default_email"] == "new@yandex.ru"
    del yandex.state.accounts[ANNA]
    assert info(browser, token).status_code == 401


@pytest.mark.parametrize("scheme", ["Bearer", "Basic", ""])
def test_a_token_under_another_word_than_oauth_or_in_the_address_is_401(
    yandex: RunningYandexId, browser: httpx.Client, scheme: str
) -> None:
    token = token_of(yandex, browser)
    assert browser.get("/info", headers={"Authorization": f"{scheme} {token}".strip()}).status_code == 401
    assert browser.get("/info", params={"oauth_token": token}).status_code == 401


def test_an_unknown_token_is_401(browser: httpx.Client) -> None:
    answer = info(browser, "y0_guessed")
    assert (answer.status_code, answer.content) == (401, b"")


def test_the_jwt_is_signed_with_the_client_secret_and_names_no_audience(
    yandex: RunningYandexId, browser: httpx.Client
) -> None:
    token = token_of(yandex, browser)
    answer = info(browser, token, format="jwt")
    claims = jwt.decode(answer.text, OctKey.import_key(CLIENT_SECRET)).claims
    assert abs(claims.pop("iat") - time.time()) < 60
    assert claims.pop("exp") > time.time()
    assert claims.pop("jti")
    assert claims.pop("psuid") == info(browser, token).json()["psuid"]
    assert claims == {
        "iss": "login.yandex.ru",
        "uid": 1000000001,
        "login": ANNA,
        "email": "anna.smirnova@yandex.ru",
        "name": "Анна Смирнова",
        "display_name": "Анна Смирнова",
        "birthday": "1986-04-17",
        "gender": "female",
        "avatar_id": ACCOUNTS[0].avatar_id,
    }
    own = "a key of the caller's own, long enough"
    assert jwt.decode(info(browser, token, format="jwt", jwt_secret=own).text, OctKey.import_key(own))


def test_an_unknown_format_is_400(yandex: RunningYandexId, browser: httpx.Client) -> None:
    assert info(browser, token_of(yandex, browser), format="yaml").status_code == 400


def test_every_account_has_a_portrait_of_its_own_and_those_without_one_the_same(
    yandex: RunningYandexId, browser: httpx.Client
) -> None:
    pictures = {}
    for account in ACCOUNTS:
        answer = browser.get(f"/get-yapic/{account.avatar_id}/islands-200")
        assert answer.headers["content-type"] == "image/svg+xml"
        assert answer.headers["content-security-policy"] == "default-src 'none'"
        pictures[account.avatar_id] = answer.text
    assert len(set(pictures.values())) == len(ACCOUNTS)
    assert ">АС<" in pictures[ACCOUNTS[0].avatar_id]
    assert "<text" not in pictures["0/0-0"]
    assert browser.get("/get-yapic/1/unknown/islands-200").status_code == 404


def test_no_login_is_listed_twice_and_the_first_is_the_first_administrator() -> None:
    logins = [account.login for account in (*ACCOUNTS, *ODD_ACCOUNTS)]
    assert len(set(logins)) == len(logins)
    assert logins[0] == FIRST_ADMINISTRATOR


INSTEAD = {
    Fault.TOO_MANY: (429, b'{"error":"too_many_requests"}'),
    Fault.SERVER_ERROR: (500, b"<!doctype html>"),
    Fault.UNAVAILABLE: (503, b""),
    Fault.HTML: (200, b"<!doctype html>"),
    Fault.LIST: (200, b"[]"),
    Fault.EMPTY: (200, b""),
    Fault.UNAUTHORIZED: (401, b""),
}


@pytest.mark.parametrize("fault", INSTEAD)
def test_a_fault_answers_instead_until_it_is_taken_out(
    yandex: RunningYandexId, browser: httpx.Client, fault: Fault
) -> None:
    status, beginning = INSTEAD[fault]
    code = code_of(yandex, browser)
    yandex.state.faults = dict.fromkeys(Endpoint, fault)
    for answer in (exchange(browser, code), info(browser, "any")):
        assert answer.status_code == status
        assert answer.content.startswith(beginning)
    yandex.state.faults.clear()
    assert exchange(browser, code).status_code == 200
    assert yandex.state.asked == {"authorize": 1, "token": 2, "info": 1}


def test_a_token_answer_can_lack_its_token_or_have_an_expiry_in_words(
    yandex: RunningYandexId, browser: httpx.Client
) -> None:
    yandex.state.faults[Endpoint.TOKEN] = Fault.WITHOUT_TOKEN
    without = exchange(browser, code_of(yandex, browser))
    yandex.state.faults[Endpoint.TOKEN] = Fault.WORDY_EXPIRY
    wordy = exchange(browser, code_of(yandex, browser))
    assert without.json().keys() == {"token_type", "expires_in", "refresh_token"}
    assert wordy.json()["expires_in"] == "a year"
    assert info(browser, wordy.json()["access_token"]).status_code == 200


def test_a_person_can_lack_an_id_or_belong_to_another_application(
    yandex: RunningYandexId, browser: httpx.Client
) -> None:
    token = token_of(yandex, browser)
    yandex.state.faults[Endpoint.INFO] = Fault.WITHOUT_ID
    assert "id" not in info(browser, token).json()
    yandex.state.faults[Endpoint.INFO] = Fault.FOREIGN_CLIENT
    assert info(browser, token).json()["client_id"] == "somebody-else"


@pytest.mark.parametrize("endpoint", [Endpoint.TOKEN, Endpoint.INFO])
def test_an_answer_can_be_cut_in_the_middle(yandex: RunningYandexId, browser: httpx.Client, endpoint: Endpoint) -> None:
    code, token = code_of(yandex, browser), token_of(yandex, browser)
    yandex.state.faults[endpoint] = Fault.CUT
    with pytest.raises(httpx.RemoteProtocolError):
        exchange(browser, code) if endpoint is Endpoint.TOKEN else info(browser, token)


@pytest.mark.parametrize("endpoint", [Endpoint.TOKEN, Endpoint.INFO])
def test_an_answer_can_hang_longer_than_a_client_waits(
    yandex: RunningYandexId, browser: httpx.Client, endpoint: Endpoint
) -> None:
    yandex.state.faults[endpoint] = Fault.HANG
    began = time.monotonic()
    with pytest.raises(httpx.ReadTimeout):
        browser.request("POST" if endpoint is Endpoint.TOKEN else "GET", f"/{endpoint}", timeout=0.5)
    assert time.monotonic() - began < 5


def test_a_hanging_answer_comes_in_the_end(
    yandex: RunningYandexId, browser: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert faults.HANG_SECONDS == 30
    monkeypatch.setattr(faults, "HANG_SECONDS", 0.3)
    token = token_of(yandex, browser)
    yandex.state.faults[Endpoint.INFO] = Fault.HANG
    began = time.monotonic()
    assert info(browser, token).json()["login"] == ANNA
    assert time.monotonic() - began >= 0.3
