"""The indexes that the service answers from, exchanged while it runs."""

import contextlib
import logging
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.version import InvalidVersion, Version

from molsys_chat_rag.errors import RagError
from molsys_chat_rag.index import Index
from molsys_chat_rag.search.reranking import CrossEncoderReranker
from molsys_chat_rag.storage.manifest import MANIFEST, read_manifest
from molsys_chat_server.errors import UnavailableError, UnknownProjectError

logger = logging.getLogger(__name__)

RETRY_AFTER_S = 5
"""Seconds after which a reader may ask again while no index is open."""

Fingerprint = tuple[tuple[str, int, int, int], ...]
"""Name, inode, size and modification time of each file of an index: any new build changes it."""


@dataclass(slots=True)
class _Open:
    """An open index and how many requests use it now."""

    index: Index
    fingerprint: Fingerprint
    users: int = 0
    retired: bool = False


@dataclass(slots=True)
class _Slot:
    """One configured folder."""

    folder: Path
    current: _Open | None = None
    problem: str = ""
    refused: Fingerprint = ()


@dataclass(frozen=True, slots=True)
class IndexStatus:
    """How one configured folder does."""

    folder: Path
    """The folder."""
    index: Index | None
    """What is served from it; None where nothing is."""
    problem: str
    """What is wrong with the folder now; empty where nothing is."""


class IndexRegistry:
    """Opens the configured indexes, and opens a replaced one beside the old before it goes.

    :param folders: index folders; the first is asked where a request names no project.
    :param reranker: a cross-encoder that looks at the first sections again; none where empty.
    :raises EmbeddingError: if it cannot be loaded.
    """

    def __init__(self, folders: Sequence[Path], reranker: str = "") -> None:
        self._reranker = CrossEncoderReranker(reranker) if reranker else None
        self._slots = [_Slot(folder) for folder in folders]
        self._lock = threading.Lock()
        self._refreshing = threading.Lock()

    def refresh(self) -> tuple[str, ...]:
        """Open what is new or was replaced on disk; return what is wrong, one line each.

        Blocks while an index is opened. An index that cannot be opened leaves the old one in
        service.
        """
        with self._refreshing:
            for slot in self._slots:
                self._refresh_slot(slot)
            return tuple(slot.problem for slot in self._slots if slot.problem)

    def status(self) -> tuple[IndexStatus, ...]:
        """Return how each configured folder does."""
        with self._lock:
            return tuple(
                IndexStatus(slot.folder, slot.current.index if slot.current else None, slot.problem)
                for slot in self._slots
            )

    @contextlib.contextmanager
    def lease(self, project: str = "", version: str = "") -> Iterator[Index]:
        """Give the index of a project and version, open until the end of the ``with``.

        :raises UnknownProjectError: if none of that project is served.
        :raises UnavailableError: if no index is open at all.
        """
        with self._lock:
            used = self._choose(project, version)
            used.users += 1
        try:
            yield used.index
        finally:
            with self._lock:
                used.users -= 1
                close = used.retired and not used.users
            if close:
                used.index.close()

    def close(self) -> None:
        """Close every index, those in use when their last user is done."""
        for slot in self._slots:
            self._exchange(slot, None)

    def _choose(self, project: str, version: str) -> _Open:
        served = [slot.current for slot in self._slots if slot.current is not None]
        if not served:
            raise UnavailableError(
                "no index is open yet: ask again in a moment",
                code="not_ready",
                retry_after_s=RETRY_AFTER_S,
            )
        wanted = (project or served[0].index.manifest.project).casefold()
        same = [one for one in served if one.index.manifest.project.casefold() == wanted]
        if not same:
            names = ", ".join(sorted({one.index.manifest.project for one in served}))
            raise UnknownProjectError(f"there is no project of that name here; there is: {names}")
        exact = [one for one in same if one.index.manifest.version == version]
        return (exact or [max(same, key=lambda one: _age(one.index))])[0]

    def _refresh_slot(self, slot: _Slot) -> None:
        found = _fingerprint(slot.folder)
        if slot.current is not None and found == slot.current.fingerprint:
            return self._report(slot, "")
        if found and found == slot.refused:
            return None  # still the one that could not be opened
        try:
            index = self._open(slot.folder)
        except (RagError, OSError) as error:
            slot.refused = found
            return self._report(slot, _told(error, slot.folder))
        if _fingerprint(slot.folder) != found:
            return index.close()  # replaced meanwhile: the next look takes the newer one
        self._exchange(slot, _Open(index, found))
        facts = index.manifest
        logger.info("serving %s %s from %s", facts.project, facts.version, slot.folder)
        return self._report(slot, "")

    def _open(self, folder: Path) -> Index:
        """Open an index, with the embedding model of another one where it is the same."""
        wanted = read_manifest(folder).model.digest
        loaded = [slot.current.index.embedder for slot in self._slots if slot.current is not None]
        same = [embedder for embedder in loaded if embedder.model.digest == wanted]
        embedder = same[0] if same else None
        index = Index.open(folder, embedder=embedder, reranker=self._reranker)
        _ = index.names  # read now rather than for the first reader
        return index

    def _report(self, slot: _Slot, problem: str) -> None:
        if problem and problem != slot.problem:
            kept = "; the index opened before stays in service" if slot.current else ""
            logger.error("%s%s", problem, kept)
        slot.problem = problem

    def _exchange(self, slot: _Slot, new: _Open | None) -> None:
        with self._lock:
            old, slot.current = slot.current, new
            close = old is not None and not old.users
            if old is not None:
                old.retired = True
        if old is not None and close:
            old.index.close()


def _told(error: RagError | OSError, folder: Path) -> str:
    if isinstance(error, RagError):
        return str(error)
    return f"the index {folder} cannot be read ({error.strerror}): check its owner and mode"


def _fingerprint(folder: Path) -> Fingerprint:
    """Return the files of an index; empty where there is no manifest among them."""
    try:
        facts = [(path.name, path.stat()) for path in sorted(folder.iterdir())]
    except OSError:
        return ()
    files = tuple((name, stat.st_ino, stat.st_size, stat.st_mtime_ns) for name, stat in facts)
    return files if any(name == MANIFEST for name, *_ in files) else ()


def _age(index: Index) -> tuple[bool, Version, str]:
    """Return what orders the indexes of one project, the newest last."""
    try:
        return True, Version(index.manifest.version), index.manifest.built_at
    except InvalidVersion:
        return False, Version("0"), index.manifest.built_at
