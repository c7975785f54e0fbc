"""Records in a PostgreSQL database, which several copies of the service share."""

import contextlib
import threading
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

import psycopg
from psycopg.conninfo import conninfo_to_dict

from molsys_chat_server.errors import RecordsError, SettingsError
from molsys_chat_server.records.schema import TABLES, Row, prepare_tables

_DEFAULTS: dict[str, Any] = {
    "application_name": "molsys-chat",
    "connect_timeout": 5,
    "keepalives_idle": 30,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 10000,
}
"""What a connection is opened with where its URL does not say; an unreachable host is let go."""

_STATEMENT_TIMEOUT = "10s"
_VACUUM_TIMEOUT = "10min"
_PREPARING = 0x6D6F6C73
"""The advisory lock under which tables are made: copies of the service may start together."""
_COLUMNS = """
SELECT column_name FROM information_schema.columns
WHERE table_name = %s AND table_schema = ANY (current_schemas(false))
"""


class _Cursor:
    """Runs statements on a connection."""

    def __init__(self, connection: psycopg.Connection[Row]) -> None:
        self._connection = connection

    def execute(self, statement: str, values: Row = ()) -> int:
        return self._run(statement, values).rowcount

    def fetch(self, statement: str, values: Row = ()) -> Sequence[Row]:
        return self._run(statement, values).fetchall()

    def _run(self, statement: str, values: Row) -> psycopg.Cursor[Row]:
        # Every statement is written in this package; values are bound, never put into it.
        return self._connection.execute(statement.replace("?", "%s").encode(), values)


class PostgresDatabase:
    """A PostgreSQL database, connected when it is first needed and again after it was away.

    :param url: ``postgresql://user@host/database``; the database is the service's own.
    :raises SettingsError: if the URL is none that PostgreSQL's own library reads.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.place = f"postgresql://{parts.netloc.rpartition('@')[2]}{parts.path}"
        try:
            self._options = _DEFAULTS | conninfo_to_dict(url)
        except psycopg.ProgrammingError as error:
            raise SettingsError(
                f"setting records_db is no PostgreSQL URL ({str(error).strip()}): give one such "
                "as postgresql://user@host/database"
            ) from None
        self._lock = threading.Lock()
        self._connection: psycopg.Connection[Row] | None = None

    @contextlib.contextmanager
    def transaction(self) -> Iterator[_Cursor]:
        """Give a cursor whose work is committed at the end, or undone where it fails.

        :raises RecordsError: if the database cannot be used.
        """
        with self._lock, self._explained():
            connection = self._opened()
            with connection.transaction():
                yield _Cursor(connection)

    def forget(self) -> None:
        """Give the room of deleted rows back (``VACUUM``), on a connection of its own.

        :raises RecordsError: if the database cannot be used.
        """
        try:
            with psycopg.connect(**self._options, autocommit=True) as connection:
                connection.execute(f"SET statement_timeout = '{_VACUUM_TIMEOUT}'".encode())
                for table in TABLES:
                    connection.execute(f"VACUUM {table}".encode())
        except psycopg.Error as error:
            raise self._explained_error(error) from error

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._let_go()

    def _let_go(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn what can go wrong into :class:`RecordsError`, and connect anew afterwards."""
        try:
            yield
        except psycopg.Error as error:
            self._let_go()
            raise self._explained_error(error) from error

    def _explained_error(self, error: psycopg.Error) -> RecordsError:
        reason = " ".join(str(error).split()) or type(error).__name__
        return RecordsError(
            f"{self.place} cannot be used: {reason}; check that it runs and takes this user, or "
            "set records_db to another"
        )

    def _opened(self) -> psycopg.Connection[Row]:
        if self._connection is not None and not _is_alive(self._connection):
            self._let_go()
        if self._connection is None:
            self._connection = self._open()
        return self._connection

    def _open(self) -> psycopg.Connection[Row]:
        # Prepared statements would not outlive a connection pooler's change of server.
        connection = psycopg.connect(**self._options, autocommit=True, prepare_threshold=None)
        try:
            connection.execute(f"SET statement_timeout = '{_STATEMENT_TIMEOUT}'".encode())
            _prepare(connection)
        except psycopg.Error:
            connection.close()
            raise
        return connection


def _is_alive(connection: psycopg.Connection[Row]) -> bool:
    """Return whether the server is still there: it may have been restarted meanwhile."""
    try:
        connection.execute("SELECT 1")
    except psycopg.OperationalError:
        return False
    return True


def _prepare(connection: psycopg.Connection[Row]) -> None:
    """Make the tables; another copy of the service may be about to do the same."""

    def columns_of(table: str) -> set[str]:
        return {row[0] for row in connection.execute(_COLUMNS, (table,)).fetchall()}

    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_PREPARING,))
        prepare_tables(_Cursor(connection), columns_of)
