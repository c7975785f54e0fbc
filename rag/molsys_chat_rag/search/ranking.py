"""What speaks for a section, and how much each of it counts."""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.float32]

CROWDING = 0.3
"""What a section loses for each better one of its page beyond the first, so that one page does not
fill the first hits by itself; 0.2 to 0.8 do about the same."""


@dataclass(frozen=True, slots=True)
class Features:
    """What speaks for each candidate; every column has shape ``(candidates,)``, float32."""

    cosine: Column
    """Cosine of the question and the section's nearest chunk."""
    second: Column
    """Cosine of its second nearest chunk; of a section of one chunk, its cosine less 0.1."""
    heading: Column
    """Cosine of the question and the end of the heading path."""
    bm25: Column
    """BM25 of its best chunk, divided by the best of all."""
    coverage: Column
    """Share of the question's terms that the section holds, weighted by rarity."""
    title: Column
    """Share of its title's terms that the question holds, weighted by rarity."""
    symbol: Column
    """Strength with which the question names its symbol."""
    stub: Column
    """1 where it says nothing beyond its heading or its signature."""
    same_page: Column
    """1 where it stands on the page that the reader is on."""
    other_language: Column
    """1 where it is C or C++ reference in a Python project's documentation, and not asked for."""


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each feature counts.

    Fitted by ``tests/benchmarks/fit_weights.py`` on the tune sets: a linear model, the loss of
    which is the softmax of the right sections' scores among all candidates. ``same_page`` and
    ``other_language`` are set by hand: no question set says where its reader was, and none is about
    such a site.
    """

    cosine: float = 5.0
    second: float = 3.6
    heading: float = 2.3
    bm25: float = 2.8
    coverage: float = 2.0
    title: float = 1.3
    symbol: float = 2.1
    stub: float = -1.9
    same_page: float = 0.3
    other_language: float = -2.5


def score(features: Features, weights: Weights) -> Column:
    """Return the candidates' scores, higher is better."""
    total = np.zeros_like(features.cosine)
    for field in fields(features):
        total += np.float32(getattr(weights, field.name)) * getattr(features, field.name)
    return total


def spread(scores: Column, pages: NDArray[np.int32]) -> Column:
    """Return scores from which what crowds a page is taken off.

    :param scores: shape ``(candidates,)``.
    :param pages: by candidate, the number of its page.
    """
    order = np.lexsort((-scores, pages))
    begins = np.flatnonzero(np.diff(pages[order], prepend=-1))
    sizes = np.diff(begins, append=len(order))
    place = np.empty(len(order), dtype=np.float32)
    place[order] = np.arange(len(order)) - np.repeat(begins, sizes)
    crowding: Column = np.float32(CROWDING) * np.maximum(0, place - np.float32(1))
    return scores - crowding
