"""An index folder, opened: searching sections in it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import faiss
import numpy as np

from molsys_chat_rag.chunks import Chunk
from molsys_chat_rag.embedding import (
    Embedder,
    SentenceTransformerEmbedder,
    Vectors,
    find_model,
)
from molsys_chat_rag.errors import DamagedIndexError, ModelMismatchError
from molsys_chat_rag.folder import recover
from molsys_chat_rag.hits import Hit, Retrieval, Symbol
from molsys_chat_rag.lexical import content_words, match_expression
from molsys_chat_rag.manifest import Manifest, check_files, read_manifest
from molsys_chat_rag.ranking import Evidence, Weights, add_bonus, confidence, fuse
from molsys_chat_rag.sections import Section
from molsys_chat_rag.store import STORE, VECTORS, Store
from molsys_chat_rag.symbols import SymbolMatch, SymbolTable

DEPTH = 150
"""Chunks taken from each ranking."""
ANSWERABLE = 0.5
"""Confidence from which a question counts as answered by the documentation."""
EXCERPT = 300
"""Characters of an excerpt."""
FOLLOW_UP_WORDS = 3
"""A question of fewer content words leans on the one before it."""


class Index:
    """An opened index; safe to share between threads."""

    def __init__(
        self, folder: Path, manifest: Manifest, store: Store, vectors: faiss.Index,
        embedder: Embedder, weights: Weights,
    ) -> None:  # fmt: skip
        """Use :meth:`open`."""
        self.folder = folder
        self.manifest = manifest
        self.weights = weights
        self._store = store
        self._vectors = vectors
        self._embedder = embedder
        self._chunk_sections = store.chunk_sections()
        self._canonical = store.canonical()
        self._symbols = SymbolTable(store.symbols())
        self._first_chunk: dict[int, int] = {}
        for chunk, section in enumerate(self._chunk_sections):
            self._first_chunk.setdefault(section, chunk)

    @classmethod
    def open(
        cls, folder: Path, *, embedder: Embedder | None = None, weights: Weights | None = None
    ) -> "Index":
        """Open an index folder, every file of it checked against its digest.

        :param embedder: a loaded model to share; else the one that the manifest names is loaded.
        :raises IndexUnusableError: if there is no index, it is of another schema or damaged, or
            it was made with another embedding model.
        :raises EmbeddingError: if the model cannot be had.
        """
        recover(folder)
        manifest = read_manifest(folder)
        check_files(manifest, folder)
        faiss.omp_set_num_threads(1)  # waking threads costs more than a search does
        vectors = _read_vectors(folder / VECTORS, manifest)
        loaded = embedder or _load_embedder(manifest)
        _check_model(loaded, manifest, folder)
        store = Store(folder / STORE)
        return cls(folder, manifest, store, vectors, loaded, weights or Weights())

    def close(self) -> None:
        """Let go of the files."""
        self._store.close()

    @property
    def embedder(self) -> Embedder:
        """The loaded model, to share with other indexes made with it."""
        return self._embedder

    def url(self, address: str) -> str:
        """Return an address under the base URL; as it is where there is none."""
        return self.manifest.base_url + address

    def section(self, address: str) -> Section | None:
        """Return the section at an address, or at one of its further anchors."""
        found = self._store.find(address)
        return None if found is None else self._store.sections([found])[found]

    def symbol(self, name: str) -> Symbol | None:
        """Return the symbol of a full name, or the one whose last components it uniquely is."""
        return self._symbols.find(name)

    def search(
        self, question: str, *, k: int = 8, page: str = "", history: Sequence[str] = ()
    ) -> Retrieval:
        """Return the sections that speak to a question, best first.

        :param k: number of sections at most.
        :param page: the page that the reader is on; its sections are slightly preferred.
        :param history: the reader's earlier questions, oldest first; a question that says little
            by itself is searched together with the last of them.
        """
        query = _standalone(question, history)
        matches = self._symbols.match(question)
        vector = self._embedder.embed([query])
        found = fuse(self._dense(vector), self._lexical(query), self._chunk_sections, self.weights)
        named = self._named_sections(matches)
        add_bonus(found, self._bonus(named, matches), self._first_chunk)
        self._prefer_page(found, page)
        best = sorted(found.items(), key=lambda item: (-item[1].score, item[0]))[:k]
        return self._retrieval(query, self._with_cosines(best, vector[0]), named, matches)

    def _dense(self, vector: Vectors) -> list[tuple[int, float]]:
        cosines, rows = self._vectors.search(vector, min(DEPTH, self._vectors.ntotal))
        return [(int(r), float(c)) for r, c in zip(rows[0], cosines[0], strict=True) if r >= 0]

    def _lexical(self, query: str) -> list[tuple[int, float]]:
        expression = match_expression(query)
        if not expression:
            return []
        weights = (self.weights.heading, self.weights.names, self.weights.text)
        return self._store.match(expression, DEPTH, weights)

    def _with_cosines(
        self, best: Sequence[tuple[int, Evidence]], vector: Vectors
    ) -> list[tuple[int, Evidence]]:
        """Give the sections that only words or names found their cosine too."""
        return [
            (section, evidence)
            if evidence.similarity
            else (section, replace(evidence, similarity=self._cosine(evidence.chunk, vector)))
            for section, evidence in best
        ]

    def _cosine(self, chunk: int, vector: Vectors) -> float:
        return float(np.dot(self._vectors.reconstruct(chunk), vector))

    def _named_sections(self, matches: Sequence[SymbolMatch]) -> dict[str, tuple[int, int]]:
        """Return, by symbol, the row ids of its section and of the one that stands for its text."""
        named = {}
        for match in matches[:8]:
            row = self._store.find(match.symbol.address)
            if row is not None:
                named[match.symbol.name] = (row, self._canonical[row])
        return named

    def _bonus(
        self, named: Mapping[str, tuple[int, int]], matches: Sequence[SymbolMatch]
    ) -> dict[int, float]:
        bonus: dict[int, float] = {}
        for match in matches:
            if match.symbol.name in named:
                section = named[match.symbol.name][1]
                gain = self.weights.symbol * match.strength
                bonus[section] = max(bonus.get(section, 0.0), gain)
        return bonus

    def _prefer_page(self, found: dict[int, Evidence], page: str) -> None:
        if not page or not self.weights.same_page:
            return
        here = self._store.sections(list(found))
        bonus = {s: self.weights.same_page for s, section in here.items() if section.page == page}
        add_bonus(found, bonus, {})

    def _retrieval(
        self,
        query: str,
        best: Sequence[tuple[int, Evidence]],
        named: Mapping[str, tuple[int, int]],
        matches: Sequence[SymbolMatch],
    ) -> Retrieval:
        # A copy that the question names by its full name is shown at its own address.
        shown = {c: row for name, (row, c) in named.items() if name in query}
        rows = {section: shown.get(section, section) for section, _ in best}
        sections = self._store.sections(list(rows.values()))
        chunks = self._store.chunk_texts([evidence.chunk for _, evidence in best])
        words = content_words(query)
        hits = tuple(
            self._hit(sections[rows[s]], s, evidence, chunks[evidence.chunk], words)
            for s, evidence in best
        )
        sure = _confidence(hits, words, matches)
        return Retrieval(hits, answerable=sure >= ANSWERABLE, confidence=sure)

    def _hit(
        self, section: Section, canonical: int, evidence: Evidence, chunk: Chunk,
        words: Sequence[str],
    ) -> Hit:  # fmt: skip
        places = (*self._store.copies(canonical), self._address(canonical))
        return Hit(
            section=section,
            score=evidence.score,
            url=self.url(section.address),
            excerpt=excerpt(chunk.text or chunk.heading, words),
            similarity=evidence.similarity,
            also_at=tuple(sorted(set(places) - {section.address})),
        )

    def _address(self, row: int) -> str:
        return self._store.sections([row])[row].address


def _read_vectors(path: Path, manifest: Manifest) -> faiss.Index:
    try:
        vectors = faiss.read_index(str(path))
    except RuntimeError as error:
        raise DamagedIndexError(
            f"{path} cannot be read ({str(error).splitlines()[0]}): rebuild the index with --full"
        ) from None
    if vectors.d != manifest.model.dimension or vectors.ntotal != manifest.counts["chunks"]:
        raise DamagedIndexError(
            f"{path} holds {vectors.ntotal} vectors of {vectors.d} dimensions, its manifest says "
            f"{manifest.counts['chunks']} of {manifest.model.dimension}: rebuild it with --full"
        )
    return vectors


def _load_embedder(manifest: Manifest) -> Embedder:
    return SentenceTransformerEmbedder(find_model(manifest.model.id), threads=1)


def _check_model(embedder: Embedder, manifest: Manifest, folder: Path) -> None:
    model = embedder.model
    if model.digest != manifest.model.digest:
        raise ModelMismatchError(
            f"{folder} was built with the embedding model {manifest.model.id!r} (weights "
            f"{manifest.model.digest[:12]}…), but {model.id!r} has weights {model.digest[:12]}…: "
            "install the same model, or rebuild the index with --full"
        )


def _standalone(question: str, history: Sequence[str]) -> str:
    if history and len(content_words(question)) < FOLLOW_UP_WORDS:
        return f"{history[-1]} {question}"
    return question


def _confidence(hits: Sequence[Hit], words: Sequence[str], matches: Sequence[SymbolMatch]) -> float:
    if not hits:
        return 0.0
    similarity = max(hit.similarity for hit in hits)
    texts = [
        " ".join((*hit.section.path, *(b.text for b in hit.section.blocks))).lower()
        for hit in hits[:5]
    ]
    covered = [sum(word in text for word in words) / max(1, len(words)) for text in texts]
    return confidence(similarity, max(covered), matches[0].strength if matches else 0.0)


def excerpt(text: str, words: Sequence[str]) -> str:
    """Return the lines of a text from the one that holds most of the words, cut to an excerpt."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return ""
    found = [sum(word in line.lower() for word in words) for line in lines]
    start = int(np.argmax(found))
    while start > 0 and len(" ".join(lines[start:])) < EXCERPT // 2:
        start -= 1
    flat = re.sub(r"\s+", " ", " ".join(lines[start:]))
    return flat if len(flat) <= EXCERPT else flat[: EXCERPT - 1].rsplit(" ", 1)[0] + "…"
