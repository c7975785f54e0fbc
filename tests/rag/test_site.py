"""Which files are pages, and what text is in them."""

import pytest

from molsys_chat_rag.errors import NoPagesError
from molsys_chat_rag.reading.site import decode_page, find_pages


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
