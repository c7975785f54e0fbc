"""The replicas of one model: which one writes the next answer, and who waits for it."""

import asyncio
import contextlib
import math
import time
from collections.abc import Iterator, Sequence

from molsys_chat_server.errors import ModelBusyError, ModelUnavailableError, UnavailableError
from molsys_chat_server.models.replicas import Replica, ReplicaState
from molsys_chat_server.models.roles import Role
from molsys_chat_server.models.waiting import FairQueue, Waiter
from molsys_chat_server.question.reader import Reader, hashed_share

_TIMES_KEPT = 0.9
"""The weight of what is known when another answer's time is added to the mean."""

_FIRST_TIME_S = 5.0
"""Seconds that an answer is taken to need before one was timed."""

_LONGEST_RETRY_AFTER_S = 60

_NO_REPLICA: frozenset[Replica] = frozenset()


class ReplicaPool:
    """Spreads answers over replicas.

    A conversation goes to the replica that its hash prefers (highest random weight, Thaler and
    Ravishankar 1998), whose prefix cache knows its beginning; when a replica goes, only its own
    conversations move. Where the preferred one has clearly more to do than the least busy one,
    that one is taken.

    :param role: their servers, their places, and the length of the queue.
    """

    def __init__(self, role: Role) -> None:
        self.replicas = tuple(Replica(url, role) for url in role.urls)
        self.waited_s = 0.0
        """Seconds that answers have waited here, all together."""
        self.waits = 0
        """How many answers were given a place."""
        self.refused = 0
        """How many were refused because the queue was full."""
        self._role = role
        self._slack = max(2, role.concurrency // 4)
        self._tickets = 0
        self._queue: FairQueue[Replica] = FairQueue()
        self._answer_s = _FIRST_TIME_S

    @property
    def waiting(self) -> int:
        """How many answers wait now."""
        return len(self._queue)

    @contextlib.contextmanager
    def ticket(self) -> Iterator[None]:
        """Let an answer in, to take or wait for a place until the end of the ``with``.

        :raises UnavailableError: if as many are in as may be written and may wait.
        """
        places = self._role.concurrency * len(self._present(_NO_REPLICA))
        if places and self._tickets >= places + self._role.queue_length:
            self.refused += 1
            raise UnavailableError(
                "too many questions are waiting for the model: ask again in a moment",
                code="busy",
                retry_after_s=self._retry_after(places),
            )
        self._tickets += 1
        try:
            yield
        finally:
            self._tickets -= 1

    async def acquire(
        self, reader: Reader, *, avoid: frozenset[Replica] = _NO_REPLICA, urgent: bool = False
    ) -> Replica:
        """Return a replica that writes one more answer; :meth:`release` it afterwards.

        :param avoid: replicas where this answer failed before.
        :param urgent: whether it goes before all who wait.
        :raises ModelUnavailableError: if no replica is asked at present.
        :raises ModelBusyError: if none came free in time.
        """
        waiter = Waiter(reader, avoid)
        began = time.monotonic()
        self._queue.add(waiter, urgent=urgent)
        self.dispatch()
        try:
            async with asyncio.timeout(self._role.waits.queue_s):
                replica = await waiter.granted
        except TimeoutError as error:
            self._withdraw(waiter)
            raise ModelBusyError(
                f"no place at {self._role.name} came free in {self._role.waits.queue_s:g} s"
            ) from error
        except asyncio.CancelledError:
            self._withdraw(waiter)
            raise
        self.waits += 1
        self.waited_s += time.monotonic() - began
        return replica

    def release(self, replica: Replica, written_s: float = 0.0) -> None:
        """Give a place back.

        :param written_s: how long its answer took; 0 where that says nothing.
        """
        if written_s:
            self._answer_s = _TIMES_KEPT * self._answer_s + (1 - _TIMES_KEPT) * written_s
        replica.release()
        self.dispatch()

    def dispatch(self) -> None:
        """Give free places to those who wait, each in turn; send away whom nobody can serve."""
        for waiter in list(self._queue.in_turn()):
            present = self._present(waiter.avoid)
            if not present:
                self._queue.remove(waiter)
                waiter.granted.set_exception(ModelUnavailableError(self._told()))
                continue
            replica = self._pick(waiter.reader.conversation, present)
            if replica is not None:
                self._queue.remove(waiter, served=True)
                replica.take()
                waiter.granted.set_result(replica)

    def _pick(self, conversation: str, present: Sequence[Replica]) -> Replica | None:
        free = [each for each in present if each.outstanding < self._role.concurrency]
        if not free:
            return None
        preferred = max(present, key=lambda each: hashed_share(conversation, each.server.url))
        least = min(free, key=lambda each: each.outstanding)
        near = preferred.outstanding <= least.outstanding + self._slack
        return preferred if preferred in free and near else least

    def _present(self, avoid: frozenset[Replica]) -> list[Replica]:
        return [
            each
            for each in self.replicas
            if each.state is not ReplicaState.OUT and each not in avoid
        ]

    def _withdraw(self, waiter: Waiter[Replica]) -> None:
        self._queue.remove(waiter)
        granted = waiter.granted
        if granted.done() and not granted.cancelled() and granted.exception() is None:
            self.release(granted.result())

    def _told(self) -> str:
        problems = [each.problem for each in self.replicas if each.problem]
        return f"{problems[0] if problems else 'no model server'}; it is not asked again yet"

    def _retry_after(self, places: int) -> int:
        expected = math.ceil((self.waiting + 1) * self._answer_s / places)
        return min(max(expected, 1), _LONGEST_RETRY_AFTER_S)
