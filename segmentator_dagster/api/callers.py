"""A request -> who sent it, as far as logs and limits need to know."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

import structlog
from starlette.datastructures import Headers
from starlette.types import Scope

Network = IPv4Network | IPv6Network

_UNKNOWN = "unknown"  # a socket of this machine has no address
_IPV6_HOME = 64  # bits: one caller has all of them


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Of addresses and networks such as 10.0.0.0/8; ValueError."""
    return tuple(ipaddress.ip_network(text, strict=False) for text in texts)


def client_address(scope: Scope, trusted: Sequence[Network]) -> str:
    """The address a request came from: of the connection, unless that is a trusted proxy's.

    Then the rightmost in `X-Forwarded-For` that is not one; what stands left of it anybody may have written.
    """
    peer = scope.get("client")
    address = _address(peer[0]) if peer else None
    if address is None:
        return _UNKNOWN
    for forwarded in _forwarded(scope):
        if not any(address in network for network in trusted):
            break
        further = _address(forwarded)
        if further is None:
            break
        address = further
    return str(address)


def _forwarded(scope: Scope) -> Iterator[str]:
    """Nearest first."""
    for value in reversed(Headers(scope=scope).getlist("x-forwarded-for")):
        yield from reversed(value.split(","))


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """Also with a port, and IPv4 where it is written as IPv6."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def remember_person(scope: Scope, person_id: int | str) -> None:
    """Once it is known who asks: for the access log, the limits, and every log entry from here on."""
    scope["state"]["person_id"] = person_id
    structlog.contextvars.bind_contextvars(person=person_id)


def caller_key(scope: Scope) -> str:
    """Whose requests are counted together: a person's, or where none is known, an address's."""
    person = scope["state"].get("person_id")
    return address_key(scope) if person is None else f"person:{person}"


def address_key(scope: Scope) -> str:
    """The address, of IPv6 the network that one caller has."""
    address = _address(scope["state"]["address"])
    if isinstance(address, IPv6Address):
        return f"address:{IPv6Network((address, _IPV6_HOME), strict=False)}"
    return f"address:{address or _UNKNOWN}"
