"""Text for a log -> the same text without secrets: those that are known by value, and what looks like one."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import parse_qsl, quote, quote_plus, unquote, urlsplit

from pydantic import SecretStr

from segmentator_dagster.settings import EmbeddedSecrets, Settings

MASK = "***"
SHORTEST = 6  # a shorter secret is part of ordinary words: it is found by its place only

_NAMES = (
    "password|passwd|pwd|secret|secret_key|client_secret|access_token|refresh_token|id_token|oauth_token|code_verifier"
    "|api_?key|aws_secret_access_key|x-amz-(?:signature|credential|security-token)"
)
_COOKIES = "(?:__host-)?(?:sid|session)"
_HEADERS = "(?:proxy-)?authorization|(?:set-)?cookie|x-clickhouse-key"
_SENSITIVE_KEY = re.compile(f"(?:{_NAMES}|{_HEADERS}|{_COOKIES})", re.IGNORECASE)
# (a text without one of these pieces is not searched, what is searched, what stands there afterwards)
_RULES: tuple[tuple[tuple[str, ...], re.Pattern[str], str], ...] = tuple(
    (needed, re.compile(pattern, re.IGNORECASE), replacement)
    for needed, pattern, replacement in (
        (("sgm_",), r"\bsgm_(?:[a-z0-9]{1,40}_)?[\w-]{8,}", f"sgm_{MASK}"),
        (("://",), r"""([a-z][a-z0-9+.-]*://[^\s/?#:@"']*:)[^\s/"']*@""", rf"\1{MASK}@"),
        ((":", "=", ","), rf"""\b({_HEADERS})(["']?\s*[:=]\s*|["']\s*,\s*)((?:b?["'])?)[^"'\r\n]+""", rf"\1\2\3{MASK}"),
        (
            (" ",),
            r"\b(basic|bearer|oauth) +(?:[\w.~+/=-]{20,}|(?=[^\s,;\"']*\d)[\w.~+/=-]{8,})",
            rf"\1 {MASK}",
        ),
        (("=", ":"), rf"""(?<![\w-])({_NAMES})(["']?\s*[:=]\s*b?["']?)[^\s"'&;,)}}\]]+""", rf"\1\2{MASK}"),
        (("=",), rf"""(?<![\w-])({_COOKIES}=)[^\s"';,]+""", rf"\1{MASK}"),
        (("=",), r"""([?&](?:code|state|token)=)[^\s"'&#]+""", rf"\1{MASK}"),
        (("/files/",), r"(/files/)[\w.~%-]+", rf"\1{MASK}"),
        (("'",), r"(\bidentified\b[^']{0,60}\bby\s+')[^']+", rf"\1{MASK}"),
    )
)


class Scrubber:
    """Knows these secrets in every form they are written in."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        forms = {form for secret in secrets if len(secret) >= SHORTEST for form in _forms(secret)}
        longest_first = sorted(forms, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first))) if forms else None

    @classmethod
    def of(cls, settings: Settings) -> Scrubber:
        """With every secret of an installation."""
        return cls(secrets_of(settings))

    def text(self, text: str) -> str:
        if self._known is not None:
            text = self._known.sub(MASK, text)
        for needed, pattern, replacement in _RULES:
            if any(piece in text for piece in needed):
                text = pattern.sub(replacement, text)
        return text

    def value(self, value: object) -> object:
        """Any value of a log entry as plain JSON values; what is none of these, as the text Python shows for it."""
        match value:
            case None | bool() | int() | float():
                return value
            case str():
                return self.text(value)
            case Mapping():
                return {
                    self.text(str(key)): MASK if _SENSITIVE_KEY.fullmatch(str(key)) else self.value(item)
                    for key, item in value.items()
                }
            case list() | tuple() | set() | frozenset():
                return [self.value(item) for item in value]
            case _:
                return self.text(repr(value))


def secrets_of(settings: Settings) -> Iterator[str]:
    """Keys and passwords by value; of addresses only the password."""
    embedded = EmbeddedSecrets.read(settings.data_dir)
    if embedded is not None:
        yield from embedded.model_dump().values()
        yield embedded.yandex_client_secret
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, SecretStr):
            text = value.get_secret_value()
            if "://" in text:
                yield from _passwords(text)
            else:
                yield text


def _passwords(url: str) -> Iterator[str]:
    """Of an address: before the host, and in the query as libpq and Redis take it."""
    parts = urlsplit(url)
    if parts.password:
        yield parts.password
        yield unquote(parts.password)
    yield from (value for name, value in parse_qsl(parts.query) if _SENSITIVE_KEY.fullmatch(name))


def _forms(secret: str) -> Iterator[str]:
    """As it is, in an address, in JSON, in Python's and in base64."""
    yield secret
    yield quote(secret)
    yield quote(secret, safe="")
    yield quote_plus(secret)
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    yield repr(secret)[1:-1]
    yield base64.b64encode(secret.encode("utf-8", "surrogatepass")).decode().rstrip("=")
