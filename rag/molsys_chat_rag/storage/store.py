"""The index's SQLite file: pages, sections, chunks, symbols and the lexical index.

It is written once, in one transaction and in a fixed order, so that the same content gives the
same bytes; it is read only ever after.
"""

import json
import sqlite3
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from threading import Lock

import numpy as np

from molsys_chat_rag.content import Content, Text
from molsys_chat_rag.hits import Symbol
from molsys_chat_rag.names.taught import Taught, Teaching
from molsys_chat_rag.read_only import UNREADABLE, damaged, open_read_only
from molsys_chat_rag.reading.chunks import Chunk
from molsys_chat_rag.reading.sections import Block, BlockKind, Section, SectionKind
from molsys_chat_rag.search.lexical import Posting, build_postings
from molsys_chat_rag.storage.store_check import find_miscount, find_nonsense
from molsys_chat_rag.text.unseen import without_unseen

STORE = "store.sqlite"
VECTORS = "vectors.faiss"
"""The file beside it: one vector a chunk, in the order of the chunks' row ids."""

_SCHEMA = """
CREATE TABLE pages (name TEXT PRIMARY KEY, title TEXT NOT NULL, digest TEXT NOT NULL,
    indexed INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE sections (id INTEGER PRIMARY KEY, canonical INTEGER NOT NULL, page TEXT NOT NULL,
    anchor TEXT NOT NULL, title TEXT NOT NULL, path TEXT NOT NULL, kind TEXT NOT NULL,
    aliases TEXT NOT NULL, parent TEXT NOT NULL, symbol TEXT NOT NULL, role TEXT NOT NULL,
    signature TEXT NOT NULL, blocks TEXT NOT NULL);
CREATE TABLE addresses (address TEXT PRIMARY KEY, section INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE chunks (id INTEGER PRIMARY KEY, section INTEGER NOT NULL, heading TEXT NOT NULL,
    text TEXT NOT NULL);
CREATE TABLE symbols (name TEXT PRIMARY KEY, role TEXT NOT NULL, signature TEXT NOT NULL,
    address TEXT NOT NULL, overloads TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE taught (how TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL,
    times INTEGER NOT NULL, address TEXT NOT NULL);
CREATE TABLE texts (section INTEGER PRIMARY KEY, chunks INTEGER NOT NULL, heading TEXT NOT NULL,
    title_terms TEXT NOT NULL, stub INTEGER NOT NULL);
CREATE TABLE terms (term TEXT PRIMARY KEY, word TEXT NOT NULL, holding INTEGER NOT NULL,
    rows BLOB NOT NULL, impacts BLOB NOT NULL) WITHOUT ROWID;
"""
_INDEXES = """
CREATE INDEX sections_by_page ON sections (page);
CREATE INDEX sections_by_canonical ON sections (canonical);
CREATE INDEX chunks_by_section ON chunks (section);
"""
_AT_ONCE = 100
"""Rows that are read at once where everything is read."""
_SECTION_COLUMNS = (
    "s.page, s.anchor, s.title, s.path, s.kind, s.aliases, s.parent, s.symbol, s.role, "
    "s.signature, s.blocks, c.blocks, s.id = s.canonical"
)
_SECTIONS = f"SELECT {_SECTION_COLUMNS} FROM sections s JOIN sections c ON c.id = s.canonical"  # noqa: S608


def write_store(content: Content, digests: Mapping[str, str], path: Path) -> None:
    """Write a new store.

    :param digests: by page name, the digest of its file.
    :raises sqlite3.Error: if the file cannot be written.
    """
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        connection.executescript(_SCHEMA)
        connection.execute("BEGIN")
        _write_sections(connection, content)
        _write_chunks(connection, content)
        connection.executemany(
            "INSERT INTO pages VALUES (?, ?, ?, ?)",
            ((p.name, p.title, digests[p.name], p.indexed) for p in content.pages),
        )
        connection.executemany(
            "INSERT INTO symbols VALUES (?, ?, ?, ?, ?)",
            (
                (s.name, s.kind, s.signature, s.address, "\n".join(s.overloads))
                for s in content.symbols
            ),
        )
        connection.executemany(
            "INSERT INTO taught VALUES (?, ?, ?, ?, ?)",
            ((t.how.value, t.name, t.value, t.times, t.address) for t in content.taught),
        )
        connection.execute("COMMIT")
        connection.executescript(_INDEXES)


