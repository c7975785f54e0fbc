"""``search_docs`` and ``read_section``: finding a section, and reading it whole."""

from collections.abc import Iterator, Sequence

from molsys_chat_rag.addresses import address_of, split_address
from molsys_chat_rag.joined import AnyIndex
from molsys_chat_rag.reading.sections import Section, render_blocks, render_heading
from molsys_chat_server.errors import NotDocumentedError, TooLargeError
from molsys_chat_server.question.passages import heading_path
from molsys_chat_server.web.mcp.desk import Lent
from molsys_chat_server.web.mcp.shapes import (
    LONGEST_TEXT,
    Found,
    FoundSection,
    ReadArguments,
    SearchArguments,
    SectionText,
)

_SEPARATOR = " \N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} "


def search_docs(lent: Lent, arguments: SearchArguments, longest: int) -> Found:
    """Return the sections that speak to a question.

    :param longest: characters that a question may have.
    :raises TooLargeError: if it has more.
    """
    question = arguments.question.strip()
    if len(question) > longest:
        raise TooLargeError(
            f"the question has {len(question)} characters, {longest} are allowed: ask for one "
            "thing at a time"
        )
    found = lent.index.search(question, k=arguments.k)
    return Found(
        answerable=found.answerable,
        confidence=round(found.confidence, 4),
        sections=[
            FoundSection(
                title=heading_path(hit),
                url=hit.url,
                address=hit.section.address,
                excerpt=hit.excerpt,
                project=hit.project or lent.index.manifest.project,
            )
            for hit in found.hits
        ],
        documentation=lent.documentation,
    )


def read_section(lent: Lent, arguments: ReadArguments) -> SectionText:
    """Return a section's text with that of the sections within it, or the next part of it.

    :raises NotDocumentedError: if there is no such section, with the addresses nearest to it.
    """
    index = lent.index
    address = _bare_address(arguments.address, index)
    sections = _whole(address, index)
    if not sections:  # the end of a URL, perhaps
        address = address_of(address)
        sections = _whole(address, index)
    if not sections:
        raise _nothing_at(address, index)
    text = "\n\n".join(_markdown(sections))
    here = sections[0].address if split_address(address)[1] else address
    part, following = _part(text, arguments.start)
    return SectionText(
        title=_SEPARATOR.join(sections[0].path),
        url=index.url(here),
        address=here,
        markdown=part,
        characters=len(text),
        next_start=following,
        documentation=lent.documentation,
    )


def _bare_address(address: str, index: AnyIndex) -> str:
    """Return an address as the index has it, cut out of a URL where it is one."""
    base = index.manifest.base_url
    if base and address.startswith(base):
        address = address_of(address, base)
    return address.removeprefix("./").lstrip("/").removesuffix("#")


def _whole(address: str, index: AnyIndex) -> tuple[Section, ...]:
    """Return a section and those within it, in order; a page's where it is a page's address."""
    page, anchor = split_address(address)
    on_page = index.page(page)
    if not anchor:
        return on_page
    found = index.section(address)
    return tuple(_within(found, on_page)) if found is not None else ()


def _within(whole: Section, on_page: Sequence[Section]) -> Iterator[Section]:
    inside = {whole.anchor}
    for section in on_page:
        if section.anchor == whole.anchor or (section.parent and section.parent in inside):
            inside.add(section.anchor)
            yield section


def _nothing_at(address: str, index: AnyIndex) -> NotDocumentedError:
    nearest = ", ".join(index.nearest_addresses(address))
    told = f"the nearest are {nearest}" if nearest else "find one with search_docs"
    return NotDocumentedError(f"there is no section {address!r} in this documentation; {told}")


def _markdown(sections: Sequence[Section]) -> Iterator[str]:
    """Yield the headings and texts of sections; the first one's heading is of the first level."""
    top = len(sections[0].path)
    for section in sections:
        if section.symbol or section.title:
            yield render_heading(section, max(1, len(section.path) - top + 1))
        if text := render_blocks(section.blocks):
            yield text


def _part(text: str, start: int) -> tuple[str, int | None]:
    """Return a part of a text that ends with a line, and where the next one begins."""
    part = text[start : start + LONGEST_TEXT]
    if start + len(part) >= len(text):
        return part, None
    end = part.rfind("\n") + 1 or len(part)
    return part[:end], start + end
