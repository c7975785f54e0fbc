"""One page of built HTML, read into sections."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from lxml import html
from lxml.etree import _Element as Element

from molsys_chat_rag.reading.ansi import without_escapes
from molsys_chat_rag.reading.blocks import read_blocks
from molsys_chat_rag.reading.footnotes import place_footnotes
from molsys_chat_rag.reading.heads import HEAD, page_generator
from molsys_chat_rag.reading.inline import fold_space
from molsys_chat_rag.reading.main_element import find_main
from molsys_chat_rag.reading.marks import (
    Heading,
    Marker,
    ObjectEnd,
    ObjectStart,
    SectionEnd,
    SectionStart,
)
from molsys_chat_rag.reading.sections import Block, BlockKind, Section, SectionKind
from molsys_chat_rag.reading.tabs import label_panels
from molsys_chat_rag.reading.targets import find_targets
from molsys_chat_rag.text.unseen import without_unseen

_OPENING = re.compile(rb"<(?:(script|style)\b|!--)", re.IGNORECASE)
_CLOSINGS = {
    b"script": re.compile(rb"</script\s*>", re.IGNORECASE),
    b"style": re.compile(rb"</style\s*>", re.IGNORECASE),
    b"": re.compile(rb"-->"),
}

MOST_ATTRIBUTES = 500
"""Attributes of one tag: the parser's time grows with the square of their number."""
_ATTRIBUTE = rb"""[\s/]*+[^\s/>][^\s/>=]*+(?:\s*+=\s*+(?:"[^"]*+"|'[^']*+'|[^\s>]*+))?+"""
_TAG = re.compile(
    rb"<[a-zA-Z][^\s/>]*+(?:%b){0,%d}+(%b)?+" % (_ATTRIBUTE, MOST_ATTRIBUTES, _ATTRIBUTE)
)
"""A tag with as many attributes as are allowed, and one more where there is one."""

LONGEST_BLOCK = 200_000
"""Characters of one paragraph, table row, code block, …; what is longer becomes several."""

DOXYGEN_ROLE = "cpp:page"
"""The role of a heading's section in Doxygen's pages, which document C and C++ as a rule."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the documentation."""

    name: str
    """Path relative to the site's root."""
    title: str
    """Its first heading, else its ``<title>`` without the site's name."""
    sections: tuple[Section, ...]
    """In the order of the page; empty where the page asks not to be indexed."""
    indexed: bool
    """False where the page carries ``<meta name="molsys-chat" content="noindex">``."""
    visible: int = 0
    """Characters of text in its HTML, menus among them; 0 in a page that an earlier build read."""


def parse_page(text: str, name: str) -> Page:
    """Return the sections of a page.

    :param text: the HTML.
    :param name: the page's path relative to the site's root.
    :raises ValueError: if there is nothing in it to parse, or it cannot be read whole.
    """
    root = _parse(text)
    head_title = fold_space("".join(root.xpath("//title//text()")[:1]))
    head_title = re.split(r" [\u2014\u2013|-] ", head_title)[0]
    if head_title in ("", "<no title>"):  # Sphinx's own word for a page without a heading
        head_title = name.removesuffix(".html").removesuffix("/index").rpartition("/")[2]
    if root.xpath("//meta[@name='molsys-chat'][contains(@content, 'noindex')]"):
        return Page(name, head_title, (), indexed=False)
    visible = int(root.xpath("string-length(normalize-space(.))"))
    try:
        sections = _read_sections(root, name, head_title)
    except RecursionError:
        raise ValueError("the HTML cannot be read: its elements stand too deep") from None
    if is_doxygen(text):
        sections = tuple(replace(each, role=each.role or DOXYGEN_ROLE) for each in sections)
    title = sections[0].path[0] if sections else head_title
    return Page(name, title, sections, indexed=True, visible=visible)


def _read_sections(root: Element, name: str, head_title: str) -> tuple[Section, ...]:
    main = find_main(root)
    place_footnotes(main)
    label_panels(main)
    return _Assembler(name, head_title, find_targets(main)).assemble(main)


def is_doxygen(text: str) -> bool:
    """Return whether Doxygen made a page."""
    return page_generator(text[:HEAD]).lower().startswith("doxygen")


def _parse(text: str) -> Element:
    data = _without_scripts(text.replace("\x00", "").encode("utf-8", "replace"))
    if any(tag[1] is not None for tag in _TAG.finditer(data)):
        raise ValueError(
            f"the HTML cannot be read: a tag has more than {MOST_ATTRIBUTES} attributes"
        )
    # "huge" lifts the limit on the length of one text, such as an image that is written inline.
    parser = html.HTMLParser(
        encoding="utf-8", remove_comments=True, no_network=True, huge_tree=True
    )
    try:
        root = html.document_fromstring(data, parser=parser)
    except html.etree.ParserError:
        raise ValueError("the file holds no HTML") from None
    fatal = [each.message for each in parser.error_log if each.level_name == "FATAL"]
    if fatal:  # the parser stopped there, and gives what it has
        raise ValueError(f"the HTML cannot be read whole ({fatal[0].strip()})")
    return root


def _without_scripts(data: bytes) -> bytes:
    """Return HTML without scripts, styles and comments; what is not closed stays.

    It is done before parsing: notebook pages carry megabytes of widget state.
    """
    kept: list[bytes] = []
    unclosed: set[bytes] = set()
    begun = at = 0
    while opening := _OPENING.search(data, at):
        kind, at = (opening[1] or b"").lower(), opening.end()
        closing = None if kind in unclosed else _CLOSINGS[kind].search(data, at)
        if closing is None:
            unclosed.add(kind)
        else:
            kept.append(data[begun : opening.start()])
            begun = at = closing.end()
    return b"".join((*kept, data[begun:]))


