"""Building: whole, incrementally, and when things go wrong."""

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import faiss
import numpy as np
import pytest

from molsys_chat_rag import build_vectors as vectors
from molsys_chat_rag.build import BuildSettings, build_index
from molsys_chat_rag.embedding.arithmetic import build_arithmetic
from molsys_chat_rag.embedding.models import find_model
from molsys_chat_rag.embedding.vector_cache import VectorCache
from molsys_chat_rag.errors import BuildError, EmbeddingError, IndexMissingError, NoPagesError
from molsys_chat_rag.index import Index
from molsys_chat_rag.storage.folder import lock_of, previous_folder
from molsys_chat_rag.storage.manifest import read_manifest
from molsys_chat_rag.storage.store import Store

SETTINGS = BuildSettings()


@pytest.fixture
def site(themed_site, tmp_path) -> Path:
    """Return a copy of the demo site that a test may change."""
    return Path(shutil.copytree(themed_site("alabaster", "html"), tmp_path / "site"))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def without_time(folder: Path) -> dict[str, object]:
    files: dict[str, object] = dict(contents(folder))
    manifest = json.loads(files["manifest.json"])
    del manifest["built_at"]
    return files | {"manifest.json": manifest}


def vectors_of(folder: Path) -> np.ndarray:
    index = faiss.read_index(str(folder / "vectors.faiss"))
    return np.asarray(index.reconstruct_n(0, index.ntotal))


def rewrite(site: Path, page: str, old: str, new: str) -> None:
    path = site / page
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_the_manifest_says_what_the_index_holds(built_index):
    manifest = read_manifest(built_index)
    assert (manifest.project, manifest.version, manifest.commit) == ("Demo", "1.2", "c0ffee")
    assert manifest.base_url == "https://demo.example/docs/"
    assert manifest.model.dimension == 384
    assert manifest.counts["pages"] == 3
    assert manifest.counts["chunks"] > 5
    assert sorted(manifest.files) == ["store.sqlite", "vectors.faiss"]
    assert sorted(path.name for path in built_index.iterdir()) == [
        "manifest.json",
        "store.sqlite",
        "vectors.faiss",
    ]


def test_two_full_builds_give_the_same_bytes(site, tmp_path):
    build_index(site, tmp_path / "a", SETTINGS)
    build_index(site, tmp_path / "b", SETTINGS)
    assert without_time(tmp_path / "a") == without_time(tmp_path / "b")


def test_an_unchanged_site_is_left_alone(site, tmp_path):
    build_index(site, tmp_path / "i", SETTINGS)
    before = contents(tmp_path / "i")
    report = build_index(site, tmp_path / "i", SETTINGS)
    assert report.unchanged
    assert report.embedded == 0
    assert report.reused > report.chunks
    assert contents(tmp_path / "i") == before


def test_a_new_commit_alone_renews_the_manifest(site, tmp_path):
    build_index(site, tmp_path / "i", SETTINGS)
    before = contents(tmp_path / "i")
    report = build_index(site, tmp_path / "i", BuildSettings(commit="beef"))
    after = contents(tmp_path / "i")
    assert not report.unchanged
    assert read_manifest(tmp_path / "i").commit == "beef"
    assert after["store.sqlite"] == before["store.sqlite"]


def test_only_a_changed_text_is_embedded_again(site, tmp_path):
    first = build_index(site, tmp_path / "i", SETTINGS)
    rewrite(site, "guide.html", "Text of the child.", "Fresh words of the child.")
    second = build_index(site, tmp_path / "i", SETTINGS)
    assert second.embedded == 1
    assert second.reused == first.embedded - 1
    whole = build_index(site, tmp_path / "whole", SETTINGS)
    assert whole.embedded == first.embedded
    assert contents(tmp_path / "i")["store.sqlite"] == contents(tmp_path / "whole")["store.sqlite"]
    rows = [vectors_of(tmp_path / name) for name in ("i", "whole")]
    assert np.sum(rows[0] * rows[1], axis=1).min() > 0.999


