"""What one running service holds, and the work that it does besides requests."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

from molsys_chat_server.answer.answer_id import find_label
from molsys_chat_server.errors import SettingsError
from molsys_chat_server.indexes.metrics import show_indexes
from molsys_chat_server.indexes.published import PublishedState
from molsys_chat_server.indexes.published_metrics import PublishedCollector
from molsys_chat_server.indexes.published_watch import (
    PublishedIndexes,
    index_sources,
    published_indexes,
)
from molsys_chat_server.indexes.registry import (
    IndexRegistry,
    IndexStatus,
    naming_of,
    registry_of,
)
from molsys_chat_server.limits.admission import Admission
from molsys_chat_server.limits.counts import STORE_CHECK_S
from molsys_chat_server.metrics import Metrics
from molsys_chat_server.models.chat_model import ChatModel
from molsys_chat_server.models.metrics import ModelCollector
from molsys_chat_server.models.models import Models
from molsys_chat_server.models.tokens import load_counter
from molsys_chat_server.observing.tracing import open_traces
from molsys_chat_server.observing.watchdog import LoopWatchdog
from molsys_chat_server.records.opening import open_store
from molsys_chat_server.records.records import LOOK_S, Records
from molsys_chat_server.settings import Settings
from molsys_chat_server.settings.file import SettingsFile, merged_settings
from molsys_chat_server.threads import Kind, in_thread, thread_places

logger = logging.getLogger(__name__)


class Service:
    """The parts that endpoints share.

    :param settings: what the service is told.
    :param registry: opened indexes, whose owner closes them; by default those of the settings.
    :param file: the settings file to follow while the service runs.
    :param published: the published ones among the indexes; by default those of the settings.
    :raises SettingsError: if a setting cannot be put to work.
    """

    def __init__(
        self,
        settings: Settings,
        registry: IndexRegistry | None = None,
        file: SettingsFile | None = None,
        published: PublishedIndexes | None = None,
    ) -> None:
        self.settings = settings
        self.metrics = Metrics()
        self.traces = open_traces(settings.traces_endpoint)
        self.published = published or published_indexes(settings)
        sources = index_sources(settings, self.published)
        self.registry = registry or registry_of(settings, sources)
        self._owns_registry = registry is None
        self.models = Models(settings)
        self.admission = Admission(settings, self.metrics)
        self._retired: list[Models] = []
        self._labels: set[str] = set()
        self._file = file
        self._waiting_for_restart: tuple[str, ...] = ()
        self.records = Records(open_store(settings.records_place), self.metrics)
        self.metrics.registry.register(ModelCollector(lambda: self.models.all))
        self.metrics.registry.register(PublishedCollector(lambda: self.published.states))
        for counted in self.registry.metrics:
            self.metrics.registry.register(counted)
        self.metrics.settings_up.set(1)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Open what the service needs, watch it, and close it at the end."""
        await self._look_at_indexes()
        self.published.start()
        await self._look_at_records()
        self.metrics.show_threads(thread_places())
        looks = [
            _repeat(self._look_at_indexes, lambda: self.settings.index_check_s),
            _repeat(self._look_at_settings, lambda: self.settings.index_check_s),
            _repeat(self.look_at_models, lambda: self.settings.model_check_s),
            _repeat(self.admission.look, lambda: STORE_CHECK_S),
            _repeat(self._look_at_records, lambda: LOOK_S),
            _repeat(self.records.write, lambda: 0.0),
        ]
        tasks = [asyncio.create_task(look) for look in looks]
        try:
            async with LoopWatchdog(self.metrics).running():
                yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await in_thread(Kind.OPEN, self.published.stop)
            if self._owns_registry:
                await in_thread(Kind.OPEN, self.registry.close)
            await self.records.close()
            await self.admission.close()
            for models in (*self._retired, self.models):
                await models.close()
            if self.traces is not None:
                await in_thread(Kind.STORE, self.traces.close)

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
        self.registry.follow(merged.open_indexes_mb, naming_of(merged))
        self._waiting_for_restart = waiting
        logger.info("the settings have changed: %s", _told_models(models))
        if waiting:
            logger.warning("these settings change at the next start: %s", ", ".join(waiting))

    async def _look_at_settings(self) -> None:
        """Follow the settings file where it has changed."""
        if self._file is None:
            return
        settings = await in_thread(Kind.OPEN, self._file.changed)
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
        await in_thread(Kind.OPEN, self.registry.refresh)
        show_indexes(self.metrics, self.registry.status())

    async def _look_at_records(self) -> None:
        await self.records.look(self.settings.keep_questions_days)

    def readiness(self) -> dict[str, Any]:
        """Return which parts work, as ``/readyz`` says it."""
        states = self.registry.status()
        file_problem = self._file.problem if self._file is not None else ""
        limits = self.admission.readiness()
        groups = " ".join(self.registry.group_problems())
        problems = [
            *(state.problem for state in states),
            *self.published.problems,
            *(model.problem for model in self.models.all),
            self.records.problem,
            file_problem,
            limits["problem"],
            groups,
        ]
        return {
            "ready": any(state.manifest is not None for state in states),
            "degraded": any(problems),
            "indexes": [_index_state(s, self.published.state_of(s.url)) for s in states],
            "model": _model_state(self.models),
            "replicas": [status.to_json() for status in self.models.statuses],
            "settings": {
                "ok": not file_problem,
                "problem": file_problem,
                "waiting_for_restart": list(self._waiting_for_restart),
            },
            "limits": limits,
            "groups": {"ok": not groups, "problem": groups},
            "records": self.records.readiness(),
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


def _index_state(state: IndexStatus, published: PublishedState | None) -> dict[str, Any]:
    facts = state.manifest
    problem = (published.problem if published is not None else "") or state.problem
    return {
        "folder": str(state.folder),
        "ok": not problem,
        "serving": facts is not None,
        "open": state.is_open,
        "project": facts.project if facts else "",
        "version": facts.version if facts else "",
        "built_at": facts.built_at if facts else "",
        "problem": problem,
    } | ({"published": published.to_json()} if published is not None else {})


async def _repeat(look: Callable[[], Awaitable[None]], pause_s: Callable[[], float]) -> None:
    """Look now and then; a look that fails is logged and does not end the looking."""
    while True:
        try:
            await look()
        except Exception:
            logger.exception("a look at the service's parts failed")
        await asyncio.sleep(pause_s())
