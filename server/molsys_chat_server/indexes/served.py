"""One folder that is served, and what is known of it: from its manifest, and while it is open."""

from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from molsys_chat_rag.index import Index
from molsys_chat_rag.storage.manifest import MANIFEST, Manifest
from molsys_chat_server.indexes.memory import estimate_bytes
from molsys_chat_server.indexes.versions import Edition

Fingerprint = tuple[tuple[str, int, int, int], ...]
"""Name, inode, size and modification time of each file of an index: any new build changes it."""


@dataclass(slots=True, eq=False)
class OpenIndex:
    """An open index and how many requests use it now."""

    index: Index
    """The index."""
    memory: int
    """Bytes that it takes, about."""
    users: int = 0
    """Requests that use it."""
    retired: bool = False
    """Whether it is out of service: its last user closes it."""


@dataclass(slots=True, eq=False)
class ServedFolder:
    """One folder; changed by the registry alone, under its lock."""

    folder: Path
    """The folder."""
    url: str = ""
    """Where it is published; empty where it comes from nowhere else."""
    manifest: Manifest | None = None
    """What it holds; None until a manifest could be read."""
    fingerprint: Fingerprint = ()
    """The files that the manifest was read with."""
    expected: int = 0
    """Bytes that its index takes once it is open, about."""
    current: OpenIndex | None = None
    """What is open of it."""
    problem: str = ""
    """What is wrong with it now."""
    refused: Fingerprint = ()
    """The files that could not be opened."""
    opening: "Future[None] | None" = None
    """Its opening, while that goes on."""
    waiting: int = 0
    """Requests that wait until it is open: it is not closed before they have it."""
    used: int = 0
    """When it was last asked for, as a count of requests."""
    tried: bool = False
    """Whether it was opened, or could not be, with these files."""
    absent: int = 0
    """Looks in a row that did not find it."""

    def holds(self, manifest: Manifest, fingerprint: Fingerprint, *, tried: bool) -> None:
        """Note what the folder holds now."""
        self.manifest, self.fingerprint, self.tried = manifest, fingerprint, tried
        self.expected, self.refused = estimate_bytes(manifest), ()

    @property
    def servable(self) -> bool:
        """Whether it is open, or can be as far as is known."""
        return self.current is not None or (self.manifest is not None and not self.problem)

    @property
    def shown(self) -> Manifest | None:
        """What is served from it; None where nothing is."""
        if self.current is not None:
            return self.current.index.manifest
        return self.manifest if self.servable else None

    @property
    def edition(self) -> Edition:
        """What of its project it holds."""
        assert self.manifest is not None
        return Edition(self.manifest.version, self.manifest.built_at)

    @property
    def memory(self) -> int:
        """Bytes that it takes now, or will once it is open; 0 where it does neither."""
        if self.current is not None:
            return self.current.memory
        return self.expected if self.opening is not None else 0

    @property
    def is_held(self) -> bool:
        """Whether it must stay open: it is in use, or could not be opened again."""
        if self.opening is not None or self.waiting:
            return True
        return self.current is not None and bool(self.current.users or self.problem)


def read_fingerprint(folder: Path) -> Fingerprint:
    """Return the files of an index; empty where there is no manifest among them."""
    try:
        facts = [(path.name, path.stat()) for path in sorted(folder.iterdir())]
    except OSError:
        return ()
    files = tuple((name, stat.st_ino, stat.st_size, stat.st_mtime_ns) for name, stat in facts)
    return files if any(name == MANIFEST for name, *_ in files) else ()
