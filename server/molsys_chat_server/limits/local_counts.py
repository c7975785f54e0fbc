"""Counts of this process alone."""

import math
import time
from collections.abc import Callable

Clock = Callable[[], float]
"""Returns seconds."""

_MINUTE_S = 60


class LocalCounts:
    """Counts requests in a sliding window of a minute, by two fixed ones.

    Who asks from many addresses makes many counts: they are dropped all at once, a minute's in one
    step, and nothing is ever searched. (The memory storage of ``limits`` looks through all of them
    at each request: 43 ms where there are 100,000.)

    :param clock: seconds of a clock that does not jump.
    """

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._minute = 0
        self._now: dict[str, int] = {}
        self._before: dict[str, int] = {}

    async def take(self, per_minute: int, key: str) -> int:
        """Take one of so many a minute; return 0, or the seconds until there is one again."""
        left = 1 - self._turn()
        now, before = self._now.get(key, 0), self._before.get(key, 0)
        if now + before * left < per_minute:
            self._now[key] = now + 1
            return 0
        free = (per_minute - now) / before if now < per_minute else 0.0
        return min(max(1, 1 + math.floor(round((left - free) * _MINUTE_S, 6))), _MINUTE_S)

    def _turn(self) -> float:
        """Go on to the minute that it is; return the share of it that has passed."""
        minute, passed = divmod(self._clock(), _MINUTE_S)
        if minute != self._minute:
            self._before = self._now if minute == self._minute + 1 else {}
            self._now = {}
            self._minute = int(minute)
        return passed / _MINUTE_S
