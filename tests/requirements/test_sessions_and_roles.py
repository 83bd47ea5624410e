"""Requirements 14 to 21: sessions, tokens, roles, origins."""

from __future__ import annotations

import re
import threading
import time
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from segmentator_dagster.api.permissions import OPEN, ROUTES
from segmentator_dagster.domain.access import NEEDS
from segmentator_dagster.domain.audit import Event, Outcome
from segmentator_dagster.domain.people import Role
from segmentator_dagster.storage.metadata.people import People
from tests.api.conftest import RULE
from tests.requirements.conftest import ANNA, DMITRY, MARIA, Site

SEGMENTS = "/api/v1/segments"


def segment(client: httpx.Client, name: str, **more: Any) -> dict[str, Any]:
    made = client.post(SEGMENTS, json={"name": name, "rule": RULE, **more})
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json()
    return found


def person_id(site: Site, login: str) -> int:
    found = People(site.database).by_contact(login)
    assert found is not None
    return found.id


def test_14_a_session_is_worth_nothing_after_signing_out(site: Site) -> None:
    browser = site.signed_in(ANNA)
    stolen = {"Cookie": f"sid={browser.cookies['sid']}"}
    assert browser.get("/api/v1/me").status_code == 200
    assert browser.post("/auth/logout").status_code == 303
    assert "sid" not in browser.cookies
    assert site.browser().get("/api/v1/me", headers=stolen).status_code == 401
    everywhere = [site.signed_in(ANNA) for _ in range(2)]
    assert len(everywhere[0].get("/api/v1/me/sessions").json()["items"]) == 2
    assert everywhere[0].delete("/api/v1/me/sessions").status_code == 204
    assert [one.get("/api/v1/me").status_code for one in everywhere] == [401, 401]


def test_15_who_is_blocked_is_out_with_the_next_request_by_any_way(site: Site) -> None:
    administrator = site.signed_in(ANNA)
    browser = site.invited(DMITRY)
    program = site.program(site.token(browser, "read", "export"))
    for client in (browser, program):
        assert client.get("/api/v1/me").status_code == 200
    started = time.monotonic()
    blocked = administrator.post(f"/api/v1/people/{person_id(site, DMITRY)}/block")
    assert (blocked.status_code, blocked.json()["blocked"]) == (200, True)
    assert [client.get("/api/v1/me").status_code for client in (browser, program)] == [401, 401]
    assert time.monotonic() - started < 1
    for path in (SEGMENTS, "/api/v1/exports/5a1a3a0e-3f2b-4d6e-9c55-0d9a3c0f7b11/download"):
        assert [client.get(path).status_code for client in (browser, program)] == [401, 401]
    for client in (browser, program):
        assert client.post("/graphql", json={"query": "{ me { name } }"}).status_code == 401
    again = site.browser()
    assert again.get(site.callback(again, DMITRY)).status_code == 403
    assert administrator.post(f"/api/v1/people/{person_id(site, DMITRY)}/unblock").status_code == 200
    assert site.signed_in(DMITRY).get("/api/v1/me").status_code == 200
    assert program.get("/api/v1/me").status_code == 401, "tokens stay revoked"


@pytest.mark.parametrize("way", ["role", "block", "delete"])
def test_16_the_last_administrator_cannot_go(site: Site, way: str) -> None:
    administrator = site.signed_in(ANNA)
    mine = f"/api/v1/people/{person_id(site, ANNA)}"
    answers = {
        "role": lambda: administrator.put(f"{mine}/role", json={"role": "user"}),
        "block": lambda: administrator.post(f"{mine}/block"),
        "delete": lambda: administrator.delete(mine),
    }
    refused = answers[way]()
    assert (refused.status_code, refused.json()["code"]) == (409, "last_administrator")
    assert administrator.get("/api/v1/me").json()["role"] == "administrator"


def test_16_of_two_administrators_who_demote_each_other_at_once_one_stays(site: Site) -> None:
    people = People(site.database)
    site.signed_in(ANNA)
    site.invited(DMITRY, "administrator")
    pair = [person_id(site, ANNA), person_id(site, DMITRY)]
    for _ in range(100):
        for one in pair:
            people.set_role(one, Role.ADMINISTRATOR)
        outcomes: list[str] = []

        def demote(one: int, outcomes: list[str] = outcomes) -> None:
            try:
                people.set_role(one, Role.USER)
                outcomes.append("done")
            except Exception as error:  # noqa: BLE001
                outcomes.append(getattr(error, "code", repr(error)))

        threads = [threading.Thread(target=demote, args=(one,)) for one in pair]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(outcomes) == ["done", "last_administrator"]


