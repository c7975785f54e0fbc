"""What of the found sections is sent to the model: whole blocks within a token budget."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from molsys_chat_rag.hits import Hit
from molsys_chat_rag.reading.sections import Block, BlockKind, render_blocks
from molsys_chat_server.text.relevance import word_set

_LARGEST_SHARE = 0.5
"""The part of the budget that one section may take, so that a long one leaves room for others."""

_SMALLEST_BLOCK = 8
"""Tokens below which what is left of a budget is not worth filling."""

_HEADER_TOKENS = 40
"""What a passage's tags, title and address take, about."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A section, or a part of one, as the model reads it."""

    n: int
    """The number by which it is cited."""
    title: str
    """The section's heading path."""
    url: str
    """The section's address for the reader."""
    text: str
    """Markdown."""


def heading_path(hit: Hit) -> str:
    """Return a section's titles from the page's down, its project's name first in a group."""
    path = (hit.project, *hit.section.path) if hit.project else hit.section.path
    return " \N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} ".join(path)


def choose_passages(
    hits: Sequence[Hit], budget: int, count: Callable[[str], int]
) -> tuple[Passage, ...]:
    """Return the passages of the best hits that fit together, best first.

    :param hits: best first; a passage's number is its hit's place, from 1.
    :param budget: tokens for all passages together.
    :param count: a text's length in tokens.
    """
    passages: list[Passage] = []
    left = budget
    for n, hit in enumerate(hits, 1):
        share = min(left, int(budget * _LARGEST_SHARE)) - _HEADER_TOKENS
        text = render_blocks(_fitting_blocks(hit, share, count))
        if text:
            passages.append(Passage(n, heading_path(hit), hit.url, text))
            left -= count(text) + _HEADER_TOKENS
    return tuple(passages)


def nearest_block(blocks: Sequence[Block], excerpt: str) -> int:
    """Return the place of the block that shares most words with an excerpt; 0 without blocks."""
    wanted = word_set(excerpt)
    overlaps = [
        len(wanted & word_set(block.text)) + (excerpt[:60] in block.text) for block in blocks
    ]
    return overlaps.index(max(overlaps)) if overlaps else 0


def _fitting_blocks(hit: Hit, budget: int, count: Callable[[str], int]) -> tuple[Block, ...]:
    """Return a section's blocks that fit: the matching one, the first, and those around."""
    blocks = hit.section.blocks
    match = nearest_block(blocks, hit.excerpt)
    order = sorted(range(len(blocks)), key=lambda i: (i != match, i != 0, abs(i - match)))
    kept: list[int] = []
    left = budget
    for i in order:
        if left < _SMALLEST_BLOCK:
            break
        cost = count(render_blocks((blocks[i],))) + 1
        if cost <= left:
            kept.append(i)
            left -= cost
    if blocks and not kept:
        return _first_lines(blocks[match], budget, count)
    return tuple(blocks[i] for i in sorted(kept))


def _first_lines(block: Block, budget: int, count: Callable[[str], int]) -> tuple[Block, ...]:
    """Return the start of a block that is too long whole; nothing where no line fits."""
    lines = block.text.splitlines()
    while lines and count("\n".join([*lines, "```", "```"])) > budget:
        lines = lines[: len(lines) // 2]
    verbatim = block.kind in {BlockKind.CODE, BlockKind.OUTPUT}
    if not lines or not (verbatim or len(lines) > 1):
        return ()
    return (replace(block, text="\n".join(lines)),)
