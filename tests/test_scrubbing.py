"""No secret survives on its way into a log, however it is written; what is none stays readable."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from pydantic import SecretStr

from segmentator_dagster.scrubbing import Scrubber, secrets_of
from segmentator_dagster.settings import EmbeddedSecrets, Settings

SECRET = 'Пароль "x"/\\ n%1'


@pytest.mark.parametrize(
    "written",
    [
        SECRET,
        repr(SECRET),
        json.dumps({"a": SECRET}),
        json.dumps({"a": SECRET}, ensure_ascii=False),
        quote(SECRET),
        quote(SECRET, safe=""),
        base64.b64encode(SECRET.encode()).decode(),
        f"before{SECRET}after",
    ],
)
def test_a_known_secret_is_found_in_every_form(written: str) -> None:
    scrubbed = Scrubber([SECRET]).text(written)
    assert "***" in scrubbed
    assert "Пароль" not in scrubbed
    assert "n%1" not in scrubbed


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("postgresql://app:h4ck@db:5432/x?sslmode=require", "h4ck"),
        ("redis://:h4ck@cache/0", "h4ck"),
        ("http://u:h4ck@1@host/", "h4ck@1"),
        ("connection failed: password=h4ck host=db", "h4ck"),
        ('{"client_secret": "h4ck"}', "h4ck"),
        ("{'access_token': 'h4ck', 'expires_in': 1}", "h4ck"),
        ("Authorization: Bearer h4ck", "h4ck"),
        ("{'authorization': b'Basic aDRjaw=='}", "aDRjaw"),
        ("[(b'cookie', b'a=1; __Host-sid=h4ck')]", "h4ck"),
        ("Set-Cookie: __Host-sid=h4ck; Path=/; Secure", "h4ck"),
        ("sid=h4ck; other=1", "h4ck"),
        ("X-ClickHouse-Key: h4ck", "h4ck"),
        ("header OAuth y0_AgAAAAABh4ckh4ckh4ck", "h4ck"),
        ("token sgm_17ab_" + "h4ck" * 11 + " refused", "h4ck"),
        ("https://s3/b/k?X-Amz-Credential=AKh4ck%2Fru&X-Amz-Signature=h4ck&X-Amz-Expires=60", "h4ck"),
        ("GET /auth/callback?code=h4ck&state=h4ck", "h4ck"),
        ("GET /api/v1/files/AAh4ck-_ HTTP/1.1", "h4ck"),
        ("CREATE USER a IDENTIFIED WITH sha256_password BY 'h4ck'", "h4ck"),
    ],
)
def test_a_secret_nobody_told_of_is_found_by_its_place(text: str, gone: str) -> None:
    scrubbed = Scrubber().text(text)
    assert gone not in scrubbed
    assert "***" in scrubbed


@pytest.mark.parametrize(
    "text",
    [
        "status_code=500 code=unknown_path",
        "http://127.0.0.1:8123/?database=x",
        "http://[::1]:8000/a@b",
        "Basic auth required",
        "the cookie, which is good, and the session: 3 of them",
        "Code: 516. DB::Exception: reader: Authentication failed",
        "/api/v1/segments/17",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert Scrubber(["short", "another secret"]).text(text) == text


def test_values_are_scrubbed_inside_and_keys_that_name_a_secret_whole() -> None:
    class Odd:
        def __repr__(self) -> str:
            return "<Odd secret-one>"

    value = {"a": ["secret-one", ("x", 1, None, True)], "password": 5, b"k": Odd(), "Cookie": ["a"]}
    assert Scrubber(["secret-one"]).value(value) == {
        "a": ["***", ["x", 1, None, True]],
        "password": "***",
        "b'k'": "<Odd ***>",
        "Cookie": "***",
    }


def test_every_secret_of_the_settings_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new secret setting is known without being listed anywhere."""
    monkeypatch.setenv("SEGMENTATOR_YANDEX_CLIENT_ID", "ours")
    marker, plain, in_address = "canary", {}, {}
    for name, field in Settings.model_fields.items():
        if SecretStr in _parts(field.annotation):
            schemes = {"database_url": "postgresql", "redis_url": "redis", "object_store_url": "s3"}
            value = f"{marker}-{name}-{'x' * 32}"
            if name.endswith("_url"):
                in_address[name] = value
                value = f"{schemes.get(name, 'http')}://user:{value}@host/1"
            else:
                plain[name] = value
            monkeypatch.setenv(f"SEGMENTATOR_{name.upper()}", value)
    embedded = EmbeddedSecrets.read_or_create(tmp_path)
    known = set(secrets_of(Settings.load(data_dir=tmp_path)))
    assert len(plain) >= 4
    assert len(in_address) >= 6
    assert known >= {*plain.values(), *in_address.values(), *embedded.model_dump().values()}
    assert not any(secret.startswith(("http", "redis", "postgresql")) for secret in known)


def _parts(annotation: Any) -> list[Any]:
    inner = getattr(annotation, "__args__", ())
    return [annotation, *(part for one in inner for part in _parts(one))]