@dataclass(slots=True)
class _Draft:
    """A section while its page is read."""

    anchor: str
    parent: "_Draft | None"
    kind: SectionKind = SectionKind.HEADING
    title: str = ""
    aliases: list[str] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    symbol: str = ""
    role: str = ""
    signature: str = ""

    def path(self) -> tuple[str, ...]:
        above = self.parent.path() if self.parent else ()
        # A page of one object often bears the object's name: once is enough.
        if not self.title or (above and above[-1] == self.title):
            return above
        return (*above, without_unseen(self.title))


def _fitting(block: Block) -> Iterator[Block]:
    """Yield a block as it is kept: without what nobody sees, in pieces where it is very long."""
    text = without_unseen(without_escapes(block.text))
    if len(text) <= LONGEST_BLOCK:
        yield replace(block, text=text)
        return
    start = 0
    while start < len(text):
        end = _end_of_piece(text, start)
        if piece := text[start:end].strip("\n"):
            yield replace(block, text=piece)
        start = end


def _end_of_piece(text: str, start: int) -> int:
    """Return where a piece ends: at a blank line, else at a line's end, else between words."""
    end = start + LONGEST_BLOCK
    if end >= len(text):
        return len(text)
    for boundary in ("\n\n", "\n", " "):
        at = text.rfind(boundary, start + LONGEST_BLOCK // 2, end)
        if at >= 0:
            return at + len(boundary)
    return end


class _Assembler:
    """Puts the marks of a page's reading together into sections."""

    def __init__(self, page: str, head_title: str, targets: Mapping[str, Sequence[str]]) -> None:
        self._page = page
        self._head_title = head_title
        self._targets = targets
        self._root = _Draft("", None)
        self._drafts = [self._root]
        self._open = [self._root]
        self._flat: list[tuple[int, _Draft]] = []

    def assemble(self, main: Element) -> tuple[Section, ...]:
        """Return the sections that stand in a page's main element."""
        for marker in read_blocks(main):
            self._take(marker)
        return self._sections(root_title=self._first_title())

    def _first_title(self) -> str:
        titles = (d.title for d in self._drafts if d.title and d.kind is SectionKind.HEADING)
        return next(titles, self._head_title)

    def _take(self, marker: Marker) -> None:
        match marker:
            case Block():
                self._open[-1].blocks.extend(_fitting(marker))
            case SectionStart():
                self._begin(_Draft(marker.anchor, self._open[-1]))
            case ObjectStart():
                self._begin_object(marker)
            case Heading():
                self._take_heading(marker)
            case SectionEnd() | ObjectEnd():
                self._open.pop()

    def _begin(self, draft: _Draft) -> None:
        self._drafts.append(draft)
        self._open.append(draft)

    def _begin_object(self, marker: ObjectStart) -> None:
        anchor, *aliases = marker.anchors
        draft = _Draft(anchor, self._open[-1], SectionKind.OBJECT, marker.title, aliases)
        draft.symbol, draft.signature, draft.role = marker.symbol, marker.signature, marker.role
        draft.blocks.extend(Block(BlockKind.SIGNATURE, s) for s in marker.signatures)
        self._begin(draft)

    def _take_heading(self, heading: Heading) -> None:
        current = self._open[-1]
        if heading.anchor and not heading.in_section and len(self._open) == 1:
            self._begin_flat(heading)
        elif current.title or current.kind is SectionKind.OBJECT:
            if heading.text:
                current.blocks.append(Block(BlockKind.RUBRIC, heading.text))
        else:
            current.title = heading.text
            current.aliases.extend(heading.aliases)

    def _begin_flat(self, heading: Heading) -> None:
        # A page without <section>: each heading with an id opens one, under the last that is
        # above it in level.
        self._flat = [(level, d) for level, d in self._flat if level < heading.level]
        parent = self._flat[-1][1] if self._flat else None
        draft = _Draft(heading.anchor, parent, title=heading.text, aliases=list(heading.aliases))
        self._flat.append((heading.level, draft))
        self._drafts.append(draft)
        self._open[-1] = draft

    def _sections(self, root_title: str) -> tuple[Section, ...]:
        found: dict[str, Section] = {}
        blocks: dict[str, list[Block]] = {}
        for draft in self._drafts:
            section = self._section(draft, root_title)
            if not draft.anchor and not draft.blocks:
                continue
            # The same id twice: the browser goes to the first.
            found.setdefault(draft.anchor, section)
            blocks.setdefault(draft.anchor, []).extend(section.blocks)
        return tuple(replace(found[anchor], blocks=tuple(blocks[anchor])) for anchor in found)

    def _outside_headings(self, draft: _Draft) -> bool:
        top = draft
        while top.parent is not None and top.parent is not self._root:
            top = top.parent
        return top.kind is SectionKind.OBJECT and not self._root.title

    def _aliases(self, draft: _Draft) -> tuple[str, ...]:
        own = dict.fromkeys(draft.aliases)
        for anchor in (draft.anchor, *draft.aliases):
            own |= dict.fromkeys(self._targets.get(anchor, ()))
        return tuple(alias for alias in own if alias != draft.anchor)

    def _section(self, draft: _Draft, root_title: str) -> Section:
        path = draft.path()
        if not path or self._outside_headings(draft):
            # What stands outside every heading is the page's own.
            path = (root_title, *path)
        return Section(
            page=self._page,
            anchor=draft.anchor,
            title=path[-1] if path else "",
            path=path,
            kind=draft.kind,
            blocks=tuple(draft.blocks),
            aliases=self._aliases(draft),
            parent=draft.parent.anchor if draft.parent else "",
            symbol=draft.symbol,
            role=draft.role,
            signature=draft.signature,
        )
