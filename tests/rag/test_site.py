"""Which files are pages, and what text is in them."""

import os
import socket
from pathlib import Path

import pytest

from molsys_chat_rag.errors import NoPagesError
from molsys_chat_rag.reading.inventory import read_inventory
from molsys_chat_rag.reading.site import decode_page, file_digest, find_pages
from molsys_chat_rag.reading.site_folder import printable_name
from molsys_chat_rag.regular_files import FileTooLargeError, NotRegularError, read_regular


def write(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"<html>{name}</html>", encoding="utf-8")


def test_pages_are_found_and_generated_ones_left_out(tmp_path):
    write(
        tmp_path,
        "index.html",
        "guide/select.html",
        "guide/search.html",
        "search.html",
        "genindex.html",
        "genindex-A.html",
        "py-modindex.html",
        "search/index.html",
        "_modules/demo.html",
        "_static/x.html",
        "_chat/x.html",
        ".hidden/x.html",
    )
    names = [file.name for file in find_pages(tmp_path)]
    assert names == ["guide/search.html", "guide/select.html", "index.html"]


@pytest.mark.parametrize("pattern", ["drafts/*", "drafts/a.html", "drafts/a", "*/a"])
def test_pages_can_be_excluded(tmp_path, pattern):
    write(tmp_path, "index.html", "drafts/a.html")
    assert [file.name for file in find_pages(tmp_path, [pattern])] == ["index.html"]


def test_dirhtml_pages_are_excluded_by_their_folder(tmp_path):
    write(tmp_path, "index.html", "drafts/a/index.html")
    assert [file.name for file in find_pages(tmp_path, ["drafts/a"])] == ["index.html"]


def test_a_folder_without_pages_is_refused(tmp_path):
    with pytest.raises(NoPagesError, match=r"holds no documentation page .*sphinx-build"):
        find_pages(tmp_path)
    with pytest.raises(NoPagesError, match="is not a folder"):
        find_pages(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("data", "text", "encoding"),
    [
        ("café".encode(), "café", ""),
        (b"\xef\xbb\xbf" + "café".encode(), "café", ""),
        ('<meta charset="latin-1">café'.encode("latin-1"), "café", "latin-1"),
        ("café".encode("utf-16"), "café", "utf-16"),
        ("<p>Молекула и атомы</p>".encode("koi8-r"), "Молекула", ""),
    ],
)
def test_encodings(data, text, encoding):
    if "Молекула" in text:
        data = b'<meta charset="koi8-r">' + data
        encoding = "koi8-r"
    found, guessed = decode_page(data)
    assert text in found
    assert guessed.startswith(encoding)
    assert bool(guessed) == bool(encoding)


def bind_socket(path):
    here = Path.cwd()
    os.chdir(path.parent)  # a socket's address is short
    try:
        with socket.socket(socket.AF_UNIX) as opened:
            opened.bind(path.name)
    finally:
        os.chdir(here)


def link_out(path):
    outside = path.parent.parent / "outside"
    outside.mkdir()
    (outside / "secret.html").write_text("<p>secret</p>")
    path.symlink_to(outside / "secret.html")


def link_folder_out(path):
    link_out(path)
    path.unlink()
    path.symlink_to(path.parent.parent / "outside")


UNREADABLE = {
    "pipe": ("bad.html", os.mkfifo, "a named pipe"),
    "socket": ("bad.html", bind_socket, "a socket"),
    "device": ("bad.html", lambda path: path.symlink_to("/dev/zero"), "a link out of the site"),
    "link to itself": ("bad.html", lambda path: path.symlink_to(path), "Too many levels"),
    "dangling link": ("bad.html", lambda path: path.symlink_to("nowhere"), "No such file"),
    "link out": ("bad.html", link_out, "a link out of the site"),
    "folder link out": ("bad", link_folder_out, "a link out of the site"),
    "link to its folder": ("bad", lambda path: path.symlink_to("."), "a folder that it lies in"),
    "link above": ("guide/bad", lambda path: path.symlink_to(".."), "a folder that it lies in"),
    "no UTF-8": ("bad\udcff.html", lambda path: path.write_text("x"), "its name is not UTF-8"),
    "folder no UTF-8": ("bad\udcff", lambda path: path.mkdir(), "its name is not UTF-8"),
    "newline": ("bad\n.html", lambda path: path.write_text("x"), "control characters"),
}


