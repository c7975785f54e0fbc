"""SQLite files of an index, opened for reading: they may come from anybody's web server."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import lru_cache
from pathlib import Path

from molsys_chat_rag.errors import DamagedIndexError
from molsys_chat_rag.text.unseen import without_unseen

_LONGEST_PROBLEM = 200
LONGEST_VALUE = 100_000_000
"""Bytes of one value: twice the largest page that is read."""
UNREADABLE = (sqlite3.Error, UnicodeDecodeError)
"""What reading a damaged file raises: SQLite's own messages may quote what is no text."""
Definitions = dict[tuple[str, str], str]
"""By kind and name, the statement that makes a table or an index."""


def open_read_only(
    path: Path, schema: str, find_problem: Callable[[sqlite3.Connection], str]
) -> sqlite3.Connection:
    """Return a connection to a file that holds exactly the tables and indexes of a schema.

    A view, a virtual table or a computed column in a table's place could answer a plain query for
    ever; pages of the file that are used twice could make a small file endless.

    :param schema: the statements that make such a file.
    :param find_problem: returns what else is wrong with a file, as the end of a sentence.
    :raises DamagedIndexError: if it is no such file.
    """
    uri = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
    connection = sqlite3.connect(uri, uri=True, check_same_thread=False)
    try:
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA cell_size_check = ON")
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LONGEST_VALUE)
        problem = _unlike(connection, schema) or _torn(connection) or find_problem(connection)
    except UNREADABLE as error:
        problem = f"cannot be read ({error})"
    if problem:
        connection.close()
        raise damaged(path, problem)
    return connection


def damaged(path: Path, problem: str) -> DamagedIndexError:
    """Return the error that says what is wrong with a file, and the remedy."""
    told = " ".join(without_unseen(problem).split())
    told = told if len(told) <= _LONGEST_PROBLEM else f"{told[:_LONGEST_PROBLEM]}…)"
    return DamagedIndexError(f"{path} {told}: rebuild the index with --full")


def _unlike(connection: sqlite3.Connection, schema: str) -> str:
    """Return in what a file's tables differ from those of a schema; empty where in nothing."""
    right, found = _right_definitions(schema), _definitions(connection)
    for kind, name in found:
        if (kind, name) not in right:
            return f"holds {name[:40]!r}, which no index has"
    for (kind, name), statement in right.items():
        if (kind, name) not in found:
            return f"holds no {kind} {name!r}"
        if found[kind, name] != statement:
            return f"holds {name!r} in a form that no index has"
    return ""


def _torn(connection: sqlite3.Connection) -> str:
    """Return what is wrong with the file's own structure; empty where nothing is."""
    (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    return "" if found == "ok" else f"cannot be read ({found})"


@lru_cache
def _right_definitions(schema: str) -> Definitions:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(schema)
        return _definitions(connection)


def _definitions(connection: sqlite3.Connection) -> Definitions:
    rows = connection.execute("SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_schema")
    return {
        (str(kind), str(name)): " ".join(f"{table}: {sql}".split())
        for kind, name, table, sql in rows
    }
