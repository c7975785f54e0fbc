"""The words of a text: plain, as stems, and without those that say nothing of its subject."""

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache

from molsys_chat_rag.text.stemming import snowball_stem
from molsys_chat_rag.text.unspaced import UNSPACED, every_pair, has_unspaced, pairs, separated

_ENGLISH = """
a an and any are as at be been but by can could did do does for from get give had has have how i if
in into is it its me my need not of on or our please shall should show so some such tell than that
the their them then there these they this to use used using want was way we were what when where
which while who why will with would you your"""
_SPANISH = """
al algo algun alguna como con cual cuales cuando de del desde donde el ella en entre es esa ese esta
este hace hacer hay la las lo los mas me mi muy no nos o para pero por puede puedo que quiero se ser
si sin sobre son su sus te tengo tiene un una uno unos usar y ya yo"""

ENGLISH_WORDS = frozenset(_ENGLISH.split())
"""English function words."""
STOPWORDS = ENGLISH_WORDS | frozenset(_SPANISH.split())
"""English and Spanish function words: they say how a question is asked, not what about."""

_INDIC = "\u0900-\u0963\u0966-\u0dff"
"""Scripts of India, from Devanagari to Sinhala: their vowel signs are no letters for ``re``."""
WORD = re.compile(f"[{UNSPACED}]+|[{_INDIC}]+|[^\\W_]+")
_IDENTIFIER = re.compile(r"(?<!\w)(?=\w*?[^\W_]_[^\W_])\w++")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def plain(text: str) -> str:
    """Return a text in lower case and without diacritics."""
    decomposed = unicodedata.normalize("NFKD", text.lower())
    return "".join(c for c in decomposed if not unicodedata.combining(c))


@lru_cache(maxsize=200_000)
def stem(word: str) -> str:
    """Return a word's stem (Snowball's English stemmer), in lower case, without diacritics."""
    folded = plain(word)
    if len(folded) <= 3 or "_" in folded:
        return folded
    return snowball_stem("english", folded)


def terms(text: str) -> list[str]:
    """Return the stems of a text's words, in order, function words left out.

    Text of scripts without spaces gives pairs of characters; see :mod:`.unspaced`.
    """
    separate = separated(text)
    found = _terms(separate, pairs)
    if not found and has_unspaced(separate):  # function words, or hiragana alone
        found = _terms(separate, every_pair)
    return found


def indexed_terms(text: str) -> list[str]:
    """Return all that a text is found by: its :func:`terms`, and of pairs their characters too."""
    return _terms(separated(text), every_pair)


def _terms(separate: str, cut: Callable[[str], tuple[str, ...]]) -> list[str]:
    found = [stem(match.group()) for match in _IDENTIFIER.finditer(separate)]
    for match in WORD.finditer(separate):
        word = match.group()
        found.extend(cut(word) if has_unspaced(word[0]) else _word_terms(word))
    return found


@lru_cache(maxsize=200_000)
def _word_terms(word: str) -> tuple[str, ...]:
    """Return the stems of a word and, where it is written in camel case, of its parts."""
    parts = _CAMEL.split(word)
    whole = [word] if len(parts) > 1 else []
    return tuple(stem(part) for part in (*parts, *whole) if plain(part) not in STOPWORDS)


def content_words(text: str) -> tuple[str, ...]:
    """Return a text's distinct words in lower case, function words left out, in order."""
    found: list[str] = []
    for word in WORD.findall(separated(text)):
        found.extend(pairs(word) if has_unspaced(word[0]) else (word.lower(),))
    return tuple(dict.fromkeys(word for word in found if plain(word) not in STOPWORDS))
