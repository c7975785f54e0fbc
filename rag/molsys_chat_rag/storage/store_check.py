"""Whether the content of a store fits together, as far as that is looked at when it is opened.

A file of the right digest and the right tables may still hold what no build writes. What is not
looked at here (the inside of JSON and of the inverted index) is checked where it is read.
"""

import sqlite3
from collections.abc import Mapping

from molsys_chat_rag.names.taught import Teaching
from molsys_chat_rag.reading.sections import SectionKind

MOST_ROWS = 5_000_000
"""Rows of one table: some fifty times those of the largest site that was measured."""
MOST_TEXT = 1_000_000_000
"""Characters of all sections, those of copies counted again: a copy is read with its original."""
TABLES = ("pages", "sections", "addresses", "chunks", "symbols", "taught", "texts", "terms")
_COUNTED = ("sections", "texts", "chunks", "symbols")
_DENSE = (
    "SELECT 1 FROM (SELECT count(*) AS n, min(id) AS first, max(id) AS last FROM {0})"
    " WHERE n AND (first <> 0 OR last <> n - 1)"
)
_NO_SECTION = (
    "SELECT 1 FROM {0} WHERE section NOT BETWEEN 0 AND (SELECT coalesce(max(id), -1) FROM sections)"
)
_NO_LISTS = " OR ".join(
    f"NOT json_valid({name}) OR json_type({name}) <> 'array'"
    for name in ("path", "aliases", "blocks")
)
_NONSENSE = {
    "sections that are not numbered": _DENSE.format("sections"),
    "chunks that are not numbered": _DENSE.format("chunks"),
    "sections of sections that it lacks": (
        "SELECT 1 FROM sections s LEFT JOIN sections c ON c.id = s.canonical"
        " WHERE c.id IS NULL OR c.canonical <> c.id"
    ),
    "addresses of sections that it lacks": _NO_SECTION.format("addresses"),
    "texts of sections that it lacks": _NO_SECTION.format("texts"),
    "sections whose values are no lists": f"SELECT 1 FROM sections WHERE {_NO_LISTS}",  # noqa: S608
    "copies of long sections without end": (
        "SELECT 1 FROM (SELECT sum(length(c.blocks) * s.copies) AS n FROM sections c"  # noqa: S608
        " JOIN (SELECT canonical, count(*) AS copies FROM sections GROUP BY canonical) s"
        f" ON c.id = s.canonical) WHERE n > {MOST_TEXT}"
    ),
    "pages of other sites": "SELECT 1 FROM sections WHERE instr(page, '://')",
    "symbols of other sites": "SELECT 1 FROM symbols WHERE instr(address, '://')",
    "terms without their places": (
        "SELECT 1 FROM terms WHERE holding < 1 OR length(rows) <> 4 * holding"
        " OR length(impacts) <> 4 * holding"
    ),
}
"""By what is wrong, a query that returns rows where it is."""


def find_nonsense(connection: sqlite3.Connection) -> str:
    """Return what does not fit together in a store, as the end of a sentence; empty for nothing.

    :raises sqlite3.Error: if it cannot be read.
    """
    for table, number in _count_rows(connection, TABLES).items():
        if number > MOST_ROWS:
            return f"holds {number:,} {table}, more than the {MOST_ROWS:,} that are read"
        if column := _mistyped(connection, table):
            return f"holds values of a wrong type in {table}.{column}"
    for told, query in _NONSENSE.items():
        if connection.execute(f"{query} LIMIT 1").fetchone():
            return f"holds {told}"
    return _wrong_words(connection) or _wrong_order(connection)


def find_miscount(connection: sqlite3.Connection, counts: Mapping[str, int]) -> str:
    """Return which count of a manifest is not a store's; empty where all are."""
    found = _count_rows(connection, _COUNTED)
    found["vectors"] = found["chunks"] + found["texts"]
    for name, number in found.items():
        if number != counts[name]:
            return f"holds {number:,} {name}, its manifest says {counts[name]:,}"
    return ""


def _count_rows(connection: sqlite3.Connection, tables: tuple[str, ...]) -> dict[str, int]:
    query = "SELECT count(*) FROM {}"
    return {table: connection.execute(query.format(table)).fetchone()[0] for table in tables}


def _mistyped(connection: sqlite3.Connection, table: str) -> str:
    """Return the column of a table that holds a value of another type; empty where none does."""
    columns = {
        name: str(kind).lower()
        for _, name, kind, *_ in connection.execute(f"PRAGMA table_info({table})")
    }
    wrong = " OR ".join(f"typeof({name}) <> '{kind}'" for name, kind in columns.items())
    types = ", ".join(f"typeof({name})" for name in columns)
    row = connection.execute(f"SELECT {types} FROM {table} WHERE {wrong} LIMIT 1").fetchone()  # noqa: S608
    found = zip(columns.items(), row or (), strict=False)
    return next((name for (name, right), kind in found if kind != right), "")


def _wrong_words(connection: sqlite3.Connection) -> str:
    """Return which word stands where only some may; empty where none does."""
    words: dict[str, set[str]] = {
        "sections.kind": {*SectionKind},
        "taught.how": {*Teaching},
    }
    for place, right in words.items():
        table, _, column = place.partition(".")
        found = connection.execute(f"SELECT DISTINCT {column} FROM {table} LIMIT 9")  # noqa: S608
        for (word,) in found:
            if word not in right:
                return f"holds {word[:40]!r} in {place}, which no index has"
    return ""


def _wrong_order(connection: sqlite3.Connection) -> str:
    """Return whether the chunks are not those of the texts, one after the other."""
    texts = connection.execute("SELECT section, chunks FROM texts ORDER BY section")
    chunks = connection.execute(
        "SELECT section, min(id), max(id), count(*) FROM chunks GROUP BY section ORDER BY section"
    )
    begin, expected = 0, []
    for section, number in texts:
        expected.append((section, begin, begin + number - 1, number))
        begin += number
    return "" if expected == chunks.fetchall() else "holds chunks that are not those of its texts"
