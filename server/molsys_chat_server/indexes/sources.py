"""Where the served indexes come from: folders, folders of folders, patterns, addresses."""

import glob
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from molsys_chat_rag.storage.manifest import MANIFEST


@dataclass(frozen=True, slots=True)
class IndexSource:
    """One entry of the setting ``indexes``."""

    folder: Path
    """An index folder, a folder that holds index folders, or a pattern of either."""
    url: str = ""
    """Where what lies in the folder is published; empty where it comes from nowhere else."""


@dataclass(frozen=True, slots=True)
class FoundFolder:
    """A folder that is to be served."""

    folder: Path
    """The folder, or a pattern that nothing matches."""
    url: str
    """Where it is published; empty where it is not."""


def is_pattern(folder: Path) -> bool:
    """Return whether a path stands for whatever matches it."""
    return glob.has_magic(str(folder))


def local_source(entry: str | Path) -> IndexSource:
    """Return the source that a path on this machine is."""
    return IndexSource(Path(entry).expanduser())


def find_folders(sources: Sequence[IndexSource]) -> tuple[FoundFolder, ...]:
    """Return the folders that are to be served, none twice, in the order of the sources."""
    found: dict[Path, FoundFolder] = {}
    for source in sources:
        for each in _folders_of(source):
            found.setdefault(each.folder, each)
    return tuple(found.values())


def _folders_of(source: IndexSource) -> Iterator[FoundFolder]:
    """Yield the index folders of a source; itself where it holds none, so that this is told."""
    matches = [source.folder]
    if is_pattern(source.folder) and not source.folder.exists():
        matches = [Path(path) for path in sorted(glob.glob(str(source.folder)))]  # noqa: PTH207
    named = [source.folder] == matches
    held = {folder: _is_index(folder) for folder in matches}
    if source.url or (named and held[source.folder]):
        yield FoundFolder(source.folder, source.url)
        return
    inside = [
        each for folder in matches for each in ([folder] if held[folder] else _inside(folder))
    ]
    for folder in inside:
        yield FoundFolder(folder, "")
    if not inside:
        yield FoundFolder(source.folder, "")


def _inside(parent: Path) -> Iterator[Path]:
    """Yield the index folders in a folder, and in those of its folders that are none."""
    for folder in _children(parent):
        if _is_index(folder):
            yield folder
        else:
            yield from filter(_is_index, _children(folder))


def _children(folder: Path) -> list[Path]:
    """Return what lies in a folder, in order; a build's hidden folders are left out."""
    return [Path(path) for path in sorted(glob.glob(f"{glob.escape(str(folder))}/*/"))]  # noqa: PTH207


def _is_index(folder: Path) -> bool:
    return (folder / MANIFEST).is_file()
