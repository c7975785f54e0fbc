"""Files that commands write: whole or not at all, and never in the place of anything else.

One rule holds for all of them. A file may be written where there is none, where there is an empty
one, and where an earlier output of the same kind is, which its content tells. It is written beside
its place and renamed when it is whole, so that a failure leaves what was there; a link stays one.
"""

import errno
import json
import logging
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any, Literal, TextIO

from molsys_chat_rag.errors import OutputError
from molsys_chat_rag.storage.folder import is_index, real_path

logger = logging.getLogger(__name__)

LONGEST_LINE = 50_000_000
"""Bytes of a line that an earlier output may have."""
_DEVICES = (("/", "dev"), ("/", "proc"))
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@dataclass(frozen=True, slots=True)
class OutputKind:
    """What a command writes into a file."""

    name: str
    """What it is, as the end of a sentence: ``a page that molsys-chat wrote``."""
    is_one: Callable[[IO[bytes]], bool]
    """Returns whether a file that is not empty is of this kind."""


def json_lines(name: str, is_ours: Callable[[Mapping[str, Any]], bool]) -> OutputKind:
    """Return the kind of file that has a JSON object on each line.

    :param is_ours: returns whether an object is one that the command writes.
    """
    return OutputKind(name, lambda file: all(_is_line(line, is_ours) for line in _lines(file)))


def with_keys(*keys: str) -> Callable[[Mapping[str, Any]], bool]:
    """Return what tells objects that have certain keys."""
    return lambda data: data.keys() >= set(keys)


def beginning_with(name: str, mark: str, within: int = 4096) -> OutputKind:
    """Return the kind of file that has a text among its first bytes."""
    return OutputKind(name, lambda file: mark.encode() in file.read(within))


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    return iter(partial(file.readline, LONGEST_LINE), b"")


def _is_line(line: bytes, is_ours: Callable[[Mapping[str, Any]], bool]) -> bool:
    try:
        data = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return isinstance(data, dict) and is_ours(data)


class Output:
    """A file that is being written."""

    def __init__(self, file: TextIO, path: Path) -> None:
        self._file = file
        self._path = path

    def write(self, text: str) -> None:
        """Add a text.

        :raises OutputError: if it does not fit on the disk, or the like.
        """
        with _explained(self._path):
            self._file.write(text)

    def close(self) -> None:
        """Write what is left.

        :raises OutputError: as above.
        """
        with _explained(self._path):
            self._file.close()


@contextmanager
def open_output(
    path: Path,
    kind: OutputKind,
    *,
    apart_from: Iterable[Path | None] = (),
    keep_partial: bool = False,
) -> Iterator[Output]:
    """Give a file to write; it takes its place at the end of the ``with`` unless that fails.

    :param apart_from: files and folders that the same command reads or writes.
    :param keep_partial: whether what was written before a failure is kept, as ``FILE.partial``:
        for output that took hours.
    :raises OutputError: at once, if it cannot be written there, or something else would be lost.
    """
    partial_path = path.with_name(f"{path.name}.partial")
    keep_partial = keep_partial and not _is_device(path)
    for each in (path, partial_path) if keep_partial else (path,):
        check_output(each, kind, apart_from=apart_from)
    if _is_device(path):
        opened = _opened(path, path, "w")
    else:
        opened = _beside(real_path(path), path, partial_path if keep_partial else None)
    with opened as output:
        yield output


def _is_device(path: Path) -> bool:
    """Return whether a path is a terminal, a pipe or the like, such as ``/dev/stdout``."""
    return path.exists() and (path.parts[:2] in _DEVICES or not (path.is_file() or path.is_dir()))


@contextmanager
def _opened(file: Path, path: Path, mode: Literal["w", "x"]) -> Iterator[Output]:
    with _explained(path):
        opened = file.open(mode, encoding="utf-8", errors="backslashreplace", newline="")
    with opened:
        output = Output(opened, path)
        yield output
        output.close()


@contextmanager
def _beside(real: Path, path: Path, partial_path: Path | None) -> Iterator[Output]:
    """Give a file beside another, which it replaces in the end.

    :param partial_path: where what was written stays after a failure; None for nowhere.
    """
    temporary = real.parent / f".molsys-chat-{secrets.token_hex(6)}.new"
    try:
        with _opened(temporary, path, "x") as output:
            yield output
        with _explained(path):
            if real.exists():
                temporary.chmod(real.stat().st_mode & 0o7777)
            temporary.replace(real)
    except BaseException:
        if partial_path is not None:
            _keep_partial(temporary, partial_path)
        raise
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _keep_partial(temporary: Path, partial_path: Path) -> None:
    with suppress(OSError):
        if temporary.stat().st_size:
            temporary.replace(real_path(partial_path))
            logger.warning("%s holds what was written until then", partial_path)


@contextmanager
def open_output_if(
    path: Path | None, kind: OutputKind, *, apart_from: Iterable[Path | None] = ()
) -> Iterator[Output | None]:
    """Give a file to write as :func:`open_output` does; None where none is asked for."""
    if path is None:
        yield None
        return
    with open_output(path, kind, apart_from=apart_from) as output:
        yield output


def check_output(path: Path, kind: OutputKind, *, apart_from: Iterable[Path | None] = ()) -> None:
    """Check that a file may be written.

    :raises OutputError: if it may not: something else would be lost, or it has no folder.
    """
    with _explained(path):
        if not _is_device(path):
            _check_place(real_path(path), path, apart_from)
            _check_earlier(real_path(path), path, kind)


def _check_place(real: Path, path: Path, apart_from: Iterable[Path | None]) -> None:
    """Check that a file may be where it is asked for.

    :raises OutputError: if it may not.
    """
    for other in apart_from:
        if other is not None and _is_same(real, real_path(other)):
            raise OutputError(
                f"{path} is also {other}, which this command needs: name another file"
            )
    if real.is_dir():
        raise OutputError(f"{path} is a folder: name a file")
    if not real.parent.is_dir():
        raise OutputError(f"{path}: No such file or directory")
    if is_index(real.parent):
        raise OutputError(
            f"{real.parent} is an index, which holds nothing else: name {path.name} elsewhere"
        )
    if real.is_symlink():
        raise OutputError(f"{path} is a link that leads back to itself: name another file")


def _check_earlier(real: Path, path: Path, kind: OutputKind) -> None:
    """Check that what is there already may be replaced.

    :raises OutputError: if it may not.
    """
    if not real.is_file():
        return
    with real.open("rb") as file:
        is_ours = not real.stat().st_size or kind.is_one(file)
    if not is_ours:
        raise OutputError(
            f"{path} is there already and is not {kind.name}: name another file, or remove it"
        )
    if not os.access(real, os.W_OK):
        raise OutputError(f"{path} is read-only: name another file, or make it writable")


def _is_same(real: Path, other: Path) -> bool:
    return real == other or (real.exists() and other.exists() and real.samefile(other))


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn a disk's refusals into an error that says what to do."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        remedy = "free space" if error.errno in _FULL else "name a file that can be written"
        reason = error.strerror or str(error)
        raise OutputError(f"{path} cannot be written ({reason}): {remedy}") from error
