"""What the emulator remembers: who asked for what, codes and tokens given, and what a test has changed."""

from __future__ import annotations

import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from segmentator_dagster.embedded.yandex_id.accounts import ACCOUNTS, Account
from segmentator_dagster.embedded.yandex_id.application import Application
from segmentator_dagster.embedded.yandex_id.authorization import Asked
from segmentator_dagster.embedded.yandex_id.faults import Fault

QUESTION_SECONDS = 1800  # between the page of consent and the answer to it
CODE_SECONDS = 600
TOKEN_SECONDS = 31_536_000
MOST_DEVICES = 30  # tokens of one person with a device id; one more ends the oldest


class Endpoint(StrEnum):
    """What the product asks; the values are the paths."""

    AUTHORIZE = "authorize"
    TOKEN = "token"  # noqa: S105  a path
    INFO = "info"
    REVOKE = "revoke_token"


@dataclass(frozen=True, slots=True)
class Grant:
    """What a person gave: `scopes` of `asked`, at `moment` in seconds of the clock."""

    login: str
    asked: Asked
    scopes: tuple[str, ...]
    moment: float


@dataclass(frozen=True, slots=True)
class Token:
    access: str
    refresh: str
    grant: Grant
    expires: float


class YandexId:
    """One emulator. Tests may assign its fields at any time, from any thread.

    - `clock`: seconds since 1970, by which codes and tokens end;
    - `accounts`: by login; a person renamed is another `Account` with the same id;
    - `application`: as registered; narrower scopes, `blocked` or another secret hold at once;
    - `faults`: what `/token` or `/info` does wrong until it is taken out;
    - `asked`: how often each endpoint was asked; `asked.clear()` begins anew.
    """

    def __init__(self, application: Application, accounts: Iterable[Account] = ACCOUNTS) -> None:
        self.application = application
        self.accounts = {account.login: account for account in accounts}
        self.clock: Callable[[], float] = time.time
        self.faults: dict[Endpoint, Fault] = {}
        self.asked: Counter[Endpoint] = Counter()
        self._questions: dict[str, tuple[Asked, float]] = {}
        self._sessions: dict[str, Grant] = {}
        self._codes: dict[str, Grant] = {}
        self._tokens: dict[str, Token] = {}

    def ask(self, asked: Asked) -> str:
        """The one-time value under which the person's answer to this will come."""
        oldest = self.clock() - QUESTION_SECONDS
        self._questions = {value: one for value, one in self._questions.items() if one[1] >= oldest}
        value = secrets.token_urlsafe(32)
        self._questions[value] = (asked, self.clock())
        return value

    def take_question(self, value: str) -> Asked | None:
        """What was asked under this value, once; None where it is unknown, used or too old."""
        asked, moment = self._questions.pop(value, (None, 0.0))
        return asked if self.clock() - moment <= QUESTION_SECONDS else None

    def remember(self, grant: Grant) -> str:
        """The session of a browser in which this was granted."""
        session = secrets.token_urlsafe(32)
        self._sessions[session] = grant
        return session

    def granted_before(self, session: str, asked: Asked) -> Grant | None:
        """A grant for what is asked now without a new question, where the same was given in this browser."""
        before = self._sessions.get(session)
        if before is None or before.login not in self.accounts or not set(asked.scopes) <= set(before.scopes):
            return None
        return Grant(before.login, asked, asked.scopes, self.clock())

    def give_code(self, grant: Grant) -> str:
        code = secrets.token_hex(8)
        self._codes[code] = grant
        return code

    def take_code(self, code: str) -> Grant | None:
        """What a code stands for, once; None where it is unknown, used or older than ten minutes."""
        grant = self._codes.pop(code, None)
        return grant if grant and self.clock() - grant.moment < CODE_SECONDS else None

    def give_token(self, grant: Grant) -> Token:
        token = Token(
            f"y0_{secrets.token_urlsafe(40)}",
            f"1:{secrets.token_urlsafe(40)}",
            grant,
            self.clock() + TOKEN_SECONDS,
        )
        self._tokens[token.access] = token
        same = [one for one in self._tokens.values() if one.grant.asked.device_id and one.grant.login == grant.login]
        for oldest in same[:-MOST_DEVICES]:
            self.end_token(oldest)
        return token

    def token(self, access: str) -> Token | None:
        """A token that is alive and whose person is still there."""
        token = self._tokens.get(access)
        alive = token is not None and self.clock() < token.expires and token.grant.login in self.accounts
        return token if alive else None

    def token_to_refresh(self, refresh: str) -> Token | None:
        """The living token that this refresh token belongs to."""
        found = (token.access for token in self._tokens.values() if token.refresh == refresh)
        return self.token(next(found, ""))

    def end_token(self, token: Token) -> None:
        self._tokens.pop(token.access, None)
