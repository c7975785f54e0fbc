"""Which sites' pages may ask, and under which names the service answers."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.requests import Request

from molsys_chat_server.admission.clients import parse_address
from molsys_chat_server.errors import HostRefusedError, OriginRefusedError

_OWN_SITE = frozenset({"same-origin", "none"})


def check_origin(request: Request, allowed: Sequence[str]) -> None:
    """Refuse what a browser says another site's page sent; CORS alone hides only answers.

    Browsers say so in ``Sec-Fetch-Site``, but not to addresses without TLS: there the origin's
    name is compared with the name that was asked for.

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
        "pages of this origin may not ask here: add it to the setting cors_origins"
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
    """Return whether an origin has another name than the one that was asked for.

    A proxy that does not pass the name on asks by an address; that proves nothing.
    """
    name = _host_name(request)
    return bool(origin) and not _is_address(name) and _name_of(origin) != name


def _name_of(origin: str) -> str:
    try:
        return urlsplit(origin).hostname or ""
    except ValueError:
        return ""


def _host_name(request: Request) -> str:
    return _name_of(f"//{request.headers.get('host', '')}").rstrip(".")


def _is_address(name: str) -> bool:
    return name in {"", "localhost"} or parse_address(name) is not None


def _covers(pattern: str, name: str) -> bool:
    pattern = pattern.lower()
    return name.endswith(pattern[1:]) if pattern.startswith("*.") else name == pattern
