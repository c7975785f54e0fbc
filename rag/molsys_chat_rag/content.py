"""What goes into an index, put together from the pages: sections, chunks and symbols."""

from collections.abc import Sequence
from dataclasses import dataclass

from molsys_chat_rag.chunks import Chunk, CountTokens, split_section
from molsys_chat_rag.folding import fold_sections
from molsys_chat_rag.hits import Symbol
from molsys_chat_rag.inventory import Inventory
from molsys_chat_rag.page import Page
from molsys_chat_rag.sections import Section
from molsys_chat_rag.symbols import collect_symbols


@dataclass(frozen=True, slots=True)
class Content:
    """The content of an index, its vectors left out."""

    pages: tuple[Page, ...]
    """All pages that were read."""
    sections: tuple[Section, ...]
    """All sections, in the order of the pages."""
    canonical: tuple[int, ...]
    """By section, the position of the one that stands for its text."""
    chunks: tuple[tuple[int, Chunk], ...]
    """Position of the section, and the chunk; only canonical sections have chunks."""
    symbols: tuple[Symbol, ...]
    """Documented names, sorted."""

    @property
    def counts(self) -> dict[str, int]:
        """Numbers for the manifest."""
        return {
            "pages": sum(page.indexed for page in self.pages),
            "sections": len(self.sections),
            "texts": len(set(self.canonical)),
            "chunks": len(self.chunks),
            "symbols": len(self.symbols),
        }


def assemble_content(
    pages: Sequence[Page], inventory: Inventory, count: CountTokens, window: int
) -> Content:
    """Return the content that an index of these pages has.

    :param window: tokens that the embedding model reads of a text.
    """
    sections = tuple(section for page in pages for section in page.sections)
    folds = fold_sections(sections, inventory)
    canonical = list(range(len(sections)))
    for fold in folds:
        for copy in fold.copies:
            canonical[copy] = fold.canonical
    chunks = tuple(
        (fold.canonical, chunk)
        for fold in folds
        for chunk in split_section(sections[fold.canonical], count, window)
    )
    symbols = collect_symbols(sections, inventory, _addresses(sections))
    return Content(tuple(pages), sections, tuple(canonical), chunks, symbols)


def _addresses(sections: Sequence[Section]) -> dict[str, str]:
    found = {section.address: section.address for section in sections}
    for section in sections:
        for alias in section.aliases:
            found.setdefault(f"{section.page}#{alias}", section.address)
    return found
