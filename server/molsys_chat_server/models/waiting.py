"""The queue before the model: bounded, and fair between clients."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from molsys_chat_server.question.reader import Reader

_T = TypeVar("_T")


@dataclass(eq=False, slots=True)
class Waiter(Generic[_T]):
    """An answer that waits for a place."""

    reader: Reader
    """Whose answer it is."""
    avoid: frozenset[_T]
    """What it must not be given, since it failed there."""
    granted: asyncio.Future[_T] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )
    """What it is given."""


class FairQueue(Generic[_T]):
    """Waiters in turn: one of each client, then the next of each, and so on.

    A client with many questions waits behind its own, not others behind them. What is urgent goes
    before all: an answer that lost its place through no fault of its reader.
    """

    def __init__(self) -> None:
        self._urgent: deque[Waiter[_T]] = deque()
        self._clients: OrderedDict[str, deque[Waiter[_T]]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._urgent) + sum(map(len, self._clients.values()))

    def add(self, waiter: Waiter[_T], *, urgent: bool = False) -> None:
        """Put a waiter behind those of its client."""
        if urgent:
            self._urgent.append(waiter)
        else:
            self._clients.setdefault(waiter.reader.client, deque()).append(waiter)

    def in_turn(self) -> Iterator[Waiter[_T]]:
        """Yield the waiters in the order in which they are served; change nothing meanwhile."""
        yield from self._urgent
        longest = max(map(len, self._clients.values()), default=0)
        for round_ in range(longest):
            for waiters in self._clients.values():
                if round_ < len(waiters):
                    yield waiters[round_]

    def remove(self, waiter: Waiter[_T], *, served: bool = False) -> None:
        """Take a waiter out, if it is there still; a client that was served goes to the end."""
        if waiter in self._urgent:
            self._urgent.remove(waiter)
        client = waiter.reader.client
        waiters = self._clients.get(client, deque())
        if waiter not in waiters:
            return
        waiters.remove(waiter)
        if not waiters:
            del self._clients[client]
        elif served:
            self._clients.move_to_end(client)
