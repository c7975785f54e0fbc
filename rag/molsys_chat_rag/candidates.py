"""From a question to scored texts: the dense and the lexical ranking, and all that speaks for each.

A *text* is a section that has chunks; texts are numbered in the order of their chunks. A vector's
row is a chunk's number, or, after all chunks, the number of a text's heading.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import faiss
import numpy as np
from numpy.typing import NDArray

from molsys_chat_rag.content import Text
from molsys_chat_rag.embedding import Vectors
from molsys_chat_rag.lexical import Posting, rarity
from molsys_chat_rag.ranking import Column, Features, Weights, score

DEPTH = 200
"""Rows taken from each ranking."""
LONE_CHUNK = 0.1
"""What the second cosine of a text of one chunk lies below its first."""

Numbers = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Candidates:
    """Texts that a question found; every array has shape ``(candidates,)``."""

    texts: Numbers
    """Their numbers."""
    scores: Column
    """Their scores, higher is better."""
    best_chunks: Numbers
    """The chunk of each that is nearest to the question."""
    features: Features
    """What the scores were made from."""

    def best(self, k: int) -> list[int]:
        """Return the positions of the best ``k`` candidates, best first."""
        order = np.lexsort((self.texts, -self.scores))
        return [int(position) for position in order[:k]]


class CandidateFinder:
    """Finds and scores texts; holds nothing that a search changes."""

    def __init__(
        self, vectors: faiss.IndexFlat, texts: Sequence[Text], pages: Sequence[str]
    ) -> None:
        """Take an index's vectors, its texts and the page of each."""
        self._vectors = vectors
        # A view, not a copy: valid as long as the index lives.
        self._matrix: Vectors = faiss.rev_swig_ptr(
            vectors.get_xb(), vectors.ntotal * vectors.d
        ).reshape(vectors.ntotal, vectors.d)
        self._counts = np.array([text.chunks for text in texts], dtype=np.intp)
        self._starts = np.concatenate([[0], np.cumsum(self._counts)[:-1]]).astype(np.intp)
        self._chunks = int(self._counts.sum())
        numbers = np.arange(len(texts), dtype=np.intp)
        self._row_text = np.concatenate([np.repeat(numbers, self._counts), numbers])
        self._stubs = np.array([text.stub for text in texts], dtype=np.float32)
        self._titles = [text.title_terms for text in texts]
        self._pages = np.array(pages)

    def rarities(self, postings: Sequence[Posting]) -> dict[str, float]:
        """Return BM25's weight of each term."""
        return {p.term: rarity(len(p.rows), self._chunks) for p in postings}

    def find(
        self,
        vector: Vectors,
        terms: Sequence[str],
        postings: Sequence[Posting],
        named: Mapping[int, float],
        page: str,
        weights: Weights,
    ) -> Candidates:
        """Return scored candidates.

        :param vector: the question's embedding, shape ``(1, dimension)``, L2-normalised.
        :param terms: the question's terms.
        :param postings: the inverted index's entries of those of them that have one.
        :param named: by text, how strongly the question names its symbol.
        :param page: the page that the reader is on; may be empty.
        """
        rare = self.rarities(postings)
        bm25 = self._bm25(postings, rare)
        found = np.unique(
            np.concatenate(
                [self._dense(vector), self._lexical(bm25), np.array([*named], dtype=np.intp)]
            )
        )
        features, best_chunks = self._features(
            found, vector[0], bm25, self._coverage(terms, postings, rare), terms, rare, named, page
        )
        return Candidates(found, score(features, weights), best_chunks, features)

    def _dense(self, vector: Vectors) -> Numbers:
        _, rows = self._vectors.search(vector, min(DEPTH, self._vectors.ntotal))
        found: Numbers = self._row_text[rows[0][rows[0] >= 0]]
        return found

    def _bm25(self, postings: Sequence[Posting], rare: Mapping[str, float]) -> Column:
        """Return the BM25 score of each chunk."""
        scores = np.zeros(self._chunks, dtype=np.float32)
        for posting in postings:
            scores[posting.rows] += np.float32(rare[posting.term]) * posting.impacts
        return scores

    def _lexical(self, bm25: Column) -> Numbers:
        depth = min(DEPTH, len(bm25))
        rows = np.argpartition(-bm25, depth - 1)[:depth]
        return self._row_text[rows[bm25[rows] > 0]]

    def _coverage(
        self, terms: Sequence[str], postings: Sequence[Posting], rare: Mapping[str, float]
    ) -> Column:
        """Return, by text, the share of the question's terms that it holds."""
        covered = np.zeros(len(self._counts), dtype=np.float32)
        for posting in postings:
            covered[np.unique(self._row_text[posting.rows])] += rare[posting.term]
        unknown = rarity(0, self._chunks) * (len(terms) - len(postings))
        total = sum(rare.values()) + unknown
        return covered / np.float32(total or 1.0)

    def _features(
        self,
        found: Numbers,
        vector: Vectors,
        bm25: Column,
        coverage: Column,
        terms: Sequence[str],
        rare: Mapping[str, float],
        named: Mapping[int, float],
        page: str,
    ) -> tuple[Features, Numbers]:
        counts = self._counts[found]
        ends = np.cumsum(counts)
        # All chunks of all candidates, one after the other, and where each candidate's begin.
        rows = np.repeat(self._starts[found] - (ends - counts), counts) + np.arange(ends[-1])
        begins = ends - counts
        cosines = self._matrix[rows] @ vector
        cosine = np.maximum.reduceat(cosines, begins)
        owner = np.repeat(np.arange(len(found)), counts)
        order = np.lexsort((-cosines, owner))
        best = rows[order[begins]]
        after = order[np.minimum(begins + 1, len(order) - 1)]
        second = np.where(counts > 1, cosines[after], cosine - LONE_CHUNK)
        asked = set(terms)
        features = Features(
            cosine=cosine,
            second=second.astype(np.float32),
            heading=self._matrix[self._chunks + found] @ vector,
            bm25=np.maximum.reduceat(bm25[rows], begins) / bm25.max(initial=np.float32(1e-6)),
            coverage=coverage[found],
            title=np.array([self._title_share(t, asked, rare) for t in found], dtype=np.float32),
            symbol=np.array([named.get(int(t), 0.0) for t in found], dtype=np.float32),
            stub=self._stubs[found],
            same_page=(self._pages[found] == page).astype(np.float32) if page else found * 0.0,
        )
        return features, best

    def _title_share(self, text: int, asked: set[str], rare: Mapping[str, float]) -> float:
        title = self._titles[text]
        if not title or asked.isdisjoint(title):
            return 0.0
        most = max(rare.values(), default=1.0)
        told = sum(rare.get(term, most) for term in title if term in asked)
        return told / (told + sum(most for term in title if term not in asked))