def _write_sections(connection: sqlite3.Connection, content: Content) -> None:
    rows = (
        _section_row(position, canonical, section)
        for position, (section, canonical) in enumerate(
            zip(content.sections, content.canonical, strict=True)
        )
    )
    connection.executemany(
        "INSERT INTO sections VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows
    )
    for anchors in (lambda s: (s.anchor,), lambda s: s.aliases):  # an anchor's own section first
        connection.executemany(
            "INSERT OR IGNORE INTO addresses VALUES (?, ?)",
            (
                (f"{section.page}#{anchor}" if anchor else section.page, position)
                for position, section in enumerate(content.sections)
                for anchor in anchors(section)
            ),
        )


def _write_chunks(connection: sqlite3.Connection, content: Content) -> None:
    connection.executemany(
        "INSERT INTO chunks VALUES (?, ?, ?, ?)",
        ((row, section, c.heading, c.text) for row, (section, c) in enumerate(content.chunks)),
    )
    connection.executemany(
        "INSERT INTO texts VALUES (?, ?, ?, ?, ?)",
        (
            (text.section, text.chunks, text.heading, " ".join(text.title_terms), text.stub)
            for text in content.texts
        ),
    )
    connection.executemany(
        "INSERT INTO terms VALUES (?, ?, ?, ?, ?)",
        (
            (p.term, p.word, len(p.rows), p.rows.tobytes(), p.impacts.tobytes())
            for p in build_postings([(c.heading, c.text) for _, c in content.chunks])
        ),
    )


def _section_row(position: int, canonical: int, section: Section) -> tuple[object, ...]:
    blocks = section.blocks
    if position != canonical:
        blocks = tuple(b for b in blocks if b.kind is BlockKind.SIGNATURE)
    return (
        position,
        canonical,
        section.page,
        section.anchor,
        section.title,
        json.dumps(section.path, ensure_ascii=False),
        section.kind.value,
        json.dumps(section.aliases, ensure_ascii=False),
        section.parent,
        section.symbol,
        section.role,
        section.signature,
        json.dumps([(b.kind.value, b.text, b.label) for b in blocks], ensure_ascii=False),
    )


