"""The indexes that the service answers from: opened when asked for, exchanged while it runs."""

import asyncio
import logging
import threading
import time
from collections.abc import Generator, Iterable, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from prometheus_client.metrics import MetricWrapperBase

from molsys_chat_rag.errors import RagError
from molsys_chat_rag.joined import AnyIndex
from molsys_chat_rag.storage.manifest import Manifest
from molsys_chat_server.errors import UnavailableError
from molsys_chat_server.indexes.catalogue import RETRY_AFTER_S, Catalogue, Naming, Wanted
from molsys_chat_server.indexes.memory import MEGABYTE
from molsys_chat_server.indexes.open_set import OpenIndexes, report
from molsys_chat_server.indexes.opening import IndexOpener, look_into, told
from molsys_chat_server.indexes.served import OpenIndex, ServedFolder, read_fingerprint
from molsys_chat_server.indexes.sources import FoundFolder, IndexSource, find_folders, local_source
from molsys_chat_server.settings import Settings

logger = logging.getLogger(__name__)

OPEN_MB = 2000.0
"""Megabytes that open indexes may take where nothing else is said."""
ROOM_WAIT_S = 10.0
"""Seconds that a request waits at most until indexes in use leave room for its own."""
_POLL_S = 0.02
_ABSENT = 2
"""Looks in a row that do not find a folder, until it is let go: between two renames it is away."""


@dataclass(frozen=True, slots=True)
class IndexStatus:
    """How one folder does."""

    folder: Path
    """The folder."""
    url: str
    """Where it is published; empty where it comes from nowhere else."""
    manifest: Manifest | None
    """What is served from it; None where nothing is."""
    is_open: bool
    """Whether it is open now; else it is opened when it is asked for."""
    problem: str
    """What is wrong with the folder now; empty where nothing is."""


class Lease:
    """An index, or a group's, that stays open until the end of a ``with``."""

    def __init__(self, opened: OpenIndexes, held: tuple[OpenIndex, ...], wanted: Wanted) -> None:
        """Use :meth:`IndexRegistry.lease` or :meth:`IndexRegistry.acquire`."""
        self.index = opened.joined(held, asking=wanted.asking)
        self.asked_version = wanted.asked_version
        """The version that was asked for, where another one answers; else empty."""
        self._opened = opened
        self._held = held

    def __enter__(self) -> AnyIndex:
        return self.index

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._opened.give_back(self._held)


