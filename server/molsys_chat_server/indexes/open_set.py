"""The indexes that are open: as many as memory allows, the least recently asked closed first."""

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock

from molsys_chat_rag.errors import RagError
from molsys_chat_rag.joined import AnyIndex, JoinedIndex
from molsys_chat_server.errors import UnavailableError
from molsys_chat_server.indexes.catalogue import RETRY_AFTER_S, Catalogue
from molsys_chat_server.indexes.counts import IndexCounts
from molsys_chat_server.indexes.memory import estimate_bytes, estimate_joined_bytes
from molsys_chat_server.indexes.opening import IndexOpener, told
from molsys_chat_server.indexes.served import OpenIndex, ServedFolder, read_fingerprint

logger = logging.getLogger(__name__)

_OPENERS = 2
"""Indexes that are opened at once: more would take turns, since most of it is Python."""


class OpenIndexes:
    """Opens indexes in threads of its own and keeps within a bound.

    Methods want the registry's lock unless they say that they take it.

    :param catalogue: holds the folders.
    :param lock: the registry's, which guards them.
    :param limit: bytes that open indexes may take together.
    """

    def __init__(self, catalogue: Catalogue, opener: IndexOpener, lock: Lock, limit: float) -> None:
        self.limit = limit
        self.counts = IndexCounts()
        self._catalogue = catalogue
        self._opener = opener
        self._lock = lock
        self._threads = ThreadPoolExecutor(_OPENERS, thread_name_prefix="open-index")
        self._retired: set[OpenIndex] = set()
        self._joined: dict[tuple[tuple[OpenIndex, ...], bool], JoinedIndex] = {}
        self._requests = 0
        self._closed = False
        self.counts.open.set_function(self._locked(self.count))
        self.counts.memory.set_function(self._locked(self.total))

    def use(self, wanted: Sequence[ServedFolder]) -> tuple[OpenIndex, ...]:
        """Return what is open of some folders, to be used; nothing where one is not open."""
        held = tuple(each.current for each in wanted if each.current is not None)
        if len(held) < len(wanted):
            return ()
        self._requests += 1
        for folder, each in zip(wanted, held, strict=True):
            folder.used = self._requests
            each.users += 1
        return held

    def joined(self, held: tuple[OpenIndex, ...], *, asking: bool) -> AnyIndex:
        """Return what is searched where these are asked together.

        :param asking: whether it is the first one's readers that ask.
        """
        if len(held) == 1:
            return held[0].index
        if (held, asking) not in self._joined:
            members = [each.index for each in held]
            self._joined[held, asking] = JoinedIndex(members, asking=asking)
        return self._joined[held, asking]

    def give_back(self, held: Iterable[OpenIndex]) -> None:
        """Let go of what was used; takes the lock."""
        done = []
        with self._lock:
            for each in held:
                each.users -= 1
                if each.retired and not each.users:
                    self._retired.discard(each)
                    done.append(each)
            if self.total() > self.limit:
                done += self.make_room(0)
        self.discard(done)

    def begin(self, wanted: Sequence[ServedFolder]) -> tuple[list["Future[None]"], list[OpenIndex]]:
        """Begin to open what is not open yet, where there is room.

        :returns: what is being opened, nothing where there is no room; what must be discarded.
        :raises UnavailableError: if all is being closed.
        """
        if self._closed:
            raise UnavailableError(
                "the service is stopping: ask again in a moment",
                code="not_ready",
                retry_after_s=RETRY_AFTER_S,
            )
        needed = sum(each.expected for each in wanted)
        if len(wanted) > 1:
            manifests = (each.manifest for each in wanted)
            needed += sum(estimate_joined_bytes(m) for m in manifests if m is not None)
        held = self._held_besides(wanted)
        if held and held + needed > self.limit:
            return [], []
        gone = self.make_room(needed, wanted)
        for each in wanted:
            if each.current is None and each.opening is None:
                each.opening = self._threads.submit(self._open_counted, each)
        return [each.opening for each in wanted if each.opening is not None], gone

    def has_room_for(self, folder: ServedFolder) -> bool:
        """Return whether an index can be opened without another one being closed for it."""
        return not self.count() or self.total() + folder.expected <= self.limit

    def make_room(self, needed: int, wanted: Sequence[ServedFolder] = ()) -> list[OpenIndex]:
        """Take out of service what was not asked for longest; return what must be discarded.

        :param needed: bytes for which there must be room; where 0, the last index stays open.
        """
        idle = [
            each
            for each in self._catalogue.folders
            if each.current is not None and not each.is_held and each not in wanted
        ]
        idle.sort(key=lambda each: -each.used)
        kept = 1 if not needed and len(idle) == self.count() else 0
        gone: list[OpenIndex] = []
        while len(idle) > kept and self.total(wanted) + needed > self.limit:
            gone += self.exchange(idle.pop(), None)
        return gone

    def open(self, folder: ServedFolder) -> None:
        """Open a folder's index, put it into service in place of the old one; takes the lock."""
        started = time.perf_counter()
        try:
            index, found = self._opener.open(folder.folder)
        except (RagError, OSError) as error:
            self.counts.failed.inc()
            with self._lock:
                folder.refused, folder.tried = read_fingerprint(folder.folder), True
            report(folder, told(error, folder.folder))
            return
        self.counts.seconds.observe(time.perf_counter() - started)
        self.counts.opened.inc()
        with self._lock:
            folder.holds(index.manifest, found, tried=True)
            old = self.exchange(folder, OpenIndex(index, estimate_bytes(index.manifest)))
        self.discard(old)
        facts = index.manifest
        logger.info("serving %s %s from %s", facts.project, facts.version, folder.folder)
        report(folder, "")

    def exchange(self, folder: ServedFolder, new: OpenIndex | None) -> list[OpenIndex]:
        """Put another index into service; return the old one, where it must be discarded."""
        old, folder.current = folder.current, new
        if old is None:
            return []
        self._joined = {key: each for key, each in self._joined.items() if old not in key[0]}
        old.retired = True
        if old.users:
            self._retired.add(old)
            return []
        return [old]

    def discard(self, gone: list[OpenIndex]) -> None:
        """Close indexes; their memory is freed in another thread, which takes a while."""
        for each in gone:
            each.index.close()
            self.counts.closed.inc()
        if gone and not self._closed:
            self._threads.submit(gone.clear)

    def close(self) -> None:
        """Close every index, those in use when their last user is done; takes the lock."""
        self._closed = True
        self._threads.shutdown(cancel_futures=True)
        with self._lock:
            gone = [old for each in self._catalogue.folders for old in self.exchange(each, None)]
        self.discard(gone)

    def count(self) -> int:
        """Return how many indexes are open and in service."""
        return sum(each.current is not None for each in self._catalogue.folders)

    def total(self, besides: Sequence[ServedFolder] = ()) -> int:
        """Return the bytes that open indexes take, all but those of some folders."""
        folders = sum(each.memory for each in self._catalogue.folders if each not in besides)
        joined = (each.index.manifest for held, _ in self._joined for each in held)
        again = sum(map(estimate_joined_bytes, joined))
        return folders + again + sum(each.memory for each in self._retired)

    def _held_besides(self, wanted: Sequence[ServedFolder]) -> int:
        """Return the bytes that cannot be freed now, all but those of what is wanted."""
        held = (f for f in self._catalogue.folders if f.is_held and f not in wanted)
        return sum(each.memory for each in held) + sum(each.memory for each in self._retired)

    def _open_counted(self, folder: ServedFolder) -> None:
        """Open a folder's index in one of the threads."""
        try:
            self.open(folder)
        finally:
            with self._lock:
                folder.opening = None

    def _locked(self, read: Callable[[], int]) -> Callable[[], float]:
        def value() -> float:
            with self._lock:
                return read()

        return value


def report(folder: ServedFolder, problem: str) -> None:
    """Note what is wrong with a folder now, and say it once."""
    if problem and problem != folder.problem:
        kept = "; the index opened before stays in service" if folder.current else ""
        logger.error("%s%s", problem, kept)
    folder.problem = problem
