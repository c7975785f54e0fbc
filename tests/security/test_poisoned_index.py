"""An index whose files are what its manifest says, and were made to do harm."""

import hashlib
import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import faiss
import numpy as np
import pytest

from molsys_chat_rag.errors import DamagedIndexError
from molsys_chat_rag.index import Index
from molsys_chat_rag.storage.manifest import MANIFEST
from molsys_chat_rag.storage.store import STORE, VECTORS
from molsys_chat_server.indexes.published_trial import try_index
from molsys_chat_server.indexes.registry import IndexRegistry

ENDLESS = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
    " SELECT i AS section, 1 AS chunks, '' AS heading, '' AS title_terms, 0 AS stub FROM n"
)


@pytest.fixture
def poisoned(index_folder: Path, tmp_path: Path) -> Callable[[str, Callable[[Path], None]], Path]:
    """Return what changes one file of an index and lets the manifest agree."""

    def change(name: str, by: Callable[[Path], None]) -> Path:
        folder = tmp_path / "index"
        shutil.copytree(index_folder, folder)
        by(folder / name)
        data = (folder / name).read_bytes()
        manifest = json.loads((folder / MANIFEST).read_text())
        manifest["files"][name] = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        (folder / MANIFEST).write_text(json.dumps(manifest))
        return folder

    return change


def run(*statements: str) -> Callable[[Path], None]:
    def by(path: Path) -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            for statement in statements:
                connection.execute(statement)

    return by


@pytest.mark.parametrize(
    ("statements", "told"),
    [
        (["DROP TABLE texts", f"CREATE VIEW texts AS {ENDLESS}"], "holds 'texts', which no index"),
        (
            ["CREATE TRIGGER boom AFTER INSERT ON pages BEGIN DELETE FROM pages; END"],
            "holds 'boom', which no index has",
        ),
        (["CREATE VIRTUAL TABLE more USING fts5(a)"], "which no index has"),
        (["CREATE TABLE more (a, b GENERATED ALWAYS AS (zeroblob(a)))"], "which no index has"),
        (["CREATE TABLE more (a, b AS (zeroblob(a)))"], "which no index has"),
        (["CREATE INDEX more ON sections (hex(blocks))"], "holds 'more', which no index has"),
        (["DROP TABLE symbols"], "holds no table 'symbols'"),
        (["DROP INDEX chunks_by_section"], "holds no index 'chunks_by_section'"),
        (
            ["ALTER TABLE texts ADD COLUMN more AS (zeroblob(chunks * 1000000000))"],
            "holds 'texts' in a form that no index has",
        ),
        (
            [f"ALTER TABLE pages ADD COLUMN more TEXT NOT NULL DEFAULT '{'x' * 1000}'"],
            "holds 'pages' in a form",
        ),
        (["ALTER TABLE terms RENAME COLUMN holding TO rowid_"], "holds 'terms' in a form"),
    ],
)
def test_a_store_that_computes_is_refused(poisoned, statements, told) -> None:
    with pytest.raises(DamagedIndexError, match=told):
        Index.open(poisoned(STORE, run(*statements)))


NONSENSE = {
    "text for a number": ("UPDATE texts SET stub = 'x'", "wrong type in texts.stub"),
    "bytes for a text": ("UPDATE chunks SET text = x'ff'", "wrong type in chunks.text"),
    "bytes for a name": ("UPDATE symbols SET role = x'ff'", "wrong type in symbols.role"),
    "no UTF-8": ("UPDATE symbols SET role = CAST(x'ff' AS TEXT)", "cannot be read"),
    "a number beyond": ("UPDATE addresses SET section = 1 << 60", "addresses of sections that"),
    "a number below": ("UPDATE addresses SET section = -1", "addresses of sections that"),
    "no original": ("UPDATE sections SET canonical = 99999", "sections of sections"),
    "a circle": ("UPDATE sections SET canonical = 1 - id WHERE id < 2", "sections of sections"),
    "no section": ("DELETE FROM sections WHERE id = 3", "sections that are not numbered"),
    "no chunk": ("DELETE FROM chunks WHERE id = 3", "chunks that are not numbered"),
    "no chunks": ("DELETE FROM chunks", "chunks that are not those of its texts"),
    "no texts": ("DELETE FROM texts", "chunks that are not those of its texts"),
    "more chunks": ("UPDATE texts SET chunks = 1000000000000", "chunks that are not those"),
    "fewer symbols": ("DELETE FROM symbols", "0 symbols, its manifest says"),
    "no JSON": ("UPDATE sections SET blocks = '['", "values are no lists"),
    "no list": ("UPDATE sections SET aliases = '{}'", "values are no lists"),
    "another kind": ("UPDATE sections SET kind = 'evil'", "'evil' in sections.kind"),
    "another teaching": (
        "INSERT INTO taught VALUES ('evil', '', '', 1, '')",
        "'evil' in taught.how",
    ),
    "another site": ("UPDATE symbols SET address = 'https://evil.example/'", "of other sites"),
    "no places": ("UPDATE terms SET rows = x''", "terms without their places"),
}


@pytest.mark.parametrize(("statement", "told"), NONSENSE.values(), ids=NONSENSE)
def test_a_store_that_does_not_fit_together_is_refused(poisoned, statement, told) -> None:
    folder = poisoned(STORE, run(statement))
    with pytest.raises(DamagedIndexError, match=told) as refused:
        _ = Index.open(folder).names
    assert str(refused.value).endswith("--full")
    assert "\n" not in str(refused.value)


