"""Putting a finished index folder in the place of the previous one."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def previous_folder(target: Path) -> Path:
    """Return where the previous index stands while the new one takes its place."""
    return target.parent / f".{target.name}.previous"


@contextmanager
def building(target: Path) -> Iterator[Path]:
    """Give a temporary folder beside a target; what is left of it goes in the end.

    Folders that killed builds left behind are removed first: the caller holds the target's lock.
    """
    for leftover in target.parent.glob(f".{target.name}.building-*"):
        shutil.rmtree(leftover, ignore_errors=True)
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


def recover(target: Path) -> None:
    """Put the previous index back where a build was killed between the two renames."""
    previous = previous_folder(target)
    if previous.is_dir() and not target.exists():
        previous.rename(target)
