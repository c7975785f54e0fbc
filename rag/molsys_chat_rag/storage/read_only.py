"""SQLite files of an index, opened for reading: they may come from anybody's web server."""

import sqlite3
from pathlib import Path

from molsys_chat_rag.errors import DamagedIndexError


def open_read_only(path: Path, tables: frozenset[str]) -> sqlite3.Connection:
    """Return a connection to a file that holds these tables and nothing that computes.

    A view or a virtual table in a table's place could answer a plain query for ever.

    :raises DamagedIndexError: if it is no such file.
    """
    uri = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
    try:
        connection = sqlite3.connect(uri, uri=True, check_same_thread=False)
        connection.execute("PRAGMA trusted_schema = OFF")
        problem = _unlike(connection, tables)
    except sqlite3.Error as error:
        raise DamagedIndexError(
            f"{path} cannot be read ({error}): rebuild the index with --full"
        ) from None
    if problem:
        connection.close()
        raise DamagedIndexError(f"{path} {problem}: rebuild the index with --full")
    return connection


def _unlike(connection: sqlite3.Connection, tables: frozenset[str]) -> str:
    """Return in what a file differs from what is written into one; empty where in nothing."""
    held = connection.execute("SELECT type, name, coalesce(sql, '') FROM sqlite_schema").fetchall()
    for kind, name, sql in held:
        computes = kind == "table" and (
            not sql.startswith("CREATE TABLE ") or "GENERATED" in sql.upper()
        )
        if kind not in {"table", "index"} or computes:
            return f"holds {name[:40]!r}, which no index has"
    found = {name for kind, name, _ in held if kind == "table"}
    if missing := sorted(tables - found):
        return f"holds no table {missing[0]!r}"
    return ""
