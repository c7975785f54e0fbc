"""Which sites' pages may ask, and under which names the service answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.requests import Request

from molsys_chat_server.errors import HostRefusedError, OriginRefusedError
from molsys_chat_server.limits.clients import parse_address

_OWN_SITE = frozenset({"same-origin", "none"})
_USUAL_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a page comes from, or what was asked for."""

    name: str
    """A host's name or address, in one spelling; empty where there is none."""
    port: int


def check_origin(request: Request, allowed: Sequence[str]) -> None:
    """Refuse what a browser says another site's page sent; CORS alone hides only answers.

    Browsers say so in ``Sec-Fetch-Site``, but not without TLS: there the origin is compared with
    the host that was asked for.

    :param allowed: the origins that may ask besides the service's own.
    :raises OriginRefusedError: if the page's origin may not ask.
    """
    origin = request.headers.get("origin", "")
    if "*" in allowed or origin in allowed:
        return
    site = request.headers.get("sec-fetch-site", "")
    if site in _OWN_SITE or (not site and not _is_foreign(origin, request)):
        return
    raise OriginRefusedError(
        "pages of this origin may not ask here: add it to the setting cors_origins, or, if it is "
        f"the service's own, let the proxy pass on the Host, here {_told_host(request)}"
    )


def check_host(request: Request, allowed: Sequence[str]) -> None:
    """Refuse a request for a name that is not the service's own.

    A page whose name was made to point here (DNS rebinding) is of the same origin to a browser. It
    has to come by a name, so addresses always pass.

    :param allowed: the names; a leading ``*.`` stands for all below one; none allow all.
    :raises HostRefusedError: if the name is not among them.
    """
    name = _host_name(request)
    if allowed and not _is_address(name) and not any(_covers(each, name) for each in allowed):
        raise HostRefusedError(
            "the service is not known by this name: add it to the setting allowed_hosts"
        )


def _is_foreign(origin: str, request: Request) -> bool:
    """Return whether a page's origin is another than the one that was asked for.

    At an address each port is a program of its own. The ports of a name are not compared: proxies
    drop and change them.
    """
    if not origin:
        return False
    scheme, colon, rest = origin.lower().partition("://")
    if not colon or scheme not in _USUAL_PORTS:
        return True
    page = _place(rest, _USUAL_PORTS[scheme])
    own = _place(request.headers.get("host", ""), _USUAL_PORTS[scheme])
    if not page.name or page.name != own.name:
        return True
    return _is_address(own.name) and page.port != own.port


def _place(host: str, usual_port: int) -> _Place:
    try:
        parts = urlsplit(f"//{host}")
        name, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return _Place("", 0)
    return _Place(str(parse_address(name) or name), usual_port if port is None else port)


def _host_name(request: Request) -> str:
    return _place(request.headers.get("host", ""), 0).name


def _told_host(request: Request) -> str:
    return repr(request.headers.get("host", "")[:100])


def _is_address(name: str) -> bool:
    return name in {"", "localhost"} or parse_address(name) is not None


def _covers(pattern: str, name: str) -> bool:
    pattern = pattern.lower()
    return name.endswith(pattern[1:]) if pattern.startswith("*.") else name == pattern
