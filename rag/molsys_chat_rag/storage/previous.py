"""What an earlier build left, as far as a new one can use it."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from molsys_chat_rag.embedding.models import Vectors
from molsys_chat_rag.reading.page import Page
from molsys_chat_rag.reading.site import PageFile
from molsys_chat_rag.storage.manifest import Manifest
from molsys_chat_rag.storage.store import STORE, VECTORS, Store
from molsys_chat_rag.storage.vector_file import read_vectors

READER = 8
"""Raised whenever pages are read or cut in another way: older indexes are then read anew."""


@dataclass(frozen=True, slots=True)
class Previous:
    """Pages and vectors of an earlier index."""

    pages: dict[str, tuple[str, Page]] = field(default_factory=dict)
    """By name: the digest of the page's file, and the page as it was read."""
    rows: dict[str, int] = field(default_factory=dict)
    """By embedded text, its row among the vectors."""
    vectors: Vectors = field(default_factory=lambda: np.zeros((0, 0), dtype=np.float32))
    """Shape (texts, dimension), L2-normalised."""

    def page(self, file: PageFile) -> Page | None:
        """Return a page as it was read, if its file is still the same."""
        digest, page = self.pages.get(file.name, ("", None))
        return page if digest and digest == file.digest else None


def read_previous(folder: Path, manifest: Manifest, model_digest: str) -> Previous:
    """Return what a whole index folder holds that a build with this model can use.

    :raises DamagedIndexError: if a file of it cannot be read.
    """
    store = Store(folder / STORE)
    try:
        store.check_counts(manifest.counts)
        pages = _pages(store) if manifest.chunker.get("reader") == READER else {}
        if manifest.model.digest != model_digest:
            return Previous(pages)
        rows = {text: row for row, text in enumerate(store.embedded_texts())}
    finally:
        store.close()
    index = read_vectors(folder / VECTORS, manifest)
    return Previous(pages, rows, index.reconstruct_n(0, index.ntotal))


def _pages(store: Store) -> dict[str, tuple[str, Page]]:
    sections = store.page_sections()
    return {
        name: (digest, Page(name, title, tuple(sections.get(name, ())), indexed))
        for name, (title, digest, indexed) in store.page_digests().items()
    }
