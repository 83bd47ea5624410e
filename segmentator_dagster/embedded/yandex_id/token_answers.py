"""POST of /token and /revoke_token -> Yandex's answer: a status and a JSON document."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections import Counter
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from segmentator_dagster.embedded.yandex_id.authorization import Asked
from segmentator_dagster.embedded.yandex_id.state import Token, YandexId

FORM = "application/x-www-form-urlencoded"
_MOST_FIELDS = 50

Document = dict[str, Any]


class TokenError(Exception):
    """One of the documented errors; always status 400."""

    def __init__(self, error: str, description: str) -> None:
        self.document: Document = {"error": error, "error_description": description}
        super().__init__(error)


def token_document(state: YandexId, headers: Mapping[str, str], body: bytes) -> Document:
    """Exchange a code or a refresh token. Names of `headers` are lower-case; TokenError where Yandex refuses."""
    form = _form(headers, body)
    _check_client(state, headers, form)
    match _needed(form, "grant_type"):
        case "authorization_code":
            token = _by_code(state, _needed(form, "code"), form.get("code_verifier"))
        case "refresh_token":
            token = _by_refresh(state, _needed(form, "refresh_token"))
        case _:
            raise TokenError("unsupported_grant_type", "grant_type not supported")
    document: Document = {
        "token_type": "bearer",
        "access_token": token.access,
        "expires_in": round(token.expires - state.clock()),
        "refresh_token": token.refresh,
    }
    if set(token.grant.scopes) < set(token.grant.asked.scopes):
        document["scope"] = " ".join(token.grant.scopes)
    return document


def revoke_document(state: YandexId, headers: Mapping[str, str], body: bytes) -> Document:
    """End a token that was given to a device; TokenError for any other, which only its owner can end."""
    form = _form(headers, body)
    _check_client(state, headers, form)
    token = state.token(_needed(form, "access_token"))
    if token is None:
        raise TokenError("invalid_grant", "The token is not valid")
    if token.grant.asked.device_id is None:
        raise TokenError("unsupported_token_type", "The token was issued without device_id and cannot be revoked")
    state.end_token(token)
    return {"status": "ok"}


def _form(headers: Mapping[str, str], body: bytes) -> dict[str, str]:
    if headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise TokenError("invalid_request", f"Content-Type must be {FORM}")
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict")
    except ValueError:
        raise TokenError("invalid_request", "The body is not a form") from None
    if repeated := next((name for name, count in Counter(name for name, _ in pairs).items() if count > 1), None):
        raise TokenError("invalid_request", f"{repeated} is repeated")
    return dict(pairs)


def _needed(form: Mapping[str, str], name: str) -> str:
    if not form.get(name):
        raise TokenError("invalid_request", f"{name} not in POST")
    return form[name]


def _check_client(state: YandexId, headers: Mapping[str, str], form: Mapping[str, str]) -> None:
    """By the header where there is one; the pair in the body is ignored then."""
    if given := headers.get("authorization"):
        client_id, client_secret = _basic(given)
    else:
        client_id, client_secret = _needed(form, "client_id"), _needed(form, "client_secret")
    application = state.application
    if client_id != application.client_id:
        raise TokenError("invalid_client", "Client not found")
    if not hmac.compare_digest(client_secret.encode(), application.client_secret.encode()):
        raise TokenError("invalid_client", "Wrong client secret")
    if application.blocked:
        raise TokenError("unauthorized_client", "Client blocked")


def _basic(header: str) -> tuple[str, str]:
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "basic":
        raise TokenError("Basic auth required", "Authorization must be Basic")
    try:
        client_id, colon, client_secret = base64.b64decode(value.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        raise TokenError("Malformed Authorization header", "Not base64 of client_id:client_secret") from None
    if not colon:
        raise TokenError("Malformed Authorization header", "Not base64 of client_id:client_secret")
    return client_id, client_secret


def _by_code(state: YandexId, code: str, verifier: str | None) -> Token:
    grant = state.take_code(code)
    if grant is None:
        raise TokenError("invalid_grant", "Code has expired")
    if not _proves(verifier, grant.asked):
        raise TokenError("invalid_grant", "code_verifier does not match code_challenge")
    if not set(grant.scopes) <= set(state.application.scopes):
        raise TokenError("invalid_scope", "The rights of the application have changed")
    return state.give_token(grant)


def _proves(verifier: str | None, asked: Asked) -> bool:
    if asked.challenge is None:
        return verifier is None
    computed = (verifier or "").encode()
    if asked.challenge_method == "S256":
        computed = base64.urlsafe_b64encode(hashlib.sha256(computed).digest()).rstrip(b"=")
    return hmac.compare_digest(computed, asked.challenge.encode())


def _by_refresh(state: YandexId, refresh: str) -> Token:
    """The same token, as Yandex gives it while there is much time left."""
    token = state.token_to_refresh(refresh)
    if token is None:
        raise TokenError("invalid_grant", "expired_token")
    return token
