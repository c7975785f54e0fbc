"""The documents that a site's own files know, and the pages that are left of others.

Sphinx leaves a page in the output folder when its document is deleted; nothing links to it then.
"""

import json
import re
from collections.abc import Iterable
from pathlib import Path

from molsys_chat_rag.reading.heads import read_head
from molsys_chat_rag.reading.inventory import Inventory
from molsys_chat_rag.regular_files import open_regular

LARGEST = 100_000_000
"""Bytes of a ``searchindex.js`` that are read."""

_DOCNAMES = re.compile(
    rb'[{,]\s*"?docnames"?\s*:\s*(\[\s*+(?:"(?:[^"\\]|\\.)*+"\s*+,?\s*+)*+\])', re.DOTALL
)
_FROM_DOCUMENT = re.compile(
    r"name=[\"']generator[\"'] content=[\"']Docutils"
    r"|content=[\"']Docutils[^<>\"']*[\"']\s*name=[\"']generator"
    r"|name=\"viewport\"[^>]*>\s*<meta[^>]*name=\"viewport\"",
    re.IGNORECASE,
)
"""What Sphinx writes into the heads of pages that documents became, and of no others."""


def known_documents(html_dir: Path, inventory: Inventory) -> frozenset[str]:
    """Return the documents' names in ``searchindex.js``, else in the inventory.

    :return: empty where neither names any.
    """
    try:
        with open_regular(html_dir / "searchindex.js") as file:
            data = file.read(LARGEST)
    except OSError:
        return inventory.documents
    match = _DOCNAMES.search(data)
    try:
        names = json.loads(match[1]) if match else ()
    except ValueError:
        names = ()
    return frozenset(names) or inventory.documents


def leftover_pages(html_dir: Path, pages: Iterable[str], known: frozenset[str]) -> list[str]:
    """Return the pages that documents became which the site no longer knows.

    Pages that come from no document, such as those of ``html_additional_pages`` and
    ``html_extra_path``, are none of them.

    :param pages: names of pages, such as ``guide/select.html``.
    :param known: the documents that there are; if empty, no page is left over.
    """
    return [
        page
        for page in pages
        if known
        and known.isdisjoint(documents_of(page))
        and any(_comes_from(html_dir, page, document) for document in documents_of(page))
    ]


def documents_of(page: str) -> tuple[str, ...]:
    """Return the names of the documents that a page may come from, of ``html`` and ``dirhtml``."""
    document = page.removesuffix(".html")
    return (document, document.removesuffix("/index"))


def _comes_from(html_dir: Path, page: str, document: str) -> bool:
    sources = html_dir / "_sources"
    if sources.is_dir():
        folder, _, name = f"_sources/{document}".rpartition("/")
        place = html_dir / folder
        return place.is_dir() and any(file.name.startswith(f"{name}.") for file in place.iterdir())
    return _FROM_DOCUMENT.search(read_head(html_dir / page)) is not None
