"""Whether the documentation answers a question at all."""

import math

from molsys_chat_rag.candidates import Candidates

ANSWERABLE = 0.5
"""Confidence from which a question counts as answered by the documentation."""


def confidence(candidates: Candidates, best: list[int]) -> float:
    """Return how sure it is that the documentation answers a question, 0 to 1.

    A logistic function of the best cosine, the best coverage and the strongest symbol among the
    first hits; its weights are fitted by ``tests/benchmarks/fit_weights.py``.
    """
    if not best:
        return 0.0
    features = candidates.features
    similarity = max(float(features.cosine[p]) for p in best)
    coverage = max(float(features.coverage[p]) for p in best[:5])
    symbol = max(float(features.symbol[p]) for p in best)
    return 1 / (1 + math.exp(-(-5.5 + 11.0 * similarity + 2.0 * coverage + 1.5 * symbol)))
