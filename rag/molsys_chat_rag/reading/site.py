"""The pages of a built site: which files they are, and their text."""

import hashlib
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from bs4 import UnicodeDammit

from molsys_chat_rag.errors import NoPagesError
from molsys_chat_rag.reading.heads import is_listing
from molsys_chat_rag.reading.site_folder import (
    LeftOut,
    describe_left_out,
    find_names,
    name_problem,
    require_inside,
)
from molsys_chat_rag.regular_files import open_regular, read_regular, reason

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
    html_dir: Path,
    exclude: Iterable[str] = (),
    known: Collection[str] | None = None,
    *,
    warn: Callable[[str], None] = lambda _: None,
) -> tuple[PageFile, ...]:
    """Return the documentation pages under a built site's root, sorted by name.

    Pages are regular files inside the site; links may lead to them, and not out of it. Those that
    only list source code, names or other pages are left out.

    :param exclude: globs of page names, such as ``"drafts/*"``; with or without ``.html``.
    :param known: names of the pages that belong to the site; None for all that there are.
    :param warn: is called with one line where something is left out that looks like a page.
    :raises NoPagesError: if the folder does not exist or holds no page.
    """
    if not html_dir.is_dir():
        raise NoPagesError(
            f"{html_dir} is not a folder: name the folder of a built Sphinx site, such as "
            "docs/_build/html"
        )
    patterns = tuple(exclude)
    left_out: list[LeftOut] = []
    names = sorted(
        name
        for name in find_names(html_dir, left_out)
        if (known is None or name in known) and _is_page(name, patterns)
    )
    files = [file for name in names if (file := _page_file(html_dir, name, left_out))]
    pages = [file for file in files if not is_listing(file.path, PurePosixPath(file.name).parts)]
    told = describe_left_out(left_out) if left_out else ""
    if not pages:
        raise NoPagesError(
            f"{html_dir} holds no documentation page (*.html): build the documentation first, "
            f"for example with 'sphinx-build -b html docs docs/_build/html'{told and f'; {told}'}"
        )
    if told:
        warn(told)
    return tuple(pages)


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a regular file, hexadecimal; empty where it cannot be read."""
    try:
        with open_regular(path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def _page_file(html_dir: Path, name: str, left_out: list[LeftOut]) -> PageFile | None:
    """Return a page's file; None, with the reason among what is left out, where it is no page."""
    path = html_dir / name
    try:
        require_inside(path, html_dir)
        with open_regular(path) as file:
            digest = hashlib.sha256(file.read(LARGEST_PAGE + 1)).hexdigest()
    except OSError as error:
        left_out.append(LeftOut(name, reason(error)))
        return None
    if problem := name_problem(name):
        left_out.append(LeftOut(name, problem))
        return None
    return PageFile(name, path, digest)


def _is_page(name: str, excluded: tuple[str, ...]) -> bool:
    return not _is_generated(PurePosixPath(name)) and not _is_excluded(name, excluded)


def _is_generated(relative: PurePosixPath) -> bool:
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

    :raises OSError: if it cannot be read, or is larger than any page that somebody could read.
    """
    return read_regular(path, LARGEST_PAGE)


def decode_page(data: bytes) -> tuple[str, str]:
    """Return a page's text and, where it was not UTF-8, the encoding that was guessed.

    The guess looks at a byte order mark, the page's own declaration, and then the bytes.
    """
    try:
        return data.decode("utf-8-sig"), ""
    except UnicodeDecodeError:
        guess = UnicodeDammit(data, is_html=True)
        return guess.unicode_markup or data.decode("latin-1"), guess.original_encoding or "latin-1"
