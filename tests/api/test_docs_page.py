"""The page of the API needs nothing from any other site, and its policy allows no more than it needs."""

from __future__ import annotations

import base64
import hashlib
import re

import httpx


def test_the_page_is_made_of_our_own_files_and_runs_one_script_more(client: httpx.Client) -> None:
    page = client.get("/api/v1/docs")
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(addresses) == 3
    for address in addresses:
        assert address.startswith("/api/v1/docs/") or address == "data:,"
    for address in filter(lambda one: one.startswith("/"), addresses):
        file = client.get(address)
        assert (file.status_code, file.headers["x-content-type-options"]) == (200, "nosniff")
        assert file.headers["content-type"].startswith(("text/javascript", "text/css"))
        assert len(file.content) > 100_000
    assert client.get("/api/v1/docs/main.py").status_code >= 400
    (script,) = re.findall(r"<script>(.*?)</script>", page.text)
    (allowed,) = re.findall(r"'sha256-([^']+)'", page.headers["content-security-policy"])
    assert base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() == allowed
    assert "unsafe" not in page.headers["content-security-policy"]
    assert "http" not in page.headers["content-security-policy"]
