"""The local copy of a published index: always whole, and shared by the processes of a machine."""

import contextlib
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from filelock import FileLock, Timeout

from molsys_chat_rag.errors import IndexUnusableError
from molsys_chat_rag.storage.folder import (
    building,
    clear_leftovers,
    lock_of,
    recover,
    replace_folder,
)
from molsys_chat_rag.storage.manifest import MANIFEST, FileFacts, Manifest, check_files
from molsys_chat_rag.storage.manifest import read_manifest as read_folder_manifest
from molsys_chat_server.indexes.fetching import Validators

SWAP_TIMEOUT_S = 60.0
"""Seconds to wait for whoever else puts an index in the same place."""
_MOST_SLUG = 60
"""Characters of an address in a folder's name."""


@dataclass(frozen=True, slots=True)
class Note:
    """What is known of a kept index besides its files."""

    url: str = ""
    """Where it was fetched from."""
    manifest: str = ""
    """SHA-256 of the manifest as it came, hexadecimal."""
    etag: str = ""
    """The manifest's ``ETag``."""
    modified: str = ""
    """The manifest's ``Last-Modified``."""
    fetched_at: str = ""
    """When it was fetched, ISO 8601 in UTC."""
    looked_at: str = ""
    """When the site was last seen to have this index, ISO 8601 in UTC."""

    @property
    def validators(self) -> Validators:
        """By what the site tells whether the manifest has changed."""
        return Validators(self.etag, self.modified)


def folder_name(url: str) -> str:
    """Return the name of the folder that a published index is kept in."""
    parts = urlsplit(url)
    slug = re.sub(r"[^a-z0-9.]+", "-", f"{parts.netloc}{parts.path}".lower()).strip("-.")
    return f"{slug[:_MOST_SLUG].rstrip('-.')}-{hashlib.sha256(url.encode()).hexdigest()[:12]}"


class KeptIndex:
    """The copy of one published index on this machine.

    :param root: the folder of all published indexes.
    :param url: the index folder's address.
    """

    def __init__(self, root: Path, url: str) -> None:
        self._home = root / folder_name(url)
        self.folder = self._home / "index"
        """The index folder."""
        self._note = self._home / "fetched.json"
        self._checked: tuple[object, ...] = ()

    @contextlib.contextmanager
    def locked(self) -> Iterator[bool]:
        """Keep other processes from fetching the same index; false where one does so now.

        :raises OSError: if nothing can be written there.
        """
        self._home.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self._home / "lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            yield False
            return
        try:
            yield True
        finally:
            lock.release()

    def clear_away(self) -> None:
        """Finish or remove what a killed process left; the caller holds the lock."""
        with lock_of(self.folder).acquire(timeout=SWAP_TIMEOUT_S):
            recover(self.folder)
            clear_leftovers(self.folder)

    def manifest(self) -> Manifest | None:
        """Return the kept index's manifest; None where it is not there or not whole.

        Files are read again only where they changed since the last time.
        """
        found = _stamps(self.folder)
        try:
            manifest = read_folder_manifest(self.folder)
            if found != self._checked:
                check_files(manifest, self.folder)
        except (IndexUnusableError, OSError):
            return None
        self._checked = found
        return manifest

    def manifest_digest(self) -> str:
        """Return the SHA-256 of the kept manifest, hexadecimal; empty where there is none."""
        try:
            return hashlib.sha256((self.folder / MANIFEST).read_bytes()).hexdigest()
        except OSError:
            return ""

    def note(self) -> Note:
        """Return what is known of the kept index; an empty note where it cannot be read."""
        try:
            return Note(**json.loads(self._note.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return Note()

    def write_note(self, note: Note) -> None:
        """Keep a note, in one step.

        :raises OSError: if it cannot be written.
        """
        beside = self._note.with_suffix(f".{os.getpid()}.new")
        try:
            beside.write_text(json.dumps(asdict(note), indent=2) + "\n", encoding="utf-8")
            beside.replace(self._note)
        finally:
            beside.unlink(missing_ok=True)

    @contextlib.contextmanager
    def new_folder(self) -> Iterator[Path]:
        """Give a folder beside the kept index; what is left of it goes in the end."""
        with building(self.folder) as folder:
            yield folder

    def free_bytes(self) -> int:
        """Return how much fits on the disk."""
        return shutil.disk_usage(self._home).free

    def reuse(self, name: str, folder: Path) -> None:
        """Put a file of the kept index into a new folder, without a copy where that can be."""
        source, target = self.folder / name, folder / name
        try:
            os.link(source, target)
        except OSError:  # a file system without links
            shutil.copy2(source, target)

    def take(self, folder: Path) -> None:
        """Put a whole new folder in the kept index's place.

        :raises OSError: if that fails; the index before is then back in its place.
        """
        with lock_of(self.folder).acquire(timeout=SWAP_TIMEOUT_S):
            replace_folder(folder, self.folder)


def changed_files(manifest: Manifest, kept: Manifest | None) -> dict[str, FileFacts]:
    """Return the files that a kept index does not have as a new manifest names them."""
    before = kept.files if kept is not None else {}
    return {name: facts for name, facts in manifest.files.items() if before.get(name) != facts}


def _stamps(folder: Path) -> tuple[object, ...]:
    """Return what changes with every file of a folder."""
    try:
        facts = [(path.name, path.stat()) for path in sorted(folder.iterdir())]
    except OSError:
        return ()
    return tuple((name, each.st_ino, each.st_size, each.st_mtime_ns) for name, each in facts)
