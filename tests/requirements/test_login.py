"""Requirements 1 to 13: how somebody comes in, and how nobody else does."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
import sqlalchemy as sa

from segmentator_dagster.domain.audit import Event, Outcome
from segmentator_dagster.embedded.yandex_id.faults import Fault
from segmentator_dagster.embedded.yandex_id.state import Endpoint
from tests.requirements.conftest import ANNA, DMITRY, MARIA, STRANGER, Site
from tests.servers.yandex_id import consent


def cookie_parts(answer: httpx.Response, name: str) -> set[str]:
    (line,) = [line for line in answer.headers.get_list("set-cookie") if line.startswith(f"{name}=")]
    return {part.strip().lower() for part in line.split(";")[1:]}


def test_01_signing_in_begins_at_the_configured_address_with_pkce_and_a_state_bound_to_the_browser(site: Site) -> None:
    answer = site.browser().get("/auth/login")
    assert answer.status_code == 302
    target = urlsplit(answer.headers["location"])
    asked = {key: values[0] for key, values in parse_qs(target.query).items()}
    assert f"{target.scheme}://{target.netloc}{target.path}" == f"{site.yandex.url}/authorize"
    assert asked["response_type"] == "code"
    assert asked["redirect_uri"] == f"{site.url}/auth/callback"
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["code_challenge"]) == 43
    assert 22 <= len(asked["state"]) <= 1024  # 128 bits at least, in base64
    assert {"httponly", "samesite=lax", "path=/auth", "max-age=600"} <= cookie_parts(answer, "sign_in")


def test_01_cookies_are_secure_and_bound_to_the_host_where_people_come_by_https(make_site: Callable[..., Site]) -> None:
    site = make_site(public_url="https://segments.example.ru", production=True, **OFFICIAL)
    with httpx.Client(base_url=site.url, headers={"Host": "segments.example.ru"}, trust_env=False) as browser:
        answer = browser.get("/auth/login")
        assert "redirect_uri=https%3A%2F%2Fsegments.example.ru%2Fauth%2Fcallback" in answer.headers["location"]
        assert answer.headers["location"].startswith("https://oauth.yandex.ru/authorize?")
        assert {"secure", "httponly", "samesite=lax"} <= cookie_parts(answer, "sign_in")
        left = browser.post("/auth/logout", headers={"Origin": "https://segments.example.ru"})
        assert {"secure", "httponly", "samesite=lax", "path=/"} <= cookie_parts(left, "__Host-sid")


def test_02_a_good_callback_costs_one_call_for_the_token_and_one_for_the_person(
    site: Site, capfd: pytest.CaptureFixture[str]
) -> None:
    browser = site.browser()
    back = site.callback(browser, ANNA, "/auth/login?next=/api/v1/segments")
    site.yandex.state.asked.clear()
    answer = browser.get(back)
    assert (answer.status_code, answer.headers["location"]) == (303, "/api/v1/segments")
    assert {"httponly", "samesite=lax", "path=/"} <= cookie_parts(answer, "sid")
    assert dict(site.yandex.state.asked) == {Endpoint.TOKEN: 1, Endpoint.INFO: 1}
    assert browser.get("/api/v1/me").json()["name"] == "Анна Смирнова"
    secrets = [*site.yandex.state._tokens, browser.cookies["sid"]]
    with site.database.reading() as session:
        tables = session.scalars(sa.text("SELECT name FROM sqlite_master WHERE type = 'table'")).all()
        stored = "".join(str(session.execute(sa.text(f'SELECT * FROM "{name}"')).all()) for name in tables)
    said = "".join(capfd.readouterr())
    for secret in secrets:
        assert len(secret) > 20
        assert secret not in stored + said


def test_03_the_same_callback_again_asks_to_start_again_and_asks_yandex_nothing(site: Site) -> None:
    browser = site.browser()
    back = site.callback(browser, ANNA)
    assert browser.get(back).status_code == 303
    site.yandex.state.asked.clear()
    sessions = site.sessions()
    again = browser.get(back)
    assert again.status_code == 400
    assert 'href="/auth/login?other=yes"' in again.text
    assert not site.yandex.state.asked
    assert site.sessions() == sessions


def test_04_a_callback_opened_in_another_browser_signs_nobody_in(site: Site) -> None:
    back = site.callback(site.browser(), ANNA)
    other = site.browser()
    assert other.get(back).status_code == 400
    assert other.get("/api/v1/me").status_code == 401
    assert site.sessions() == 0


def test_05_of_two_tabs_the_one_begun_last_comes_in_and_the_other_can_begin_again(site: Site) -> None:
    browser = site.browser()
    first, second = (site.begun(browser) for _ in range(2))
    refused = browser.get(consent(browser, first, ANNA))
    assert refused.status_code == 400
    assert 'href="/auth/login?other=yes"' in refused.text
    retried = site.callback(browser, ANNA)
    assert browser.get(retried).status_code == 303
    assert second != first


def test_06_a_denial_is_a_page_with_escaped_text_and_no_session(site: Site) -> None:
    browser = site.browser()
    denied = browser.get(site.callback(browser, ANNA, deny=True))
    assert denied.status_code == 403
    assert "not allowed" in denied.text
    hostile = urlencode({"error": "access_denied", "error_description": "<script>alert(1)</script>"})
    page = browser.get(f"/auth/callback?{hostile}")
    assert page.status_code in (400, 403)
    assert "<script" not in page.text
    assert site.sessions() == 0


PERSONS = (Fault.WITHOUT_ID, Fault.FOREIGN_CLIENT)
FAULTY = [
    *((Endpoint.TOKEN, fault) for fault in Fault if fault not in (Fault.HANG, *PERSONS, Fault.UNAUTHORIZED)),
    *((Endpoint.INFO, fault) for fault in (Fault.TOO_MANY, Fault.SERVER_ERROR, Fault.HTML, Fault.LIST, Fault.CUT)),
]


@pytest.mark.parametrize(("endpoint", "fault"), FAULTY, ids=str)
def test_07_whatever_yandex_does_wrong_is_a_502_without_a_session(site: Site, endpoint: Any, fault: Any) -> None:
    browser = site.browser()
    back = site.callback(browser, ANNA)
    site.yandex.state.faults[endpoint] = fault
    answer = browser.get(back)
    assert answer.status_code == 502
    assert "Traceback" not in answer.text
    assert site.sessions() == 0
    (entry,) = site.audit(event=Event.SIGN_IN)
    assert (entry.outcome, entry.after) == (Outcome.FAILED, {"reason": "yandex_unavailable"})


def test_07_a_yandex_that_hangs_is_given_up_within_fifteen_seconds(site: Site) -> None:
    browser = site.browser()
    back = site.callback(browser, ANNA)
    site.yandex.state.faults[Endpoint.TOKEN] = Fault.HANG
    started = time.monotonic()
    assert browser.get(back).status_code == 502
    assert time.monotonic() - started < 15


@pytest.mark.parametrize("fault", [*PERSONS, Fault.UNAUTHORIZED], ids=str)
def test_08_somebody_whom_yandex_does_not_vouch_for_to_us_has_no_account(site: Site, fault: Any) -> None:
    browser = site.browser()
    back = site.callback(browser, ANNA)
    site.yandex.state.faults[Endpoint.INFO] = fault
    assert browser.get(back).status_code == 401
    assert site.people() == []


def test_09_an_account_is_a_yandex_id_whatever_login_and_address_become(site: Site) -> None:
    before = site.signed_in(ANNA).get("/api/v1/me").json()["id"]
    account = site.yandex.state.accounts.pop(ANNA)
    renamed = replace(account, login="anna.ivanova", email="ivanova@yandex.ru")
    site.yandex.state.accounts["anna.ivanova"] = renamed
    assert site.signed_in("anna.ivanova").get("/api/v1/me").json()["id"] == before
    # somebody else with the address that she had
    site.yandex.state.accounts["thief"] = replace(account, id="77", login="thief")
    browser = site.browser()
    assert browser.get(site.callback(browser, "thief")).status_code == 403


@pytest.mark.parametrize(
    "wanted",
    [
        *("//evil.example", "/\\evil.example", "https://evil.example", "/%09/evil.example", "/\t/evil"),
        *("javascript:alert(1)", "/%2fevil.example", "/a//evil.example", "/%5cevil.example", "\\\\evil", ""),
    ],
)
def test_10_after_signing_in_the_browser_stays_on_this_site(site: Site, wanted: str) -> None:
    browser = site.browser()
    back = site.callback(browser, ANNA, f"/auth/login?{urlencode({'next': wanted})}")
    assert browser.get(back).headers["location"] == "/"


def test_11_nobody_comes_in_uninvited_and_an_invite_is_for_one(site: Site) -> None:
    administrator = site.signed_in(ANNA)
    stranger = site.browser()
    page = stranger.get(site.callback(stranger, STRANGER))
    assert page.status_code == 403
    assert site.people() == [ANNA]
    assert site.audit(event=Event.SIGN_IN)[0].outcome is Outcome.REFUSED
    # by e-mail, in other letter case
    email = site.yandex.state.accounts[DMITRY].email
    invited = administrator.post("/api/v1/invites", json={"contact": email.upper(), "role": "administrator"})
    assert invited.status_code == 201
    assert site.signed_in(DMITRY).get("/api/v1/me").json()["role"] == "administrator"
    assert administrator.get("/api/v1/invites").json()["items"] == []
    second = site.browser()
    assert second.get(site.callback(second, "same-mail")).status_code == 403


OFFICIAL = {"yandex_oauth_url": "https://oauth.yandex.ru", "yandex_login_url": "https://login.yandex.ru"}
GOOD = {
    "SEGMENTATOR_PRODUCTION": "true",
    "SEGMENTATOR_PUBLIC_URL": "https://segments.example.ru",
    "SEGMENTATOR_SECRET_KEY": "k" * 32,
    "SEGMENTATOR_YANDEX_CLIENT_ID": "id",
    "SEGMENTATOR_YANDEX_CLIENT_SECRET": "secret",
    "SEGMENTATOR_CLICKHOUSE_URL": "http://u:p@127.0.0.1:1",
}
DANGEROUS = {
    "SECRET_KEY": "short",
    "SECRET_KEY ": "",
    "PUBLIC_URL": "http://127.0.0.1:8000",
    "PUBLIC_URL ": "http://segments.example.ru",
    "YANDEX_OAUTH_URL": "http://127.0.0.1:8010",
    "YANDEX_OAUTH_URL ": "https://oauth.yandex.ru.evil.example",
    "YANDEX_LOGIN_URL": "http://login.yandex.ru",
    "YANDEX_CLIENT_SECRET": "",
    "YANDEX_CLIENT_ID": "",
}


@pytest.mark.parametrize(("name", "value"), DANGEROUS.items())
def test_12_production_does_not_start_on_what_would_leave_it_open(tmp_path: Path, name: str, value: str) -> None:
    variables = {**GOOD, "SEGMENTATOR_DATA_DIR": str(tmp_path), "PATH": "/usr/bin:/bin"}
    variables[f"SEGMENTATOR_{name.strip()}"] = value
    if not value:
        del variables[f"SEGMENTATOR_{name.strip()}"]
    ended = subprocess.run(
        [sys.executable, "-m", "segmentator_dagster.cli", "api"],
        env=variables, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ended.returncode != 0
    (line,) = ended.stderr.strip().splitlines()
    assert re.match(rf"SEGMENTATOR_{name.strip()}: ", line)


def test_13_the_setting_makes_the_first_administrator_and_nobody_after(site: Site, make_site: Any) -> None:
    stranger = site.browser()
    assert stranger.get(site.callback(stranger, MARIA)).status_code == 403
    assert site.signed_in(ANNA).get("/api/v1/me").json()["role"] == "administrator"
    other = site.invited(DMITRY, "administrator")
    anna = next(one["id"] for one in other.get("/api/v1/people").json()["items"] if one["login"] == ANNA)
    assert other.delete(f"/api/v1/people/{anna}").status_code == 204
    again = site.browser()
    assert again.get(site.callback(again, ANNA)).status_code == 403, "there is an administrator"


def test_13_no_request_of_a_stranger_changes_anything(site: Site) -> None:
    site.signed_in(ANNA)
    paths = site.administrator.get("/api/v1/openapi.json").json()["paths"]
    changing = [
        (method, path.replace("{", "").replace("}", ""))
        for path, methods in paths.items()
        for method in methods
        if method in ("post", "put", "patch", "delete")
    ]
    assert len(changing) > 20
    stranger = site.browser()
    for method, path in changing:
        answer = stranger.request(method, path, json={} if method != "delete" else None)
        assert answer.status_code == 401, (method, path, answer.text)
