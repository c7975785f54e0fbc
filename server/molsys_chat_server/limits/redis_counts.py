"""Counts in a Redis that copies of the service share."""

import time

from limits import RateLimitItemPerMinute
from limits.aio.storage import RedisStorage
from limits.aio.storage.redis.redispy import RedispyBridge
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.errors import ConfigurationError

from molsys_chat_server.errors import SettingsError

_PREFIX = "molsys-chat"
_MINUTE_S = 60


class RedisCounts:
    """Counts requests in a sliding window of a minute, by the clock of the Redis.

    :param uri: where it is.
    :param told: the same, as it may be shown.
    :param timeout_s: seconds for a connection, and for an answer.
    :raises SettingsError: if the package for it is not installed, or the address is wrong.
    """

    def __init__(self, uri: str, told: str, timeout_s: float) -> None:
        self._storage = _storage(uri, told, timeout_s)
        self._limiter = SlidingWindowCounterRateLimiter(self._storage)
        known = self._storage.base_exceptions
        self.failures: tuple[type[Exception], ...] = (
            TimeoutError,
            OSError,
            *(known if isinstance(known, tuple) else (known,)),
        )
        """What is raised where it is away."""

    async def take(self, per_minute: int, key: str) -> int:
        """Take one of so many a minute; return 0, or the seconds until there is one again."""
        item = RateLimitItemPerMinute(per_minute)
        if await self._limiter.hit(item, key):
            return 0
        window = await self._limiter.get_window_stats(item, key)
        return min(max(1, round(window.reset_time - time.time())), _MINUTE_S)

    async def add(self, amount: int, life_s: int, key: str) -> int:
        """Add to a count and return it; 0 only reads it."""
        if not amount:
            return await self._storage.get(key)
        return await self._storage.incr(key, life_s, amount)

    async def close(self) -> None:
        """Close the connections."""
        if isinstance(self._storage.bridge, RedispyBridge):
            await self._storage.bridge.storage.aclose()


def _storage(uri: str, told: str, timeout_s: float) -> RedisStorage:
    try:
        # Imported here: the package comes with an extra of its own.
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff

        return RedisStorage(
            f"async+{uri}",
            implementation="redispy",
            key_prefix=_PREFIX,
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            retry=Retry(NoBackoff(), 1),  # type: ignore[arg-type]
        )
    except (ImportError, ConfigurationError) as error:
        raise SettingsError(
            f"setting rate_limit_storage = {told!r}: the package redis is needed: "
            'pip install "sphinx-molsys-chat[redis]"'
        ) from error
    except ValueError as error:
        raise SettingsError(f"setting rate_limit_storage = {told!r}: {error}") from error
