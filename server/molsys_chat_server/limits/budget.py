"""The model's tokens of a day: what is used, and what is left."""

import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from molsys_chat_server.limits.counts import Counts
from molsys_chat_server.limits.local_counts import Clock

SPENT = "budget_spent"
"""What ``degraded`` says where the day's tokens are used up."""

ALL = "all"
"""The account of all answers together."""

_KEPT_DAYS = 3
"""Days whose accounts are kept, so that a clock that goes back and forth forgets nothing."""

_DAY_S = 86400


@dataclass(slots=True)
class _Account:
    spent: int = 0
    """Tokens that this process used."""
    owed: int = 0
    """Those of them that the shared store was not told of yet."""
    shared: int = 0
    """Tokens that all copies used, as the store said last."""

    @property
    def used(self) -> int:
        return max(self.spent, self.shared + self.owed)


class Budget:
    """Adds up what answers cost, by account and UTC day.

    Charging never waits: the shared store is told, and asked, every second. Until then copies do
    not know what the others used, and where the store is away each goes on with what it knows.

    :param counts: what copies share.
    :param clock: seconds since 1970.
    """

    def __init__(self, counts: Counts, clock: Clock = time.time) -> None:
        self._counts = counts
        self._clock = clock
        self._days: OrderedDict[str, dict[str, _Account]] = OrderedDict()

    def charge(self, tokens: int, *accounts: str) -> None:
        """Note that an answer cost so many tokens."""
        for name in accounts:
            account = self._account(name)
            account.spent += tokens
            account.owed += tokens

    def used(self, account: str) -> int:
        """Return how many tokens were used today."""
        return self._account(account).used

    def accounts(self) -> dict[str, int]:
        """Return the accounts that were charged today, and how many tokens each used."""
        day = self._days.get(self._today(), {})
        return {name: account.used for name, account in day.items()}

    def is_spent(self, limits: Mapping[str, int]) -> bool:
        """Return whether one of several accounts has no tokens left; 0 is no limit."""
        return any(limit and self.used(name) >= limit for name, limit in limits.items())

    async def share(self) -> None:
        """Tell the shared store what was used here, and learn what others used."""
        day = self._today()
        for name, account in list(self._days.get(day, {}).items()):
            owed = account.owed
            total = await self._counts.add(owed, _KEPT_DAYS * _DAY_S, "tokens", day, name)
            if total is None:
                return
            account.owed -= owed
            account.shared = total

    def _account(self, name: str) -> _Account:
        day = self._today()
        accounts = self._days.setdefault(day, {})
        while len(self._days) > _KEPT_DAYS:
            self._days.popitem(last=False)
        return accounts.setdefault(name, _Account())

    def _today(self) -> str:
        return datetime.fromtimestamp(self._clock(), UTC).date().isoformat()
