"""Counts that copies of the service share, and this process's own while their store is away."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from molsys_chat_server.errors import SettingsError
from molsys_chat_server.limits.local_counts import LocalCounts
from molsys_chat_server.limits.redis_counts import RedisCounts

logger = logging.getLogger(__name__)

_T = TypeVar("_T")

STORE_TIMEOUT_S = 0.1
"""Seconds in which the shared store answers; then a request goes on without it."""

STORE_CHECK_S = 1.0
"""Seconds between two looks whether the shared store is there."""

_SHARED = ("redis", "rediss", "redis+unix")
_LOOK_LIFE_S = 60


class Counts:
    """Counts of what was taken of limits, asked for and used up.

    :param uri: ``memory://``, or the address of a Redis.
    :raises SettingsError: if it is neither, or the package for it is not installed.
    """

    def __init__(self, uri: str) -> None:
        self.problem = ""
        """Why the shared store is not in use; empty where it is, or none is configured."""
        self.failures = 0
        """How often it was lost."""
        self._place = _told_place(uri)
        self._own = LocalCounts()
        self._shared = _shared_counts(uri, self._place)

    @property
    def is_shared(self) -> bool:
        """Whether a store is configured that copies share."""
        return self._shared is not None

    async def take(self, per_minute: int, *key: str) -> int:
        """Take one of so many a minute; return 0, or the seconds until there is one again."""
        name = "/".join(key)
        wait = await self._asked(lambda store: store.take(per_minute, name))
        return await self._own.take(per_minute, name) if wait is None else wait

    async def add(self, amount: int, life_s: int, *key: str) -> int | None:
        """Add to a shared count and return it; None where there is no shared store to tell.

        :param life_s: seconds after which it may be forgotten.
        """
        return await self._asked(lambda store: store.add(amount, life_s, "/".join(key)))

    async def look(self) -> None:
        """Look whether the shared store is there; writing has to work, too."""
        found = await self._tried(lambda store: store.add(1, _LOOK_LIFE_S, "alive"))
        if found is not None and self.problem:
            logger.warning("limits are shared again: %s is back", self._place)
            self.problem = ""

    async def close(self) -> None:
        """Close the connections."""
        if self._shared is not None:
            await self._shared.close()

    async def _asked(self, ask: Callable[[RedisCounts], Awaitable[_T]]) -> _T | None:
        """Return what the shared store says; None where there is none, or it is away."""
        return None if self.problem else await self._tried(ask)

    async def _tried(self, ask: Callable[[RedisCounts], Awaitable[_T]]) -> _T | None:
        """Return what the shared store says, also where it was away the last time."""
        if self._shared is None:
            return None
        try:
            async with asyncio.timeout(STORE_TIMEOUT_S):
                return await ask(self._shared)
        except self._shared.failures as error:
            reason = str(error) or f"no answer in {STORE_TIMEOUT_S:g} s"
        if not self.problem:
            self.failures += 1
            logger.warning(
                "limits are counted in this process alone: %s does not work (%s)",
                self._place,
                reason,
            )
        self.problem = f"{self._place}: {reason}; limits are counted in this process alone"
        return None


def _shared_counts(uri: str, told: str) -> RedisCounts | None:
    """Return the store of an address; None for this process's memory."""
    bare = uri.removeprefix("async+")
    scheme, colon, _ = bare.partition("://")
    if scheme == "memory" and colon:
        return None
    if scheme in _SHARED and colon:
        return RedisCounts(bare, told, STORE_TIMEOUT_S)
    raise SettingsError(
        f"setting rate_limit_storage = {told!r}: give memory://, or the address of a Redis such "
        "as redis://127.0.0.1:6379"
    )


def _told_place(uri: str) -> str:
    """Return a store's address without the password that may be in it."""
    scheme, colon, rest = uri.partition("://")
    return f"{scheme}{colon}{rest.rpartition('@')[2].partition('?')[0]}"
