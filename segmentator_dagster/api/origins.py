"""Headers of a request -> whether it was meant for us, and whether a page of another site sent it."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers

from segmentator_dagster.setting_values import is_loopback

_OWN_SITE = ("same-origin", "none")  # `none`: typed or opened from a bookmark


def is_known_host(headers: Headers, own_origin: str) -> bool:
    """Whether the `Host` is the name people open, or, where that is this machine, another name of it."""
    hosts = headers.getlist("host")
    if len(hosts) != 1:
        return False
    name, own = _name(hosts[0]), urlsplit(own_origin).hostname or ""
    return name == own or (is_loopback(own) and is_loopback(name))


def is_cross_site(headers: Headers, own_origin: str) -> bool:
    """Go 1.25's `http.CrossOriginProtection`: what the browser says, else whether `Origin` is ours.

    `own_origin` is `scheme://host[:port]`. Where it is this machine, the origin may be any name of it the request
    came to. A request with neither header is of no browser's page, and allowed: a cookie must not count for it.
    """
    if site := headers.get("sec-fetch-site"):
        return site not in _OWN_SITE
    origin = headers.get("origin")
    if origin is None or origin.lower() == own_origin:
        return False
    host = headers.get("host", "")
    here = is_loopback(urlsplit(own_origin).hostname or "") and is_loopback(_name(host))
    return not (here and origin.lower() == f"http://{host.lower()}")


def has_browser_marks(headers: Headers) -> bool:
    """Whether a browser says where the request comes from: a cookie counts for a change only then."""
    return "sec-fetch-site" in headers or "origin" in headers


def _name(host: str) -> str:
    """Without the port and the brackets of IPv6."""
    name, colon, port = host.rpartition(":")
    name = (name if colon and port.isdigit() else host).lower()
    return name[1:-1] if name.startswith("[") and name.endswith("]") else name
