"""Putting a finished index folder in the place of the previous one."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout


def previous_folder(target: Path) -> Path:
    """Return where the previous index stands while the new one takes its place."""
    return target.parent / f".{target.name}.previous"


def clear_leftovers(target: Path) -> None:
    """Remove what killed builds left beside a target; the caller holds the target's lock."""
    for leftover in target.parent.glob(f".{target.name}.building-*"):
        shutil.rmtree(leftover, ignore_errors=True)


@contextmanager
def building(target: Path) -> Iterator[Path]:
    """Give a temporary folder beside a target; what is left of it goes in the end.

    Folders that killed builds left behind are removed first: the caller holds the target's lock.
    """
    clear_leftovers(target)
    folder = Path(tempfile.mkdtemp(prefix=f".{target.name}.building-", dir=target.parent))
    folder.chmod(0o755)  # mkdtemp's 0700 would hide the index from a web server
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def replace_folder(folder: Path, target: Path) -> None:
    """Put a folder in a target's place; both lie in the same parent folder.

    :raises OSError: if that fails; the previous target is then back in its place.
    """
    previous = previous_folder(target)
    shutil.rmtree(previous, ignore_errors=True)
    if target.exists():
        target.rename(previous)
    try:
        folder.rename(target)
    except OSError:
        recover(target)
        raise
    shutil.rmtree(previous, ignore_errors=True)


def lock_of(target: Path) -> FileLock:
    """Return the lock that whoever writes a target holds.

    It lies in the machine's folder for temporary files: the target's parent may be published.
    """
    user = os.getuid() if hasattr(os, "getuid") else 0
    name = hashlib.sha256(f"{user} {target.absolute()}".encode()).hexdigest()[:24]
    return FileLock(Path(tempfile.gettempdir()) / f"molsys-chat-{name}.lock")


def recover_unless_building(target: Path) -> None:
    """Put the previous index back, unless a build is at work that will put a new one there."""
    if not previous_folder(target).is_dir() or target.exists():
        return
    try:
        with lock_of(target).acquire(timeout=0):
            recover(target)
    except (Timeout, OSError):  # a build is at work, or nothing can be written there
        return


def recover(target: Path) -> None:
    """Put the previous index back where a build was killed between the two renames."""
    previous = previous_folder(target)
    if previous.is_dir() and not target.exists():
        previous.rename(target)
