"""Where a request comes from, as far as trusted proxies tell it."""

import ipaddress
from collections.abc import Sequence

from starlette.requests import Request

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_IPV6_CLIENT_PREFIX = 64
"""One client's part of IPv6: what a provider gives to one connection (RFC 6177)."""

UNKNOWN = "unknown"
"""Stands for all clients whose address is not known."""


class Clients:
    """Knows clients by their addresses.

    Only ``X-Forwarded-For`` is read, from its end: that part the trusted proxies wrote themselves.
    ``Forwarded`` and ``X-Real-IP`` are not, since a proxy that writes the one passes the others on
    as its client sent them.

    :param proxies: addresses or networks of the proxies that are trusted.
    """

    def __init__(self, proxies: Sequence[str]) -> None:
        self._proxies = [ipaddress.ip_network(each, strict=False) for each in proxies]

    def address(self, request: Request) -> str:
        """Return the address that a request comes from; empty where it is not known."""
        address = request.client.host if request.client else ""
        forwarded = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
        for hop in reversed([part.strip() for part in forwarded if part.strip()]):
            named = _without_port(hop)
            if not self.is_proxy(address) or parse_address(named) is None:
                break
            address = named
        return address

    def network(self, request: Request) -> str:
        """Return what stands for one client: its address, or the network of an IPv6 one."""
        return client_network(self.address(request))

    def is_proxy(self, address: str) -> bool:
        """Return whether an address is that of a trusted proxy."""
        parsed = parse_address(address)
        return parsed is not None and any(parsed in network for network in self._proxies)


def client_network(address: str) -> str:
    """Return what of an address stands for one client."""
    parsed = parse_address(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((int(parsed), _IPV6_CLIENT_PREFIX), strict=False))
    return str(parsed or UNKNOWN)


def parse_address(text: str) -> Address | None:
    """Return an address, an IPv4 one where IPv6 only wraps it; None where it is none."""
    try:
        parsed = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(parsed, "ipv4_mapped", None) or parsed


def _without_port(hop: str) -> str:
    """Return a hop's address; some proxies write ``192.0.2.1:4711`` or ``[2001:db8::1]:4711``."""
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop
