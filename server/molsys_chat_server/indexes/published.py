"""One published index: looked at now and then, fetched when it has changed, kept on disk."""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

from molsys_chat_rag.errors import EmbeddingError, RagError
from molsys_chat_rag.storage.manifest import MANIFEST, Manifest
from molsys_chat_server.indexes.fetching import FetchedManifest, Fetcher, Site, Validators
from molsys_chat_server.indexes.fetching_errors import FetchError, Trouble
from molsys_chat_server.indexes.published_folder import KeptIndex, Note, changed_files
from molsys_chat_server.indexes.published_manifest import PublishedRules, read_published
from molsys_chat_server.indexes.published_trial import try_index

logger = logging.getLogger(__name__)

FIRST_PAUSE_S = 5.0
"""Seconds until the next look after a first failure; each further one doubles them."""
QUIET_TRIES = 2
"""Failures in a row that are no problem yet, where a site is perhaps being published and an index
of it is served."""
_ROUNDS = 3
"""Manifests that one look follows while the site is being published."""
_MB = 1_000_000


@dataclass(frozen=True, slots=True)
class PublishedState:
    """How a published index does."""

    url: str
    """Where it is published."""
    folder: Path
    """Where it is kept."""
    kept: bool = False
    """Whether an index of it is on this machine."""
    looked_at: str = ""
    """When the site was last seen to have this index, ISO 8601 in UTC; empty for never."""
    fetched_at: str = ""
    """When it was fetched, ISO 8601 in UTC."""
    problem: str = ""
    """What is wrong now; empty where nothing is."""
    fetches: int = 0
    """Indexes that were fetched since the start."""
    received: int = 0
    """Bytes that came since the start."""
    errors: Mapping[Trouble, int] = field(default_factory=lambda: MappingProxyType({}))
    """Looks that failed since the start, by what was wrong."""

    def to_json(self) -> dict[str, object]:
        """Return what is told of it."""
        return {
            "url": self.url,
            "looked_at": self.looked_at,
            "fetched_at": self.fetched_at,
            "problem": self.problem,
        }


@dataclass(frozen=True, slots=True)
class LookTimes:
    """When a site is looked at, and how long that may take."""

    interval_s: float = 300.0
    """Seconds between two looks."""
    total_s: float = 600.0
    """Seconds of one look, an index fetched in it included."""


class PublishedIndex:
    """The index at an address, and the copy of it that is served.

    :param site: where it is published.
    :param root: the folder of all published indexes.
    :param rules: what it may be.
    :param try_folder: raises what is wrong with a fetched index.
    """

    def __init__(
        self,
        site: Site,
        root: Path,
        rules: PublishedRules,
        times: LookTimes,
        *,
        try_folder: Callable[[Path], None] = try_index,
    ) -> None:
        self._site = site
        self._rules = rules
        self._times = times
        self._try_folder = try_folder
        self._kept = KeptIndex(root, site.url)
        self._failures = 0
        self._errors: Counter[Trouble] = Counter()
        self._refused: tuple[str, FetchError] | None = None
        self.pause_s = 0.0
        """Seconds until the next look."""
        note = self._kept.note()
        self.state = PublishedState(
            url=site.url,
            folder=self._kept.folder,
            kept=bool(self._kept.manifest_digest()),
            looked_at=note.looked_at,
            fetched_at=note.fetched_at,
        )
        """How it does, replaced at each look."""

    @property
    def url(self) -> str:
        """Where it is published."""
        return self._site.url

    @property
    def folder(self) -> Path:
        """Where it is kept: an index folder, whole at every moment."""
        return self._kept.folder

    def look(self) -> None:
        """Look whether the site has another index, and fetch it; blocks until that is done.

        What goes wrong is in :attr:`state` and in the log, and leaves the kept index as it is.
        """
        asyncio.run(self.look_now())

    def read_manifest(self) -> Manifest:
        """Return the manifest that the site has now; nothing is kept.

        :raises FetchError: if it cannot be had, or no such index may be served.
        """
        return asyncio.run(self._read_manifest())

    async def _read_manifest(self) -> Manifest:
        async with Fetcher.open(self._site) as fetcher:
            fetched = await fetcher.manifest(Validators())
            assert fetched is not None, "only a conditional request can be told: not modified"
            return read_published(fetched.body, self.url, self._rules)

    async def look_now(self) -> None:
        """Do as :meth:`look` does, within a running event loop."""
        try:
            with self._kept.locked() as free:
                if free:
                    await self._bounded_look()
                self._note_success(looked=free)
        except FetchError as error:
            self._note_failure(error)
        except (OSError, NotImplementedError) as error:
            self._note_failure(self._disk_error(error))

    async def _bounded_look(self) -> None:
        """Look within the time that a look may take.

        :raises FetchError: if the site's index cannot be had.
        :raises OSError: if it cannot be kept.
        """
        limit = asyncio.timeout(self._times.total_s)
        try:
            async with limit, Fetcher.open(self._site) as fetcher:
                try:
                    await self._follow_manifest(fetcher)
                finally:
                    received = self.state.received + fetcher.received
                    self.state = replace(self.state, received=received)
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise FetchError(
                Trouble.AWAY,
                f"{self.url} was not fetched within {self._times.total_s:g} s: raise"
                " index_fetch_timeout_s if the index is that large",
            ) from error

    async def _follow_manifest(self, fetcher: Fetcher) -> None:
        """Fetch what the manifest names, and anew where the site changes meanwhile."""
        self._kept.clear_away()
        kept = await asyncio.to_thread(self._kept.manifest)
        digest, note = self._kept.manifest_digest(), self._kept.note()
        seen = note.validators if kept and note.manifest == digest else Validators()
        failed: tuple[str, FetchError] | None = None
        for _ in range(_ROUNDS):
            fetched = await fetcher.manifest(seen)
            if fetched is None or (kept is not None and fetched.digest == digest):
                return self._note_same(note, fetched)
            if failed is not None and fetched.digest == failed[0]:
                raise failed[1]
            if self._refused is not None and fetched.digest == self._refused[0]:
                raise self._refused[1]
            try:
                return await self._take(fetcher, fetched, kept)
            except FetchError as error:
                if error.trouble is not Trouble.UNSETTLED:
                    raise
                failed, seen = (fetched.digest, error), Validators()
        raise failed[1] if failed is not None else AssertionError("no round was made")

    async def _take(
        self, fetcher: Fetcher, fetched: FetchedManifest, kept: Manifest | None
    ) -> None:
        """Fetch the changed files of an index and put it in the kept one's place."""
        manifest = read_published(fetched.body, self.url, self._rules)
        changed = changed_files(manifest, kept)
        size = sum(facts.size for facts in changed.values())
        self._require_space(size)
        with self._kept.new_folder() as folder:
            for name, facts in manifest.files.items():
                if name in changed:
                    await fetcher.file(name, facts, folder / name)
                else:
                    self._kept.reuse(name, folder)
            (folder / MANIFEST).write_bytes(fetched.body)
            await self._try(folder, fetched.digest)
            self._kept.take(folder)
        now = _now()
        validators = fetched.validators
        self._kept.write_note(
            Note(self.url, fetched.digest, validators.etag, validators.modified, now, now)
        )
        self.state = replace(
            self.state, kept=True, fetched_at=now, looked_at=now, fetches=self.state.fetches + 1
        )
        logger.info(
            "fetched %s %s from %s: %d of %d files, %.1f MB",
            manifest.project, manifest.version, self.url, len(changed), len(manifest.files),
            size / _MB,
        )  # fmt: skip

    def _require_space(self, size: int) -> None:
        """Check that a download fits on the disk.

        :raises FetchError: if it does not.
        """
        free = self._kept.free_bytes()
        if size > free:
            raise FetchError(
                Trouble.DISK,
                f"{self.url} needs {size / _MB:,.1f} MB in {self.folder.parent}, where"
                f" {free / _MB:,.1f} MB are free: free space, or set index_folder to another disk",
            )

    async def _try(self, folder: Path, digest: str) -> None:
        """Open a fetched index once.

        :raises FetchError: if it cannot be opened; it is then not fetched again until it changes,
            unless the embedding model alone was missing.
        """
        try:
            await asyncio.to_thread(self._try_folder, folder)
        except RagError as error:
            told = str(error).replace(str(folder), self.url.rstrip("/"))
            unfit = FetchError(Trouble.UNFIT, told)
            if not isinstance(error, EmbeddingError):
                self._refused = (digest, unfit)
            raise unfit from error

    def _note_same(self, note: Note, fetched: FetchedManifest | None) -> None:
        """Remember that the site still has the kept index."""
        now = _now()
        looked = replace(note, url=self.url, looked_at=now, fetched_at=note.fetched_at or now)
        if fetched is not None:
            etag, modified = fetched.validators.etag, fetched.validators.modified
            looked = replace(looked, manifest=fetched.digest, etag=etag, modified=modified)
        self._kept.write_note(looked)
        self.state = replace(
            self.state, kept=True, looked_at=looked.looked_at, fetched_at=looked.fetched_at
        )

    def _note_success(self, *, looked: bool) -> None:
        """Plan the next look after one that went well, or was left to another process."""
        self._failures = 0
        pause = self._times.interval_s if looked else min(FIRST_PAUSE_S, self._times.interval_s)
        self.pause_s = pause * random.uniform(0.9, 1.1)  # noqa: S311
        if not looked:
            note, kept = self._kept.note(), bool(self._kept.manifest_digest())
            self.state = replace(
                self.state, kept=kept, looked_at=note.looked_at, fetched_at=note.fetched_at
            )
        if looked and self.state.problem:
            logger.warning("%s can be fetched again", self.url)
        self.state = replace(self.state, problem="")

    def _note_failure(self, error: FetchError) -> None:
        """Say what is wrong, and look again sooner at first, then less and less often."""
        self._failures += 1
        self._errors[error.trouble] += 1
        self.pause_s = pause_after(self._failures, self._times.interval_s, error.retry_after_s)
        kept = self._kept.manifest() is not None
        problem = self.state.problem
        quiet = error.trouble is Trouble.UNSETTLED and kept and self._failures <= QUIET_TRIES
        if not quiet:
            served = f"the index fetched at {self.state.fetched_at} stays in service"
            problem = f"{error}; {served if kept else 'no index from there is kept here'}"
        if problem != self.state.problem:
            logger.error("%s", problem)
        errors = MappingProxyType(dict(self._errors))
        self.state = replace(self.state, kept=kept, problem=problem, errors=errors)

    def _disk_error(self, error: Exception) -> FetchError:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return FetchError(
            Trouble.DISK,
            f"{self.url} cannot be kept in {self.folder.parent} ({reason}): free space, or set"
            " index_folder to a folder that the service may write",
        )


def pause_after(failures: int, interval_s: float, retry_after_s: float) -> float:
    """Return the seconds until the next look after a number of failures in a row.

    They double with each failure up to the interval, differ a little between services, so that
    not all of them ask at once, and are never less than what the site asks for.
    """
    doubled = FIRST_PAUSE_S * 2.0 ** min(failures - 1, 30)
    pause = min(interval_s, doubled) * random.uniform(0.75, 1.25)  # noqa: S311
    return max(pause, retry_after_s)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
