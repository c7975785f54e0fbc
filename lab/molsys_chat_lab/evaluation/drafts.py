"""Asking for answers while keeping what the model writes before it is checked."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any

from molsys_chat_lab.errors import EvaluationError
from molsys_chat_rag.index import Index
from molsys_chat_server.answer.answering import stream_answer
from molsys_chat_server.events import ErrorEvent, joined_json
from molsys_chat_server.models.chat_model import ChatModel, Piece, Place
from molsys_chat_server.models.models import Models
from molsys_chat_server.models.pool import ReplicaPool
from molsys_chat_server.models.replicas import Replica
from molsys_chat_server.models.roles import Role
from molsys_chat_server.models.tokens import ModelTokens
from molsys_chat_server.question.prompt import PromptMessage
from molsys_chat_server.question.reader import Reader
from molsys_chat_server.question.request import ChatRequest
from molsys_chat_server.question.request import Message as Turn
from molsys_chat_server.settings import Settings


class _KeepingPlace(Place):
    """A place at a replica that keeps what is written there."""

    def __init__(
        self,
        pool: ReplicaPool,
        reader: Reader,
        replica: Replica,
        tokens: ModelTokens,
        drafts: list[str],
    ) -> None:
        super().__init__(pool, reader, replica, tokens)
        self._drafts = drafts

    async def write(
        self, messages: Sequence[PromptMessage], extra: Mapping[str, Any]
    ) -> AsyncGenerator[Piece]:
        self._drafts.append("")
        async with aclosing(super().write(messages, extra)) as pieces:
            async for piece in pieces:
                self._drafts[-1] += piece.text
                yield piece


class _KeepingModel(ChatModel):
    """A model whose drafts are kept."""

    def __init__(self, role: Role) -> None:
        super().__init__(role)
        self.drafts: list[str] = []

    @asynccontextmanager
    async def place(self, reader: Reader | None = None) -> AsyncGenerator[Place]:
        whose = reader or Reader()
        replica = await self.pool.acquire(whose)
        place = _KeepingPlace(self.pool, whose, replica, self.tokens, self.drafts)
        try:
            yield place
        finally:
            place.leave()


class DraftKeeper:
    """Answers questions from one index; of each answer it keeps what its model wrote.

    :param settings: who writes; where they name none, answers are quoted.
    """

    def __init__(self, index: Index, settings: Settings) -> None:
        self._index = index
        self._settings = settings
        self._models = Models(settings)
        if self._models.main is not None:
            self._models.main = _KeepingModel(self._models.main.role)

    @property
    def model_name(self) -> str:
        """The model that writes; empty without one, or before it is known."""
        return self._models.main.label if self._models.main else ""

    async def answer(
        self, question: str, history: Sequence[str] = ()
    ) -> tuple[dict[str, Any], list[str]]:
        """Return the JSON answer, and what the model wrote for it, a draft a try.

        :param history: what the reader asked before, oldest first.
        :raises EvaluationError: if the answer fails.
        """
        model = self._models.main
        if isinstance(model, _KeepingModel):
            model.drafts.clear()
        turns = tuple(Turn(role="user", content=asked) for asked in (*history, question))
        request = ChatRequest(messages=turns)
        answer = stream_answer(self._index, request, self._settings, models=self._models)
        async with aclosing(answer) as stream:
            events = [event async for event in stream]
        for event in events:
            if isinstance(event, ErrorEvent):
                raise EvaluationError(f"no answer: {event.message} ({event.code})")
        drafts = list(model.drafts) if isinstance(model, _KeepingModel) else []
        return joined_json(events), drafts

    def count(self, text: str) -> int:
        """Return a text's length in the model's tokens, as well as that is known."""
        model = self._models.main
        return model.tokens.counter()(text) if model is not None else len(text.split())

    async def aclose(self) -> None:
        """Close the connections to the model's server."""
        await self._models.close()
