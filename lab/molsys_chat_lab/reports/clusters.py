"""Questions that ask much the same, put together by their meaning."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from molsys_chat_rag.embedding.models import Embedder, Vectors

ALIKE = 0.65
"""Cosine from which two questions are taken to ask much the same (all-MiniLM-L6-v2)."""
MOST_QUESTIONS = 20_000
"""Distinct questions that are compared, each with each: 7 s on 4 cores."""
_EMBEDDED_AT_ONCE = 64
_ROWS_AT_ONCE = 1024


@dataclass(frozen=True, slots=True)
class Cluster:
    """Questions that ask much the same."""

    centre: int
    """The position of the one that most others are like."""
    members: tuple[int, ...]
    """The positions of all, the centre first, then from the likest on."""


def cluster_questions(questions: Sequence[str], embedder: Embedder) -> tuple[Cluster, ...]:
    """Return clusters of questions, the largest first; every question is in one.

    :param questions: distinct questions.
    """
    parts = [
        embedder.embed(questions[start : start + _EMBEDDED_AT_ONCE])
        for start in range(0, len(questions), _EMBEDDED_AT_ONCE)
    ]
    return cluster_vectors(np.concatenate(parts)) if parts else ()


def cluster_vectors(vectors: Vectors) -> tuple[Cluster, ...]:
    """Return clusters of vectors, the largest first; the same for the same vectors.

    The vector with most neighbours makes a cluster of all of them, then the one with most of those
    that are left, and so on (Butina 1999, J. Chem. Inf. Comput. Sci. 39, 747). Of equals the
    earlier one comes first.

    :param vectors: shape ``(n, dimension)``, float32, L2-normalised.
    """
    neighbours = _neighbours(vectors)
    order = sorted(range(len(neighbours)), key=lambda at: (-len(neighbours[at]), at))
    free = np.ones(len(neighbours), dtype=bool)
    clusters = []
    for centre in order:
        if free[centre]:
            members = [int(at) for at in neighbours[centre] if free[at]]
            free[members] = False
            clusters.append(Cluster(centre, tuple(members)))
    return tuple(sorted(clusters, key=lambda each: (-len(each.members), each.centre)))


def _neighbours(vectors: Vectors) -> list[np.ndarray]:
    """Return for each vector the positions of those like it, itself first, then the likest."""
    found = []
    for start in range(0, len(vectors), _ROWS_AT_ONCE):
        cosines = vectors[start : start + _ROWS_AT_ONCE] @ vectors.T
        for row, cosine in enumerate(cosines, start):
            cosine[row] = 2.0  # before its own doubles
            near = np.flatnonzero(cosine >= ALIKE)
            found.append(near[np.argsort(-cosine[near], kind="stable")])
    return found
