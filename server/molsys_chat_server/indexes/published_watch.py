"""All published indexes of a service, looked at in a thread of their own."""

import asyncio
import logging
import threading
from collections.abc import Sequence
from urllib.parse import urlsplit

import httpx2

from molsys_chat_server.errors import SettingsError
from molsys_chat_server.indexes.fetching import Site
from molsys_chat_server.indexes.published import LookTimes, PublishedIndex, PublishedState
from molsys_chat_server.indexes.published_manifest import PublishedRules
from molsys_chat_server.indexes.sources import IndexSource, local_source
from molsys_chat_server.settings import Settings
from molsys_chat_server.settings.urls import is_url

logger = logging.getLogger(__name__)

LOOKS_AT_ONCE = 4
"""Sites that are looked at, and indexes that are fetched, at the same time."""
STOP_TIMEOUT_S = 10.0
"""Seconds to wait for the thread's end; a download that is under way is given up at once."""
UNFORESEEN_PAUSE_S = 60.0
"""Seconds until the next look after one that failed in a way nobody thought of."""
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class PublishedIndexes:
    """Looks at published indexes beside the service: nothing here runs in its event loop.

    :param indexes: the published indexes; none do no harm.
    """

    def __init__(self, indexes: Sequence[PublishedIndex]) -> None:
        self.indexes = tuple(indexes)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._following: asyncio.Task[None] | None = None
        self._started = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def states(self) -> tuple[PublishedState, ...]:
        """How each published index does."""
        return tuple(index.state for index in self.indexes)

    def state_of(self, url: str) -> PublishedState | None:
        """Return how the index at an address does; None where it is not a published one."""
        return next((state for state in self.states if state.url == url), None)

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong with them now, one line each."""
        return tuple(state.problem for state in self.states if state.problem)

    def look(self) -> None:
        """Look at all sites once; blocks until every look is done."""
        asyncio.run(self._look_once())

    def start(self) -> None:
        """Begin to look at the sites, each at its time; the first look is at once."""
        if not self.indexes or self._thread is not None:
            return
        self._thread = threading.Thread(target=self._run, name="published indexes", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the looking; what was not fetched whole is left out."""
        if self._thread is None:
            return
        self._started.wait(STOP_TIMEOUT_S)
        if self._loop is not None and self._following is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._following.cancel)
        self._thread.join(STOP_TIMEOUT_S)
        self._thread = None

    def _run(self) -> None:
        try:
            asyncio.run(self._follow())
        except asyncio.CancelledError:
            logger.debug("published indexes are no longer looked at")

    async def _follow(self) -> None:
        self._loop, self._following = asyncio.get_running_loop(), asyncio.current_task()
        self._started.set()
        places = asyncio.Semaphore(LOOKS_AT_ONCE)
        await asyncio.gather(*(_keep_looking(index, places) for index in self.indexes))

    async def _look_once(self) -> None:
        places = asyncio.Semaphore(LOOKS_AT_ONCE)
        await asyncio.gather(*(_look_in_turn(index, places) for index in self.indexes))


async def _look_in_turn(index: PublishedIndex, places: asyncio.Semaphore) -> None:
    async with places:
        await index.look_now()


async def _keep_looking(index: PublishedIndex, places: asyncio.Semaphore) -> None:
    """Look at a site again and again; a look that fails unforeseen does not end the looking."""
    await asyncio.sleep(index.pause_s)
    while True:
        try:
            await _look_in_turn(index, places)
            pause = index.pause_s
        except Exception:
            logger.exception("a look at %s failed", index.url)
            pause = UNFORESEEN_PAUSE_S
        await asyncio.sleep(pause)


def published_indexes(settings: Settings) -> PublishedIndexes:
    """Return the published ones of the settings' indexes.

    :raises SettingsError: if a key would be sent unprotected.
    """
    urls = [each for each in settings.indexes if is_url(each)]
    rules = PublishedRules(settings.index_max_mb, settings.index_models)
    times = LookTimes(settings.index_fetch_s, settings.index_fetch_timeout_s)
    tls = httpx2.create_ssl_context() if urls else None
    root = settings.index_folder_path
    sites = [
        Site(
            url,
            _key_for(url, settings),
            settings.index_silence_timeout_s,
            tls,
            frozenset(settings.index_redirect_origins),
        )
        for url in urls
    ]
    return PublishedIndexes([PublishedIndex(site, root, rules, times) for site in sites])


def index_sources(settings: Settings, published: PublishedIndexes) -> tuple[IndexSource, ...]:
    """Return what the settings name, published indexes where they are kept."""
    kept = {index.url: index.folder for index in published.indexes}
    return tuple(
        IndexSource(kept[entry], entry) if entry in kept else local_source(entry)
        for entry in settings.indexes
    )


def _key_for(url: str, settings: Settings) -> str:
    host = urlsplit(url).hostname or ""
    key = settings.index_keys.get(host)
    if key is None:
        return ""
    if not url.startswith("https://") and host not in _LOOPBACK:
        raise SettingsError(
            f"index_keys has a key for {host}, and {url} would send it unprotected: name the index"
            " with https://"
        )
    return key.get_secret_value()
