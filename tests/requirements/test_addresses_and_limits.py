"""Requirements 22 and 23: what a request says of its own way here, and how often it may come."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

from tests.requirements.conftest import ANNA, Site


def test_22_no_header_of_a_stranger_changes_a_link_or_a_decision(site: Site) -> None:
    browser = site.signed_in(ANNA)
    hostile = {
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-For": "203.0.113.9",
        "X-Forwarded-Prefix": "/evil",
        "Forwarded": "host=evil.example;proto=https",
        "X-Original-URL": "/api/v1/people",
        "X-Rewrite-URL": "/api/v1/people",
    }
    plain, headed = (browser.get("/api/v1/me", headers=headers) for headers in ({}, hostile))
    assert plain.json() == headed.json()
    begun = site.browser().get("/auth/login", headers=hostile)
    assert f"redirect_uri={quote(site.url, safe='')}%2Fauth%2Fcallback" in begun.headers["location"]
    site.browser().get("/api/v1/me", headers=hostile)
    assert {entry.address for entry in site.audit()} == {"127.0.0.1"}
    for host in ("evil", "evil/x?", "evil.example:80", "127.0.0.1.evil.example", ""):
        assert browser.get("/api/v1/me", headers={"Host": host}).status_code == 400, host


def test_23_the_eleventh_sign_in_within_a_minute_is_told_to_wait(make_site: Callable[..., Site]) -> None:
    site = make_site(rate_limits=True)
    statuses = [site.browser().get("/auth/login").status_code for _ in range(11)]
    assert statuses == [302] * 10 + [429]
    refused = site.browser().get("/auth/login")
    assert 0 < int(refused.headers["retry-after"]) <= 60
