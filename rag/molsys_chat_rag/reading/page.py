"""One page of built HTML, read into sections."""

import re
from dataclasses import dataclass, field, replace

from lxml import html
from lxml.etree import _Element as Element

from molsys_chat_rag.reading.blocks import read_blocks
from molsys_chat_rag.reading.inline import fold_space
from molsys_chat_rag.reading.marks import (
    Heading,
    Marker,
    ObjectEnd,
    ObjectStart,
    SectionEnd,
    SectionStart,
)
from molsys_chat_rag.reading.sections import Block, BlockKind, Section, SectionKind

# Scripts and comments are cut before parsing: notebook pages carry megabytes of widget state.
_NOT_TEXT = re.compile(rb"<(script|style)\b.*?</\1\s*>|<!--.*?-->", re.IGNORECASE | re.DOTALL)

_MAIN = (
    "//article[contains(concat(' ', @class, ' '), ' bd-article ')]",  # pydata, book
    "//article[@id='furo-main-content']",
    "//div[@itemprop='articleBody']",  # Read the Docs
    "//div[contains(concat(' ', @class, ' '), ' body ')]",  # alabaster, python_docs_theme, classic
    "//*[@role='main']",
    "//main",
    "//article",
    "//body",
)


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


def parse_page(text: str, name: str) -> Page:
    """Return the sections of a page.

    :param text: the HTML.
    :param name: the page's path relative to the site's root.
    :raises ValueError: if there is nothing in it to parse.
    """
    root = _parse(text)
    head_title = fold_space("".join(root.xpath("//title//text()")[:1]))
    head_title = re.split(r"\s+[\u2014\u2013|-]\s+", head_title)[0]
    if head_title in ("", "<no title>"):  # Sphinx's own word for a page without a heading
        head_title = name.removesuffix(".html").removesuffix("/index").rpartition("/")[2]
    if root.xpath("//meta[@name='molsys-chat'][contains(@content, 'noindex')]"):
        return Page(name, head_title, (), indexed=False)
    sections = _Assembler(name, head_title).assemble(_main_element(root))
    title = sections[0].path[0] if sections else head_title
    return Page(name, title, sections, indexed=True)


def _parse(text: str) -> Element:
    data = _NOT_TEXT.sub(b"", text.replace("\x00", "").encode("utf-8", "replace"))
    parser = html.HTMLParser(encoding="utf-8", remove_comments=True)
    try:
        root = html.document_fromstring(data, parser=parser)
    except html.etree.ParserError:
        raise ValueError("the file holds no HTML") from None
    deep = [e.message for e in parser.error_log if "depth" in e.message.lower()]
    if deep:
        raise ValueError(f"the HTML cannot be read whole ({deep[0].strip()})")
    return root


def _main_element(root: Element) -> Element:
    for path in _MAIN:
        if found := root.xpath(path):
            return found[0]
    return root


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
        return (*above, self.title)


class _Assembler:
    """Puts the marks of a page's reading together into sections."""

    def __init__(self, page: str, head_title: str) -> None:
        self._page = page
        self._head_title = head_title
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
                self._open[-1].blocks.append(marker)
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
        for draft in self._drafts:
            section = self._section(draft, root_title)
            if not draft.anchor and not draft.blocks:
                continue
            first = found.get(draft.anchor)
            # The same id twice: the browser goes to the first.
            found[draft.anchor] = (
                replace(first, blocks=first.blocks + section.blocks) if first else section
            )
        return tuple(found.values())

    def _outside_headings(self, draft: _Draft) -> bool:
        top = draft
        while top.parent is not None and top.parent is not self._root:
            top = top.parent
        return top.kind is SectionKind.OBJECT and not self._root.title

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
            aliases=tuple(dict.fromkeys(a for a in draft.aliases if a != draft.anchor)),
            parent=draft.parent.anchor if draft.parent else "",
            symbol=draft.symbol,
            role=draft.role,
            signature=draft.signature,
        )
