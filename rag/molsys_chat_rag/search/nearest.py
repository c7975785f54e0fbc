"""The vectors that are nearest to a question's: by reading all of them, or all of their signs.

Up to :data:`EXACT_UP_TO` vectors every one is compared. Beyond, reading them all takes longer than
the rest of a search: there the signs of their components, a bit each, choose :data:`SHORTLIST`
vectors by Hamming distance, and these are compared exactly. Figures: ``demo_docs/capacity.md``.
"""

import faiss
import numpy as np
from numpy.typing import NDArray

from molsys_chat_rag.embedding.models import Vectors

EXACT_UP_TO = 50_000
"""Vectors up to which all are compared."""
SHORTLIST = 4_000
"""Vectors that are compared where there are more."""

Numbers = NDArray[np.intp]


class NearestVectors:
    """Finds the vectors of an index that are nearest to another; holds nothing that changes."""

    def __init__(self, vectors: faiss.IndexFlat) -> None:
        """Take an index's vectors, L2-normalised."""
        self._vectors = vectors
        # A view, not a copy: valid as long as the index lives.
        self.matrix: Vectors = faiss.rev_swig_ptr(
            vectors.get_xb(), vectors.ntotal * vectors.d
        ).reshape(vectors.ntotal, vectors.d)
        self._signs: faiss.IndexBinaryFlat | None = None
        if vectors.ntotal > EXACT_UP_TO:
            self._middle = self.matrix.mean(axis=0)
            self._signs = self._sign_index()

    def _sign_index(self) -> faiss.IndexBinaryFlat:
        width = -(-self._vectors.d // 8) * 8
        signs = faiss.IndexBinaryFlat(width)
        # Counting distances is faster than keeping a heap of so many.
        signs.use_heap = False  # type: ignore[attr-defined]  # faiss's stubs lack it
        for start in range(0, len(self.matrix), EXACT_UP_TO):
            signs.add(self._bits(self.matrix[start : start + EXACT_UP_TO]))
        return signs

    def _bits(self, vectors: Vectors) -> NDArray[np.uint8]:
        """Return a bit a component: whether it is above the middle of all; shape (n, bytes)."""
        return np.packbits(vectors > self._middle, axis=1)

    def search(self, vector: Vectors, depth: int) -> Numbers:
        """Return the numbers of the ``depth`` nearest vectors, in no order.

        :param vector: shape ``(1, dimension)``, L2-normalised.
        """
        # OpenMP keeps this for each thread; waking others costs more than a search does.
        faiss.omp_set_num_threads(1)
        depth = min(depth, self._vectors.ntotal)
        if self._signs is None:
            _, found = self._vectors.search(vector, depth)
            return np.asarray(found[0], dtype=np.intp)
        _, short = self._signs.search(self._bits(vector), max(SHORTLIST, depth))
        rows = np.sort(short[0])
        near = self.matrix[rows] @ vector[0]
        return np.asarray(rows[np.argpartition(-near, depth - 1)[:depth]], dtype=np.intp)
