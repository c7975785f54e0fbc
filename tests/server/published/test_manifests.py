"""What a published manifest must not say, and an index that cannot be served."""

import hashlib
import json
import sqlite3
from contextlib import closing

import pytest

from molsys_chat_server.indexes.fetching_errors import Trouble
from molsys_chat_server.indexes.published import PublishedIndex
from molsys_chat_server.indexes.published_trial import try_index

from .kept import assert_kept, publish, rewrite
from .site import PublishedSite

SOME = {"size": 1, "sha256": "0" * 64}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"files": {"store.sqlite": SOME, "vectors.faiss": SOME, "../../x": SOME}}, "'../../x'"),
        ({"files": {"store.sqlite": SOME, "vectors.faiss": SOME, "a.pkl": SOME}}, "which no index"),
        ({"files": {"store.sqlite": SOME}}, "names no vectors.faiss"),
        (
            {"files": {"store.sqlite": SOME, "vectors.faiss": SOME | {"size": -1}}},
            "-1 is no",
        ),
        ({"files": {"store.sqlite": SOME, "vectors.faiss": SOME | {"size": True}}}, "True is no"),
        ({"files": {"store.sqlite": SOME, "vectors.faiss": SOME | {"size": "1"}}}, "'1' is no"),
        ({"files": {"store.sqlite": SOME, "vectors.faiss": SOME | {"sha256": "x"}}}, "no SHA-256"),
        ({"schema": 99}, "has index schema 99, this software reads"),
        ({"version": 2}, "2 is no short text"),
        ({"commit": "c" * 2001}, "is no short text"),
        ({"base_url": "javascript:alert(1)//"}, "is no address of a site"),
        ({"base_url": "file:///etc/"}, "base_url is no web address"),
        ({"base_url": "https://docs.example.org/ x"}, "base_url is no web address"),
    ],
)
def test_a_manifest_that_says_what_it_must_not(kept, web, changed, told) -> None:
    rewrite(web, **changed)
    web.names()
    kept.look()
    assert_kept(kept, Trouble.UNFIT, web.url, told)
    assert web.names() == ["manifest.json"], "no file of it was asked for"


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"\xff\xfe", b"[" * 200_000, b'{"schema"'])
def test_what_is_no_manifest(kept, web, body) -> None:
    (web.folder / "manifest.json").write_bytes(body)
    assert_told_at_the_third_look(kept, web)


@pytest.mark.parametrize(
    "changed",
    [
        {"files": {"store.sqlite": SOME, "vectors.faiss": SOME | {"more": 1}}},
        {"files": []},
        {"counts": {}},
        {"surprise": 1},
    ],
)
def test_what_is_a_manifest_in_part(kept, web, changed) -> None:
    rewrite(web, **changed)
    assert_told_at_the_third_look(kept, web)


def assert_told_at_the_third_look(kept: PublishedIndex, web: PublishedSite) -> None:
    """Check that a manifest is taken for one that is being written, and at last for a bad one."""
    kept.look()
    kept.look()
    assert kept.state.problem == ""
    kept.look()
    assert_kept(kept, Trouble.UNSETTLED, web.url, "cannot be read")


def test_where_nothing_is_kept_a_bad_manifest_is_told_at_once(look_at, web) -> None:
    (web.folder / "manifest.json").write_bytes(b"<h1>Not here</h1>")
    index = look_at(web.url)
    assert f"{web.url}manifest.json cannot be read" in index.state.problem
    assert "no index from there is kept here" in index.state.problem


def test_an_index_that_is_too_large_is_not_fetched(look_at, web) -> None:
    manifest = json.loads((web.folder / "manifest.json").read_text())
    manifest["files"]["store.sqlite"]["size"] = 1_000_001
    rewrite(web, files=manifest["files"])
    index = look_at(web.url, most_mb=1)
    assert "index_max_mb allows 1: raise it if this is right" in index.state.problem
    assert "no index from there is kept here" in index.state.problem
    assert web.names() == ["manifest.json"]
    assert not index.state.kept


def test_a_site_cannot_choose_the_embedding_model(kept, web, look_at) -> None:
    model = json.loads((web.folder / "manifest.json").read_text())["model"]
    rewrite(web, model=model | {"id": "evil/model"})
    kept.look()
    assert_kept(kept, Trouble.UNFIT, "'evil/model'", "index_models")


def test_an_index_of_other_weights_keeps_the_one_before(look_at, web, index_folder) -> None:
    kept = look_at(web.url, try_folder=try_index)
    publish(web, index_folder)
    model = json.loads((web.folder / "manifest.json").read_text())["model"]
    rewrite(web, model=model | {"digest": "0" * 64})
    kept.look()
    assert_kept(kept, Trouble.UNFIT, f"{web.url.rstrip('/')} was built with the embedding model")
    web.names()
    kept.look()
    assert web.names() == ["manifest.json"], "what cannot be opened is not fetched again"
    assert_kept(kept, Trouble.UNFIT, "was built with the embedding model")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE sections SET blocks = '[[1]]'",
        "UPDATE terms SET impacts = CAST(zeroblob(4 * holding - 4) || x'0000c07f' AS BLOB)",
        "ALTER TABLE texts ADD COLUMN more AS (zeroblob(chunks * 1000000000))",
        "DELETE FROM chunks",
    ],
)
def test_an_index_that_cannot_be_searched_keeps_the_one_before(look_at, web, statement) -> None:
    kept = look_at(web.url, try_folder=try_index)
    path = web.folder / "store.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(statement)
    files = json.loads((web.folder / "manifest.json").read_text())["files"]
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    files["store.sqlite"] = {"size": path.stat().st_size, "sha256": digest}
    rewrite(web, files=files)
    kept.look()
    assert_kept(kept, Trouble.UNFIT, f"{web.url}store.sqlite holds", "rebuild")


def test_files_of_another_content_keep_the_index_before(look_at, web) -> None:
    kept = look_at(web.url, try_folder=try_index)
    path = web.folder / "store.sqlite"
    path.write_bytes(b"SQLite format 3\0" + bytes(5000))
    files = json.loads((web.folder / "manifest.json").read_text())["files"]
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    files["store.sqlite"] = {"size": path.stat().st_size, "sha256": digest}
    rewrite(web, files=files)
    kept.look()
    assert_kept(kept, Trouble.UNFIT, "cannot be read")
