"""An opened index: what it refuses, and what it finds."""

import json
import os
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest

from molsys_chat_rag.build import BuildSettings, build_index
from molsys_chat_rag.errors import (
    DamagedIndexError,
    IndexMissingError,
    ModelMismatchError,
    SchemaError,
)
from molsys_chat_rag.index import Index, excerpt
from molsys_chat_rag.joined import JoinedIndex
from molsys_chat_rag.storage.manifest import SCHEMA


@pytest.fixture
def copied(built_index, tmp_path) -> Path:
    """Return a copy of the index that a test may damage."""
    return Path(shutil.copytree(built_index, tmp_path / "index"))


def change_manifest(folder: Path, **values: object) -> None:
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(manifest | values), encoding="utf-8")


def test_a_folder_without_an_index_is_refused(tmp_path, embedder):
    with pytest.raises(IndexMissingError, match=r"holds no index .*molsys-chat index"):
        Index.open(tmp_path, embedder=embedder)


def test_another_schema_is_refused(copied, embedder):
    change_manifest(copied, schema=99)
    with pytest.raises(SchemaError, match=r"schema 99, this software reads .*--full"):
        Index.open(copied, embedder=embedder)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "{}", f'{{"schema": {SCHEMA}}}', f'{{"schema": {SCHEMA}, "files": 3}}'],
)
def test_a_damaged_manifest_is_refused(copied, embedder, text):
    (copied / "manifest.json").write_text(text, encoding="utf-8")
    with pytest.raises(DamagedIndexError, match=r"manifest.json cannot be read .*rebuild"):
        Index.open(copied, embedder=embedder)


def test_a_manifest_that_lacks_a_count_is_refused(copied, embedder):
    change_manifest(copied, counts={"pages": 1})
    with pytest.raises(DamagedIndexError, match=r"manifest.json cannot be read .*sections"):
        Index.open(copied, embedder=embedder)


@pytest.mark.parametrize("name", ["manifest.json", "store.sqlite", "vectors.faiss"])
@pytest.mark.parametrize(
    ("put", "told"),
    [
        (os.mkfifo, "named pipe"),
        (Path.mkdir, "a folder"),
        (lambda path: path.symlink_to(path), "Too many levels"),
        (lambda path: path.symlink_to("/dev/zero"), "a device"),
    ],
    ids=["pipe", "folder", "link to itself", "device"],
)
def test_a_file_that_is_no_regular_one_is_refused(copied, embedder, name, put, told):
    (copied / name).unlink()
    put(copied / name)
    with pytest.raises(DamagedIndexError, match=f"{name} cannot be read .*{told}.*--full"):
        Index.open(copied, embedder=embedder)


@pytest.mark.parametrize(
    "values",
    [
        {"chunker": [1]},
        {"counts": {}},
        {"files": {"../x": {}}},
        {"project": 10**400},
        {"base_url": "http://[a"},
    ],
)
def test_a_manifest_of_nonsense_is_refused(copied, embedder, values):
    change_manifest(copied, **values)
    with pytest.raises(DamagedIndexError, match=r"--full"):
        Index.open(copied, embedder=embedder)


@pytest.mark.parametrize("name", ["store.sqlite", "vectors.faiss"])
def test_a_damaged_file_is_refused(copied, embedder, name):
    path = copied / name
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(DamagedIndexError, match=f"{name} does not match its SHA-256"):
        Index.open(copied, embedder=embedder)
    path.write_bytes(whole[:100])
    with pytest.raises(DamagedIndexError, match=f"{name} has 100 bytes instead of {len(whole)}"):
        Index.open(copied, embedder=embedder)
    path.unlink()
    with pytest.raises(DamagedIndexError, match=f"{name} is missing"):
        Index.open(copied, embedder=embedder)


def test_vectors_of_another_dimension_are_refused(copied, embedder):
    manifest = json.loads((copied / "manifest.json").read_text(encoding="utf-8"))
    change_manifest(copied, model=manifest["model"] | {"dimension": 768})
    with pytest.raises(DamagedIndexError, match=r"vectors of 384 dimensions.* of 768"):
        Index.open(copied, embedder=embedder)


def test_another_model_is_refused(copied, embedder):
    manifest = json.loads((copied / "manifest.json").read_text(encoding="utf-8"))
    change_manifest(copied, model=manifest["model"] | {"digest": "0" * 64})
    with pytest.raises(ModelMismatchError, match=r"000000000000….*rebuild"):
        Index.open(copied, embedder=embedder)


@pytest.mark.parametrize(
    ("question", "address"),
    [
        ("How do I choose CA atoms?", "guide.html#choosing-atoms"),
        ("demo.select", "api.html#demo.select"),
        ("what arguments does select() take", "api.html#demo.select"),
        ("selcet() arguments", "api.html#demo.select"),
        ("load only every tenth frame with a stride", "api.html#demo.Trajectory.load"),
        ("what is a frame", "guide.html#term-frame"),
    ],
)
def test_the_right_section_comes_first(index, question, address):
    hits = index.search(question, k=3).hits
    assert hits[0].section.address == address
    assert hits[0].url == f"https://demo.example/docs/{address}"