def test_17_a_page_of_another_site_changes_nothing(site: Site) -> None:
    browser = site.signed_in(ANNA)
    token = site.token(browser, "read", "edit")
    cookie = {"Cookie": f"sid={browser.cookies['sid']}"}
    bearer = {"Authorization": f"Bearer {token}"}
    foreign = [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ]
    with httpx.Client(base_url=site.url, trust_env=False) as anybody:
        for headers in foreign:
            for who in (cookie, {**cookie, **bearer}):
                for path in (SEGMENTS, "/graphql"):
                    refused = anybody.post(path, json={"name": "x", "rule": RULE}, headers={**headers, **who})
                    assert refused.status_code == 403, (path, headers, refused.text)
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
            body = b'{"name": "x", "rule": {"kind": "everyone"}}'
            given = {**cookie, "Origin": site.url, "Content-Type": kind}
            assert anybody.post(SEGMENTS, content=body, headers=given).status_code == 415
        no_marks = anybody.post(SEGMENTS, json={"name": "x", "rule": RULE}, headers=cookie)
        assert (no_marks.status_code, no_marks.json()["code"]) == (403, "cross_site")
        assert browser.get(SEGMENTS).json()["items"] == []
        made = anybody.post(
            SEGMENTS, json={"name": "by token", "rule": RULE}, headers={**bearer, "Sec-Fetch-Site": "cross-site"}
        )
        assert made.status_code == 201, "a program may run anywhere: nobody's cookie is in it"


def test_18_a_token_is_shown_once_and_kept_as_a_hash(site: Site) -> None:
    browser = site.signed_in(ANNA)
    text = site.token(browser, "read")
    assert text.startswith("sgm_")
    secret = text.split("_", 2)[2]
    with site.database.reading() as session:
        stored = str(session.execute(sa.text("SELECT * FROM tokens")).all())
    assert secret not in stored
    (unused,) = browser.get("/api/v1/me/tokens").json()["items"]
    assert unused["last_used_at"] is None
    site.program(text).get("/api/v1/me")
    answer = browser.get("/api/v1/me/tokens")
    (listed,) = answer.json()["items"]
    assert secret not in answer.text
    assert listed["mask"] == text[: len("sgm_") + 12] + "_…"
    assert (listed["scopes"], listed["last_used_at"] is not None) == (["read"], True)


