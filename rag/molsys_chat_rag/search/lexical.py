"""Words of questions and texts, and the inverted index that finds texts by them.

Ranking is BM25 (Robertson and Zaragoza, *The Probabilistic Relevance Framework: BM25 and Beyond*,
2009) with a chunk's heading path counted into its words.
"""

import math
import re
import unicodedata
from array import array
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from molsys_chat_rag.search.stemming import snowball_stem
from molsys_chat_rag.search.unspaced import (
    UNSPACED,
    every_pair,
    has_unspaced,
    pairs,
    separated,
)

K1 = 1.2
"""BM25's saturation of repeated words; the usual value."""
B = 0.75
"""BM25's normalisation by length; the usual value."""
HEADING_WEIGHT = 2
"""How often a word of the heading path counts."""

_ENGLISH = """
a an and any are as at be been but by can could did do does for from get give had has have how i if
in into is it its me my need not of on or our please shall should show so some such tell than that
the their them then there these they this to use used using want was way we were what when where
which while who why will with would you your"""
_SPANISH = """
al algo algun alguna como con cual cuales cuando de del desde donde el ella en entre es esa ese esta
este hace hacer hay la las lo los mas me mi muy no nos o para pero por puede puedo que quiero se ser
si sin sobre son su sus te tengo tiene un una uno unos usar y ya yo"""

STOPWORDS = frozenset(f"{_ENGLISH} {_SPANISH}".split())
"""English and Spanish function words: they say how a question is asked, not what about."""

_INDIC = "\u0900-\u0963\u0966-\u0dff"
"""Scripts of India, from Devanagari to Sinhala: their vowel signs are no letters for ``re``."""
_WORD = re.compile(f"[{UNSPACED}]+|[{_INDIC}]+|[^\\W_]+")
_IDENTIFIER = re.compile(r"(?<!\w)(?=\w*?[^\W_]_[^\W_])\w++")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")

Rows = NDArray[np.int32]
Impacts = NDArray[np.float32]


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
    for match in _WORD.finditer(separate):
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
    for word in _WORD.findall(separated(text)):
        found.extend(pairs(word) if has_unspaced(word[0]) else (word.lower(),))
    return tuple(dict.fromkeys(word for word in found if plain(word) not in STOPWORDS))


@dataclass(frozen=True, slots=True)
class Posting:
    """One term of the inverted index."""

    term: str
    """The stem."""
    word: str
    """The word that most often stands for it, in lower case."""
    rows: Rows
    """Chunks that hold it, ascending."""
    impacts: Impacts
    """By chunk, its BM25 weight without the term's own rarity."""


def build_postings(texts: Sequence[tuple[str, str]]) -> Iterator[Posting]:
    """Yield the inverted index of chunks, sorted by term.

    :param texts: by chunk, its heading path and its text.
    """
    rows: dict[str, array[int]] = defaultdict(lambda: array("i"))
    counts: dict[str, array[int]] = defaultdict(lambda: array("i"))
    lengths = array("i")
    for row, (heading, text) in enumerate(texts):
        counted = _count(heading, text)
        lengths.append(sum(counted.values()))
        for term, count in counted.items():
            rows[term].append(row)
            counts[term].append(count)
    mean = sum(lengths) / len(lengths) if lengths else 1.0
    norms = K1 * (1 - B + B * np.array(lengths, dtype=np.int32) / mean)
    surface = _surface_words(texts)
    for term in sorted(rows):
        holding = np.array(rows[term], dtype=np.int32)
        times = np.array(counts[term], dtype=np.int32)
        impacts = times * (K1 + 1) / (times + norms[holding])
        yield Posting(term, surface.get(term, term), holding, impacts.astype(np.float32))


def _count(heading: str, text: str) -> Counter[str]:
    counted = Counter(indexed_terms(text))
    for term in indexed_terms(heading):
        counted[term] += HEADING_WEIGHT
    return counted


def _surface_words(texts: Iterable[tuple[str, str]]) -> dict[str, str]:
    seen: Counter[str] = Counter()
    for heading, text in texts:
        words = _WORD.findall(separated(f"{heading}\n{text}"))
        seen.update(word.lower() for word in words if not has_unspaced(word[0]))
    best: dict[str, str] = {}
    for word, _ in sorted(seen.items(), key=lambda item: (-item[1], item[0])):
        best.setdefault(stem(word), word)
    return best


def rarity(holding: int, total: int) -> float:
    """Return BM25's weight of a term that ``holding`` of ``total`` texts hold; above 0."""
    return math.log(1 + (total - holding + 0.5) / (holding + 0.5))
