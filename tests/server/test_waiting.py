"""Whose turn it is: a client with many questions does not keep others waiting."""

import asyncio

from molsys_chat_server.models.waiting import FairQueue, Waiter
from molsys_chat_server.question.reader import Reader


def queue_of(*clients: str, urgent: str = "") -> FairQueue[str]:
    queue: FairQueue[str] = FairQueue()
    for n, client in enumerate(clients):
        waiter = Waiter[str](Reader(client, f"{client}{n}"), frozenset())
        queue.add(waiter, urgent=client == urgent)
    return queue


def served(queue: FairQueue[str]) -> list[str]:
    """Serve one after the other; return their conversations."""
    order = []
    while len(queue):
        waiter = next(queue.in_turn())
        queue.remove(waiter, served=True)
        order.append(waiter.reader.conversation)
    return order


def test_clients_take_turns() -> None:
    async def main() -> None:
        assert served(queue_of("a", "a", "a", "b", "c", "b")) == [
            "a0",
            "b3",
            "c4",
            "a1",
            "b5",
            "a2",
        ]

    asyncio.run(main())


def test_what_is_urgent_goes_first() -> None:
    async def main() -> None:
        assert served(queue_of("a", "b", "c", urgent="c")) == ["c2", "a0", "b1"]

    asyncio.run(main())


def test_order_of_all_who_wait_is_the_order_in_which_they_are_served() -> None:
    async def main() -> None:
        queue = queue_of("a", "a", "b", "a", "c", "c")
        order = [waiter.reader.conversation for waiter in queue.in_turn()]
        assert order == served(queue)

    asyncio.run(main())


def test_who_leaves_is_no_more_in_the_queue() -> None:
    async def main() -> None:
        queue = queue_of("a", "a", "b")
        leaver = next(queue.in_turn())
        queue.remove(leaver)
        queue.remove(leaver)
        assert len(queue) == 2
        assert served(queue) == ["a1", "b2"]

    asyncio.run(main())
