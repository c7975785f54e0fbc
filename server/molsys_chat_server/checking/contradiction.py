"""Signs that a sentence says the contrary of the piece of a source that it is nearest to."""

import re
from collections.abc import Iterator

from molsys_chat_rag.text.words import plain, stem
from molsys_chat_rag.text.words import terms as lexical_terms
from molsys_chat_server.checking.evidence import Piece
from molsys_chat_server.text.phrasing import (
    FIRST_INDEX_ONE,
    canonical,
    denials,
    denies,
    is_generic,
    joined_counts,
    opposites,
    other_units,
)

_DENIED = 3
"""Content words behind a negation that it denies."""
_CLOSE = 0.9
"""How alike two sentences are of which one denies a single word of the other, 0 to 1."""

_VALUE = (
    r"('[^']*'|\"[^\"]*\"|\N{LEFT SINGLE QUOTATION MARK}[^\N{RIGHT SINGLE QUOTATION MARK}]*"
    r"|-?[\w.]+)"
)
_DEFAULT = re.compile(
    rf"\b(\w+)`? \([^\n]{{0,300}}?\bdefault(?:s| value|=| is|:)*\s*{_VALUE}|\b(\w+)={_VALUE}"
)
_OF_DEFAULTS = re.compile(r"\b(?:defaults?|defecto|unless|otherwise|predeterminad\w+)\b", re.I)
_QUANTITY = re.compile(r"(?<![\w.])(\d+(?:[.,]\d+)*)[ -]([^\W\d_]{3,})")
_QUOTES = "'\"\N{LEFT SINGLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}."


def contradicts(
    sentence: str,
    words: frozenset[str],
    named: frozenset[str],
    pieces: tuple[Piece, ...],
    likeness: float,
) -> bool:
    """Return whether a sentence seems to contradict sources.

    :param sentence: in the sources' language.
    :param words: the stems of its words.
    :param named: its names, literals and numbers.
    :param pieces: the pieces of sources around it, the one that it is held against first.
    :param likeness: of the sentence and that piece, 0 to 1.
    """
    piece = pieces[0]
    return (
        _turns(sentence, words, piece, likeness)
        or _says_opposite(words, piece)
        or _uses_other_unit(words, pieces)
        or _counts_otherwise(sentence, piece.text)
        or _counts_from_one(sentence, pieces)
        or _names_other_default(sentence, named, pieces)
    )


def _turns(sentence: str, words: frozenset[str], piece: Piece, likeness: float) -> bool:
    """Whether one of the two denies what the other says."""
    if denies(sentence) == denies(piece.text):
        return False
    return _denies_any(sentence, piece.terms, likeness) or _denies_any(piece.text, words, likeness)


def _denies_any(text: str, other: frozenset[str], likeness: float) -> bool:
    for clause in denials(text):
        told = [canonical(term) for term in lexical_terms(clause)]
        denied = [term for term in told if not is_generic(term)][:_DENIED]
        shared = sum(term in other for term in denied)
        if shared > 1 or (shared and len(denied) == 1 and likeness > _CLOSE):
            return True
    return False


def _uses_other_unit(words: frozenset[str], pieces: tuple[Piece, ...]) -> bool:
    """Whether it gives a unit that no source gives, where a source gives another one."""
    known = frozenset[str]().union(*(piece.terms for piece in pieces))
    return any(word not in known and other_units(word) & known for word in words)


def _says_opposite(words: frozenset[str], piece: Piece) -> bool:
    """Whether it says "last" where the source says "first"."""
    return any(
        opposite in piece.terms and word not in piece.terms and opposite not in words
        for word in words
        for opposite in opposites(word)
    )


def _counts_otherwise(sentence: str, source: str) -> bool:
    """Whether it says "4 seconds" where the source says "40 seconds"."""
    said, known = _quantities(sentence), _quantities(source)
    units = {unit for _, unit in known}
    return any(unit in units and (number, unit) not in known for number, unit in said)


def _quantities(text: str) -> set[tuple[str, str]]:
    found = _QUANTITY.findall(joined_counts(text))
    return {(number.replace(",", ""), stem(unit)) for number, unit in found}


def _counts_from_one(sentence: str, pieces: tuple[Piece, ...]) -> bool:
    """Whether it lets indices begin at one, of which the source does not speak."""
    if FIRST_INDEX_ONE not in joined_counts(sentence):
        return False
    return not any(FIRST_INDEX_ONE in joined_counts(piece.text) for piece in pieces)


def _names_other_default(sentence: str, named: frozenset[str], pieces: tuple[Piece, ...]) -> bool:
    """Whether it speaks of a parameter's default, and names another value than the source."""
    if not _OF_DEFAULTS.search(sentence):
        return False
    told = frozenset(re.findall(r"[^\W_]+", plain(sentence)))
    agreed = [
        _agrees(value, named - {name, *name.split("_")}, sentence)
        for piece in pieces
        for name, value in _defaults(piece.text)
        if len(name) > 3 and name != "default" and told.issuperset(name.split("_"))
    ]
    return False in agreed and True not in agreed


def _agrees(value: str, claimed: frozenset[str], sentence: str) -> bool | None:
    """Return whether claimed values are a documented one; ``None`` where none is claimed."""
    if not claimed:
        return None
    return value in plain(sentence) or bool(claimed & set(re.findall(r"[\w.-]+", value)))


def _defaults(text: str) -> Iterator[tuple[str, str]]:
    for match in _DEFAULT.finditer(text):
        name, value = match[1] or match[3], match[2] or match[4]
        yield name.lower(), value.strip(_QUOTES).lower()
