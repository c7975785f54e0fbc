"""The inverted index that finds texts by their words.

Ranking is BM25 (Robertson and Zaragoza, *The Probabilistic Relevance Framework: BM25 and Beyond*,
2009) with a chunk's heading path counted into its words.
"""

import math
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from molsys_chat_rag.text.unspaced import has_unspaced, separated
from molsys_chat_rag.text.words import WORD, indexed_terms, stem

K1 = 1.2
"""BM25's saturation of repeated words; the usual value."""
B = 0.75
"""BM25's normalisation by length; the usual value."""
HEADING_WEIGHT = 2
"""How often a word of the heading path counts."""

Rows = NDArray[np.int32]
Impacts = NDArray[np.float32]


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
        words = WORD.findall(separated(f"{heading}\n{text}"))
        seen.update(word.lower() for word in words if not has_unspaced(word[0]))
    best: dict[str, str] = {}
    for word, _ in sorted(seen.items(), key=lambda item: (-item[1], item[0])):
        best.setdefault(stem(word), word)
    return best


def rarity(holding: int, total: int) -> float:
    """Return BM25's weight of a term that ``holding`` of ``total`` texts hold; above 0."""
    return math.log(1 + (total - holding + 0.5) / (holding + 0.5))
