"""Answers made in this process, without the service."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from molsys_chat_rag.index import Index
from molsys_chat_server.answer.answering import stream_answer
from molsys_chat_server.events import ErrorEvent, Event
from molsys_chat_server.models.models import Models
from molsys_chat_server.question.request import ask
from molsys_chat_server.settings import Settings
from sphinx_molsys_chat.command.failure import CommandError


class Answerer:
    """Answers questions from one index, with the model that the settings name."""

    def __init__(self, index: Index, settings: Settings) -> None:
        self._index = index
        self._settings = settings
        self._models = Models(settings)

    @property
    def model_name(self) -> str:
        """The model that writes; empty without one, or before it is known."""
        return self._models.main.label if self._models.main else ""

    @property
    def model_url(self) -> str:
        """Where the model is asked; empty without one."""
        return ", ".join(self._models.main.role.urls) if self._models.main else ""

    async def answer(self, question: str) -> AsyncGenerator[Event]:
        """Yield the events of an answer.

        :raises CommandError: if the answer fails.
        """
        events = stream_answer(self._index, ask(question), self._settings, models=self._models)
        async with aclosing(events):
            async for event in events:
                if isinstance(event, ErrorEvent):
                    raise CommandError(f"no answer: {event.message} ({event.code})")
                yield event

    async def aclose(self) -> None:
        """Close the connections to the model's server."""
        await self._models.close()
