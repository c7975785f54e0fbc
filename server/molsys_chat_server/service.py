"""What one running service holds, and the work that it does besides requests."""

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import anyio

from molsys_chat_server.admission import Admission
from molsys_chat_server.feedback import FeedbackStore
from molsys_chat_server.indexes import IndexRegistry, IndexStatus
from molsys_chat_server.metrics import Metrics
from molsys_chat_server.model import ChatModel
from molsys_chat_server.settings import Settings
from molsys_chat_server.tokens import load_counter

logger = logging.getLogger(__name__)

MODEL_CHECK_S = 20.0
"""Seconds between two looks whether the model server answers."""


class Service:
    """The parts that endpoints share.

    :param settings: what the service is told.
    :param registry: opened indexes, whose owner closes them; by default those of the settings.
    :raises SettingsError: if a setting cannot be put to work.
    """

    def __init__(self, settings: Settings, registry: IndexRegistry | None = None) -> None:
        self.settings = settings
        self.metrics = Metrics()
        self.registry = registry or IndexRegistry(settings.indexes)
        self._owns_registry = registry is None
        self.admission = Admission(settings, self.metrics)
        self.counter = load_counter(settings.tokenizer)
        self.model = ChatModel(settings) if settings.model_url else None
        self.feedback: FeedbackStore | None = None
        self.feedback_problem = ""

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Open what the service needs, watch it, and close it at the end."""
        if self.model is not None and not self.counter.exact:
            logger.info("the model's tokens are %s", self.counter.source)
        await self._look_at_indexes()
        await anyio.to_thread.run_sync(self._open_feedback)
        looks = {self._look_at_indexes: self.settings.index_check_s}
        if self.model is not None:
            looks[self.look_at_model] = MODEL_CHECK_S
        tasks = [asyncio.create_task(_repeat(look, pause)) for look, pause in looks.items()]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if self._owns_registry:
                await anyio.to_thread.run_sync(self.registry.close)
            if self.feedback is not None:
                await anyio.to_thread.run_sync(self.feedback.close)
            if self.model is not None:
                await self.model.close()

    async def look_at_model(self) -> None:
        """Ask whether the model server answers, and show it in the metrics."""
        if self.model is not None:
            problem = await self.model.probe()
            self.metrics.model_up.set(0 if problem else 1)

    async def _look_at_indexes(self) -> None:
        await anyio.to_thread.run_sync(self.registry.refresh)
        self.metrics.show_indexes(self.registry.status())

    def _open_feedback(self) -> None:
        path = self.settings.feedback_path
        try:
            self.feedback = FeedbackStore(path)
        except (sqlite3.Error, OSError) as error:
            self.feedback_problem = f"{path} cannot be opened ({error}): set feedback_db to another"
            logger.error("readers' votes are not stored: %s", self.feedback_problem)

    def readiness(self) -> dict[str, Any]:
        """Return which parts work, as ``/readyz`` says it."""
        states = self.registry.status()
        serving = any(state.index is not None for state in states)
        model_problem = self.model.problem if self.model else ""
        problems = [*(s.problem for s in states), model_problem, self.feedback_problem]
        return {
            "ready": serving,
            "degraded": any(problems),
            "indexes": [_index_state(state) for state in states],
            "model": {
                "configured": self.model is not None,
                "ok": self.model is not None and not model_problem,
                "name": self.model.name if self.model else "",
                "problem": model_problem,
                "tokens": self.counter.source,
            },
            "feedback": {"ok": self.feedback is not None, "problem": self.feedback_problem},
        }


def _index_state(state: IndexStatus) -> dict[str, Any]:
    facts = state.index.manifest if state.index is not None else None
    return {
        "folder": str(state.folder),
        "ok": not state.problem,
        "serving": facts is not None,
        "project": facts.project if facts else "",
        "version": facts.version if facts else "",
        "built_at": facts.built_at if facts else "",
        "problem": state.problem,
    }


async def _repeat(look: Callable[[], Awaitable[None]], pause_s: float) -> None:
    """Look now and then; a look that fails is logged and does not end the looking."""
    while True:
        try:
            await look()
        except Exception:
            logger.exception("a look at the service's parts failed")
        await asyncio.sleep(pause_s)
