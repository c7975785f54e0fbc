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
        (["DROP TABLE symbols"], "holds no table 'symbols'"),
    ],
)
def test_a_store_that_computes_is_refused(poisoned, statements, told) -> None:
    with pytest.raises(DamagedIndexError, match=told):
        Index.open(poisoned(STORE, run(*statements)))


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
