"""What one running service holds, and the work that it does besides requests."""

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import anyio

from molsys_chat_server.admission.admission import Admission
from molsys_chat_server.answering.answer_id import find_label
from molsys_chat_server.errors import SettingsError
from molsys_chat_server.indexes.registry import IndexRegistry, IndexStatus
from molsys_chat_server.metrics import Metrics
from molsys_chat_server.models.chat_model import ChatModel
from molsys_chat_server.models.metrics import ModelCollector
from molsys_chat_server.models.models import Models
from molsys_chat_server.models.tokens import load_counter
from molsys_chat_server.records.feedback import FeedbackStore
from molsys_chat_server.settings import Settings
from molsys_chat_server.settings.file import SettingsFile, merged_settings

logger = logging.getLogger(__name__)


class Service:
    """The parts that endpoints share.

    :param settings: what the service is told.
    :param registry: opened indexes, whose owner closes them; by default those of the settings.
    :param file: the settings file to follow while the service runs.
    :raises SettingsError: if a setting cannot be put to work.
    """

    def __init__(
        self,
        settings: Settings,
        registry: IndexRegistry | None = None,
        file: SettingsFile | None = None,
    ) -> None:
        self.settings = settings
        self.metrics = Metrics()
        self.registry = registry or IndexRegistry(settings.indexes, settings.reranker)
        self._owns_registry = registry is None
        self.admission = Admission(settings, self.metrics)
        self.models = Models(settings)
        self._retired: list[Models] = []
        self._labels: set[str] = set()
        self._file = file
        self._waiting_for_restart: tuple[str, ...] = ()
        self.feedback: FeedbackStore | None = None
        self.feedback_problem = ""
        self.metrics.registry.register(ModelCollector(lambda: self.models.all))
        self.metrics.settings_up.set(1)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Open what the service needs, watch it, and close it at the end."""
        await self._look_at_indexes()
        await anyio.to_thread.run_sync(self._open_feedback)
        looks = [
            _repeat(self._look_at_indexes, lambda: self.settings.index_check_s),
            _repeat(self._look_at_settings, lambda: self.settings.index_check_s),
            _repeat(self.look_at_models, lambda: self.settings.model_check_s),
        ]
        tasks = [asyncio.create_task(look) for look in looks]
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
            for models in (*self._retired, self.models):
                await models.close()

    async def look_at_models(self) -> None:
        """Ask whether the model servers are well, and let go of those that are used no more."""
        await self.models.check()
        main = self.models.main
        self.metrics.model_up.set(1 if main is not None and main.is_up else 0)
        self._labels |= {model.label for model in self.models.all}
        idle = [models for models in self._retired if not models.users]
        self._retired = [models for models in self._retired if models.users]
        for models in idle:
            await models.close(but=self._in_use())

    def label_of(self, answer_id: str) -> str:
        """Return the model that an answer's conversation was given to; empty where unknown."""
        return find_label(answer_id, self._labels | {model.label for model in self.models.all})

    def follow(self, settings: Settings) -> None:
        """Go on with other settings; requests that are being answered end with theirs.

        :raises SettingsError: if a setting cannot be put to work; then nothing changes.
        """
        merged, waiting = merged_settings(self.settings, settings)
        models = Models(merged, before=self.models)
        self._retired.append(self.models)
        self.models, self.settings = models, merged
        self.admission.follow(merged)
        self._waiting_for_restart = waiting
        logger.info("the settings have changed: %s", _told_models(models))
        if waiting:
            logger.warning("these settings change at the next start: %s", ", ".join(waiting))

    async def _look_at_settings(self) -> None:
        """Follow the settings file where it has changed."""
        if self._file is None:
            return
        settings = await anyio.to_thread.run_sync(self._file.changed)
        if settings is not None:
            try:
                self.follow(settings)
            except SettingsError as error:
                self._file.refuse(error)
            else:
                await self.look_at_models()
        self.metrics.settings_up.set(0 if self._file.problem else 1)

    def _in_use(self) -> list[ChatModel]:
        return [model for models in (*self._retired, self.models) for model in models.all]

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
        file_problem = self._file.problem if self._file is not None else ""
        problems = [
            *(state.problem for state in states),
            *(model.problem for model in self.models.all),
            self.feedback_problem,
            file_problem,
        ]
        return {
            "ready": any(state.index is not None for state in states),
            "degraded": any(problems),
            "indexes": [_index_state(state) for state in states],
            "model": _model_state(self.models),
            "replicas": [status.to_json() for status in self.models.statuses],
            "settings": {
                "ok": not file_problem,
                "problem": file_problem,
                "waiting_for_restart": list(self._waiting_for_restart),
            },
            "feedback": {"ok": self.feedback is not None, "problem": self.feedback_problem},
        }


def _model_state(models: Models) -> dict[str, Any]:
    """Return how the answer model does."""
    main = models.main
    problem = main.problem if main is not None else ""
    return {
        "configured": main is not None,
        "ok": main is not None and not problem,
        "name": main.name if main is not None else "",
        "problem": problem,
        "tokens": main.tokens.source if main is not None else load_counter("").source,
    }


def _told_models(models: Models) -> str:
    told = [f"{model.role.name} at {', '.join(model.role.urls)}" for model in models.all]
    return "; ".join(told) or "no model"


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


async def _repeat(look: Callable[[], Awaitable[None]], pause_s: Callable[[], float]) -> None:
    """Look now and then; a look that fails is logged and does not end the looking."""
    while True:
        try:
            await look()
        except Exception:
            logger.exception("a look at the service's parts failed")
        await asyncio.sleep(pause_s())