class IndexRegistry:
    """Knows what is served, opens what is asked for, closes what was not asked for longest.

    An index that is replaced on disk is opened beside the old one, which goes when its last user
    is done.

    :param sources: where the indexes are; the first one is asked where a request names no project.
    :param reranker: a cross-encoder that looks at the first sections again; none where empty.
    :param limit_mb: megabytes that open indexes may take together; one that takes more by itself
        is open alone.
    :param naming: further names of versions, and projects that are asked together.
    :raises EmbeddingError: if the cross-encoder cannot be loaded.
    """

    def __init__(
        self,
        sources: Sequence[Path | IndexSource],
        reranker: str = "",
        *,
        limit_mb: float = OPEN_MB,
        naming: Naming | None = None,
    ) -> None:
        self._sources = [s if isinstance(s, IndexSource) else local_source(s) for s in sources]
        self._catalogue = Catalogue(naming or Naming())
        self._opener = IndexOpener(reranker)
        self._lock = threading.Lock()
        self._refreshing = threading.Lock()
        limit = limit_mb * MEGABYTE
        self._opened = OpenIndexes(self._catalogue, self._opener, self._lock, limit)

    def refresh(self) -> tuple[str, ...]:
        """Look what is new, was replaced or is gone; return what is wrong, one line each.

        Blocks while indexes are opened: what was replaced and is open, and what was never opened
        as far as there is room. An index that cannot be opened leaves the old one in service.
        """
        with self._refreshing:
            self._take(find_folders(self._sources))
            folders = self._catalogue.folders
            for folder in folders:
                self._look(folder)
            self._open_ahead()
            needed = {f.manifest.model.digest for f in folders if f.manifest is not None}
            self._opener.keep_models(needed)
            return tuple(folder.problem for folder in folders if folder.problem)

    def follow(self, limit_mb: float, naming: Naming) -> None:
        """Go on with another bound and other names."""
        with self._lock:
            self._opened.limit = limit_mb * MEGABYTE
            self._catalogue.naming = naming
            gone = self._opened.make_room(0)
        self._opened.discard(gone)

    def close(self) -> None:
        """Close every index, those in use when their last user is done."""
        self._opened.close()

    @property
    def serves_any(self) -> bool:
        """Whether anything can be asked."""
        with self._lock:
            return any(folder.servable for folder in self._catalogue.folders)

    @property
    def metrics(self) -> tuple[MetricWrapperBase, ...]:
        """What is counted of opening and closing."""
        return self._opened.counts.all

    def status(self) -> tuple[IndexStatus, ...]:
        """Return how each folder does."""
        with self._lock:
            return tuple(
                IndexStatus(f.folder, f.url, f.shown, f.current is not None, f.problem)
                for f in self._catalogue.folders
            )

    def groups(self) -> dict[str, tuple[str, ...]]:
        """Return the projects of each group that are served, by the group's name."""
        with self._lock:
            return self._catalogue.groups()

    def group_problems(self) -> tuple[str, ...]:
        """Return why projects are left out of their groups, one line each."""
        with self._lock:
            return self._catalogue.group_problems()

    def projects_of(self, project: str = "", version: str = "") -> tuple[str, ...]:
        """Return the projects that such a request is answered from; nothing is opened.

        :raises UnknownProjectError: if none of that project is served.
        :raises UnavailableError: if it cannot be opened.
        """
        with self._lock:
            folders = self._catalogue.choose(project, version).folders
            return tuple(each.manifest.project for each in folders if each.manifest is not None)

    def serves(self, project: str, version: str) -> bool:
        """Return whether a version is answered by itself, and by no other; nothing is opened.

        :raises UnknownProjectError: if none of that project is served.
        :raises UnavailableError: if it cannot be opened.
        """
        with self._lock:
            return not self._catalogue.choose(project, version).asked_version

    def lease(self, project: str = "", version: str = "") -> Lease:
        """Return the index of a project and version, or a group's, for a ``with``.

        Blocks while it is opened; see :meth:`acquire`.

        :raises UnknownProjectError: if none of that project is served.
        :raises UnavailableError: if it cannot be opened, or there is no room for it now.
        """
        steps = self._steps(project, version)
        try:
            while True:
                opening = next(steps)
                if opening:
                    wait(opening)
                else:
                    time.sleep(_POLL_S)
        except StopIteration as end:
            lease: Lease = end.value
            return lease

    async def acquire(self, project: str = "", version: str = "") -> Lease:
        """Return what :meth:`lease` does; an open index comes at once, others when they are open.

        :raises UnknownProjectError: if none of that project is served.
        :raises UnavailableError: if it cannot be opened, or there is no room for it now.
        """
        steps = self._steps(project, version)
        try:
            while True:
                opening = next(steps)
                if opening:
                    await asyncio.wait([asyncio.wrap_future(each) for each in opening])
                else:
                    await asyncio.sleep(_POLL_S)
        except StopIteration as end:
            lease: Lease = end.value
            return lease
        finally:
            steps.close()

    def _steps(self, project: str, version: str) -> Generator[list["Future[None]"], None, Lease]:
        """Yield what must be waited for, nothing for a moment, until there is a lease."""
        deadline = time.monotonic() + ROOM_WAIT_S
        pinned: tuple[ServedFolder, ...] = ()
        try:
            while True:
                with self._lock:
                    _pin(pinned, -1)
                    pinned = ()
                    wanted = self._catalogue.choose(project, version)
                    if held := self._opened.use(wanted.folders):
                        return Lease(self._opened, held, wanted)
                    opening, gone = self._opened.begin(wanted.folders)
                    if opening:
                        pinned = wanted.folders
                        _pin(pinned, 1)
                self._opened.discard(gone)
                if not opening and time.monotonic() > deadline:
                    raise UnavailableError(
                        "too many indexes are in use: ask again in a moment",
                        code="busy",
                        retry_after_s=RETRY_AFTER_S,
                    )
                yield opening
                for each in opening:
                    if not each.cancelled():
                        each.result()
        finally:
            with self._lock:
                _pin(pinned, -1)

    def _take(self, found: Sequence[FoundFolder]) -> None:
        """Take new folders up, and let go of those that a pattern held and are gone."""
        with self._lock:
            known = {each.folder: each for each in self._catalogue.folders}
            kept = [
                known.pop(f.folder) if f.folder in known else ServedFolder(f.folder, f.url)
                for f in found
            ]
            for each in kept:
                each.absent = 0
            for each in known.values():
                each.absent += 1
            lost = [f for f in known.values() if f.absent >= _ABSENT and f.opening is None]
            away = [each for each in known.values() if each not in lost]
            self._catalogue.folders = [*kept, *away]
            gone = [old for each in lost for old in self._opened.exchange(each, None)]
        self._opened.discard(gone)
        for each in lost:
            logger.info("%s is gone, and served no more", each.folder)

    def _look(self, folder: ServedFolder) -> None:
        """Read what a folder holds, where it has changed; open it where its old index is open."""
        found = read_fingerprint(folder.folder)
        if found and found == folder.refused:
            return None  # still the one that could not be opened
        if found and found == folder.fingerprint:
            return report(folder, "")
        try:
            manifest, found = look_into(folder.folder)
        except (RagError, OSError) as error:
            folder.refused = found
            return report(folder, told(error, folder.folder, folder.url))
        if folder.current is not None:
            return self._opened.open(folder)
        with self._lock:
            folder.holds(manifest, found, tried=False)
        return report(folder, "")

    def _open_ahead(self) -> None:
        """Open what was never opened, as far as there is room; the first one in any case."""
        with self._lock:
            ahead = [each for each in self._catalogue.by_need() if not each.tried]
        for folder in ahead:
            with self._lock:
                if folder.current is not None or not self._opened.has_room_for(folder):
                    continue
                opening, _ = self._opened.begin((folder,))
            for each in opening:
                each.result()


def registry_of(
    settings: Settings, sources: Sequence[Path | IndexSource] | None = None
) -> IndexRegistry:
    """Return the registry that the settings tell; nothing is opened yet.

    :param sources: where the indexes are; by default the settings' folders.
    :raises EmbeddingError: if the cross-encoder cannot be loaded.
    """
    return IndexRegistry(
        [local_source(each) for each in settings.indexes] if sources is None else sources,
        settings.reranker,
        limit_mb=settings.open_indexes_mb,
        naming=naming_of(settings),
    )


def naming_of(settings: Settings) -> Naming:
    """Return the further names that the settings give."""
    return Naming(settings.aliases, settings.groups)


def _pin(folders: Iterable[ServedFolder], more: int) -> None:
    """Keep folders open for one who waits for them, or no longer."""
    for each in folders:
        each.waiting += more
