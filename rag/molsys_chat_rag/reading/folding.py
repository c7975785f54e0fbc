"""Texts that stand at several places are indexed once, under one canonical address."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from molsys_chat_rag.reading.inventory import Inventory
from molsys_chat_rag.reading.sections import BlockKind, Section, SectionKind
from molsys_chat_rag.text.unspaced import count_words

MIN_WORDS = 4
"""A heading's text shorter than this is no sign that two sections are the same."""


@dataclass(frozen=True, slots=True)
class Fold:
    """One text and all its places."""

    canonical: int
    """Position, among the sections given, of the one that stands for all."""
    copies: tuple[int, ...]
    """Positions of the others."""


def fold_sections(sections: Sequence[Section], inventory: Inventory) -> tuple[Fold, ...]:
    """Return the distinct texts of a site, in the order of their canonical sections.

    Documented objects are the same text where their last name, their parameters and their
    description agree; headings' sections where title and text do.
    """
    listed = {address for _, address in inventory.names.values()}
    groups: dict[object, list[int]] = defaultdict(list)
    for position, section in enumerate(sections):
        groups[_key(section, position)].append(position)
    folds = (_fold(group, sections, listed) for group in groups.values())
    return tuple(sorted(folds, key=lambda fold: fold.canonical))


def _key(section: Section, position: int) -> object:
    body = tuple((b.kind, b.text) for b in section.blocks if b.kind is not BlockKind.SIGNATURE)
    if section.kind is SectionKind.OBJECT:
        if not section.symbol:
            return position if not body else (section.title, body)
        return section.symbol.rpartition(".")[2], section.signature, body
    words = sum(count_words(text) for _, text in body)
    return (section.title, body) if words >= MIN_WORDS else position


def _fold(group: Iterable[int], sections: Sequence[Section], listed: set[str]) -> Fold:
    def rank(position: int) -> tuple[bool, int, int, str]:
        section = sections[position]
        return (
            section.address not in listed,
            section.symbol.count("."),
            section.address.count("/"),
            section.address,
        )

    first, *rest = sorted(group, key=rank)
    return Fold(first, tuple(sorted(rest)))
