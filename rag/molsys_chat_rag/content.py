"""What goes into an index, put together from the pages: sections, chunks and symbols."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from molsys_chat_rag.hits import Symbol
from molsys_chat_rag.names.symbols import collect_symbols
from molsys_chat_rag.names.taught import Taught, collect_taught
from molsys_chat_rag.reading.chunks import (
    PATH_SEPARATOR,
    Chunk,
    CountTokens,
    counted_at_once,
    split_section,
)
from molsys_chat_rag.reading.folding import fold_sections
from molsys_chat_rag.reading.inventory import Inventory
from molsys_chat_rag.reading.page import Page
from molsys_chat_rag.reading.roles import is_stub
from molsys_chat_rag.reading.sections import Section
from molsys_chat_rag.text.words import terms

HEADING_PARTS = 3
"""Titles of a heading path, the last ones, that are embedded by themselves."""


@dataclass(frozen=True, slots=True)
class Text:
    """A section that has chunks: one text, wherever else it stands."""

    section: int
    """Its position among the sections."""
    chunks: int
    """How many chunks it has."""
    heading: str
    """The end of its heading path, embedded by itself: a question often is a heading's words."""
    title_terms: tuple[str, ...]
    """The terms of its own title, of a documented object's name the last component's."""
    stub: bool
    """Whether it says nothing beyond its heading or its signature."""


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
    texts: tuple[Text, ...]
    """The sections that have chunks, in the order of their chunks."""
    symbols: tuple[Symbol, ...]
    """Documented names, sorted."""
    taught: tuple[Taught, ...] = ()
    """What the sections' text and code teach of names, sorted."""

    @property
    def embedded(self) -> list[str]:
        """What is embedded, a vector each: all chunks, and then all texts' headings."""
        return [chunk.embedded for _, chunk in self.chunks] + [t.heading for t in self.texts]

    @property
    def counts(self) -> dict[str, int]:
        """Numbers for the manifest."""
        return {
            "pages": sum(page.indexed for page in self.pages),
            "sections": len(self.sections),
            "texts": len(self.texts),
            "chunks": len(self.chunks),
            "vectors": len(self.chunks) + len(self.texts),
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
    count = counted_at_once((sections[fold.canonical] for fold in folds), count)
    chunks = tuple(
        (fold.canonical, chunk)
        for fold in folds
        for chunk in split_section(sections[fold.canonical], count, window)
    )
    texts = tuple(
        _text(position, number, sections[position])
        for position, number in Counter(position for position, _ in chunks).items()
    )
    symbols = collect_symbols(sections, inventory, section_addresses(sections))
    taught = collect_taught(sections, symbols)
    return Content(tuple(pages), sections, tuple(canonical), chunks, texts, symbols, taught)


def _text(position: int, chunks: int, section: Section) -> Text:
    title = section.symbol.rpartition(".")[2] if section.symbol else section.title
    return Text(
        section=position,
        chunks=chunks,
        heading=PATH_SEPARATOR.join(section.path[-HEADING_PARTS:]),
        title_terms=tuple(dict.fromkeys(terms(title))),
        stub=is_stub(section),
    )


def section_addresses(sections: Sequence[Section]) -> dict[str, str]:
    """Return every address and further anchor with the address of its section."""
    found = {section.address: section.address for section in sections}
    for section in sections:
        for alias in section.aliases:
            found.setdefault(f"{section.page}#{alias}", section.address)
    return found
