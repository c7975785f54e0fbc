"""Rankings fused into one, and what the best of it says about the whole."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each ranking counts; tuned on the tune sets of tests/benchmarks."""

    dense: float = 1.0
    """Of the embedding's ranking."""
    lexical: float = 0.5
    """Of BM25's ranking."""
    symbol: float = 0.9
    """Of a symbol that the question names, times the match's strength."""
    same_page: float = 0.1
    """Of standing on the page that the reader is on."""
    heading: float = 4.0
    """BM25's weight of the heading path."""
    names: float = 2.0
    """BM25's weight of the object's name."""
    text: float = 1.0
    """BM25's weight of the text."""
    rank_constant: float = 10.0
    """``k`` of reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009)."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for a section."""

    score: float
    """Fused score."""
    similarity: float
    """Cosine of its nearest chunk; 0 where the embedding did not find it."""
    chunk: int
    """The chunk that speaks for it best."""


def reciprocal_rank(rank: int, weights: Weights) -> float:
    """Return what a place in a ranking is worth, 1 for the first (rank 0)."""
    return (1 + weights.rank_constant) / (1 + weights.rank_constant + rank)


def fuse(
    dense: Sequence[tuple[int, float]],
    lexical: Sequence[tuple[int, float]],
    chunk_sections: Sequence[int],
    weights: Weights,
) -> dict[int, Evidence]:
    """Return the evidence of each section that either ranking of chunks holds.

    :param dense: chunks and their cosine, best first.
    :param lexical: chunks and their BM25 score, best first.
    :param chunk_sections: by chunk, its section.
    """
    cosines = dict(dense)
    scores: dict[int, float] = {}
    for ranking, weight in ((dense, weights.dense), (lexical, weights.lexical)):
        for rank, (chunk, _) in enumerate(ranking):
            gain = weight * reciprocal_rank(rank, weights)
            scores[chunk] = scores.get(chunk, 0.0) + gain
    found: dict[int, Evidence] = {}
    for chunk, score in sorted(scores.items(), key=lambda item: (-item[1], item[0])):
        section = chunk_sections[chunk]
        cosine = cosines.get(chunk, 0.0)
        known = found.get(section)
        if known is None:
            found[section] = Evidence(score, cosine, chunk)
        elif cosine > known.similarity:
            found[section] = Evidence(known.score, cosine, known.chunk)
    return found


def add_bonus(
    found: dict[int, Evidence], bonus: Mapping[int, float], chunks: Mapping[int, int]
) -> None:
    """Raise sections by a bonus; sections that no ranking held enter with it.

    :param chunks: by section, a chunk to speak for it.
    """
    for section, gain in bonus.items():
        known = found.get(section)
        if known is not None:
            found[section] = Evidence(known.score + gain, known.similarity, known.chunk)
        elif section in chunks:
            found[section] = Evidence(gain, 0.0, chunks[section])


def confidence(similarity: float, coverage: float, symbol: float) -> float:
    """Return how sure it is that the documentation answers a question, 0 to 1.

    A logistic function; its weights are fitted by ``tests/benchmarks/answerable.py``.

    :param similarity: cosine of the question and its nearest chunk.
    :param coverage: share of the question's content words that the best section holds.
    :param symbol: strength of the best symbol match.
    """
    return 1 / (1 + math.exp(-(-5.5 + 11.0 * similarity + 2.0 * coverage + 1.5 * symbol)))
