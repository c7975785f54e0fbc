"""What lies in a built site's folder: files that may be read, and what is left out.

Whatever a page holds is shown to readers, so a link in the site must not lead out of it.
"""

import errno
import os
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

SKIPPED_FOLDERS = frozenset(
    {"_modules", "_sources", "_static", "_downloads", "_images", "_chat", "_sphinx_design_static"}
    | {"_tags"}
)
"""Folders at any depth that hold no documentation: sources, assets, highlighted code."""
MOST_NAMED = 5
"""Files that a warning names."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file or folder of a site that is not read."""

    name: str
    """Its path relative to the site's root."""
    reason: str
    """Why it is not read."""


class LinkOutOfSiteError(OSError):
    """A file of a site is a link to something outside it."""


def require_inside(path: Path, html_dir: Path) -> None:
    """Check that a path in a site does not lead out of it.

    :raises OSError: if a link leads out.
    """
    if not _is_inside(os.path.realpath(path), os.path.realpath(html_dir)):
        raise LinkOutOfSiteError(errno.EPERM, "it is a link out of the site", str(path))


def find_names(html_dir: Path, left_out: list[LeftOut]) -> Iterator[str]:
    """Yield the names of a site's ``.html`` files, relative to its root, in no order.

    A folder is looked into once, however many links lead to it, and by its own name where that
    is in the site too.

    :param left_out: takes the folders that are not looked into.
    """
    root = os.path.realpath(html_dir)
    folders, links, known = deque([""]), deque[str](), set[str]()
    while folders or links:
        folder = folders.popleft() if folders else links.popleft()
        real = os.path.realpath(html_dir / folder)
        if real in known:
            continue
        known.add(real)
        for name in _entries(html_dir, folder, left_out):
            path = html_dir / name
            if not os.path.isdir(path):  # noqa: PTH112  (never raises)
                if name.endswith(".html"):
                    yield name
            elif not _is_skipped(path.name) and not (
                problem := _folder_problem(name, os.path.realpath(path), root)
            ):
                (links if path.is_symlink() else folders).append(name)
            elif not _is_skipped(path.name):
                left_out.append(LeftOut(name, problem))


def name_problem(name: str) -> str:
    """Return why no page can have a name; empty where it can."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return "its name is not UTF-8"
    if any(ord(character) < 32 or ord(character) == 127 for character in name):
        return "its name has control characters"
    return ""


def describe_left_out(left_out: Sequence[LeftOut]) -> str:
    """Return one line that names what is left out, the first few of many."""
    ordered = sorted(left_out, key=lambda each: each.name)
    if len(ordered) == 1:
        return f"{printable_name(ordered[0].name)} is left out: {ordered[0].reason}"
    named = [f"{printable_name(each.name)} ({each.reason})" for each in ordered[:MOST_NAMED]]
    more = len(ordered) - len(named)
    rest = f" and {more:,} more" if more else ""
    return f"{len(ordered):,} files and folders are left out: {', '.join(named)}{rest}"


def printable_name(name: str) -> str:
    """Return a file's name as it can be printed: bytes that are no text are escaped."""
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _entries(html_dir: Path, folder: str, left_out: list[LeftOut]) -> list[str]:
    """Return what lies in a folder, by name relative to the site's root, sorted."""
    try:
        names = sorted(os.listdir(html_dir / folder))  # noqa: PTH208  (names alone)
    except OSError as error:
        left_out.append(LeftOut(folder or ".", error.strerror or str(error)))
        return []
    return [f"{folder}/{name}" if folder else name for name in names]


def _is_skipped(folder: str) -> bool:
    return folder in SKIPPED_FOLDERS or folder.startswith(".")


def _folder_problem(name: str, real: str, root: str) -> str:
    """Return why a folder is not looked into; empty where it is."""
    if not _is_inside(real, root):
        return "it is a link out of the site"
    around = os.path.realpath(os.path.join(root, os.path.dirname(name)))  # noqa: PTH118, PTH120
    if _is_inside(around, real):
        return "it is a link to a folder that it lies in"
    return name_problem(name)


def _is_inside(real: str, folder: str) -> bool:
    return real == folder or real.startswith(folder.rstrip(os.sep) + os.sep)
