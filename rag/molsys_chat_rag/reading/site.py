"""The pages of a built site: which files they are, and their text."""

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from bs4 import UnicodeDammit

from molsys_chat_rag.errors import NoPagesError
from molsys_chat_rag.reading.heads import is_listing

SKIPPED_FOLDERS = frozenset(
    {"_modules", "_sources", "_static", "_downloads", "_images", "_chat", "_sphinx_design_static"}
    | {"_tags"}
)
"""Folders at any depth that hold no documentation: sources, assets, highlighted code."""

SKIPPED_PAGES = frozenset({"genindex", "search", "modindex", "404"})
"""Pages at a site's root that Sphinx generates for finding other pages."""
_GENERATED = re.compile(r"genindex-.*|\w+-modindex")
SKIPPED_ANYWHERE = frozenset({"sg_execution_times", "sg_api_usage", "tagsindex"})
"""Pages in any folder that sphinx-gallery and sphinx-tags write about other pages."""

LARGEST_PAGE = 50_000_000
"""Bytes of a page that is read: some thirty times the longest page of Python's documentation."""


@dataclass(frozen=True, slots=True)
class PageFile:
    """One HTML file of a site."""

    name: str
    """Path relative to the site's root, with ``/`` between folders."""
    path: Path
    """Where the file is."""
    digest: str
    """SHA-256 of its bytes, hexadecimal."""


def find_pages(
    html_dir: Path, exclude: Iterable[str] = (), known: Collection[str] | None = None
) -> tuple[PageFile, ...]:
    """Return the documentation pages under a built site's root, sorted by name.

    Pages that only list source code, names or other pages are left out.

    :param exclude: globs of page names, such as ``"drafts/*"``; with or without ``.html``.
    :param known: names of the pages that belong to the site; None for all that there are.
    :raises NoPagesError: if the folder does not exist or holds no page.
    """
    if not html_dir.is_dir():
        raise NoPagesError(
            f"{html_dir} is not a folder: name the folder of a built Sphinx site, such as "
            "docs/_build/html"
        )
    patterns = tuple(exclude)
    names = sorted(
        name
        for name in _html_names(html_dir)
        if (known is None or name in known) and not _is_excluded(name, patterns)
    )
    if not names:
        raise NoPagesError(
            f"{html_dir} holds no documentation page (*.html): build the documentation first, "
            "for example with 'sphinx-build -b html docs docs/_build/html'"
        )
    return tuple(PageFile(n, html_dir / n, file_digest(html_dir / n)) for n in names)


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file, hexadecimal; empty where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def _html_names(html_dir: Path) -> Iterator[str]:
    for path in html_dir.rglob("*.html"):
        relative = path.relative_to(html_dir)
        folders = relative.parts[:-1]
        if any(f in SKIPPED_FOLDERS or f.startswith(".") for f in folders):
            continue
        if _is_generated(relative) or is_listing(path, folders):
            continue
        yield relative.as_posix()


def _is_generated(relative: Path) -> bool:
    # "html" writes genindex.html at the root, "dirhtml" writes genindex/index.html.
    document = relative.with_suffix("").as_posix().removesuffix("/index")
    if document.rpartition("/")[2] in SKIPPED_ANYWHERE:
        return True
    return document in SKIPPED_PAGES or _GENERATED.fullmatch(document) is not None


def _is_excluded(name: str, patterns: tuple[str, ...]) -> bool:
    stem = name.removesuffix(".html")
    return any(
        fnmatchcase(name, p) or fnmatchcase(stem, p) or fnmatchcase(stem.removesuffix("/index"), p)
        for p in patterns
    )


def read_page_file(path: Path) -> bytes:
    """Return the bytes of a page's file.

    :raises ValueError: if it is larger than any page that somebody could read.
    :raises OSError: if it cannot be read.
    """
    with path.open("rb") as file:
        data = file.read(LARGEST_PAGE + 1)
    if len(data) > LARGEST_PAGE:
        raise ValueError(f"it has {path.stat().st_size:,} bytes, {LARGEST_PAGE:,} are read at most")
    return data


def decode_page(data: bytes) -> tuple[str, str]:
    """Return a page's text and, where it was not UTF-8, the encoding that was guessed.

    The guess looks at a byte order mark, the page's own declaration, and then the bytes.
    """
    try:
        return data.decode("utf-8-sig"), ""
    except UnicodeDecodeError:
        guess = UnicodeDammit(data, is_html=True)
        return guess.unicode_markup or data.decode("latin-1"), guess.original_encoding or "latin-1"
