"""Who may ask, how often, and how many at once."""

import contextlib
import hmac
import ipaddress
import logging
import time
from collections.abc import Iterator

import limits
from limits.aio.storage import Storage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.errors import ConfigurationError
from limits.storage import storage_from_string
from starlette.requests import Request

from molsys_chat_server.errors import (
    KeyRefusedError,
    OriginRefusedError,
    RateLimitedError,
    SettingsError,
    UnavailableError,
)
from molsys_chat_server.metrics import Metrics
from molsys_chat_server.settings import Settings

logger = logging.getLogger(__name__)

RETRY_AFTER_S = 3
"""Seconds after which a reader may ask again who found all places taken."""

_IPV6_CLIENT_PREFIX = 64
"""One client's part of IPv6: what a provider gives to one connection (RFC 6177)."""


class Admission:
    """The checks that a request passes before anything is done for it.

    :param settings: keys, origins, proxies and limits.
    :param metrics: where refusals are counted.
    :raises SettingsError: if the store of counts cannot be used.
    """

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._metrics = metrics
        self._limiter = SlidingWindowCounterRateLimiter(_storage(settings.rate_limit_storage))
        self._running = 0
        self.follow(settings)

    def follow(self, settings: Settings) -> None:
        """Check requests by other settings from now on; what was counted stays."""
        self._settings = settings
        self._keys = [key.get_secret_value().encode() for key in settings.api_keys]
        self._proxies = [ipaddress.ip_network(p, strict=False) for p in settings.trusted_proxies]
        self._per_minute = limits.RateLimitItemPerMinute(max(settings.requests_per_minute, 1))

    async def check(self, request: Request) -> None:
        """Let a request pass, or refuse it.

        :raises OriginRefusedError: if another site's page sent it.
        :raises KeyRefusedError: if it carries none of the configured keys.
        :raises RateLimitedError: if its client has sent too many.
        """
        self._check_origin(request)
        self._check_key(request)
        await self._check_rate(request)

    @contextlib.contextmanager
    def place(self) -> Iterator[None]:
        """Take one of the places for requests that are answered, until the end of the ``with``.

        :raises UnavailableError: if all are taken.
        """
        if self._running >= self._settings.max_concurrent_answers:
            raise UnavailableError(
                "all places are taken: ask again in a moment",
                code="busy",
                retry_after_s=RETRY_AFTER_S,
            )
        self._running += 1
        self._metrics.running.set(self._running)
        try:
            yield
        finally:
            self._running -= 1
            self._metrics.running.set(self._running)

    def client_network(self, request: Request) -> str:
        """Return what stands for one client: its address, or the network of an IPv6 one."""
        return _client_network(self.client(request))

    def client(self, request: Request) -> str:
        """Return the address that a request comes from, as far as trusted proxies tell it."""
        address = request.client.host if request.client else ""
        forwarded = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
        for hop in reversed([part.strip() for part in forwarded if part.strip()]):
            if not self._is_proxy(address) or _parsed(hop) is None:
                break
            address = hop
        return address

    def _is_proxy(self, address: str) -> bool:
        parsed = _parsed(address)
        return parsed is not None and any(parsed in network for network in self._proxies)

    def _check_origin(self, request: Request) -> None:
        """Refuse what a browser says another site's page sent; CORS alone hides only answers."""
        site = request.headers.get("sec-fetch-site", "same-origin")
        allowed = self._settings.cors_origins
        if site in {"same-origin", "none"} or "*" in allowed:
            return
        if request.headers.get("origin", "") not in allowed:
            raise OriginRefusedError(
                "pages of this origin may not ask here: add it to the setting cors_origins"
            )

    def _check_key(self, request: Request) -> None:
        if not self._keys:
            return
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        given = token if scheme.lower() == "bearer" else request.headers.get("x-api-key", "")
        matches = [hmac.compare_digest(given.strip().encode(), key) for key in self._keys]
        if not any(matches):
            raise KeyRefusedError("a key is needed: send it as 'Authorization: Bearer KEY'")

    async def _check_rate(self, request: Request) -> None:
        if not self._settings.requests_per_minute:
            return
        client = self.client_network(request)
        try:
            if await self._limiter.hit(self._per_minute, client):
                return
            window = await self._limiter.get_window_stats(self._per_minute, client)
        except self._limiter.storage.base_exceptions as error:
            self._metrics.limiter_errors.inc()
            logger.warning("requests are not limited, their counts cannot be stored: %s", error)
            return
        self._metrics.rate_limited.inc()
        wait = max(1, round(window.reset_time - time.time()))
        raise RateLimitedError(
            f"too many questions: {self._settings.requests_per_minute} a minute are allowed, "
            f"ask again in {wait} s",
            retry_after_s=wait,
        )


def _storage(uri: str) -> Storage:
    asynchronous = uri if uri.startswith("async+") else f"async+{uri}"
    try:
        storage = storage_from_string(asynchronous)
    except (ConfigurationError, ValueError) as error:
        raise SettingsError(f"setting rate_limit_storage = {uri!r}: {error}") from error
    if not isinstance(storage, Storage):
        raise SettingsError(f"setting rate_limit_storage = {uri!r} is no asynchronous store")
    return storage


def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return None
    return getattr(parsed, "ipv4_mapped", None) or parsed


def _client_network(address: str) -> str:
    """Return what of an address stands for one client."""
    parsed = _parsed(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((parsed, _IPV6_CLIENT_PREFIX), strict=False))
    return str(parsed or "unknown")
