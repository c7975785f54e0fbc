"""Vectors by their text's content, kept in a folder that builds share.

One SQLite file holds the vectors of all projects and models. A vector is filed under a digest of
its text and of all that its value depends on besides; nothing of the text itself is kept. Builds
may use the folder at the same time and may be killed at any moment: whoever has the file open holds
a lock beside it, which the system lets go of when a process ends, and what was not committed is
rolled back by the next one to open it. The lock also makes it safe to put a fresh file in the place
of a damaged one, which SQLite's own locks do not.

The journal is SQLite's plain one, since write-ahead logs do not work on network file systems.
"""

import hashlib
import sqlite3
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from math import ceil
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
from filelock import FileLock, Timeout

from molsys_chat_rag.embedding.arithmetic import Arithmetic
from molsys_chat_rag.embedding.models import EmbeddingModel, Vector, Vectors

ARITHMETIC = 1
"""Raised whenever our own embedding computes other values."""
FILE = "vectors-1.sqlite"
"""The cache's file; the number is raised whenever its tables change."""
LOCK = "vectors.lock"
LOCK_TIMEOUT = 60
"""Seconds to wait for another build's reading or writing, which takes a fraction of one."""
ASKED_AT_ONCE = 500
"""Keys in one query: older SQLite takes 999 variables."""
KEPT = 0.9
"""Share of the bound that is kept when it is reached, so that it is not reached each time."""
MB = 1_000_000
CACHE_MB = 512
"""Size of a cache unless another is named: some 280,000 vectors of the default model."""

_TABLES = (
    "CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB NOT NULL,"
    " crc INTEGER NOT NULL, used INTEGER NOT NULL)",
    "CREATE INDEX IF NOT EXISTS vectors_by_use ON vectors (used)",
)

T = TypeVar("T")


class VectorCache:
    """The vectors of one model in a cache's folder; no failure of it stops a build."""

    def __init__(
        self, folder: Path, limit_mb: int, model: EmbeddingModel, arithmetic: Arithmetic
    ) -> None:
        """Name the cache; nothing is read yet.

        :param limit_mb: size that the file is kept to, in MB of 1,000,000 bytes.
        :param arithmetic: what the model is computed with.
        """
        self._folder = folder
        self._limit = limit_mb * MB
        self._size = model.dimension * np.dtype(np.float32).itemsize
        computed = f"{ARITHMETIC} {arithmetic.library} {arithmetic.release}"
        self._recipe = (f"{computed} {model.digest} {model.window} {arithmetic.dtype}\n").encode()
        self._warnings: list[str] = []
        self._usable = True

    @property
    def warnings(self) -> tuple[str, ...]:
        """One line for each thing that went wrong."""
        return tuple(self._warnings)

    def get(self, texts: Sequence[str]) -> dict[str, Vector]:
        """Return the vectors that are here, by their texts; they count as used now."""
        keys = {self._key(text): text for text in texts}

        def found(connection: sqlite3.Connection) -> dict[str, Vector]:
            rows = list(_rows(connection, list(keys)))
            for row in rows:
                self._check(row)
            _touch(connection, [row.key for row in rows])
            return {keys[row.key]: np.frombuffer(row.vector, dtype=np.float32) for row in rows}

        return self._within(found, {})

    def put(self, texts: Sequence[str], vectors: Vectors) -> None:
        """Keep vectors; the least recently used ones go where there is no room.

        :param vectors: float32, shape ``(len(texts), dimension)``.
        """
        rows = []
        for text, vector in zip(texts, vectors, strict=True):
            key, data = self._key(text), vector.tobytes()
            rows.append((key, data, zlib.crc32(key + data), _now()))

        def keep(connection: sqlite3.Connection) -> None:
            connection.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?, ?)", rows)
            _trim(connection, self._limit)

        self._within(keep, None)

    def _key(self, text: str) -> bytes:
        return hashlib.sha256(self._recipe + text.encode()).digest()

    def _check(self, row: "_Row") -> None:
        if len(row.vector) != self._size or zlib.crc32(row.key + row.vector) != row.crc:
            raise sqlite3.DatabaseError("a vector does not match its checksum")

    def _within(self, work: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        """Do some work in a transaction of its own, alone with the file.

        What goes wrong becomes a warning: a damaged file is put aside and begun anew, and a
        cache that cannot be used at all is left out from then on.
        """
        if not self._usable:
            return otherwise
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with FileLock(self._folder / LOCK, timeout=LOCK_TIMEOUT):
                return self._in_transaction(work, otherwise)
        except Timeout:
            self._leave_out(f"another build has held it for {LOCK_TIMEOUT} s")
        except (OSError, sqlite3.Error) as error:
            self._leave_out(str(error))
        return otherwise

    def _in_transaction(self, work: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        path = self._folder / FILE
        try:
            with closing(_open(path)) as connection:
                connection.execute("BEGIN IMMEDIATE")
                done = work(connection)
                connection.execute("COMMIT")
                return done
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):  # the file is sound, its disk is not
                raise
            aside = path.with_name(f"{FILE}.damaged")
            path.replace(aside)
            (self._folder / f"{FILE}-journal").unlink(missing_ok=True)
            self._warnings.append(
                f"{path} was damaged ({error}): it was renamed to {aside.name} and begun anew, and"
                " what was in it is embedded again"
            )
            return otherwise

    def _leave_out(self, reason: str) -> None:
        self._usable = False
        self._warnings.append(
            f"the vector cache in {self._folder} is left out of this build ({reason}): free space,"
            " or name a folder that can be written"
        )


class _Row(NamedTuple):
    """A row of the table, its last use left out."""

    key: bytes
    vector: bytes
    crc: int


def _open(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    # Both hold for a new file only. A row of the default model is a tenth of such a page.
    connection.execute("PRAGMA page_size = 16384")
    connection.execute("PRAGMA auto_vacuum = FULL")
    for statement in _TABLES:
        connection.execute(statement)
    return connection


def _rows(connection: sqlite3.Connection, keys: Sequence[bytes]) -> Iterator[_Row]:
    for start in range(0, len(keys), ASKED_AT_ONCE):
        asked = keys[start : start + ASKED_AT_ONCE]
        marks = ", ".join("?" * len(asked))
        query = f"SELECT key, vector, crc FROM vectors WHERE key IN ({marks})"  # noqa: S608
        yield from map(_Row._make, connection.execute(query, asked))


def _touch(connection: sqlite3.Connection, keys: Sequence[bytes]) -> None:
    """Take note that vectors were used now."""
    now = _now()
    connection.executemany(
        "UPDATE vectors SET used = ? WHERE key = ?", [(now, key) for key in keys]
    )


def _trim(connection: sqlite3.Connection, limit: int) -> None:
    """Delete the least recently used vectors until the file is well below a limit in bytes."""
    pages, free, page_size = (
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_count", "freelist_count", "page_size")
    )
    size = (pages - free) * page_size
    if size <= limit:
        return
    (rows,) = connection.execute("SELECT count(*) FROM vectors").fetchone()
    surplus = ceil(rows * (1 - KEPT * limit / size))
    connection.execute(
        "DELETE FROM vectors WHERE rowid IN "
        "(SELECT rowid FROM vectors ORDER BY used, rowid LIMIT ?)",
        (surplus,),
    )


def _now() -> int:
    """Return the time in milliseconds: builds one after another are told apart."""
    return time.time_ns() // 1_000_000