UNREADABLE = {
    "blocks": ("UPDATE sections SET blocks = '[[1]]'", "a section that cannot be read"),
    "kinds": ("""UPDATE sections SET blocks = '[["evil", "", ""]]'""", "a section that cannot"),
    "depth": (
        f"UPDATE sections SET path = '{'[' * 900}{']' * 900}'",
        "a section that cannot be read",
    ),
    "rows": (
        "UPDATE terms SET rows = CAST(zeroblob(4 * holding - 4) || x'ffffff7f' AS BLOB)",
        "nowhere",
    ),
    "numbers": (
        "UPDATE terms SET impacts = CAST(zeroblob(4 * holding - 4) || x'0000c07f' AS BLOB)",
        "nowhere",
    ),
}


@pytest.mark.parametrize(("statement", "told"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_a_search_cannot_read_is_found_before_an_index_is_served(
    poisoned, statement, told
) -> None:
    folder = poisoned(STORE, run(statement))
    with pytest.raises(DamagedIndexError, match=told):
        try_index(folder)


def test_what_turns_out_unreadable_while_serving_is_said_in_each_endpoint_s_shape(
    poisoned, serve, caplog
) -> None:
    registry = IndexRegistry([poisoned(STORE, run(UNREADABLE["blocks"][0]))])
    server = serve(registry=registry)
    question = {"messages": [{"role": "user", "content": "How do I select satellites?"}]}
    for path in ("/v1/chat", "/v1/chat/completions"):
        answer = server.post(path, json=question | {"model": "orbit"})
        assert answer.status_code == 503
        assert answer.headers["retry-after"]
        error = answer.json()["error"]
        assert "the service's log says why" in error["message"]
        assert ("type" in error) == path.endswith("completions")
    assert "a section that cannot be read" in caplog.text
    assert "Traceback" not in caplog.text
    registry.close()


def test_pages_of_the_file_that_are_used_twice_are_refused(poisoned) -> None:
    def by(path: Path) -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("PRAGMA writable_schema = ON")
            connection.execute(
                "UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE"
                " name = 'pages') WHERE name = 'addresses'"
            )

    with pytest.raises(DamagedIndexError, match="cannot be read"):
        Index.open(poisoned(STORE, by))


@pytest.mark.parametrize("cut", [0, 1, 50, 100, 4096, 5000, -1, -4096])
def test_a_store_cut_short_is_refused(poisoned, cut) -> None:
    def by(path: Path) -> None:
        path.write_bytes(path.read_bytes()[:cut])

    with pytest.raises(DamagedIndexError, match=r"cannot be read|holds"):
        try_index(poisoned(STORE, by))


@pytest.mark.parametrize("word", [b"canonical INTEGER", b"CREATE TABLE terms", b"sections_by_page"])
def test_definitions_that_are_no_text_are_refused_in_a_line(poisoned, word) -> None:
    def by(path: Path) -> None:
        path.write_bytes(path.read_bytes().replace(word, b"\xec" + word[1:]))

    with pytest.raises(DamagedIndexError) as refused:
        Index.open(poisoned(STORE, by))
    assert str(refused.value).isprintable()


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e30, 2.0])
def test_vectors_that_are_no_unit_vectors_are_refused(poisoned, value) -> None:
    def by(path: Path) -> None:
        vectors = faiss.read_index(str(path))
        matrix = vectors.reconstruct_n(0, vectors.ntotal)
        matrix[3, 0] = value
        changed = faiss.IndexFlatIP(vectors.d)
        changed.add(matrix)
        faiss.write_index(changed, str(path))

    with pytest.raises(DamagedIndexError, match="not of length 1"):
        Index.open(poisoned(VECTORS, by))


@pytest.mark.parametrize("place", [4, 8, 37])
def test_a_head_that_announces_what_does_not_follow_is_refused(poisoned, place) -> None:
    def by(path: Path) -> None:
        data = bytearray(path.read_bytes())
        data[place : place + 4] = b"\xff\xff\xff\x7f"
        path.write_bytes(data)

    with pytest.raises(DamagedIndexError, match=r"manifest says|cannot be read"):
        Index.open(poisoned(VECTORS, by))


def test_vectors_that_are_no_plain_vectors_are_refused(poisoned) -> None:
    def by(path: Path) -> None:
        other = faiss.IndexHNSWFlat(faiss.read_index(str(path)).d, 4)
        faiss.write_index(other, str(path))

    with pytest.raises(DamagedIndexError, match="not plain vectors"):
        Index.open(poisoned(VECTORS, by))


def test_vectors_of_another_number_are_refused(poisoned) -> None:
    def by(path: Path) -> None:
        vectors = faiss.read_index(str(path))
        vectors.add(np.zeros((1, vectors.d), dtype=np.float32))
        faiss.write_index(vectors, str(path))

    with pytest.raises(DamagedIndexError, match="its manifest says"):
        Index.open(poisoned(VECTORS, by))


@pytest.mark.parametrize("cut", [0, 3, 20, 100])
def test_vectors_cut_short_are_refused(poisoned, cut) -> None:
    def by(path: Path) -> None:
        path.write_bytes(path.read_bytes()[:cut])

    with pytest.raises(DamagedIndexError, match="cannot be read"):
        Index.open(poisoned(VECTORS, by))
