"""Names that other projects document, from their inventories: a file of the index by itself.

It holds full names, their kinds and where they are documented; no signatures, which inventories do
not have. It is there only where inventories were given to the build.
"""

import sqlite3
from collections.abc import Collection, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from rapidfuzz import fuzz, process

from molsys_chat_rag.hits import Symbol
from molsys_chat_rag.read_only import UNREADABLE, damaged, open_read_only
from molsys_chat_rag.reading.inventory import read_inventory

FOREIGN = "foreign.sqlite"
"""The file in an index folder."""
NEAR = 70
"""rapidfuzz ratio (0 to 100) from which a name of the same module is offered instead."""

_SCHEMA = """
CREATE TABLE names (name TEXT PRIMARY KEY, kind TEXT NOT NULL, url TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE tails (package TEXT NOT NULL, tail TEXT NOT NULL, PRIMARY KEY (package, tail))
    WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class ForeignName:
    """A name that another project documents."""

    name: str
    """The full dotted name."""
    kind: str
    """Domain and role, such as ``py:function``."""
    url: str
    """Where it is documented, a whole address."""


def read_foreign(inventory: Path, base_url: str) -> tuple[ForeignName, ...]:
    """Return the Python names of another project's ``objects.inv``.

    :param base_url: where that project's documentation is published.
    :raises ValueError: if the file is not an inventory of version 2.
    :raises OSError: if it cannot be read.
    """
    base = base_url.rstrip("/")
    names = read_inventory(inventory).names.items()
    return tuple(
        ForeignName(name, role, f"{base}/{address}")
        for name, (role, address) in names
        if role.startswith("py:")
    )


def write_foreign(names: Iterable[ForeignName], path: Path) -> None:
    """Write the file; the same names give the same bytes.

    :raises sqlite3.Error: if it cannot be written.
    """
    rows = {each.name: (each.name, each.kind, each.url) for each in names}
    tails = {(name.partition(".")[0], name.rpartition(".")[2]) for name in rows}
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        connection.executescript(_SCHEMA)
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO names VALUES (?, ?, ?)", sorted(rows.values()))
        connection.executemany("INSERT INTO tails VALUES (?, ?)", sorted(tails))
        connection.execute("COMMIT")


def _find_nonsense(connection: sqlite3.Connection) -> str:
    """Return what is wrong with the file's values, as the end of a sentence; empty for nothing."""
    query = (
        "SELECT 1 FROM names WHERE typeof(name) <> 'text' OR typeof(kind) <> 'text'"
        " OR typeof(url) <> 'text' LIMIT 1"
    )
    return "holds names that are no text" if connection.execute(query).fetchone() else ""


class ForeignNames:
    """Looks names of other projects up; safe to share between threads."""

    def __init__(self, path: Path) -> None:
        """Open the file.

        :raises DamagedIndexError: if it is none of ours.
        """
        self._lock = Lock()
        self._path = path
        self._connection = open_read_only(path, _SCHEMA, _find_nonsense)

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._connection.close()

    def find(self, name: str) -> Symbol | None:
        """Return the documented object of a full name; its address is a whole one."""
        rows = self._rows("SELECT kind, url FROM names WHERE name = ?", name)
        return Symbol(name, rows[0][0], "", rows[0][1]) if rows else None

    def lacks(self, name: str) -> bool:
        """Return whether a module is documented, and nothing of its project has such a name.

        An object is often offered by more modules than it is documented in.
        """
        module, _, tail = name.rpartition(".")
        found = self.find(module)
        if found is None or found.kind != "py:module":
            return False
        query = "SELECT 1 FROM tails WHERE package = ? AND tail = ?"
        return not self._rows(query, name.partition(".")[0], tail)

    def nearest(self, name: str) -> tuple[Symbol, ...]:
        """Return the names of the same module that are spelt most like a name."""
        module, _, tail = name.rpartition(".")
        siblings = list(self._children(module))
        near = process.extract(tail, siblings, scorer=fuzz.ratio, score_cutoff=NEAR, limit=3)
        found = (self.find(f"{module}.{sibling}") for sibling, _, _ in near)
        return tuple(symbol for symbol in found if symbol is not None)

    def _children(self, module: str) -> Iterator[str]:
        query = "SELECT name FROM names WHERE name > ? AND name < ?"
        start = f"{module}."
        for (name,) in self._rows(query, start, f"{module}/"):  # "/" is what follows "."
            child = name.removeprefix(start)
            if "." not in child:
                yield child

    def _rows(self, query: str, *values: str) -> list[tuple[str, ...]]:
        try:
            with self._lock, closing(self._connection.execute(query, values)) as cursor:
                return cursor.fetchall()
        except sqlite3.ProgrammingError:  # closed: a mistake of ours
            raise
        except UNREADABLE as error:
            raise damaged(self._path, f"cannot be read ({error})") from None


def foreign_digest(names: Collection[ForeignName]) -> str:
    """Return what tells these names from others, for the facts that an index is made from."""
    return "\n".join(sorted(f"{each.name} {each.kind} {each.url}" for each in names))
