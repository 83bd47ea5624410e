"""Account and scopes -> what /info tells of the person."""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import uuid4

from joserfc import jwt
from joserfc.jwk import OctKey

from segmentator_dagster.embedded.yandex_id.accounts import Account
from segmentator_dagster.embedded.yandex_id.state import Token

JWT_SECONDS = 300


def info_document(account: Account, token: Token, client_id: str) -> dict[str, Any]:
    """Each scope adds its fields, as in Yandex's documentation."""
    scopes = token.grant.scopes
    document: dict[str, Any] = {
        "id": account.id,
        "login": account.login,
        "client_id": client_id,
        "psuid": _psuid(account, client_id),
    }
    if "login:email" in scopes and account.email:
        document |= {"default_email": account.email, "emails": [account.email]}
    if "login:avatar" in scopes:
        document |= {"default_avatar_id": account.avatar_id, "is_avatar_empty": not account.has_avatar}
    if "login:info" in scopes:
        document |= {
            "first_name": account.first_name,
            "last_name": account.last_name,
            "display_name": account.display_name,
            "real_name": account.real_name,
            "sex": account.sex,
        }
    if "login:birthday" in scopes:
        document["birthday"] = account.birthday
    if "login:default_phone" in scopes and account.phone:
        document["default_phone"] = {"id": int(account.id[-9:]), "number": account.phone}
    return document


def info_jwt(document: dict[str, Any], now: float, key: str) -> str:
    """The same as a token signed with HS256; as Yandex's it has no `aud`, and `uid` is a number."""
    claims = {
        "iss": "login.yandex.ru",
        "iat": int(now),
        "exp": int(now) + JWT_SECONDS,
        "jti": str(uuid4()),
        "uid": int(document["id"]),
        "login": document["login"],
        "psuid": document["psuid"],
    }
    renamed = {
        "email": "default_email",
        "name": "real_name",
        "display_name": "display_name",
        "birthday": "birthday",
        "gender": "sex",
        "avatar_id": "default_avatar_id",
    }
    claims |= {claim: document[name] for claim, name in renamed.items() if name in document}
    return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(key))


def _psuid(account: Account, client_id: str) -> str:
    return "1.AA" + hashlib.sha256(f"{client_id} {account.id}".encode()).hexdigest()[:32]
