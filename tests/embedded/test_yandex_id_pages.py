"""What a browser meets at the emulator: who is let through, who is sent back, and what nothing can be made of."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from urllib.parse import quote

import httpx
import pytest

from segmentator_dagster.embedded.yandex_id.accounts import ACCOUNTS
from tests.embedded.yandex_requests import ANNA, CALLBACK, CHALLENGE, answer_of, authorize_url, code_of, exchange
from tests.servers.yandex_id import RunningYandexId, consent, running_yandex_id

ENGLISH = {"Accept-Language": "en-GB,en;q=0.9,ru;q=0.8"}
MARKUP = "\"'><script>alert(1)</script>"


def question_of(page: httpx.Response) -> str:
    return re.findall(r'name="question" value="([^"]+)"', page.text)[0]


def test_allowing_leads_to_the_callback_with_a_code_and_the_state_unchanged(
    yandex: RunningYandexId, browser: httpx.Client
) -> None:
    state = "é&=#%20 <\u2028>" + "x" * 1000
    back = consent(browser, authorize_url(yandex, state=state), ANNA)
    assert back.startswith(f"{CALLBACK}?")
    answer = answer_of(back)
    assert answer.keys() == {"code", "state"}
    assert answer["state"] == state
    assert exchange(browser, answer["code"]).status_code == 200


def test_denying_leads_to_the_callback_with_access_denied_and_no_code(
    yandex: RunningYandexId, browser: httpx.Client
) -> None:
    answer = answer_of(consent(browser, authorize_url(yandex), ANNA, deny=True))
    assert answer["error"] == "access_denied"
    assert answer.keys() == {"error", "error_description", "state"}


def test_a_request_without_state_is_answered_without_it(yandex: RunningYandexId, browser: httpx.Client) -> None:
    assert answer_of(consent(browser, authorize_url(yandex, state=None), ANNA)).keys() == {"code"}


def test_a_blocked_application_is_sent_back_with_unauthorized_client(
    yandex: RunningYandexId, browser: httpx.Client
) -> None:
    yandex.state.application = replace(yandex.state.application, blocked=True)
    answer = answer_of(consent(browser, authorize_url(yandex), ANNA))
    assert (answer["error"], answer["state"]) == ("unauthorized_client", "s-1")


@pytest.mark.parametrize(
    ("changes", "code", "parameter"),
    [
        ({"client_id": "another"}, "invalid_client", "client_id"),
        ({"client_id": None}, "invalid_client", "client_id"),
        ({"redirect_uri": "https://evil.example/auth/callback"}, "invalid_request", "redirect_uri"),
        ({"redirect_uri": CALLBACK + "/"}, "invalid_request", "redirect_uri"),
        ({"redirect_uri": CALLBACK + "?a=b"}, "invalid_request", "redirect_uri"),
        ({"redirect_uri": CALLBACK.replace("127.0.0.1", "localhost")}, "invalid_request", "redirect_uri"),
        ({"redirect_uri": ""}, "invalid_request", "redirect_uri"),
        ({"response_type": "token"}, "unsupported_response_type", "response_type"),
        ({"response_type": None}, "unsupported_response_type", "response_type"),
        ({"scope": "login:info disk:write"}, "invalid_scope", "scope"),
        ({"optional_scope": "mail:read"}, "invalid_scope", "optional_scope"),
        ({"state": "x" * 1025}, "invalid_request", "state"),
        ({"device_id": "short"}, "invalid_request", "device_id"),
        ({"device_id": "d" * 51}, "invalid_request", "device_id"),
        ({"code_challenge_method": "S512"}, "invalid_request", "code_challenge_method"),
        ({"code_challenge": None}, "invalid_request", "code_challenge_method"),
        ({"code_challenge": "short"}, "invalid_request", "code_challenge"),
        ({"code_challenge": CHALLENGE + "="}, "invalid_request", "code_challenge"),
    ],
)
def test_a_wrong_request_is_a_page_that_names_the_parameter_and_never_a_redirect(
    yandex: RunningYandexId, browser: httpx.Client, changes: dict[str, str | None], code: str, parameter: str
) -> None:
    answer = browser.get(authorize_url(yandex, **changes))
    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert f"<code>{code}</code>" in answer.text
    assert f"<code>{parameter}</code>" in answer.text
    assert "<form" not in answer.text


@pytest.mark.parametrize("again", ["client_id=another", f"redirect_uri={quote(CALLBACK)}", "state=other", "scope="])
def test_a_parameter_given_twice_is_a_page(yandex: RunningYandexId, browser: httpx.Client, again: str) -> None:
    answer = browser.get(f"{authorize_url(yandex, redirect_uri=CALLBACK, scope='')}&{again}")
    assert answer.status_code == 400
    assert "invalid_request" in answer.text


@pytest.mark.parametrize(
    ("parameter", "status"),
    [
        ("state", 200),
        ("login_hint", 200),
        ("scope", 400),
        ("redirect_uri", 400),
        ("client_id", 400),
        ("code_challenge_method", 400),
    ],
)
def test_markup_in_a_parameter_is_escaped(
    yandex: RunningYandexId, browser: httpx.Client, parameter: str, status: int
) -> None:
    answer = browser.get(authorize_url(yandex, **{parameter: MARKUP}))
    assert answer.status_code == status
    assert MARKUP not in answer.text
    assert "<script" not in answer.text
    if parameter != "state":  # which is on no page
        assert "&lt;script&gt;" in answer.text


def test_markup_in_a_name_is_escaped_on_every_page_and_in_the_portrait(
    yandex: RunningYandexId, browser: httpx.Client
) -> None:
    portrait = browser.get(f"/get-yapic/{yandex.state.accounts['markup-name'].avatar_id}/islands-200")
    for answer in (browser.get(authorize_url(yandex)), browser.get("/"), portrait):
        assert answer.status_code == 200
        assert "<script" not in answer.text
        assert "&lt;" in answer.text
    assert "{{7*7}}" in browser.get("/").text


def test_a_page_allows_no_script_no_frame_and_no_form_but_to_here_and_the_application(
    yandex: RunningYandexId, browser: httpx.Client
) -> None:
    answer = browser.get(authorize_url(yandex))
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert policy == {
        "default-src": "'none'",
        "style-src": "'unsafe-inline'",
        "img-src": "'self'",
        "form-action": "'self' http://127.0.0.1:8000",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
    }
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert not re.search(r'(src|href|action)="(?!/)', answer.text)


def test_an_address_that_a_policy_cannot_name_is_allowed_by_its_scheme() -> None:
    with (
        running_yandex_id("http://[::1]:8000/auth/callback") as yandex,
        httpx.Client(trust_env=False) as browser,
    ):
        assert "form-action 'self' http:;" in browser.get(authorize_url(yandex)).headers["content-security-policy"]


def test_an_answer_is_taken_once(yandex: RunningYandexId, browser: httpx.Client) -> None:
    question = question_of(browser.get(authorize_url(yandex)))
    form = {"question": question, "login": ANNA, "answer": "allow"}
    assert browser.post("/authorize", data=form).status_code == 303
    again = browser.post("/authorize", data=form)
    assert again.status_code == 400
    assert "location" not in again.headers


@pytest.mark.parametrize(
    "form",
    [
        {"login": ANNA, "answer": "allow"},
        {"question": "guessed", "login": ANNA, "answer": "allow"},
        {"question": "", "answer": "deny"},
        {},
    ],
)
def test_an_answer_to_no_question_is_refused(browser: httpx.Client, form: dict[str, str]) -> None:
    answer = browser.post("/authorize", data=form)
    assert answer.status_code == 400
    assert "location" not in answer.headers


def test_an_answer_for_an_unknown_login_is_refused_and_spends_the_question(
    yandex: RunningYandexId, browser: httpx.Client
) -> None:
    question = question_of(browser.get(authorize_url(yandex)))
    for login in ("nobody", ANNA):
        answer = browser.post("/authorize", data={"question": question, "login": login, "answer": "allow"})
        assert answer.status_code == 400


def test_an_answer_after_half_an_hour_is_refused(yandex: RunningYandexId, browser: httpx.Client) -> None:
    question = question_of(browser.get(authorize_url(yandex)))
    yandex.state.clock = lambda: time.time() + 1801
    answer = browser.post("/authorize", data={"question": question, "login": ANNA, "answer": "allow"})
    assert answer.status_code == 400


def test_who_granted_the_same_before_in_this_browser_is_not_asked_again(
    yandex: RunningYandexId, browser: httpx.Client
) -> None:
    consent(browser, authorize_url(yandex, scope="login:info login:email"), ANNA)
    again = browser.get(authorize_url(yandex, scope="login:info", state="s-2"))
    assert again.status_code == 303
    answer = answer_of(again.headers["location"])
    assert answer["state"] == "s-2"
    assert exchange(browser, answer["code"]).status_code == 200


@pytest.mark.parametrize("value", ["yes", "true", "1"])
def test_force_confirm_asks_again_with_that_account_chosen(
    yandex: RunningYandexId, browser: httpx.Client, value: str
) -> None:
    consent(browser, authorize_url(yandex), "maria.volkova")
    page = browser.get(authorize_url(yandex, force_confirm=value))
    assert page.status_code == 200
    assert re.search(r'value="maria.volkova" required checked', page.text)


def test_another_browser_and_more_rights_are_asked_about(yandex: RunningYandexId, browser: httpx.Client) -> None:
    consent(browser, authorize_url(yandex, scope="login:info"), ANNA)
    assert browser.get(authorize_url(yandex, scope="login:info login:email")).status_code == 200
    browser.cookies.clear()
    assert browser.get(authorize_url(yandex, scope="login:info")).status_code == 200


@pytest.mark.parametrize("hint", ["dmitry.kuznetsov", "Dmitry.Kuznetsov", "DMITRY.KUZNETSOV@yandex.ru"])
def test_a_login_hint_chooses_the_account_it_names(yandex: RunningYandexId, browser: httpx.Client, hint: str) -> None:
    consent(browser, authorize_url(yandex), ANNA)
    page = browser.get(authorize_url(yandex, login_hint=hint))
    assert re.findall(r'value="([^"]+)" required checked', page.text) == ["dmitry.kuznetsov"]


def test_a_hint_at_nobody_is_said_and_chooses_nobody(yandex: RunningYandexId, browser: httpx.Client) -> None:
    page = browser.get(authorize_url(yandex, login_hint="nobody.here"), headers=ENGLISH)
    assert "There is no account nobody.here here" in page.text
    assert "checked>" not in page.text


def test_a_page_speaks_english_to_an_english_browser_and_russian_to_any_other(
    yandex: RunningYandexId, browser: httpx.Client
) -> None:
    russian, english = browser.get(authorize_url(yandex)).text, browser.get(authorize_url(yandex), headers=ENGLISH).text
    assert '<html lang="ru">' in russian
    assert "Разрешить и войти" in russian
    assert '<html lang="en">' in english
    assert "Allow and sign in" in english
    assert browser.get(authorize_url(yandex), headers={"Accept-Language": "de"}).text.count("Разрешить") == 1


def test_a_page_lists_the_rights_that_are_asked_for(yandex: RunningYandexId, browser: httpx.Client) -> None:
    page = browser.get(authorize_url(yandex, scope="login:email", optional_scope="login:birthday"), headers=ENGLISH)
    assert "<li>e-mail address</li>" in page.text
    assert 'name="scope" value="login:birthday" checked' in page.text
    assert "phone" not in page.text


def test_a_host_that_is_not_this_machine_is_refused(yandex: RunningYandexId, browser: httpx.Client) -> None:
    answer = browser.get(authorize_url(yandex), headers={"Host": "evil.example:8010"})
    assert answer.status_code == 400
    assert "<form" not in answer.text


def test_a_person_at_the_trial_sees_the_plausible_accounts_only() -> None:
    with running_yandex_id(CALLBACK, accounts=ACCOUNTS) as yandex, httpx.Client(trust_env=False) as browser:
        page = browser.get(authorize_url(yandex)).text
    assert re.findall(r'name="login" value="([^"]+)"', page) == [account.login for account in ACCOUNTS]


def test_every_login_start_is_counted(yandex: RunningYandexId, browser: httpx.Client) -> None:
    code_of(yandex, browser)
    assert yandex.state.asked == {"authorize": 1}