def test_many_changed_texts_have_the_vectors_of_a_full_build(site, tmp_path, monkeypatch):
    monkeypatch.setattr(vectors, "FEW_TEXTS", 4)
    build_index(site, tmp_path / "i", BuildSettings(exclude=("guide*",)))
    report = build_index(site, tmp_path / "i", SETTINGS)
    assert report.embedded > 4
    build_index(site, tmp_path / "whole", SETTINGS)
    assert without_time(tmp_path / "i") == without_time(tmp_path / "whole")


def test_full_builds_everything_anew(site, tmp_path):
    first = build_index(site, tmp_path / "i", SETTINGS)
    again = build_index(site, tmp_path / "i", BuildSettings(full=True))
    assert again.embedded == first.embedded
    assert not again.unchanged


def test_a_build_from_the_cache_gives_the_same_bytes(site, tmp_path):
    first = build_index(site, tmp_path / "fresh", SETTINGS)
    settings = BuildSettings(cache=tmp_path / "cache")
    filled = build_index(site, tmp_path / "a", settings)
    assert (filled.embedded, filled.cached) == (first.embedded, 0)
    rewrite(site, "guide.html", "Text of the child.", "Fresh words of the child.")
    build_index(site, tmp_path / "fresh", BuildSettings(full=True))
    cached = build_index(site, tmp_path / "b", settings)
    assert (cached.embedded, cached.cached, cached.reused) == (1, first.embedded - 1, 0)
    assert without_time(tmp_path / "b") == without_time(tmp_path / "fresh")
    taken = build_index(site, tmp_path / "a", settings)
    assert (taken.embedded, taken.cached, taken.reused) == (0, 1, first.embedded - 1)


def test_full_leaves_the_cache_unread_and_renews_it(site, tmp_path):
    settings = BuildSettings(cache=tmp_path / "cache")
    build_index(site, tmp_path / "right", SETTINGS)
    model = find_model()
    store = Store(tmp_path / "right/store.sqlite")
    texts = list(store.embedded_texts())
    store.close()
    cache = VectorCache(tmp_path / "cache", 512, model, build_arithmetic(model.folder))
    cache.put(texts, np.eye(len(texts), model.dimension, dtype=np.float32))
    wrong = build_index(site, tmp_path / "wrong", settings)
    assert wrong.embedded == 0
    assert without_time(tmp_path / "wrong") != without_time(tmp_path / "right")
    full = build_index(site, tmp_path / "full", BuildSettings(cache=tmp_path / "cache", full=True))
    assert full.cached == 0
    assert build_index(site, tmp_path / "again", settings).embedded == 0
    for name in ("full", "again"):
        assert without_time(tmp_path / name) == without_time(tmp_path / "right")


def test_a_cache_that_cannot_be_used_does_not_stop_a_build(site, tmp_path):
    report = build_index(site, tmp_path / "i", BuildSettings(cache=Path("/proc/cache")))
    [warning] = report.warnings
    assert "the vector cache in /proc/cache is left out of this build" in warning
    assert report.embedded > report.chunks


def test_a_removed_page_leaves_the_index(site, tmp_path):
    build_index(site, tmp_path / "i", SETTINGS)
    (site / "guide.html").unlink()
    report = build_index(site, tmp_path / "i", SETTINGS)
    assert report.pages == 2
    assert report.embedded == 0


def test_excluded_pages_are_left_out(site, tmp_path):
    report = build_index(site, tmp_path / "i", BuildSettings(exclude=("guide*",)))
    assert report.pages == 2


def test_names_given_win_over_the_inventory(site, tmp_path):
    build_index(site, tmp_path / "i", BuildSettings(project="P", version="9"))
    manifest = read_manifest(tmp_path / "i")
    assert (manifest.project, manifest.version) == ("P", "9")


def test_pages_that_cannot_be_read_are_named(site, tmp_path):
    (site / "empty.html").write_bytes(b"")
    (site / "latin.html").write_bytes(
        '<html><head><meta charset="latin-1"></head><body><div role="main"><section id="a">'
        "<h1>A</h1><p>Caf\xe9 au lait.</p></section></div></body></html>".encode("latin-1")
    )
    (site / "dangling.html").symlink_to(site / "nowhere")
    report = build_index(site, tmp_path / "i", SETTINGS)
    warnings = "\n".join(report.warnings)
    assert "empty.html is left out: the file holds no HTML" in warnings
    assert "latin.html is not UTF-8; it was read as latin-1" in warnings
    assert "dangling.html is left out: No such file" in warnings
    assert report.pages == 4


