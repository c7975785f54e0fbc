"""What a section is good for: some say nothing."""

import re

from molsys_chat_rag.reading.sections import BlockKind, Section
from molsys_chat_rag.text.unspaced import count_words

STUB_WORDS = 6
"""A section of fewer words, its signature and its placeholders left out, is a stub."""

_PLACEHOLDER = re.compile(
    r"(to be (written|done|completed|added)|coming) ?(soon)?|under construction|\bto ?do\b|\btba\b",
    re.IGNORECASE,
)


def is_stub(section: Section) -> bool:
    """Return whether a section says nothing beyond its heading or its signature."""
    said = " ".join(b.text for b in section.blocks if b.kind is not BlockKind.SIGNATURE)
    return count_words(_PLACEHOLDER.sub("", said)) < STUB_WORDS
