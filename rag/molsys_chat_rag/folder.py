"""Putting a finished index folder in the place of the previous one."""

from collections.abc import Iterator
from pathlib import Path


def previous_folder(target: Path) -> Path:
    """Return where the previous index stands for the instant in which the new one takes its place."""
    return target.parent / f".{target.name}.previous"


def abandoned(target: Path) -> Iterator[Path]:
    """Yield the temporary folders that killed builds of a target left behind."""
    yield from target.parent.glob(f".{target.name}.building-*")


def replace_folder(folder: Path, target: Path) -> None:
    """Put a folder in a target's place; both lie in the same parent folder.

    :raises OSError: if that fails; the previous target is then back in its place.
    """
    previous = previous_folder(target)
    if target.exists():
        target.rename(previous)
    try:
        folder.rename(target)
    except OSError:
        recover(target)
        raise


def recover(target: Path) -> None:
    """Put the previous index back where a build was killed between the two renames."""
    previous = previous_folder(target)
    if previous.is_dir() and not target.exists():
        previous.rename(target)