@pytest.mark.parametrize("damage", [b"", b"garbage"])
def test_a_site_without_a_usable_inventory_is_indexed_with_a_warning(site, tmp_path, damage):
    (site / "objects.inv").write_bytes(damage)
    report = build_index(site, tmp_path / "i", SETTINGS)
    assert "objects.inv is left out" in report.warnings[0]
    (site / "objects.inv").unlink()
    report = build_index(site, tmp_path / "i", SETTINGS)
    assert "objects.inv is missing" in report.warnings[0]


def test_files_that_lead_out_of_the_site_are_not_read(site, tmp_path):
    (tmp_path / "secret.html").write_text(
        "<main><section id='s'><h1>S</h1><p>Secret.</p></section>"
    )
    (site / "leak.html").symlink_to(tmp_path / "secret.html")
    os.mkfifo(site / "pipe.html")
    (site / "objects.inv").rename(tmp_path / "objects.inv")
    (site / "objects.inv").symlink_to(tmp_path / "objects.inv")
    report = build_index(site, tmp_path / "i", SETTINGS)
    assert report.warnings == (
        "2 files and folders are left out: leak.html (it is a link out of the site), "
        "pipe.html (it is a named pipe, not a regular file)",
        f"{site}/objects.inv is left out: it is a link out of the site",
    )


def test_a_damaged_previous_index_is_replaced_with_a_warning(site, tmp_path):
    first = build_index(site, tmp_path / "i", SETTINGS)
    (tmp_path / "i" / "store.sqlite").write_bytes(b"garbage")
    report = build_index(site, tmp_path / "i", SETTINGS)
    assert "the previous index is not used" in report.warnings[0]
    assert report.embedded == first.embedded


def test_nothing_to_index_is_an_error(site, tmp_path):
    with pytest.raises(NoPagesError):
        build_index(tmp_path / "nowhere", tmp_path / "i", SETTINGS)
    blank = tmp_path / "blank"
    blank.mkdir()
    (blank / "index.html").write_text("<html><body></body></html>", encoding="utf-8")
    with pytest.raises(BuildError, match="holds any text"):
        build_index(blank, tmp_path / "i", SETTINGS)
    assert not (tmp_path / "i").exists()


def test_a_folder_that_cannot_be_written_is_an_error_at_once(site):
    with pytest.raises(BuildError, match=r"cannot be written to /proc/index"):
        build_index(site, Path("/proc/index"), SETTINGS)
    with pytest.raises(BuildError, match=r"cannot be written to /proc/a/index"):
        build_index(site, Path("/proc/a/index"), SETTINGS)


def test_a_target_that_is_a_file_is_an_error(site, tmp_path):
    (tmp_path / "i").write_text("mine", encoding="utf-8")
    with pytest.raises(BuildError, match="is a file"):
        build_index(site, tmp_path / "i", SETTINGS)
    assert (tmp_path / "i").read_text(encoding="utf-8") == "mine"


def test_a_folder_that_is_no_model_is_an_error(site, tmp_path):
    (tmp_path / "model").mkdir()
    with pytest.raises(EmbeddingError, match=r"no \*\.safetensors"):
        build_index(site, tmp_path / "i", BuildSettings(model=str(tmp_path / "model")))


