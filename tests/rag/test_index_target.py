"""What an index may be written to, and what a build leaves alone."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from molsys_chat_rag.build import BuildSettings, build_index
from molsys_chat_rag.errors import BuildError
from molsys_chat_rag.storage.folder import (
    check_folder,
    clear_leftovers,
    previous_folder,
    recover,
    replace_folder,
)

MANIFEST = {
    "schema": 1, "project": "p", "built_at": "", "model": {}, "chunker": {}, "counts": {},
    "files": {"store.sqlite": {}, "vectors.faiss": {}, "later.bin": {}},
}  # fmt: skip
WEB_APP = {"name": "Thesis", "icons": [], "start_url": "/"}


def index_in(folder: Path, **more: str) -> Path:
    """Make what looks like an index: its manifest, its two files, and more files by name."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "manifest.json").write_text(json.dumps(MANIFEST))
    (folder / "store.sqlite").write_bytes(b"SQLite format 3\0rest")
    (folder / "vectors.faiss").write_bytes(b"IxFIrest")
    for name, text in more.items():
        (folder / name.replace("_", ".")).write_text(text)
    return folder


def files_in(folder: Path) -> dict[str, str]:
    """Return what lies in a folder, links as links."""
    return {
        str(path.relative_to(folder)): str(path.readlink())
        if path.is_symlink()
        else path.read_text()
        for path in folder.rglob("*")
        if path.is_symlink() or path.is_file()
    }


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Return a folder that stands for a site."""
    (tmp_path / "docs/html").mkdir(parents=True)
    (tmp_path / "docs/html/index.html").write_text("<h1>Lion</h1>")
    return tmp_path / "docs/html"


def thesis(folder: Path) -> None:
    (folder / "thesis.tex").write_text("years of work")


def web_app(folder: Path) -> None:
    (folder / "manifest.json").write_text(json.dumps(WEB_APP))


def web_app_and_index(folder: Path) -> None:
    index_in(folder)
    web_app(folder)


def inner_folder(folder: Path) -> None:
    index_in(folder)
    (folder / "drafts").mkdir()


def link_inside(folder: Path) -> None:
    index_in(folder)
    (folder / "store.sqlite").unlink()
    (folder / "store.sqlite").symlink_to(folder.parent / "elsewhere")


FOREIGN: dict[str, Callable[[Path], object]] = {
    "a thesis": thesis,
    "another program's manifest": web_app,
    "another program's manifest in an index": web_app_and_index,
    "an index and a note": lambda folder: index_in(folder, notes_txt="mine"),
    "an index and a folder": inner_folder,
    "a link where a file of an index is": link_inside,
    "another program's store": lambda folder: (folder / "store.sqlite").write_text("mine"),
    "a list as manifest": lambda folder: (folder / "manifest.json").write_text("[]"),
    "a hidden file": lambda folder: (folder / ".git").write_text("mine"),
}


@pytest.mark.parametrize("fill", FOREIGN.values(), ids=FOREIGN)
def test_a_folder_that_holds_anything_else_is_refused(site, tmp_path, fill):
    target = tmp_path / "mine"
    target.mkdir()
    fill(target)
    before = files_in(tmp_path)
    with pytest.raises(BuildError, match=r"^\S*/mine holds \S+, which is not part of an index: "):
        check_folder(target, site)
    with pytest.raises(BuildError):
        build_index(site, target, BuildSettings())
    assert files_in(tmp_path) == before


@pytest.mark.parametrize(
    "written",
    ["docs/html", "docs/html/", "docs", ".", "docs/../docs/html", "link", "docs/html/_static/.."],
)
def test_the_site_itself_and_what_lies_above_it_are_refused(site, tmp_path, written):
    (site / "_static").mkdir()
    (tmp_path / "link").symlink_to(site)
    for named in (site, tmp_path / "link"):
        with pytest.raises(BuildError, match=r"holds the site .* itself"):
            check_folder(tmp_path / written, named)


@pytest.mark.parametrize(
    "name", ["new", "a/b/new", "empty", "index", "unfinished", "docs/html/_chat"]
)
def test_a_new_folder_an_empty_one_and_an_index_are_taken(site, tmp_path, name):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty/.DS_Store").touch()
    index_in(tmp_path / "index", later_bin="of a later schema")
    (index_in(tmp_path / "unfinished") / "manifest.json").write_text('{"schema": ')
    check_folder(tmp_path / name, site)


def test_a_file_and_a_loop_of_links_are_refused(site, tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(BuildError, match="file is a file: name a folder"):
        check_folder(tmp_path / "file", site)
    with pytest.raises(BuildError, match="loop is a link that leads back to itself"):
        check_folder(tmp_path / "loop", site)


def test_an_index_is_replaced_and_what_came_meanwhile_is_kept(tmp_path):
    target, new = index_in(tmp_path / "i"), index_in(tmp_path / "new", later_bin="new")
    replace_folder(new, target)
    assert names_in(tmp_path) == ["i"]
    assert (target / "later.bin").read_text() == "new"
    thesis(target)
    with pytest.raises(BuildError, match=r"holds thesis\.tex"):
        replace_folder(index_in(tmp_path / "new"), target)
    assert (target / "thesis.tex").read_text() == "years of work"


def test_somebody_elses_hidden_folders_are_left_alone(site, tmp_path):
    target = tmp_path / "i"
    previous = previous_folder(target)
    mine = [previous, tmp_path / ".i.building-notes", tmp_path / ".i.building-abcd_123"]
    for folder in mine:
        folder.mkdir()
        thesis(folder)
    killed = tmp_path / ".i.building-abcd_456"
    killed.mkdir()
    (killed / "store.sqlite-journal").touch()
    recover(target)
    clear_leftovers(target)
    assert not target.exists()
    assert not killed.exists()
    check_folder(target, site)  # nothing has to be put aside for a new index
    index_in(target)
    with pytest.raises(BuildError, match=r"\.i\.previous is where a build puts the previous"):
        check_folder(target, site)
    assert all((folder / "thesis.tex").is_file() for folder in mine)


def test_what_a_killed_removal_leaves_is_no_obstacle(site, tmp_path):
    target = index_in(tmp_path / "i")
    previous = index_in(previous_folder(target))
    (previous / "store.sqlite").unlink()
    check_folder(target, site)
    replace_folder(index_in(tmp_path / "new"), target)
    assert names_in(tmp_path) == ["docs", "i"]


@pytest.mark.parametrize("cache", ["i", "i/vectors", "link"])
def test_a_cache_in_the_index_is_refused(site, tmp_path, cache):
    index_in(tmp_path / "i")
    (tmp_path / "link").symlink_to(tmp_path / "i")
    settings = BuildSettings(cache=tmp_path / cache)
    with pytest.raises(BuildError, match="lies in the index"):
        build_index(site, tmp_path / "i", settings)


def test_a_link_stays_and_what_it_leads_to_is_updated(themed_site, tmp_path):
    site = themed_site("alabaster", "html")
    (tmp_path / "disk").mkdir()
    (tmp_path / "second").symlink_to("disk/index")  # leads nowhere yet
    (tmp_path / "first").symlink_to("second")
    for commit in ("one", "two"):
        build_index(site, tmp_path / "first", BuildSettings(commit=commit))
        assert (tmp_path / "first").readlink() == Path("second")
        assert (tmp_path / "second").readlink() == Path("disk/index")
        manifest = json.loads((tmp_path / "disk/index/manifest.json").read_text())
        assert manifest["commit"] == commit
    assert names_in(tmp_path / "disk") == ["index"]
    build_index(site, tmp_path / "first", BuildSettings(full=True))
    assert (tmp_path / "second").readlink() == Path("disk/index")
    (tmp_path / "disk/index").rename(previous_folder(tmp_path / "disk/index"))
    assert build_index(site, tmp_path / "first", BuildSettings()).unchanged
