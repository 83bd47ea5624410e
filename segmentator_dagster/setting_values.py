"""Text of an environment variable -> the value of a setting; ValueError says in one line what is wrong with it."""

from __future__ import annotations

import ipaddress
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import NoDecode

from segmentator_dagster.domain.export_checking import option_problems
from segmentator_dagster.domain.export_options import ExportOptions, resolved


def is_loopback(host: str) -> bool:
    """Whether a name or address is this machine itself."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def scheme(*schemes: str) -> AfterValidator:
    """An address that begins with one of these."""

    def check(url: SecretStr) -> SecretStr:
        if urlsplit(url.get_secret_value()).scheme not in schemes:
            raise ValueError(f"must start with one of: {', '.join(s + '://' for s in schemes)}")
        return url

    return AfterValidator(check)


def public_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
        raise ValueError("must be like https://segments.example.ru, without a path")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError("must be https:// unless the host is this machine (127.0.0.1, ::1, localhost)")
    return f"{parts.scheme}://{parts.netloc.lower()}"


def network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError as error:
        raise ValueError(f"{text!r} is no address or network such as 10.0.0.0/8") from error


def comma_separated(text: object) -> object:
    return [part.strip() for part in text.split(",") if part.strip()] if isinstance(text, str) else text


def time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError("must be an IANA time zone such as Europe/Moscow") from error
    return name


def export_options(text: object) -> object:
    """The layer of options in a JSON text; ValueError says in one line what is wrong with it."""
    if not isinstance(text, str):
        return text
    try:
        options = ExportOptions.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(step) for step in first["loc"])
        raise ValueError(f"{place}: {first['msg']}" if place else first["msg"]) from None
    for problem in option_problems(resolved(options)):
        raise ValueError(f"{problem.pointer.removeprefix('/export/').replace('/', '.')}: {problem.message('en')}")
    return options


Port = Annotated[int, Field(ge=1, le=65535)]
ClickHouseUrl = Annotated[SecretStr, scheme("http", "https")]
TimeZone = Annotated[str, AfterValidator(time_zone)]
PublicUrl = Annotated[str, AfterValidator(public_url)]
Networks = Annotated[tuple[Annotated[str, AfterValidator(network)], ...], NoDecode, BeforeValidator(comma_separated)]
ExportLayer = Annotated[ExportOptions | None, NoDecode, BeforeValidator(export_options)]
