"""What a page of built documentation is made of: sections, and the blocks in them."""

from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

LOWEST_HEADING = 6
"""The level of the lowest heading that Markdown knows."""


class BlockKind(StrEnum):
    """What a block is; it decides how the block is shown, quoted and searched."""

    PARAGRAPH = "paragraph"
    RUBRIC = "rubric"
    ITEM = "item"
    ROW = "row"
    CODE = "code"
    OUTPUT = "output"
    MATH = "math"
    IMAGE = "image"
    ADMONITION = "admonition"
    SIGNATURE = "signature"
    FIELD = "field"


@dataclass(frozen=True, slots=True)
class Block:
    """One paragraph, list item, table row, code block, … of a section."""

    kind: BlockKind
    """What it is."""
    text: str
    """Its text. Prose carries inline code between backticks; code is verbatim."""
    label: str = ""
    """The language of code, the title of an admonition, the name of a field; empty elsewhere."""


class SectionKind(StrEnum):
    """Where a section comes from."""

    HEADING = "heading"
    OBJECT = "object"


@dataclass(frozen=True, slots=True)
class Section:
    """The text that stands directly under one anchor: what is ranked, cited and linked."""

    page: str
    """The page's path relative to the site's root, with ``/`` between folders."""
    anchor: str
    """The anchor in the page; empty for text that stands before every anchor."""
    title: str
    """The heading, or the documented object's name."""
    path: tuple[str, ...]
    """Titles from the page's down to this section's own, which is last."""
    kind: SectionKind
    """A heading's section or a documented object."""
    blocks: tuple[Block, ...]
    """The text, in order; empty where a heading only leads to its subsections."""
    aliases: tuple[str, ...] = ()
    """Further anchors in the same page that mean this section."""
    parent: str = ""
    """The anchor of the section around it in the same page; empty at the top."""
    symbol: str = ""
    """The full name of the documented object; empty for a heading's section."""
    role: str = ""
    """The object's domain and role, such as ``py:function``; empty for a heading's section, but
    ``cpp:page`` in Doxygen's pages."""
    signature: str = ""
    """The signature as printed, without the full name's prefix; empty without an object."""

    @property
    def address(self) -> str:
        """``page.html#anchor``, or ``page.html`` where there is no anchor."""
        return f"{self.page}#{self.anchor}" if self.anchor else self.page


def render_block(block: Block) -> str:
    """Return a block as Markdown."""
    match block.kind:
        case BlockKind.CODE | BlockKind.OUTPUT:
            fence = "```"
            while fence in block.text:
                fence += "`"
            return f"{fence}{block.label}\n{block.text}\n{fence}"
        case BlockKind.SIGNATURE:
            return f"`{block.text}`"
        case BlockKind.ITEM:
            text = block.text.lstrip()
            return f"{' ' * (len(block.text) - len(text))}- {text}"
        case BlockKind.MATH:
            return f"$${block.text}$$"
        case BlockKind.RUBRIC:
            return f"**{block.text}**"
        case BlockKind.ADMONITION | BlockKind.FIELD if block.label:
            return f"**{block.label}:** {block.text}"
        case _:
            return block.text


def render_blocks(blocks: tuple[Block, ...]) -> str:
    """Return blocks as Markdown; list items, rows and fields that belong together stay together."""
    parts: list[str] = []
    for (kind, label), group in groupby(blocks, key=_run):
        run = tuple(group)
        if kind is BlockKind.FIELD and len(run) > 1:
            parts.append("\n".join((f"**{label}:**", *(f"- {block.text}" for block in run))))
        elif kind in (BlockKind.ITEM, BlockKind.ROW):
            parts.append("\n".join(map(render_block, run)))
        else:
            parts.extend(map(render_block, run))
    return "\n\n".join(parts)


def render_heading(section: Section, level: int) -> str:
    """Return a section's heading as Markdown; a documented object's is its full name, as code.

    :param level: 1 for the highest; Markdown knows :data:`LOWEST_HEADING` of them.
    """
    title = " ".join((section.symbol or section.title).split())
    shown = f"`{title}`" if section.kind is SectionKind.OBJECT else title
    return f"{'#' * min(level, LOWEST_HEADING)} {shown}"


def _run(block: Block) -> tuple[BlockKind, str]:
    return block.kind, block.label
