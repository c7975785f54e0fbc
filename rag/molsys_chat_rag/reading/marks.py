"""What is read from a page, in order: blocks, and where sections and objects begin and end."""

from dataclasses import dataclass

from molsys_chat_rag.reading.sections import Block


@dataclass(frozen=True, slots=True)
class SectionStart:
    """A heading's section begins."""

    anchor: str
    """The id that its address carries."""


@dataclass(frozen=True, slots=True)
class SectionEnd:
    """It ends."""


@dataclass(frozen=True, slots=True)
class ObjectStart:
    """A documented object begins."""

    anchors: tuple[str, ...]
    """Ids of its ``dt`` elements, at least one."""
    symbol: str
    """Full name, empty for what is no name of an API, such as a term of a glossary."""
    title: str
    """What stands for it in a heading path."""
    signature: str
    """The first signature without the full name's prefix."""
    signatures: tuple[str, ...]
    """All signatures as printed."""
    role: str = ""
    """Domain and role, such as ``py:function``."""


@dataclass(frozen=True, slots=True)
class ObjectEnd:
    """It ends."""


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading element."""

    text: str
    """Its text."""
    level: int
    """1 to 6."""
    anchor: str
    """Its own id; empty where the section around it carries the id."""
    in_section: bool
    """Whether a section element stands directly around it."""
    aliases: tuple[str, ...] = ()
    """Ids of the targets that stand before it."""


Marker = Block | SectionStart | SectionEnd | ObjectStart | ObjectEnd | Heading
"""One step of reading a page."""
