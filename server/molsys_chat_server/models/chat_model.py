"""Asking a model: an answer's place at one of its replicas, and what it writes there."""

import contextlib
import json
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any

from molsys_chat_server.checking.reasoning import without_reasoning
from molsys_chat_server.errors import ModelError, ModelGarbageError, ModelUnavailableError
from molsys_chat_server.events import TokenUsage
from molsys_chat_server.models.chunks import Piece
from molsys_chat_server.models.pool import ReplicaPool
from molsys_chat_server.models.replicas import Replica, ReplicaState, check_all, is_request_at_fault
from molsys_chat_server.models.roles import Role
from molsys_chat_server.models.tokens import ModelTokens
from molsys_chat_server.question.prompt import PromptMessage
from molsys_chat_server.question.reader import Reader

__all__ = ["ChatModel", "Piece", "Place"]

_MOST_TRIES = 3
"""Replicas that one answer is tried at: its reader is waiting."""

_NOBODY = Reader()


class ChatModel:
    """A model with one or more replicas.

    :param role: where it is and how it is asked.
    :raises SettingsError: if its vocabulary is not there or cannot be read.
    """

    def __init__(self, role: Role) -> None:
        self.role = role
        self.pool = ReplicaPool(role)
        self.tokens = ModelTokens(role.tokenizer, self.count)

    @property
    def name(self) -> str:
        """The model that is asked; empty as long as no server has said."""
        names = [replica.server.name for replica in self.pool.replicas]
        return next(filter(None, names), "")

    @property
    def label(self) -> str:
        """How its answers are labelled."""
        return self.role.label or self.name

    @property
    def context_length(self) -> int:
        """Tokens that prompt and answer may have together; 0 where nobody has said."""
        known = [replica.server.context_length for replica in self.pool.replicas]
        return min(filter(None, known), default=0)

    @property
    def problem(self) -> str:
        """What is wrong with one of its replicas; empty where nothing is."""
        return next(filter(None, (replica.problem for replica in self.pool.replicas)), "")

    @property
    def is_up(self) -> bool:
        """Whether any replica is asked."""
        return any(each.state is not ReplicaState.OUT for each in self.pool.replicas)

    async def close(self) -> None:
        """Close the connections."""
        for replica in self.pool.replicas:
            await replica.server.close()

    async def check(self) -> None:
        """Look at every replica; those who wait learn of what has changed."""
        await check_all(self.pool.replicas)
        self.pool.dispatch()

    @asynccontextmanager
    async def place(self, reader: Reader = _NOBODY) -> AsyncGenerator["Place"]:
        """Give a place at a replica, waited for in turn, for all that one answer needs.

        :raises ModelUnavailableError: if no replica is asked at present.
        :raises ModelBusyError: if no place came free in time.
        """
        place = Place(self.pool, reader, await self.pool.acquire(reader), self.tokens)
        try:
            yield place
        finally:
            place.leave()

    async def stream(
        self,
        messages: Sequence[PromptMessage],
        *,
        begun: str = "",
        bad_words: Sequence[str] = (),
        reader: Reader = _NOBODY,
    ) -> AsyncGenerator[Piece]:
        """Yield one answer; see :meth:`Place.stream`.

        :raises ModelError: if the answer does not come, or does not come whole.
        """
        async with (
            self.place(reader) as place,
            aclosing(place.stream(messages, begun=begun, bad_words=bad_words)) as pieces,
        ):
            async for piece in pieces:
                yield piece

    async def choose(self, messages: Sequence[PromptMessage], choices: Sequence[str]) -> str:
        """Return which of some words the model answers with.

        The server is told to allow nothing else (vLLM's structured outputs); one that does not
        know this may answer with a sentence that begins with the word.

        :raises ModelError: if it answers with none of them, or not at all.
        """
        extra = {"structured_outputs": {"choice": list(choices)}}
        text = (await self._ask(messages, extra)).strip().strip("\"'`*").casefold()
        for choice in sorted(choices, key=len, reverse=True):
            if text.startswith(choice.casefold()):
                return choice
        raise ModelGarbageError(f"{self.role.name} answered with none of {', '.join(choices)}")

    async def fill(
        self, messages: Sequence[PromptMessage], schema: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return the JSON object that the model answers with, as a JSON schema describes it.

        :raises ModelError: if it answers with something else, or not at all.
        """
        text = await self._ask(messages, {"structured_outputs": {"json": dict(schema)}})
        with contextlib.suppress(json.JSONDecodeError):
            filled = json.loads(text)
            if isinstance(filled, dict):
                return filled
        raise ModelGarbageError(f"{self.role.name} answered with something that is no JSON object")

    async def count(self, prompt: str | Sequence[PromptMessage]) -> int:
        """Return a length in tokens as a server counts it, a chat template included.

        :raises ModelError: if none can tell.
        """
        present = [each for each in self.pool.replicas if each.state is not ReplicaState.OUT]
        if not present:
            raise ModelUnavailableError("no model server is asked at present")
        return await present[0].server.count(prompt)

    async def _ask(self, messages: Sequence[PromptMessage], extra: Mapping[str, Any]) -> str:
        async with self.place() as place, aclosing(place.write(messages, extra)) as pieces:
            return without_reasoning("".join([piece.text async for piece in pieces]))


class Place:
    """One answer's place at a replica; it moves to another where the first one fails early.

    :param pool: the replicas.
    :param reader: whose answer it is.
    :param replica: where the place is.
    :param tokens: counts what a server does not tell of.
    """

    def __init__(
        self, pool: ReplicaPool, reader: Reader, replica: Replica, tokens: ModelTokens
    ) -> None:
        self.usage: TokenUsage | None = None
        """What the model read and wrote so far; None before it wrote anything."""
        self._pool = pool
        self._reader = reader
        self._replica: Replica | None = replica
        self._tokens = tokens
        self._began = time.monotonic()

    async def stream(
        self,
        messages: Sequence[PromptMessage],
        *,
        begun: str = "",
        bad_words: Sequence[str] = (),
    ) -> AsyncGenerator[Piece]:
        """Yield the model's answer as it is written; the last piece says why it ends.

        Close the generator to stop the model. A failure before the first text is tried again at
        another replica.

        :param begun: the beginning of the answer, which the model goes on from; it is not yielded.
        :param bad_words: what the model must not write.
        :raises ModelError: if the answer does not come, or does not come whole.
        """
        extra: dict[str, Any] = {}
        asked = list(messages)
        if begun:
            asked.append({"role": "assistant", "content": begun})
            extra |= {"continue_final_message": True, "add_generation_prompt": False}
        if bad_words:
            extra["bad_words"] = list(bad_words)
        async with aclosing(self.write(asked, extra)) as pieces:
            async for piece in pieces:
                yield piece

    async def write(
        self, messages: Sequence[PromptMessage], extra: Mapping[str, Any]
    ) -> AsyncGenerator[Piece]:
        """Yield what the model writes, with further members in the request.

        :raises ModelError: if the answer does not come, or does not come whole.
        """
        tried: frozenset[Replica] = frozenset()
        while True:
            replica = await self._settle(tried)
            released = False
            try:
                async with aclosing(self._counted(replica, messages, extra)) as pieces:
                    async for piece in pieces:
                        released = released or bool(piece.text)
                        yield piece
                return
            except ModelError as error:
                tried |= {replica}
                if released or is_request_at_fault(error) or not self._may_move(tried):
                    raise

    def leave(self) -> None:
        """Give the place back."""
        if self._replica is not None:
            self._pool.release(self._replica, time.monotonic() - self._began)
            self._replica = None

    async def _counted(
        self, replica: Replica, messages: Sequence[PromptMessage], extra: Mapping[str, Any]
    ) -> AsyncGenerator[Piece]:
        """Yield what a replica writes, and add up what it cost, however it ends."""
        told: TokenUsage | None = None
        written: list[str] = []
        try:
            async with aclosing(replica.write(messages, extra)) as pieces:
                async for piece in pieces:
                    told = piece.usage or told
                    written.append(piece.text)
                    yield piece
        finally:
            if written:
                cost = told or self._tokens.estimate(messages, "".join(written))
                self.usage = cost if self.usage is None else self.usage + cost

    def _may_move(self, tried: frozenset[Replica]) -> bool:
        return len(tried) < _MOST_TRIES and any(
            each.state is not ReplicaState.OUT and each not in tried for each in self._pool.replicas
        )

    async def _settle(self, tried: frozenset[Replica]) -> Replica:
        """Return the replica to ask, another one after a failure."""
        if self._replica is None or self._replica in tried:
            failed, self._replica = self._replica, None
            if failed is not None:
                self._pool.release(failed)
            self._replica = await self._pool.acquire(self._reader, avoid=tried, urgent=True)
        return self._replica
