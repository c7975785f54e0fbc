"""From a question to scored texts: the dense and the lexical ranking, and all that speaks for each.

A *text* is a section that has chunks; texts are numbered in the order of their chunks. A vector's
row is a chunk's number, or, after all chunks, the number of a text's heading.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import faiss
import numpy as np
from numpy.typing import NDArray

from molsys_chat_rag.content import Text
from molsys_chat_rag.embedding.models import Vectors
from molsys_chat_rag.search.lexical import Posting, rarity
from molsys_chat_rag.search.nearest import NearestVectors
from molsys_chat_rag.search.ranking import Column, Features, Weights, score, spread

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
    """Their scores, higher is better; what crowds a page has lost some."""
    best_chunks: Numbers
    """The chunk of each that is nearest to the question."""
    features: Features
    """What the scores were made from."""

    def reordered(self, positions: Sequence[int]) -> "Candidates":
        """Return the candidates with some of the best in another order, their scores exchanged.

        :param positions: of the best ones, in the new order, best first.
        """
        places = np.array(positions, dtype=np.intp)
        scores = self.scores.copy()
        scores[places] = np.sort(self.scores[places])[::-1]
        return replace(self, scores=scores)

    def best(self, k: int) -> list[int]:
        """Return the positions of the best ``k`` candidates, best first."""
        order = np.lexsort((self.texts, -self.scores))
        return [int(position) for position in order[:k]]


class CandidateFinder:
    """Finds and scores texts; holds nothing that a search changes."""

    def __init__(
        self,
        vectors: faiss.IndexFlat,
        texts: Sequence[Text],
        pages: Sequence[str],
        other_language: Column,
    ) -> None:
        """Take an index's vectors, its texts, and of each its page and whether it is in C or C++.

        :param other_language: see :func:`molsys_chat_rag.search.other_language.other_language`.
        """
        self._other_language = other_language
        self._nearest = NearestVectors(vectors)
        self._matrix = self._nearest.matrix
        self._counts = np.array([text.chunks for text in texts], dtype=np.intp)
        self._starts = np.concatenate([[0], np.cumsum(self._counts)[:-1]]).astype(np.intp)
        self._chunks = int(self._counts.sum())
        numbers = np.arange(len(texts), dtype=np.intp)
        self._row_text = np.concatenate([np.repeat(numbers, self._counts), numbers])
        self._stubs = np.array([text.stub for text in texts], dtype=np.float32)
        self._titles = [text.title_terms for text in texts]
        self._page_numbers = {page: number for number, page in enumerate(dict.fromkeys(pages))}
        self._pages = np.array([self._page_numbers[page] for page in pages], dtype=np.int32)

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
        *,
        asks_other_language: bool,
    ) -> Candidates:
        """Return scored candidates.

        :param vector: the question's embedding, shape ``(1, dimension)``, L2-normalised.
        :param terms: the question's terms.
        :param postings: the inverted index's entries of those of them that have one.
        :param named: by text, how strongly the question names its symbol.
        :param page: the page that the reader is on; may be empty.
        :param asks_other_language: whether C and C++ are what is asked for.
        """
        rare = self.rarities(postings)
        bm25 = self._bm25(postings, rare)
        found = np.unique(
            np.concatenate(
                [self._dense(vector), self._lexical(bm25), np.array([*named], dtype=np.intp)]
            )
        )
        features, best_chunks = self._features(
            found,
            vector[0],
            bm25,
            self._coverage(found, terms, postings, rare),
            terms,
            rare,
            named,
            page,
        )
        if asks_other_language:
            features = replace(features, other_language=np.zeros_like(features.other_language))
        scores = spread(score(features, weights), self._pages[found])
        return Candidates(found, scores, best_chunks, features)

    def holding(self, texts: Numbers, postings: Sequence[Posting]) -> NDArray[np.bool_]:
        """Return which texts hold which postings' terms, shape ``(texts, postings)``."""
        found = np.zeros((len(texts), len(postings)), dtype=np.bool_)
        begins = self._starts[texts].astype(np.int32)
        ends = begins + self._counts[texts].astype(np.int32)
        for place, posting in enumerate(postings):
            rows = posting.rows
            found[:, place] = np.searchsorted(rows, ends) > np.searchsorted(rows, begins)
        return found

    def _dense(self, vector: Vectors) -> Numbers:
        found: Numbers = self._row_text[self._nearest.search(vector, DEPTH)]
        return found

    def _bm25(self, postings: Sequence[Posting], rare: Mapping[str, float]) -> Column:
        """Return the BM25 score of each chunk."""
        scores = np.zeros(self._chunks, dtype=np.float32)
        for posting in postings:
            scores[posting.rows] += np.float32(rare[posting.term]) * posting.impacts
        return scores

    def _lexical(self, bm25: Column) -> Numbers:
        """Return the texts of the best chunks; the earlier of two that are equally good."""
        rows = np.flatnonzero(bm25)
        if len(rows) > DEPTH:
            scores = bm25[rows]
            worst = np.partition(scores, len(rows) - DEPTH)[len(rows) - DEPTH]
            sure = rows[scores > worst]
            rows = np.concatenate([sure, rows[scores == worst][: DEPTH - len(sure)]])
        found: Numbers = self._row_text[rows]
        return found

    def _coverage(
        self,
        found: Numbers,
        terms: Sequence[str],
        postings: Sequence[Posting],
        rare: Mapping[str, float],
    ) -> Column:
        """Return, by candidate, the share of the question's terms that it holds."""
        covered = np.zeros(len(found), dtype=np.float32)
        holding = self.holding(found, postings)
        for place, posting in enumerate(postings):
            covered[holding[:, place]] += rare[posting.term]
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
            coverage=coverage,
            title=np.array([self._title_share(t, asked, rare) for t in found], dtype=np.float32),
            symbol=np.array([named.get(int(t), 0.0) for t in found], dtype=np.float32),
            stub=self._stubs[found],
            same_page=(self._pages[found] == self._page_numbers.get(page, -1)).astype(np.float32),
            other_language=self._other_language[found],
        )
        return features, best

    def _title_share(self, text: int, asked: set[str], rare: Mapping[str, float]) -> float:
        title = self._titles[text]
        if not title or asked.isdisjoint(title):
            return 0.0
        most = max(rare.values(), default=1.0)
        told = sum(rare.get(term, most) for term in title if term in asked)
        return told / (told + sum(most for term in title if term not in asked))
