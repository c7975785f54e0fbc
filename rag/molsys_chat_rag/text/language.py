"""Which of the two languages a question or an answer is in."""

import re
from typing import Literal

from molsys_chat_rag.text.spanish import SPANISH_WORDS, is_glossary_word
from molsys_chat_rag.text.words import ENGLISH_WORDS, plain

Language = Literal["en", "es"]

_SIGNS = re.compile(r"[¿¡ñ]|\b\w+ci[oó]n\b", re.IGNORECASE)
"""What Spanish is written with; ``ción`` also where the accent is left out."""
_WORD = re.compile(r"[^\W\d_]+")
_CODE = re.compile(r"`[^`\n]*`")


def language(text: str) -> Language:
    """Return ``es`` for a text that is rather Spanish, ``en`` for any other.

    Counted are function words, and content words of the glossary: what is typed into a search box,
    such as ``seleccionar residuos de agua``, has few of the former.
    """
    prose = _CODE.sub(" ", text)
    words = [plain(word) for word in _WORD.findall(prose)]
    english = sum(word in ENGLISH_WORDS and word not in SPANISH_WORDS for word in words)
    spanish = sum(
        word in SPANISH_WORDS or (word not in ENGLISH_WORDS and is_glossary_word(word))
        for word in words
    )
    signs = 1 if _SIGNS.search(prose) else 0
    return "es" if spanish + signs >= 2 and spanish + signs > english else "en"