def test_a_full_disk_leaves_the_previous_index_whole(site, tmp_path):
    build_index(site, tmp_path / "i", SETTINGS)
    before = contents(tmp_path / "i")
    rewrite(site, "guide.html", "Text of the child.", "Other words.")
    # No file of this process may grow past 40 kB: what a full disk does, at the same calls.
    code = """
        import resource, signal, sys
        from pathlib import Path
        from molsys_chat_rag.build import BuildSettings, build_index
        from molsys_chat_rag.errors import BuildError
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        def limit(stage, done, total):
            if stage == "writing":
                resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, resource.RLIM_INFINITY))
        try:
            build_index(Path(sys.argv[1]), Path(sys.argv[2]), BuildSettings(), progress=limit)
        except BuildError as error:
            print(error)
    """
    command = [sys.executable, "-c", textwrap.dedent(code), str(site), str(tmp_path / "i")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "cannot be written" in done.stdout
    assert "free space" in done.stdout
    assert contents(tmp_path / "i") == before
    assert build_index(site, tmp_path / "i", SETTINGS).embedded == 1
    assert {path.name for path in tmp_path.iterdir()} == {"i", "site"}


@pytest.mark.parametrize("stage", ["embedding", "writing"])
def test_a_killed_build_leaves_the_previous_index_whole(site, tmp_path, stage):
    build_index(site, tmp_path / "i", SETTINGS)
    before = contents(tmp_path / "i")
    rewrite(site, "guide.html", "Text of the child.", "Other words.")
    code = """
        import sys, time
        from pathlib import Path
        from molsys_chat_rag.build import BuildSettings, build_index
        from molsys_chat_rag.storage import folder
        def hang(stage, done, total):
            if stage == sys.argv[3]:
                with folder.building(Path(sys.argv[2])):
                    print("here", flush=True)
                    time.sleep(600)
        build_index(Path(sys.argv[1]), Path(sys.argv[2]), BuildSettings(), progress=hang)
    """
    command = [sys.executable, "-c", textwrap.dedent(code), str(site), str(tmp_path / "i"), stage]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "here\n"
        process.send_signal(signal.SIGKILL)
    assert contents(tmp_path / "i") == before
    assert list(tmp_path.glob(".i.building-*"))
    assert build_index(site, tmp_path / "i", SETTINGS).embedded == 1
    assert not list(tmp_path.glob(".i.building-*"))


def test_a_build_killed_between_the_renames_is_recovered(site, tmp_path, embedder):
    build_index(site, tmp_path / "i", SETTINGS)
    (tmp_path / "i").rename(previous_folder(tmp_path / "i"))
    Index.open(tmp_path / "i", embedder=embedder).close()
    (tmp_path / "i").rename(previous_folder(tmp_path / "i"))
    assert build_index(site, tmp_path / "i", SETTINGS).unchanged


def test_opening_leaves_a_build_at_work_alone(site, tmp_path, embedder):
    build_index(site, tmp_path / "i", SETTINGS)
    with lock_of(tmp_path / "i"):
        (tmp_path / "i").rename(previous_folder(tmp_path / "i"))
        with pytest.raises(IndexMissingError):
            Index.open(tmp_path / "i", embedder=embedder)
    Index.open(tmp_path / "i", embedder=embedder).close()


def test_builds_of_the_same_index_wait_for_each_other(site, tmp_path):
    code = """
        import sys
        from pathlib import Path
        from molsys_chat_rag.build import BuildSettings, build_index
        print(build_index(Path(sys.argv[1]), Path(sys.argv[2]), BuildSettings()).embedded)
    """
    command = [sys.executable, "-c", textwrap.dedent(code), str(site), str(tmp_path / "i")]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    embedded = sorted(int(process.communicate()[0]) for process in running)
    assert embedded[0] == 0
    assert embedded[1] > 0


def test_progress_is_told(site, tmp_path):
    told: list[tuple[str, int, int]] = []
    build_index(site, tmp_path / "i", SETTINGS, progress=lambda *step: told.append(step))
    assert {stage for stage, _, _ in told} == {"reading", "embedding", "writing"}
    assert all(done <= total for _, done, total in told)


def test_a_nearly_empty_index_is_a_warning(tmp_path):
    words = "All the words that readers see stand where nobody looks for them. " * 400
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "index.html").write_text(
        f'<body><nav>{words}</nav><section id="a"><h1>A</h1><p>One sentence.</p></section></body>',
        encoding="utf-8",
    )
    report = build_index(tmp_path / "site", tmp_path / "index", SETTINGS)
    assert "nearly empty: of 26," in report.warnings[-1]
    assert "13 were read" in report.warnings[-1]
