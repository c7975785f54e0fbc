"""Records in a SQLite file."""

import contextlib
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from molsys_chat_server.errors import RecordsError
from molsys_chat_server.records.schema import TABLES, Row, prepare_tables

_BUSY_S = 5.0
"""Seconds that another process's write is waited for."""
_FIRST_COLUMNS = {
    "votes": {"id", "vote", "comment", "at"},
    "answers": {"id", "at", "question", "kind"},
}


class _Cursor:
    """Runs statements on a connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def execute(self, statement: str, values: Row = ()) -> int:
        return self._connection.execute(statement, values).rowcount

    def fetch(self, statement: str, values: Row = ()) -> Sequence[Row]:
        return self._connection.execute(statement, values).fetchall()


class SqliteDatabase:
    """A SQLite file, opened when it is first needed; what is committed outlives a killed process.

    What is deleted is overwritten with zeros (``secure_delete``), in the write-ahead log too.

    :param path: the file.
    :param must_exist: whether it is an error where there is none; else it is made, its folder too.
    """

    def __init__(self, path: Path, *, must_exist: bool = False) -> None:
        self.place = str(path)
        self._path = path
        self._must_exist = must_exist
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._inode = 0

    @contextlib.contextmanager
    def transaction(self) -> Iterator[_Cursor]:
        """Give a cursor whose work is committed at the end, or undone where it fails.

        :raises RecordsError: if the file cannot be used.
        """
        with self._lock, self._explained():
            connection = self._opened()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield _Cursor(connection)
            except BaseException:
                connection.rollback()
                raise
            connection.execute("COMMIT")

    def forget(self) -> None:
        """Take what was deleted out of the write-ahead log, unless somebody reads from it now.

        :raises RecordsError: if the file cannot be used.
        """
        with self._lock, self._explained():
            self._opened().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._let_go()

    def _let_go(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn what can go wrong into :class:`RecordsError`, and open the file anew afterwards."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            self._let_go()
            raise RecordsError(
                f"{self._path} cannot be used ({error}): check that it is a SQLite file of this "
                "service's user, or set records_db to another"
            ) from error

    def _opened(self) -> sqlite3.Connection:
        if self._connection is not None and not self._is_same_file():
            self._let_go()  # what is written to a file that was removed is lost
        if self._connection is None:
            self._connection = self._open()
            self._inode = self._path.stat().st_ino
        return self._connection

    def _is_same_file(self) -> bool:
        try:
            return self._path.stat().st_ino == self._inode
        except FileNotFoundError:
            return False

    def _open(self) -> sqlite3.Connection:
        if self._must_exist and not self._path.is_file():
            raise RecordsError(f"{self._path}: there is no such file; give a service's records_db")
        self._path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(
            self._path, timeout=_BUSY_S, check_same_thread=False, isolation_level=None
        )
        try:
            self._check_owner(connection)
            connection.execute("PRAGMA secure_delete = ON")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            _prepare(connection)
        except (sqlite3.Error, RecordsError):
            connection.close()
            raise
        return connection

    def _check_owner(self, connection: sqlite3.Connection) -> None:
        """Check that the file holds nothing, or our records.

        :raises RecordsError: if it is another program's.
        """
        rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        tables = {name for (name,) in rows}
        foreign = {name for name in tables & TABLES.keys() if not _is_ours(connection, name)}
        if foreign or (tables and tables.isdisjoint(TABLES)):
            raise RecordsError(
                f"{self._path} is the database of another program (its table "
                f"{min(foreign or tables)} is none of ours): set records_db to a file of its own"
            )


def _is_ours(connection: sqlite3.Connection, table: str) -> bool:
    """Return whether a table has the columns that ours had from the first release on."""
    return _columns(connection, table) >= _FIRST_COLUMNS[table]


def _columns(connection: sqlite3.Connection, table: str) -> set[str]:
    return {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}


def _prepare(connection: sqlite3.Connection) -> None:
    """Make the tables; another process may be about to do the same."""
    connection.execute("BEGIN IMMEDIATE")
    prepare_tables(_Cursor(connection), partial(_columns, connection))
    connection.execute("COMMIT")
