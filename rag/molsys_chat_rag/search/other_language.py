"""Reference of C and C++ in the documentation of a Python project.

Many Python projects publish the reference of their C++ core beside their guide. It holds the same
words, and its names besides; a reader who does not ask for C++ is not helped by it.
"""

import re
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from molsys_chat_rag.hits import Symbol

MAINLY = 10
"""A site that documents more than this many C and C++ sections for each of Python is a C++ one."""
_OTHER = ("cpp:", "c:")
_PYTHON = "py:"
_ASKS = re.compile(
    r"::|#\s*include|\bheaders?\b|\w\.(?:h|hh|hpp|hxx|cc|cpp|cxx)\b"
    r"|\bC[ -](?:API|library|interface|header|function|struct|extension|code)s?\b|\bin C\b"
)
_ASKS_ANY_CASE = re.compile(r"\bc\+\+|\b(?:cpp|cxx)\b", re.IGNORECASE)


def other_language(roles: Sequence[str], symbols: Iterable[Symbol]) -> NDArray[np.float32]:
    """Return, by text, 1 where it is C or C++ reference beside that of Python; shape ``(texts,)``.

    All are 0 where the site documents (nearly) no Python: there, C++ is what readers ask for.

    :param roles: by text, its section's role.
    :param symbols: all names that the site documents.
    """
    other = np.array([role.startswith(_OTHER) for role in roles], dtype=np.float32)
    python = sum(symbol.kind.startswith(_PYTHON) for symbol in symbols)
    return other if python * MAINLY >= other.sum() else np.zeros_like(other)


def asks_other_language(question: str, named: Sequence[Symbol]) -> bool:
    """Return whether a question is about C or C++: it says so, or names what only they have.

    :param named: the documented names that it writes in full.
    """
    if _ASKS.search(question) or _ASKS_ANY_CASE.search(question):
        return True
    return bool(named) and all(symbol.kind.startswith(_OTHER) for symbol in named)
