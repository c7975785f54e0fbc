"""Whether the documentation answers a question at all."""

import math

from molsys_chat_rag.candidates import Candidates

ANSWERABLE = 0.5
"""Confidence from which a question counts as answered by the documentation."""

INTERCEPT = -2.7
SIMILARITY = 6.8
COVERAGE = 2.9
SYMBOL = 0.3
UNKNOWN_NAME = -2.5
"""A logistic model fitted on the tune sets of ``tests/benchmarks/questions``, their questions out
of scope and questions on other projects; the intercept puts :data:`ANSWERABLE` where 4% of the
answerable questions are refused."""


def confidence(candidates: Candidates, best: list[int], *, unknown_name: bool) -> float:
    """Return how sure it is that the documentation answers a question, 0 to 1.

    :param best: positions of the first hits among the candidates, best first.
    :param unknown_name: whether the question names something, such as GAFF, that the documentation
        never mentions.
    """
    if not best:
        return 0.0
    features = candidates.features
    similarity = max(float(features.cosine[position]) for position in best)
    coverage = max(float(features.coverage[position]) for position in best[:5])
    symbol = max(float(features.symbol[position]) for position in best)
    logit = INTERCEPT + SIMILARITY * similarity + COVERAGE * coverage + SYMBOL * symbol
    logit += UNKNOWN_NAME * unknown_name
    return 1 / (1 + math.exp(-logit))
