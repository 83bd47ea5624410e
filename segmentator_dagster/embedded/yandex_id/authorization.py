"""Query of /authorize -> what the application asks for, or the error that the page shows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from segmentator_dagster.embedded.yandex_id.application import Application

LONGEST_STATE = 1024
_DEVICE_ID = re.compile(r"[\x20-\x7e]{6,50}")
_CHALLENGES = {"plain": re.compile(r"[A-Za-z0-9._~-]{43,128}"), "S256": re.compile(r"[A-Za-z0-9_-]{43}")}
_SHOWN = 200
_FORCED = ("yes", "true", "1")


@dataclass(frozen=True, slots=True)
class Asked:
    """A valid request for a code. `optional` are those of the scopes that a person may keep back."""

    scopes: tuple[str, ...]
    optional: tuple[str, ...] = ()
    state: str | None = None
    login_hint: str = ""
    force_confirm: bool = False
    device_id: str | None = None
    challenge: str | None = None
    challenge_method: str = "plain"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Shown on a page and never sent to the redirect URI: an error code, the parameter and what it was."""

    code: str
    parameter: str
    value: str | None


def read_query(pairs: Sequence[tuple[str, str]], application: Application) -> Asked | Refusal:
    """The names and values in the order they came. Parameters that Yandex does not document are ignored."""
    given = dict(pairs)
    counts = Counter(name for name, _ in pairs)
    repeated = next((name for name, count in counts.items() if count > 1), None)
    wrong = ("invalid_request", repeated) if repeated else _wrong(given, application)
    if wrong:
        code, parameter = wrong
        value = given.get(parameter)
        return Refusal(code, parameter, value and value[:_SHOWN])
    needed, optional = given.get("scope", "").split(), given.get("optional_scope", "").split()
    return Asked(
        scopes=tuple(dict.fromkeys([*needed, *optional])) or application.scopes,
        optional=tuple(scope for scope in dict.fromkeys(optional) if scope not in needed),
        state=given.get("state"),
        login_hint=given.get("login_hint", ""),
        force_confirm=given.get("force_confirm") in _FORCED,
        device_id=given.get("device_id"),
        challenge=given.get("code_challenge"),
        challenge_method=given.get("code_challenge_method", "plain"),
    )


def _wrong(given: Mapping[str, str], application: Application) -> tuple[str, str] | None:
    """An error code and the parameter it is about, the gravest first."""
    if given.get("client_id") != application.client_id:
        return "invalid_client", "client_id"
    if given.get("redirect_uri", application.callback) != application.callback:
        return "invalid_request", "redirect_uri"
    if given.get("response_type") != "code":
        return "unsupported_response_type", "response_type"
    for name in ("scope", "optional_scope"):
        if not set(given.get(name, "").split()) <= set(application.scopes):
            return "invalid_scope", name
    if len(given.get("state", "")) > LONGEST_STATE:
        return "invalid_request", "state"
    if "device_id" in given and not _DEVICE_ID.fullmatch(given["device_id"]):
        return "invalid_request", "device_id"
    return _wrong_challenge(given)


def _wrong_challenge(given: Mapping[str, str]) -> tuple[str, str] | None:
    challenge, method = given.get("code_challenge"), given.get("code_challenge_method")
    if method not in (None, *_CHALLENGES) or (method and challenge is None):
        return "invalid_request", "code_challenge_method"
    if challenge is not None and not _CHALLENGES[method or "plain"].fullmatch(challenge):
        return "invalid_request", "code_challenge"
    return None