def test_hits_are_sections_best_first_and_none_twice(index):
    hits = index.search("select atoms of a trajectory", k=50).hits
    addresses = [hit.section.address for hit in hits]
    assert len(addresses) == len(set(addresses)) > 5
    scores = [hit.score for hit in hits]
    assert scores == sorted(scores, reverse=True)
    assert all(-1 <= hit.similarity <= 1 for hit in hits)
    assert len(index.search("select atoms", k=2).hits) == 2


def test_similarity_is_the_cosine_of_the_nearest_chunk(index, embedder):
    question = "How do I choose CA atoms?"
    hit = index.search(question, k=1).hits[0]
    chunk = "Guide › Choosing atoms\n"
    texts = [t for t in index._store.embedded_texts() if t.startswith(chunk)]
    vectors = embedder.embed([question, *texts])
    assert hit.similarity == pytest.approx(float(np.max(vectors[1:] @ vectors[0])), abs=0.02)


@pytest.mark.parametrize(
    "question",
    ["", " ", "?", "the of and", '"', 'a" OR "b', "NEAR(", "*", "💥", "x" * 10_000, "\0"],
)
def test_any_text_can_be_searched(index, question):
    retrieval = index.search(question)
    assert 0 <= retrieval.confidence <= 1


def test_what_has_nothing_to_do_with_the_site_is_not_answerable(index):
    assert index.search("How do I choose CA atoms with demo.select?").answerable
    assert not index.search("Who won the football world cup in 2010?").answerable


def test_a_follow_up_leans_on_the_question_before(index):
    alone = index.search("and arguments?", k=1).hits[0].section.address
    led = index.search("and arguments?", k=1, history=("How do I load a trajectory file?",))
    assert led.hits[0].section.address.startswith("api.html#demo.Trajectory")
    assert led.hits[0].section.address != alone


def test_the_readers_page_is_preferred_slightly(index):
    first = {h.section.page: h.score for h in index.search("select atoms", k=20).hits}
    there = {
        h.section.page: h.score for h in index.search("select atoms", k=20, page="api.html").hits
    }
    assert there["api.html"] > first["api.html"]
    assert there["guide.html"] == first["guide.html"]


def test_sections_and_symbols_are_found_by_name(index):
    section = index.section("guide.html#choosing")
    assert section is not None
    assert section.address == "guide.html#choosing-atoms"
    assert index.section("guide.html#nowhere") is None
    symbol = index.symbol("select")
    assert symbol is not None
    assert (symbol.name, symbol.kind) == ("demo.select", "py:function")
    assert symbol.signature == "(system, query='all', *, mask=None)"
    end = index.symbol("Trajectory.end")
    assert end is not None
    assert end.address == "api.html#demo.Trajectory.close"
    assert index.symbol("invented") is None


def test_threads_share_an_index(index):
    expected = index.search("choose atoms").hits
    wrong: list[object] = []

    def ask() -> None:
        for _ in range(10):
            found = index.search("choose atoms").hits
            if [h.section.address for h in found] != [h.section.address for h in expected]:
                wrong.append(found)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_an_excerpt_starts_where_the_words_are():
    text = "\n".join(["Nothing here."] * 40 + ["The answer about masks is this."] + ["More."] * 99)
    assert excerpt(text, ("masks",)).startswith("The answer about masks")
    assert len(excerpt(text, ("masks",))) <= 300
    assert excerpt("", ("masks",)) == ""


def test_an_index_without_text_answers_nothing(tmp_path, index, embedder):
    site = tmp_path / "site"
    site.mkdir()
    (site / "index.html").write_text(
        '<html><head><meta name="molsys-chat" content="noindex"><title>T</title></head>'
        '<body><div role="main"><section id="a"><h1>A</h1><p>Text.</p></section></div>'
    )
    for _ in range(2):  # the second time nothing has changed
        settings = BuildSettings(project="Bare", base_url="https://bare.example")
        report = build_index(site, tmp_path / "bare", settings)
        assert report.chunks == 0
        assert "holds no text, and every question" in report.warnings[-1]
    bare = Index.open(tmp_path / "bare", embedder=embedder)
    found = bare.search("How do I choose CA atoms?", history=("What is demo.select?",))
    assert (found.hits, found.answerable, found.confidence) == ((), False, 0.0)
    assert bare.symbol("select") is None
    assert not bare.names.documented
    for members in [(bare, index), (index, bare)]:
        hits = JoinedIndex(members).search("How do I choose CA atoms?").hits
        assert {hit.project for hit in hits} == {"Demo"}
    bare.close()


def test_the_project_that_is_named_comes_first(copied, index, embedder):
    change_manifest(copied, project="Other", base_url="https://other.example/docs")
    other = Index.open(copied, embedder=embedder)
    for members in [(index, other), (other, index)]:
        for project in ("Demo", "Other"):
            hits = JoinedIndex(members).search(f"How do I choose CA atoms in {project}?").hits
            assert hits[0].project == project
            best = {p: max(h.score for h in hits if h.project == p) for p in ("Demo", "Other")}
            assert best[project] > max(s for p, s in best.items() if p != project) + 0.5
    other.close()