@pytest.mark.parametrize(("name", "make", "told"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_is_no_regular_file_in_the_site_is_named(tmp_path, name, make, told):
    site = tmp_path / "site"
    write(site, "index.html", "guide/a.html")
    make(site / name)
    warnings = []
    names = [file.name for file in find_pages(site, warn=warnings.append)]
    assert names == ["guide/a.html", "index.html"]
    assert len(warnings) == 1
    assert told in warnings[0]
    assert "bad" in warnings[0]
    assert warnings[0].isprintable()
    warnings[0].encode()


def test_all_that_is_left_out_is_one_warning(tmp_path):
    write(tmp_path, "index.html")
    for number in range(9):
        os.mkfifo(tmp_path / f"pipe{number}.html")
    warnings = []
    find_pages(tmp_path, warn=warnings.append)
    assert len(warnings) == 1
    assert warnings[0].startswith("9 files and folders are left out: pipe0.html (it is a named")
    assert warnings[0].endswith("and 4 more")


def test_a_site_of_nothing_but_pipes_says_so(tmp_path):
    os.mkfifo(tmp_path / "index.html")
    with pytest.raises(NoPagesError, match=r"index\.html is left out: it is a named pipe"):
        find_pages(tmp_path)


def test_links_within_the_site_are_followed(tmp_path):
    site = tmp_path / "site"
    write(site, "guide/a.html", ".versions/1/b.html")
    (site / "index.html").symlink_to("guide/a.html")
    (site / "same").symlink_to("guide")
    (site / "stable").symlink_to(".versions/1")
    (site / "guide/back").symlink_to("../stable")
    (tmp_path / "published").symlink_to(site)
    warnings = []
    found = find_pages(tmp_path / "published", warn=warnings.append)
    assert [file.name for file in found] == ["guide/a.html", "index.html", "stable/b.html"]
    assert warnings == []


def test_folders_that_link_to_each_other_end(tmp_path):
    for name in "abcdefgh":
        write(tmp_path, f"{name}/{name}.html")
        for other in "abcdefgh":
            (tmp_path / name / f"to-{other}").symlink_to(f"../{other}")
    names = [file.name for file in find_pages(tmp_path, warn=print)]
    assert names == [f"{name}/{name}.html" for name in "abcdefgh"]


@pytest.mark.skipif(os.getuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_named(tmp_path):
    write(tmp_path, "index.html", "closed.html", "closed/a.html")
    (tmp_path / "closed.html").chmod(0)
    (tmp_path / "closed").chmod(0)
    warnings = []
    names = [file.name for file in find_pages(tmp_path, warn=warnings.append)]
    (tmp_path / "closed").chmod(0o700)
    assert names == ["index.html"]
    assert "closed (Permission denied), closed.html (Permission denied)" in warnings[0]


def test_only_regular_files_are_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path, kind in [(tmp_path / "pipe", "a named pipe"), (tmp_path, "a folder")]:
        with pytest.raises(NotRegularError, match=kind):
            read_regular(path)
        with pytest.raises(NotRegularError, match=kind):
            read_inventory(path)
        assert file_digest(path) == ""
    (tmp_path / "long").write_bytes(b"12345")
    assert read_regular(tmp_path / "long", 5) == b"12345"
    with pytest.raises(FileTooLargeError, match="5 bytes, 4 are read"):
        read_regular(tmp_path / "long", 4)


def test_names_are_printed_whatever_is_in_them():
    assert printable_name("caf\u00e9\udcff\n\u202e") == "caf\u00e9\\xff\\n\\u202e"
