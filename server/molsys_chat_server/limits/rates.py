"""Limits on requests a minute: whose they are, and what is said when they are reached."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from molsys_chat_server.errors import RateLimitedError
from molsys_chat_server.limits.counts import Counts

LimitName = Literal["client", "session", "new_sessions", "key", "project", "total"]

_TOLD: dict[LimitName, str] = {
    "client": "too many questions: {n} a minute are allowed",
    "session": "too many questions: {n} a minute are allowed",
    "new_sessions": "too many sessions: {n} a minute are given out",
    "key": "too many questions: {n} a minute are allowed with this key",
    "project": "too many questions about this project: {n} a minute are allowed",
    "total": "too many questions from all readers: {n} a minute are allowed",
}


@dataclass(frozen=True, slots=True)
class Rate:
    """A limit that a request counts towards."""

    limit: LimitName
    """Which one."""
    per_minute: int
    """How many requests a minute it allows; 0: any number."""
    whose: str = ""
    """Whom or what it counts."""


async def take(counts: Counts, rates: Iterable[Rate]) -> None:
    """Count a request towards limits, one after the other; what is refused counts no further.

    :raises RateLimitedError: if one of them is reached.
    """
    for rate in rates:
        if not rate.per_minute:
            continue
        wait = await counts.take(rate.per_minute, rate.limit, rate.whose)
        if wait:
            told = _TOLD[rate.limit].format(n=rate.per_minute)
            raise RateLimitedError(
                f"{told}, ask again in {wait} s", limit=rate.limit, retry_after_s=wait
            )
