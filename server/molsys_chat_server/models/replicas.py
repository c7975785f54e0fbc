"""One replica of a model: how it does, and whether it is asked."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from molsys_chat_server.errors import (
    ModelContextError,
    ModelError,
    ModelStatusError,
    ModelUnavailableError,
)
from molsys_chat_server.models.chunks import Piece
from molsys_chat_server.models.roles import Absence, Role
from molsys_chat_server.models.server import ModelServer
from molsys_chat_server.question.prompt import PromptMessage

logger = logging.getLogger(__name__)

_LONGEST_PAUSE_S = 300.0
"""Seconds after which a failing server is tried again at the latest."""

_REQUEST_AT_FAULT = frozenset({400, 413, 422})
"""Statuses that blame the request: any other replica would answer the same."""


class ReplicaState(StrEnum):
    """Whether a replica is asked."""

    IN = "in"
    """It is."""
    TRIAL = "trial"
    """It failed and its pause is over: one answer tries it."""
    OUT = "out"
    """It is left alone."""


def is_request_at_fault(error: ModelError) -> bool:
    """Return whether an error says nothing against the server that told it."""
    return isinstance(error, ModelContextError) or (
        isinstance(error, ModelStatusError) and error.status in _REQUEST_AT_FAULT
    )


class Breaker:
    """Leaves out what fails: after failures in a row, for pauses that double.

    :param absence: after how many failures, and how long first.
    """

    def __init__(self, absence: Absence) -> None:
        self._absence = absence
        self._failures = 0
        self._openings = 0
        self._until = 0.0
        self._open = False
        self._tried = False
        self._unreachable = False

    @property
    def state(self) -> ReplicaState:
        """Whether it lets an answer pass now."""
        if not self._open:
            return ReplicaState.IN
        if self._tried or time.monotonic() < self._until:
            return ReplicaState.OUT
        return ReplicaState.TRIAL

    def begin(self) -> None:
        """Note that an answer is tried; while it is the first after a pause, no other is."""
        self._tried = self._open

    def give_up(self) -> None:
        """Note that the answer ended without telling anything, since its reader left."""
        self._tried = False

    def answered(self) -> None:
        """Note that something came: a pause is over, but the next failure begins a longer one."""
        if self._open:
            self._open = self._tried = False
            self._failures = self._absence.failures - 1

    def succeed(self) -> None:
        """Note a whole answer: all is forgiven."""
        self._open = self._tried = False
        self._failures = self._openings = 0

    def fail(self, error: ModelError) -> None:
        """Note a failure; who cannot be reached at all is left out at once."""
        self._unreachable = isinstance(error, ModelUnavailableError)
        self._failures += 1
        enough = self._unreachable or self._failures >= self._absence.failures
        if self._tried or (enough and not self._open):
            pause = min(self._absence.pause_s * 2**self._openings, _LONGEST_PAUSE_S)
            self._until = time.monotonic() + pause
            self._openings = min(self._openings + 1, 16)
            self._open = True
        self._tried = False

    def reached(self) -> None:
        """Note that the server is there: who was left out for being away may be tried now."""
        if self._unreachable:
            self._until = 0.0


@dataclass(frozen=True, slots=True)
class ReplicaStatus:
    """How a replica does, for whoever looks."""

    role: str
    """Whose model it serves."""
    place: str
    """Host, port and path of its server."""
    state: ReplicaState
    """Whether it is asked."""
    outstanding: int
    """Answers that it writes now."""
    picked: int
    """Answers that it was given so far."""
    failures: Mapping[str, int]
    """How often it failed so far, by error code."""
    problem: str
    """What is wrong, in the server's own words too; empty where nothing is."""
    last_error: str
    """What went wrong last, though an answer may have come since; empty where nothing has."""
    last_error_at: str
    """When that was, in ISO 8601 and UTC; empty where nothing went wrong."""

    def to_json(self) -> dict[str, Any]:
        """Return what ``/readyz`` says of it."""
        return {
            "role": self.role,
            "server": self.place,
            "state": self.state.value,
            "outstanding": self.outstanding,
            "picked": self.picked,
            "failures": sum(self.failures.values()),
            "problem": self.problem,
            "last_error": self.last_error,
            "last_error_at": self.last_error_at,
        }


class Replica:
    """A model server and what is known of it.

    :param url: the server's base URL.
    :param role: what it is asked for.
    """

    def __init__(self, url: str, role: Role) -> None:
        self.server = ModelServer(url, role)
        self.outstanding = 0
        """Answers that it writes now."""
        self.problem = ""
        """What is wrong; empty where nothing is."""
        self._last_error = self._last_error_at = ""
        self._role = role
        self._breaker = Breaker(role.absence)
        self._absent = False
        self._picked = 0
        self._failures: Counter[str] = Counter()

    @property
    def state(self) -> ReplicaState:
        """Whether it is asked."""
        return ReplicaState.OUT if self._absent else self._breaker.state

    @property
    def status(self) -> ReplicaStatus:
        """How it does."""
        return ReplicaStatus(
            self._role.name,
            self.server.place,
            self.state,
            self.outstanding,
            self._picked,
            dict(self._failures),
            self.problem,
            self._last_error,
            self._last_error_at,
        )

    def take(self) -> None:
        """Give it an answer to write."""
        self.outstanding += 1
        self._picked += 1
        self._breaker.begin()

    def release(self) -> None:
        """Note that the answer has ended."""
        self.outstanding -= 1
        self._breaker.give_up()

    async def write(
        self, messages: Sequence[PromptMessage], extra: Mapping[str, Any]
    ) -> AsyncGenerator[Piece]:
        """Yield what its model writes, and remember how it went.

        :raises ModelError: if the answer does not come, or does not come whole.
        """
        try:
            async with aclosing(self.server.write(messages, extra)) as pieces:
                async for piece in pieces:
                    if piece.alive:
                        self._breaker.answered()
                    yield piece
        except ModelError as error:
            self._note(error)
            raise
        self._breaker.succeed()
        self.problem = ""

    async def check(self) -> None:
        """Ask whether the server is well; who is not is left out until it is."""
        try:
            await self.server.check()
        except ModelError as error:
            if not self._absent:
                logger.warning("%s: %s; it is left out", self._role.name, error.report)
            self._absent = True
            self._remember(error)
            return
        if self._absent:
            logger.info("%s: %s is well again", self._role.name, self.server.place)
        self._absent = False
        self._breaker.reached()
        if self._breaker.state is ReplicaState.IN:
            self.problem = ""

    def _note(self, error: ModelError) -> None:
        self._failures[error.code] += 1
        self._remember(error)
        logger.warning("%s: %s", self._role.name, error.report)
        if is_request_at_fault(error):
            return
        self._breaker.fail(error)
        if isinstance(error, ModelStatusError):
            self.server.forget()

    def _remember(self, error: ModelError) -> None:
        self.problem = self._last_error = error.report
        self._last_error_at = datetime.now(UTC).isoformat(timespec="seconds")


async def check_all(replicas: Sequence[Replica]) -> None:
    """Look at all replicas at once."""
    await asyncio.gather(*(replica.check() for replica in replicas))
