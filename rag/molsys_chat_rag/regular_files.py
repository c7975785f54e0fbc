"""Reading files that anybody may have put there: regular ones only, and within a size.

Whoever opens a named pipe waits until somebody writes into it, and a device may have no end.
"""

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path

LARGEST = 1_000_000_000
"""Bytes of a file that is read whole, where nothing else is said."""
_KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
}


class NotRegularError(OSError):
    """A path leads to something other than a regular file; ``strerror`` says what it is."""


class FileTooLargeError(OSError):
    """A file is larger than anything that it could be."""


def open_regular(path: Path) -> BufferedReader:
    """Return a regular file, open for reading; a link to one will do.

    :raises OSError: if it is something else, or cannot be opened.
    """
    return open(path, "rb", opener=_open_checked)


def read_regular(path: Path, most: int = LARGEST) -> bytes:
    """Return the bytes of a regular file.

    :raises OSError: if it is something else, cannot be read, or has more bytes than ``most``.
    """
    with open_regular(path) as file:
        data = file.read(most + 1)
        if len(data) > most:
            size = os.fstat(file.fileno()).st_size
            raise FileTooLargeError(
                errno.EFBIG, f"it has {size:,} bytes, {most:,} are read at most", str(path)
            )
    return data


def reason(error: Exception) -> str:
    """Return why a file cannot be read, without its name."""
    return (isinstance(error, OSError) and error.strerror) or str(error)


def _open_checked(path: str, flags: int) -> int:
    _require_regular(Path(path).stat(), path)  # opening alone may do something to a device
    descriptor = os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
    try:
        _require_regular(os.fstat(descriptor), path)  # it may be another one by now
    except NotRegularError:
        os.close(descriptor)
        raise
    return descriptor


def _require_regular(facts: os.stat_result, path: str) -> None:
    if not stat.S_ISREG(facts.st_mode):
        kind = _KINDS.get(stat.S_IFMT(facts.st_mode), "something else")
        raise NotRegularError(errno.EINVAL, f"it is {kind}, not a regular file", path)
