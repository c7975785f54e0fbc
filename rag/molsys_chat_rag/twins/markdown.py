"""A page as Markdown."""

from molsys_chat_rag.reading.page import Page
from molsys_chat_rag.reading.sections import (
    Block,
    BlockKind,
    Section,
    SectionKind,
    render_blocks,
    render_heading,
)

SUFFIX = ".md"
"""What is put after a page's name to name its twin: ``guide/select.html.md``."""

SOURCE = "\n\nSource: <"
"""What stands between a page's title and where it is published; it tells a twin."""


def render_page(page: Page, url: str) -> str:
    """Return a page as Markdown: its title, where it is published, and its sections in order.

    :param url: where the page itself is read.
    """
    parts = [f"# {_one_line(page.title)}{SOURCE}{url}>"]
    for section in page.sections:
        if (heading := _heading(section, page.title)) is not None:
            parts.append(heading)
        if text := render_blocks(_signatures_as_code(section)):
            parts.append(text)
    return "\n\n".join(parts) + "\n"


def summary(page: Page) -> str:
    """Return a page's first paragraph on one line; empty where it has none."""
    blocks = (block for section in page.sections for block in section.blocks)
    texts = (block.text for block in blocks if block.kind is BlockKind.PARAGRAPH)
    return _one_line(next(texts, ""))


def _heading(section: Section, page_title: str) -> str | None:
    """Return a section's heading; None where it is the page's own, or none of its own."""
    is_object = section.kind is SectionKind.OBJECT
    if not section.title or (section.path == (page_title,) and not is_object):
        return None
    return render_heading(section, max(2, len(section.path)))


def _signatures_as_code(section: Section) -> tuple[Block, ...]:
    """Return a section's blocks, signatures as code, which coding agents read best."""
    return tuple(
        Block(BlockKind.CODE, block.text, "python" if section.role.startswith("py:") else "")
        if block.kind is BlockKind.SIGNATURE
        else block
        for block in section.blocks
    )


def _one_line(text: str) -> str:
    return " ".join(text.split())