class Store:
    """Reads a store; safe to share between threads.

    Every method raises DamagedIndexError where it meets what no build writes.
    """

    def __init__(self, path: Path) -> None:
        """Open a store.

        :raises DamagedIndexError: if it is not one, or does not fit together.
        """
        self._lock = Lock()
        self._path = path
        self._connection = open_read_only(path, _SCHEMA + _INDEXES, find_nonsense)
        self._chunks = int(str(self._rows("SELECT count(*) FROM chunks")[0][0]))

    def check_counts(self, counts: Mapping[str, int]) -> None:
        """Check that a manifest counts what is here.

        :raises DamagedIndexError: if it does not.
        """
        with self._lock:
            problem = find_miscount(self._connection, counts)
        if problem:
            raise damaged(self._path, problem)

    def check_content(self) -> None:
        """Read all that search and answers are made of, a part at a time.

        :raises DamagedIndexError: if a part of it cannot be read.
        """
        rows = len(self.canonical())
        for start in range(0, max(rows, self._chunks), _AT_ONCE):
            ids = range(start, start + _AT_ONCE)
            self.sections(ids)
            self.chunk_texts(ids)
        terms = [term for term, _, _ in self.vocabulary()]
        for start in range(0, len(terms), _AT_ONCE):
            self.postings(terms[start : start + _AT_ONCE])

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._connection.close()

    def _rows(self, query: str, values: Sequence[object] = ()) -> list[tuple[object, ...]]:
        try:
            with self._lock, closing(self._connection.execute(query, values)) as cursor:
                return cursor.fetchall()
        except sqlite3.ProgrammingError:  # closed: a mistake of ours
            raise
        except UNREADABLE as error:
            raise damaged(self._path, f"cannot be read ({error})") from None

    def _read(self, row: Sequence[object]) -> Section:
        try:
            return _section(row)
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            raise damaged(self._path, f"holds a section that cannot be read ({error})") from None

    def page_digests(self) -> dict[str, tuple[str, str, bool]]:
        """Return each page's title, digest, and whether it is indexed."""
        rows = self._rows("SELECT name, title, digest, indexed FROM pages")
        return {str(n): (str(t), str(d), bool(i)) for n, t, d, i in rows}

    def page_sections(self) -> dict[str, list[Section]]:
        """Return the sections of each page, whole and in order."""
        pages: dict[str, list[Section]] = {}
        for row in self._rows(f"{_SECTIONS} ORDER BY s.id"):
            section = self._read(row)
            pages.setdefault(section.page, []).append(section)
        return pages

    def page(self, name: str) -> list[Section]:
        """Return the sections of one page, whole and in order; none where there is no such page."""
        rows = self._rows(f"{_SECTIONS} WHERE s.page = ? ORDER BY s.id", (name,))
        return [self._read(row) for row in rows]

    def addresses(self) -> list[str]:
        """Return every address and further anchor."""
        return [str(a) for (a,) in self._rows("SELECT address FROM addresses ORDER BY address")]

    def sections(self, ids: Sequence[int]) -> dict[int, Section]:
        """Return sections by row id."""
        marks = ",".join("?" * len(ids))
        query = _SECTIONS.replace("SELECT ", "SELECT s.id, ", 1)
        rows = self._rows(f"{query} WHERE s.id IN ({marks})", ids)
        return {int(str(row[0])): self._read(row[1:]) for row in rows}

    def find(self, addresses: Sequence[str]) -> dict[str, int]:
        """Return, by address, the row id of the section that has it as anchor or further anchor."""
        marks = ",".join("?" * len(addresses))
        query = f"SELECT address, section FROM addresses WHERE address IN ({marks})"  # noqa: S608
        return {str(a): int(str(section)) for a, section in self._rows(query, addresses)}

    def canonical(self) -> list[int]:
        """Return, by row id, the row id of the section that stands for each."""
        return [int(str(c)) for (c,) in self._rows("SELECT canonical FROM sections ORDER BY id")]

    def copies(self, ids: Sequence[int]) -> dict[int, tuple[str, ...]]:
        """Return, by row id, the addresses of the other places where a section's text stands."""
        marks = ",".join("?" * len(ids))
        found: dict[int, list[str]] = {canonical: [] for canonical in ids}
        for canonical, page, anchor in self._rows(
            f"SELECT canonical, page, anchor FROM sections WHERE canonical IN ({marks}) "  # noqa: S608
            "AND id <> canonical ORDER BY id",
            ids,
        ):
            found[int(str(canonical))].append(f"{page}#{anchor}" if anchor else str(page))
        return {canonical: tuple(places) for canonical, places in found.items()}

    def texts(self) -> list[Text]:
        """Return the sections that have chunks, in the order of their chunks."""
        rows = self._rows(
            "SELECT section, chunks, heading, title_terms, stub FROM texts ORDER BY section"
        )
        return [
            Text(int(str(s)), int(str(n)), str(h), tuple(str(terms).split()), bool(stub))
            for s, n, h, terms, stub in rows
        ]

    def text_pages(self) -> list[str]:
        """Return the page of each text, in the order of :meth:`texts`."""
        query = "SELECT s.page FROM texts t JOIN sections s ON s.id = t.section ORDER BY t.section"
        return [str(page) for (page,) in self._rows(query)]

    def text_roles(self) -> list[str]:
        """Return the role of each text's section, in the order of :meth:`texts`."""
        query = "SELECT s.role FROM texts t JOIN sections s ON s.id = t.section ORDER BY t.section"
        return [sys.intern(str(role)) for (role,) in self._rows(query)]

    def chunk_texts(self, ids: Sequence[int]) -> dict[int, Chunk]:
        """Return chunks by row id."""
        marks = ",".join("?" * len(ids))
        query = f"SELECT id, heading, text FROM chunks WHERE id IN ({marks})"  # noqa: S608
        return {
            int(str(i)): Chunk(without_unseen(str(h)), without_unseen(str(t)))
            for i, h, t in self._rows(query, ids)
        }

    def embedded_texts(self) -> Iterator[str]:
        """Yield what each vector was made from, in order: all chunks, and then all headings."""
        for heading, text in self._rows("SELECT heading, text FROM chunks ORDER BY id"):
            yield Chunk(str(heading), str(text)).embedded
        for text in self.texts():
            yield text.heading

    def symbols(self) -> list[Symbol]:
        """Return all symbols."""
        rows = self._rows(
            "SELECT name, role, signature, address, overloads FROM symbols ORDER BY name"
        )
        return [
            Symbol(str(n), sys.intern(str(r)), str(s), str(a), tuple(str(more).splitlines()))
            for n, r, s, a, more in rows
        ]

    def taught(self) -> list[Taught]:
        """Return what text and code teach of names, in the order in which it was written."""
        rows = self._rows("SELECT how, name, value, times, address FROM taught ORDER BY rowid")
        return [
            Taught(Teaching(str(how)), str(name), str(value), int(str(times)), str(address))
            for how, name, value, times, address in rows
        ]

    def postings(self, terms: Sequence[str]) -> list[Posting]:
        """Return the inverted index's entries of some terms; terms that no text holds have none."""
        marks = ",".join("?" * len(terms))
        query = f"SELECT term, word, rows, impacts FROM terms WHERE term IN ({marks})"  # noqa: S608
        return [self._posting(*row) for row in self._rows(query, terms)]

    def _posting(self, term: object, word: object, rows: object, impacts: object) -> Posting:
        found = Posting(
            str(term),
            str(word),
            np.frombuffer(_bytes(rows), dtype=np.int32),
            np.frombuffer(_bytes(impacts), dtype=np.float32),
        )
        ascending = bool((np.diff(found.rows) > 0).all())
        inside = found.rows[0] >= 0 and found.rows[-1] < self._chunks
        if not (ascending and inside and np.isfinite(found.impacts).all()):
            raise damaged(self._path, f"holds a term that is nowhere ({found.term[:40]!r})")
        return found

    def vocabulary(self) -> list[tuple[str, str, int]]:
        """Return every term, the word that stands for it, and how many chunks hold it."""
        rows = self._rows("SELECT term, word, holding FROM terms ORDER BY term")
        return [(str(term), str(word), int(str(holding))) for term, word, holding in rows]


def _bytes(value: object) -> bytes:
    assert isinstance(value, bytes)
    return value


def _section(row: Sequence[object]) -> Section:
    page, anchor, title, path, kind, aliases, parent, symbol, role, signature = map(str, row[:10])
    blocks = _blocks(str(row[10]))
    if not row[12]:
        rest = (b for b in _blocks(str(row[11])) if b.kind is not BlockKind.SIGNATURE)
        blocks = (*blocks, *rest)
    return Section(
        page=page,
        anchor=anchor,
        title=without_unseen(title),
        path=tuple(map(without_unseen, json.loads(path))),
        kind=SectionKind(kind),
        blocks=blocks,
        aliases=tuple(map(without_unseen, json.loads(aliases))),
        parent=parent,
        symbol=symbol,
        role=role,
        signature=signature,
    )


def _blocks(text: str) -> tuple[Block, ...]:
    return tuple(
        Block(BlockKind(kind), without_unseen(body), without_unseen(label))
        for kind, body, label in json.loads(text)
    )
