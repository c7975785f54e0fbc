"""Whether the documentation answers a question at all.

A question out of scope is far from every section, or names what no section holds. Words are not
alike in this: that nobody writes "glue" or "ages" means little, "deuterium" or "WHAM" much. So a
word counts by how unfamiliar it is in general, which the embedding model's own vocabulary tells.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass, fields
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from molsys_chat_rag.reading.chunks import load_tokenizer
from molsys_chat_rag.search.candidates import Candidates
from molsys_chat_rag.search.lexical import Posting
from molsys_chat_rag.search.query import Query, names_unknown
from molsys_chat_rag.text.words import terms

ANSWERABLE = 0.5
"""Confidence from which a question counts as answered by the documentation."""
FIRST = 5
"""Hits that are asked for the question's words."""
LEAD_RANK = 10
"""The best text's cosine is compared with that of this one."""

Unfamiliarity = Callable[[str], float]
"""Returns how unfamiliar a word is in general, above 0."""


@dataclass(frozen=True, slots=True)
class Signs:
    """What speaks for and against an answer; also the weight of each in :data:`WEIGHTS`."""

    similarity: float
    """Best cosine of a hit."""
    lead: float
    """By how much the best cosine of all candidates exceeds the tenth."""
    coverage: float
    """Best coverage (see ``Features``) of the first five hits."""
    lacking: float
    """Share of the question's words that the first hit lacks, weighted by unfamiliarity."""
    lexical: float
    """BM25 of the first hit, divided by the best of all."""
    lacking_name: float
    """1 where it names something, such as GAFF or Markov, that none of the first five holds."""
    unknown_name: float
    """1 where it names something, such as GAFF, that the documentation never mentions."""


INTERCEPT = -1.03
WEIGHTS = Signs(
    similarity=3.21,
    lead=3.75,
    coverage=1.83,
    lacking=-2.08,
    lexical=0.75,
    lacking_name=-1.08,
    unknown_name=-0.64,
)
"""A logistic model, fitted by ``tests/benchmarks/fit_answerable.py`` on the tune sets; the
intercept puts :data:`ANSWERABLE` where 4% of their answerable questions are refused."""


def read_signs(
    query: Query,
    candidates: Candidates,
    best: Sequence[int],
    postings: Sequence[Posting],
    holding: NDArray[np.bool_],
    unfamiliarity: Unfamiliarity,
) -> Signs:
    """Return what speaks for and against an answer.

    :param best: positions of the hits among the candidates, best first, at least one.
    :param postings: entries of the question's terms that the documentation uses.
    :param holding: whether each of the first hits holds each posting's term, shape
        ``(min(FIRST, len(best)), len(postings))``.
    """
    features = candidates.features
    first = list(best[:FIRST])
    order = np.sort(features.cosine)[::-1]
    places = {posting.term: place for place, posting in enumerate(postings)}
    weights = _word_weights(query, unfamiliarity)
    total = sum(weights.values()) or 1.0
    held = sum(w for term, w in weights.items() if term in places and holding[0, places[term]])
    some = {term for term, place in places.items() if holding[:, place].any()}
    return Signs(
        similarity=float(features.cosine[list(best)].max()),
        lead=float(order[0] - order[min(LEAD_RANK, len(order)) - 1]),
        coverage=float(features.coverage[first].max()),
        lacking=1 - held / total,
        lexical=float(features.bm25[best[0]]),
        lacking_name=float(_lacks_name((*query.names, *query.proper), some)),
        unknown_name=float(names_unknown(query, places)),
    )


def confidence(signs: Signs) -> float:
    """Return how sure it is that the documentation answers a question, 0 to 1."""
    pairs = zip(astuple(WEIGHTS), astuple(signs), strict=True)
    logit = INTERCEPT + sum(weight * sign for weight, sign in pairs)
    return 1 / (1 + math.exp(-logit))


@lru_cache(maxsize=4)
def unfamiliarity_of(model_folder: Path) -> Unfamiliarity:
    """Return the measure that an embedding model's vocabulary gives; all its indexes share it.

    Vocabularies are sorted, about, from frequent pieces to rare ones, and a rare word takes
    several: the measure is the sum of the logarithms of its pieces' places.

    :raises EmbeddingError: if the folder holds no ``tokenizer.json``.
    """
    tokenizer = load_tokenizer(model_folder)

    def measure(word: str) -> float:
        ids = tokenizer.encode(word, add_special_tokens=False).ids
        return sum(math.log(2 + place) for place in ids) or 1.0

    return measure


def _word_weights(query: Query, unfamiliarity: Unfamiliarity) -> dict[str, float]:
    """Return, by term of a question, how unfamiliar the word is that it stands for."""
    words: dict[str, str] = {}
    for word in query.words:
        for term in terms(word):
            words.setdefault(term, word)
    return {term: unfamiliarity(words.get(term, term)) for term in query.terms}


def _lacks_name(names: Sequence[str], held: set[str]) -> bool:
    return any(held.isdisjoint(terms(name)) for name in names)


SIGNS = tuple(field.name for field in fields(Signs))
"""The signs' names, in order."""
