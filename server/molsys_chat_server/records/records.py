"""What a running service keeps: votes at once, answers a little later, nothing for too long."""

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable
from datetime import UTC, datetime
from typing import Any, ParamSpec, TypeVar

from anyio import fail_after, to_thread

from molsys_chat_server.errors import RecordsError
from molsys_chat_server.events import Event
from molsys_chat_server.metrics import Metrics
from molsys_chat_server.question.request import ChatRequest
from molsys_chat_server.records.answers import AnswerRecord, Vote, clean, hour, record_answer
from molsys_chat_server.records.store import RecordStore
from molsys_chat_server.threads import Kind, thread_places

logger = logging.getLogger(__name__)

_P = ParamSpec("_P")
_T = TypeVar("_T")

MOST_WAITING = 1000
"""Answers that wait to be written at most: about 5 MB. More are dropped, and counted."""
_AT_ONCE = 200
"""Answers that are written in one transaction."""
_GATHER_S = 0.2
"""Seconds for which answers are gathered before they are written together."""
_PAUSES_S = (1.0, 2.0, 5.0, 15.0)
"""Seconds after which a database that failed is tried again; the last one from then on."""
_LONGEST_S = 10.0
"""Seconds that the database may take for a vote, and for what waits when the service stops."""
LOOK_S = 5.0
"""Seconds between two looks whether a purge is due, or the database back."""
_PURGE_S = 3600.0
"""Seconds between two purges."""


class _Call:
    """Something that runs in a thread, and whether it has ended."""

    def __init__(self) -> None:
        self.ended = False

    def watched(self, function: Callable[[], _T]) -> _T:
        try:
            return function()
        finally:
            self.ended = True


class Records:
    """The store of a running service, beside its event loop.

    A vote is stored when the reader is told so. An answer's record waits in a bounded queue: its
    reader never waits for a database.

    :param store: where it is kept.
    :param metrics: where it is counted.
    """

    def __init__(self, store: RecordStore, metrics: Metrics) -> None:
        self.problem = ""
        """Why the database cannot be used now; empty where it can."""
        self.dropped = 0
        """Answers that were not kept, since too many waited."""
        self._store = store
        self._metrics = metrics
        self._waiting: deque[AnswerRecord] = deque()
        self._wake = asyncio.Event()
        self._failures = 0
        self._hanging: _Call | None = None
        self._purge_at = 0.0
        metrics.records_waiting.set_function(lambda: len(self._waiting))

    async def vote(self, answer_id: str, vote: str, comment: str, model: str, days: int) -> None:
        """Store a vote; when this returns it outlives a killed process.

        :param days: for how many days questions are kept; the vote goes when they do.
        :raises RecordsError: if it cannot be stored now.
        """
        now = datetime.now(UTC)
        at = hour(now) if days else now.isoformat(timespec="seconds")
        stored = Vote(answer_id, vote, clean(comment), at, clean(model), passing=bool(days))
        await self._run(self._store.add_vote, stored)

    async def noted(
        self, asked: ChatRequest, answer: AsyncGenerator[Event]
    ) -> AsyncGenerator[Event]:
        """Pass an answer's events on, and keep it when it ends, however it does."""
        began = datetime.now(UTC)
        events: list[Event] = []
        try:
            async with contextlib.aclosing(answer):
                async for event in answer:
                    events.append(event)
                    yield event
        finally:
            if record := record_answer(asked, events, began):
                self._keep(record)

    def _keep(self, record: AnswerRecord) -> None:
        if len(self._waiting) < MOST_WAITING:
            self._waiting.append(record)
            self._wake.set()
            return
        if not self.dropped:
            logger.error("answers are not kept: %s wait to be stored already", MOST_WAITING)
        self.dropped += 1
        self._metrics.records.labels("dropped").inc()

    async def write(self) -> None:
        """Write what waits, as soon as something does; after a failure, pause."""
        await self._wake.wait()
        await asyncio.sleep(_GATHER_S)
        try:
            await self._write_all()
        except RecordsError:
            await asyncio.sleep(_PAUSES_S[min(self._failures, len(_PAUSES_S)) - 1])

    async def look(self, days: int) -> None:
        """Purge where that is due; where the database was away, see whether it is back.

        :param days: for how many days questions are kept.
        """
        if not self.problem and time.monotonic() < self._purge_at:
            return
        with contextlib.suppress(RecordsError):  # it is logged, and told as the problem
            now, removed = datetime.now(UTC), 0
            while step := await self._run(self._store.remove_old, now, days):
                removed += step
            await self._aside(self._store.forget)  # it may take its time; votes do not wait for it
            self._purge_at = time.monotonic() + _PURGE_S
            if removed:
                logger.info("%s answers and votes were older than %s days: removed", removed, days)

    async def close(self) -> None:
        """Write what waits, for as long as that may take, and let go of the database."""
        with contextlib.suppress(RecordsError):
            await self._write_all()
        if self._waiting:
            logger.error("%s answers could not be stored before the end", len(self._waiting))
        with contextlib.suppress(RecordsError):
            await self._in_time(self._store.close)

    def readiness(self) -> dict[str, Any]:
        """Return how it does, as ``/readyz`` says it."""
        return {
            "ok": not self.problem,
            "problem": self.problem,
            "waiting": len(self._waiting),
            "dropped": self.dropped,
        }

    async def _write_all(self) -> None:
        """Write all that waits.

        :raises RecordsError: if the database cannot be used; what was not written waits on.
        """
        while self._waiting:
            batch = [self._waiting[n] for n in range(min(_AT_ONCE, len(self._waiting)))]
            await self._run(self._store.add_answers, batch)
            for _ in batch:
                self._waiting.popleft()
            self._metrics.records.labels("stored").inc(len(batch))
        self._wake.clear()

    async def _run(self, function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Return what the store does in a thread, and note how it went.

        :raises RecordsError: if it fails, or takes too long.
        """
        try:
            done = await self._in_time(lambda: function(*args, **kwargs))
        except RecordsError as error:
            self._note(error)
            raise
        if self.problem:
            logger.warning("%s is back", self._store.place)
        self.problem, self._failures = "", 0
        self._metrics.records_up.set(1)
        return done

    async def _in_time(self, function: Callable[[], _T]) -> _T:
        """Return what a function returns in a thread; while one hangs, no other is begun.

        :raises RecordsError: if it fails, or takes too long.
        """
        if self._hanging is not None and not self._hanging.ended:
            raise RecordsError(f"{self._store.place} does not answer")
        call = _Call()
        try:
            with fail_after(_LONGEST_S):
                return await self._aside(lambda: call.watched(function))
        except TimeoutError as error:
            self._hanging = call
            raise RecordsError(f"{self._store.place} did not answer in {_LONGEST_S:g} s") from error

    async def _aside(self, function: Callable[[], _T]) -> _T:
        """Return what a function returns in a thread; who waits for it may leave before its end."""
        return await to_thread.run_sync(
            function, limiter=thread_places()[Kind.STORE], abandon_on_cancel=True
        )

    def _note(self, error: RecordsError) -> None:
        if not self.problem:
            logger.error("votes and answers are not stored now: %s", error)
        self.problem = str(error)
        self._failures += 1
        self._metrics.records_up.set(0)