def test_19_a_bad_token_is_401_and_a_good_one_does_only_what_it_is_for(site: Site) -> None:
    browser = site.signed_in(ANNA)
    good = site.token(browser, "read", "edit", "export", "admin")
    reading = site.program(site.token(browser, "read"))
    revoked = site.token(browser, "read")
    assert browser.delete(f"/api/v1/me/tokens/{revoked.split('_')[1]}").status_code == 204
    expired = site.token(browser, "read")
    with site.database.writing() as session:
        session.execute(
            sa.text("UPDATE tokens SET expires_at = '2020-01-01' WHERE id = :id"), {"id": expired.split("_")[1]}
        )
    other = good[:-1] + ("A" if good[-1] != "A" else "B")
    for bad in (revoked, expired, "sgm_x", "sgm_000000000000_x", other, "x", "é"):
        header = f"Bearer {bad}".encode()
        answer = httpx.get(f"{site.url}/api/v1/me", headers={b"Authorization": header}, trust_env=False)
        assert answer.status_code == 401, bad
        assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    assert reading.get(SEGMENTS).status_code == 200
    refused = reading.post(SEGMENTS, json={"name": "x", "rule": RULE})
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
    program = site.program(good)
    for method, path, body in (
        ("POST", "/api/v1/me/tokens", {"name": "x", "scopes": ["read"]}),
        ("POST", "/api/v1/invites", {"contact": "x"}),
        ("PUT", f"/api/v1/people/{person_id(site, ANNA)}/role", {"role": "user"}),
        ("PUT", "/api/v1/access", {}),
    ):
        answer = program.request(method, path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (403, "session_only"), path
    assert program.get("/api/v1/people").status_code == 200


def test_20_every_route_gives_every_kind_of_caller_what_the_table_says(site: Site) -> None:
    """The status of a refusal; whoever may, gets past the gate to whatever the route itself says of these arguments."""
    administrator = site.signed_in(ANNA)
    user = site.invited(DMITRY)
    other = site.invited(MARIA)
    blocked = site.program(site.token(other, "read", "edit", "export"))
    administrator.post(f"/api/v1/people/{person_id(site, MARIA)}/block")
    scoped = {scope: site.program(site.token(administrator, scope)) for scope in ("read", "edit", "export", "admin")}
    callers: dict[str, Any] = {
        "nobody": site.browser(),
        "user": user,
        "administrator": administrator,
        "blocked": blocked,
    }
    document = administrator.get("/api/v1/openapi.json").json()["paths"]
    operations = {
        operation["operationId"]: (method, path) for path, by in document.items() for method, operation in by.items()
    }
    hidden = {"openapi": ("get", "/api/v1/openapi.json"), "api_docs": ("get", "/api/v1/docs")}
    checked = 0
    for name, action in ROUTES.items():
        if action == OPEN:
            continue
        method, path = {**operations, **hidden}[name]
        address = path.replace("{segment_id}", "999999").replace("{", "").replace("}", "")
        needs = NEEDS[action]
        expected = {
            "nobody": 401,
            "blocked": 401,
            "user": 403 if needs.role is Role.ADMINISTRATOR else None,
            "administrator": None,
            **{scope: 403 if needs.session or scope != needs.scope != "read" else None for scope in scoped},
        }
        for caller, client in {**callers, **scoped}.items():
            if name == "end_own_sessions" and expected[caller] is None:
                continue  # it would end the session that asks
            body = {} if method in ("post", "put", "patch") else None
            answer = client.request(method, address, json=body)
            wanted = expected[caller]
            if wanted is not None:
                assert answer.status_code == wanted, (name, caller, answer.text)
            else:
                assert answer.status_code not in (401, 403), (name, caller, answer.text)
            checked += 1
    assert checked > 300
    assert site.audit(event=Event.REFUSED, outcome=Outcome.REFUSED)


def test_21_what_is_somebody_elses_is_answered_as_what_is_not_there(site: Site) -> None:
    site.signed_in(ANNA)
    owner, other = site.invited(DMITRY), site.invited(MARIA)
    mine = segment(owner, "Моё")
    export = owner.post(f"{SEGMENTS}/{mine['id']}/exports", json={"formats": ["csv"]}).json()["items"][0]["id"]
    unknown = "00000000-0000-4000-8000-000000000000"
    pairs = [
        (f"{SEGMENTS}/{mine['id']}", f"{SEGMENTS}/999999"),
        (f"{SEGMENTS}/{mine['id']}/versions", f"{SEGMENTS}/999999/versions"),
        (f"{SEGMENTS}/{mine['id']}/exports", f"{SEGMENTS}/999999/exports"),
        (f"{SEGMENTS}/{mine['id']}/snapshots", f"{SEGMENTS}/999999/snapshots"),
        (f"{SEGMENTS}/{mine['id']}/rule-file", f"{SEGMENTS}/999999/rule-file"),
        (f"/api/v1/exports/{export}", f"/api/v1/exports/{unknown}"),
        (f"/api/v1/exports/{export}/download", f"/api/v1/exports/{unknown}/download"),
        (f"/api/v1/exports/{export}/manifest", f"/api/v1/exports/{unknown}/manifest"),
        (f"/api/v1/exports/{export}/events", f"/api/v1/exports/{unknown}/events"),
    ]
    for theirs, nowhere in pairs:
        answers = [other.get(path) for path in (theirs, nowhere)]
        assert [answer.status_code for answer in answers] == [404, 404], theirs
        ids = re.compile(f"{export}|{unknown}|999999|{mine['id']}")
        bodies = [ids.sub("…", str({**answer.json(), "request_id": ""})) for answer in answers]
        assert bodies[0] == bodies[1]
    assert other.get(SEGMENTS).json()["items"] == []
    rule = {"kind": "segment", "segment_id": mine["id"]}
    refused = other.post("/api/v1/rules/count", json={"rule": rule})
    assert (refused.status_code, refused.json()["code"]) == (422, "unknown_segment")
    times = {path: _median_seconds(other, path) for path in pairs[0]}
    assert max(times.values()) < 3 * min(times.values()) + 0.01


def _median_seconds(client: httpx.Client, path: str) -> float:
    seconds = []
    for _ in range(15):
        started = time.perf_counter()
        client.get(path)
        seconds.append(time.perf_counter() - started)
    return sorted(seconds)[7]
