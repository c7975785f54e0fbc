"""Putting a finished index folder in the place of the previous one.

A build replaces an index or an empty folder: :func:`check_folder` refuses all else. Before a folder
is removed, every file in it is looked at: what no build made is never deleted.
"""

import glob
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from molsys_chat_rag.errors import BuildError
from molsys_chat_rag.names.foreign import FOREIGN
from molsys_chat_rag.storage.manifest import MANIFEST, manifest_files
from molsys_chat_rag.storage.store import STORE, VECTORS

_FILES = frozenset({MANIFEST, STORE, VECTORS, FOREIGN})
"""What an index folder holds."""
_UNFINISHED = _FILES | {f"{name}-journal" for name in (STORE, FOREIGN)}
"""What a killed build leaves in its temporary folder."""
_LITTER = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})
"""What file managers put into any folder that is looked at."""
_STARTS = {STORE: b"SQLite format 3\0", VECTORS: b"IxFI"}
"""How the files begin that tell an index whose manifest is damaged or missing."""


def real_path(path: Path) -> Path:
    """Return where a path leads, whatever links it goes through: what is written goes there."""
    return Path(os.path.realpath(path))


def is_index(folder: Path) -> bool:
    """Return whether a build made a folder and all that is in it."""
    return folder.is_dir() and _is_made_by_builds(folder) and _foreign_file(folder) is None


def check_folder(target: Path, html_dir: Path) -> None:
    """Check that an index may be written to a folder: it is new, empty, or an index.

    :param html_dir: the site that the index is made from.
    :raises BuildError: if something else is there.
    """
    real = real_path(target)
    if real.is_symlink():
        raise BuildError(f"{target} is a link that leads back to itself: name a folder")
    if real.exists() and not real.is_dir():
        raise BuildError(f"{target} is a file: name a folder for the index")
    if not real.is_dir():
        return
    if _holds(real, html_dir):
        raise BuildError(
            f"{target} holds the site {html_dir} itself: name a folder of its own for the index, "
            f"such as {html_dir / '_chat'}"
        )
    _check_content(real, target)


def _holds(folder: Path, html_dir: Path) -> bool:
    """Return whether a folder is the site's own or lies above it, however the two are written."""
    site = real_path(html_dir)
    return any(above.exists() and above.samefile(folder) for above in (site, *site.parents))


def _check_content(folder: Path, target: Path) -> None:
    """Check that there is nothing to lose in a folder.

    :param target: the folder as the user named it.
    :raises BuildError: if there is.
    """
    if not _is_expendable(folder):
        raise BuildError(
            f"{target} holds {_foreign_file(folder) or MANIFEST}, which is not part of an index: "
            "name a new or empty folder for the index, or move what is in this one elsewhere"
        )
    previous = previous_folder(folder)
    if os.path.lexists(previous) and not _is_expendable(previous):
        raise BuildError(
            f"{previous} is where a build puts the previous index, and is not one itself: move it "
            "elsewhere, or name another folder for the index"
        )


def _is_expendable(folder: Path) -> bool:
    """Return whether a folder is empty, or an index and nothing else."""
    if folder.is_symlink() or not folder.is_dir():
        return False
    return _other_than(_LITTER, folder) is None or is_index(folder)


def _is_made_by_builds(folder: Path) -> bool:
    """Return whether a folder holds our manifest, or what else tells an index that lost it."""
    text = _text_of(folder / MANIFEST)
    if _is_json(text):
        return manifest_files(text) is not None
    return all(_begins(folder / name, start) for name, start in _STARTS.items())


def _text_of(path: Path) -> str:
    """Return a file's text; an empty one where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _begins(path: Path, start: bytes) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(start)) == start
    except OSError:
        return False


def _foreign_file(folder: Path) -> str | None:
    """Return the name of something in a folder that is no file of an index; None without."""
    known = _FILES | _LITTER | (manifest_files(_text_of(folder / MANIFEST)) or frozenset())
    return _other_than(known, folder)


def _other_than(known: frozenset[str], folder: Path) -> str | None:
    with os.scandir(folder) as entries:
        return min(
            (
                e.name
                for e in entries
                if e.name not in known or not e.is_file(follow_symlinks=False)
            ),
            default=None,
        )


def previous_folder(target: Path) -> Path:
    """Return where the previous index stands while the new one takes its place."""
    return target.parent / f".{target.name}.previous"


def clear_leftovers(target: Path) -> None:
    """Remove what killed builds left beside a target; the caller holds the target's lock."""
    name = re.compile(re.escape(f".{target.name}.building-") + "[a-z0-9_]{8}")
    for folder in target.parent.glob(f".{glob.escape(target.name)}.building-*"):
        is_leftover = name.fullmatch(folder.name) and folder.is_dir() and not folder.is_symlink()
        if is_leftover and _other_than(_UNFINISHED | _LITTER, folder) is None:
            shutil.rmtree(folder, ignore_errors=True)


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
    :raises BuildError: if something that is no index came there meanwhile.
    """
    previous = previous_folder(target)
    if target.exists():
        _check_content(target, target)
        _remove_index(previous)
        target.rename(previous)
    try:
        folder.rename(target)
    except OSError:
        _put_back(previous, target)
        raise
    _remove_index(previous)


def _remove_index(folder: Path) -> None:
    """Remove an index folder, or the empty one that stood in its place, and nothing else.

    The manifest goes last: what a killed build leaves of the folder is known by it.
    """
    if not _is_expendable(folder):
        return
    with suppress(OSError):
        for path in sorted(folder.iterdir(), key=lambda path: path.name == MANIFEST):
            path.unlink()
        folder.rmdir()


def _put_back(previous: Path, target: Path) -> None:
    if previous.is_dir() and not target.exists():
        previous.rename(target)


def lock_of(target: Path) -> FileLock:
    """Return the lock that whoever writes a target holds.

    It lies in the machine's folder for temporary files: the target's parent may be published.
    """
    user = os.getuid() if hasattr(os, "getuid") else 0
    name = hashlib.sha256(f"{user} {os.path.realpath(target)}".encode()).hexdigest()[:24]
    return FileLock(Path(tempfile.gettempdir()) / f"molsys-chat-{name}.lock")


def recover_unless_building(target: Path) -> None:
    """Put the previous index back, unless a build is at work that will put a new one there."""
    real = real_path(target)
    if not previous_folder(real).is_dir() or real.exists():
        return
    try:
        with lock_of(real).acquire(timeout=0):
            recover(real)
    except (Timeout, OSError):  # a build is at work, or nothing can be written there
        return


def recover(target: Path) -> None:
    """Put the previous index back where a build was killed between the two renames."""
    previous = previous_folder(target)
    if not target.exists() and is_index(previous):
        previous.rename(target)
